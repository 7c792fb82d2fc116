"""What is fuzzed: for each reader a whole file, how it is spoiled, and how it is read.

A reader returns where the answer is right as far as the file alone can tell, and raises one of the
errors that it promises where there is none. Anything else is a finding.
"""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import numpy as np
import torch
import yaml
from mutations import ODD, spoil_bytes, spoil_hdf5, spoil_json

from data.cutouts import CutoutError, read_cutout, write_cutout
from data.domains import DOMAINS
from data.galaxy import Galaxy, Particles
from data.normalize import DEFAULT
from data.published import read_published, write_published
from data.shards import Layout, Record, StoreError
from data.sources import read_centers
from data.store import MapStore
from engine.checkpoint import CheckpointError, read_card, save_checkpoint
from engine.evaluation import Evaluation, EvaluationError, MapSet, Method
from engine.evaluation.schema import CASE, DIRECTION, GALAXY
from engine.networks import network_fields
from engine.networks.dim import DiM, DiMConfig
from engine.networks.unet import UNet, UNetConfig
from engine.translator import Translator
from train.config import ConfigError, load_config


@dataclass(frozen=True)
class Reader:
    """One thing that reads.

    Attributes
    ----------
    make : writes a whole file, or a folder, at a path.
    spoil : changes the file or folder at a path, with a generator.
    read : reads it.
    errors : what it may raise.
    share : of all inputs.
    """

    make: Callable[[Path, int], None]
    spoil: Callable[[Path, np.random.Generator], None]
    read: Callable[[Path], None]
    errors: tuple[type[Exception], ...]
    share: float = 1.0


# ---- cutouts


def make_cutout(path, variant):
    rng = np.random.default_rng(variant)

    def particles(count, **fields):
        masses = np.full(count, 5e5) if variant % 2 else rng.uniform(1e5, 2e5, count)
        return Particles(rng.normal(0, 5, (count, 3)), masses, fields)

    n = 70
    gas = particles(
        n, density=rng.uniform(1e4, 1e6, n), electron_abundance=rng.uniform(0, 1.1, n),
        temperature=rng.uniform(1e4, 1e5, n), magnetic_field=rng.normal(0, 1e-6, (n, 3)),
        star_formation_rate=np.zeros(n), velocities=rng.normal(0, 100, (n, 3)),
    )  # fmt: skip
    parts = {"gas": gas, "dark_matter": particles(60), "stars": particles(20, age=np.ones(20))}
    write_cutout(Galaxy("galaxy", 0.5, parts, "spiral", {"halo_mass": 1e12}), path)


def check_cutout(path):
    galaxy = read_cutout(path)
    assert math.isfinite(galaxy.redshift), "a redshift that is not finite"
    for particles in galaxy.particles.values():
        assert (particles.masses > 0).all(), "a mass that is not positive"
        for values in (particles.coordinates, particles.masses, *particles.fields.values()):
            assert len(values) == len(particles) > 0, "fields of several lengths"
            assert np.isfinite(values).all(), "values that are not finite"
    str(galaxy.name).encode()


def spoil_file(path, rng):
    """Spoil an HDF5 file blindly, or so that the library reads it, or both."""
    if rng.random() < 0.6:
        spoil_hdf5(path, rng)
        if rng.random() < 0.8:
            return
    path.write_bytes(spoil_bytes(path.read_bytes(), rng))


# ---- stores


def records(variant):
    rng = np.random.default_rng(variant)
    maps = {name: 10.0 ** rng.uniform(4, 8, (16, 16)) for name in ("gas", "stars")}
    for i in range(3):
        yield Record(f"galaxy-{i}", "spiral", 0.1, 30.0, i, np.eye(3), maps, {"gas": 1e9})


def make_store(path, variant):
    store = MapStore.create(path, Layout(("gas", "stars"), 16, {"rotations": 1}))
    store.add(list(records(variant)))
    store.write_index()


def make_shard(path, variant):
    folder = path.parent / f"folder-{variant}"
    make_store(folder, variant)
    next(folder.glob("shard-*")).replace(path)
    shutil.rmtree(folder)


def check_store(path):
    with MapStore.open(path) as store:
        maps = store.read()
        assert maps.shape == (len(store), len(store.domains), store.grid_size, store.grid_size)
        for name in store.index.dtype.names:
            assert len(store.column(name)) == len(store)
        store.select(split="train", redshift=(0.0, 1.0))
        store.damaged()


def spoil_store(path, rng):
    files = sorted(path.iterdir())
    one = files[int(rng.integers(len(files)))]
    if one.suffix == ".json" and rng.random() < 0.7:
        one.write_text(json.dumps(spoil_json(json.loads(one.read_text()), rng)))
    elif one.suffix == ".json":
        one.write_bytes(spoil_bytes(one.read_bytes(), rng))
    else:
        spoil_file(one, rng)


def make_published(path, variant):
    folder = path.parent / f"published-{variant}"
    make_store(folder, variant)
    with MapStore.open(folder) as store:
        written = list(write_published(store, path.parent / f"files-{variant}"))
    Path(written[0]).replace(path)
    shutil.rmtree(path.parent / f"files-{variant}")
    shutil.rmtree(folder)


def check_published(path):
    folder = path.parent / "converted"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with read_published([path], folder) as store:
            store.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_centers(path, variant):
    path.write_text("name,x_kpc,y_kpc,z_kpc,radius_kpc\na,1,2,3,10\n" + f"b,{variant},5,6,20.5\n")


def spoil_text(path, rng):
    path.write_bytes(spoil_bytes(path.read_bytes(), rng))


# ---- evaluations


def make_evaluation(path, variant):
    galaxies = np.zeros(6, GALAXY)
    galaxies["name"] = [f"toy-{i}" for i in range(6)]
    directions = np.array([("gas", "stars", 4, True), ("gas", "hi", 2, False)], DIRECTION)
    cases = np.array([("spiral", 0), ("merger", 1)], CASE)
    lengths = {"radius": 4, "scale": 8, "side": 8, "error_side": 4}
    method = Method("toy", "Toy", "flow", 2, 4, 4, sampler="ddim", notes=("one", "two"))
    maps = MapSet("toys", "test", 16, ("gas", "stars", "hi"))
    made = Evaluation.blank(method, maps, (galaxies, directions, cases), lengths)
    rng = np.random.default_rng(variant)
    for values in made.arrays.values():
        values[...] = rng.uniform(1, 2, values.shape)
    made.write(path)


def check_evaluation(path):
    found = Evaluation.read(path)
    found.scores()
    found.column("name")
    for pair in found.pairs:
        direction = found.direction(*pair)
        if len(direction.rows):  # As those do who show them.
            direction.scores()


# ---- checkpoints


def make_checkpoint(path, variant):
    torch.manual_seed(variant)
    if variant % 2:
        network = DiM(DiMConfig(width=16, depth=2, patch=4, state=4, head_width=8))
    else:
        network = UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), patch=2))
    card = {
        "name": "small", "title": "Small", "family": ("ddpm", "edm", "flow", "indi")[variant % 4],
        "process": {}, "network": network_fields(network.config), "domains": list(DOMAINS),
        "grid_size": 16, "normalization": DEFAULT.to_json(), "default_steps": 2,
    }  # fmt: skip
    save_checkpoint(path, network.state_dict(), card)


def spoil_card(path, rng):
    card = path / "card.json"
    if rng.random() < 0.75:
        card.write_text(json.dumps(spoil_json(json.loads(card.read_text()), rng)))
    else:
        card.write_bytes(spoil_bytes(card.read_bytes(), rng))


def spoil_weights(path, rng):
    weights = path / "model.safetensors"
    raw = weights.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    kind = rng.random()
    if kind < 0.5:
        header = json.dumps(spoil_json(json.loads(raw[8 : 8 + length]), rng)).encode()
        raw = len(header).to_bytes(8, "little") + header + raw[8 + length :]
    elif kind < 0.6:
        raw = int(2 ** rng.uniform(0, 64)).to_bytes(9, "little")[:8] + raw[8:]
    else:
        raw = spoil_bytes(raw[: 8 + length], rng) + raw[8 + length :]
    weights.write_bytes(raw)


def check_checkpoint(path):
    read_card(path)
    translator = Translator.load(path, device="cpu")
    count = sum(p.numel() for p in translator.network.parameters())
    assert count < 10**6, "more parameters than there are weights"


# ---- configurations and addresses


def make_config(path, variant):
    text = sorted((Path(__file__).parents[2] / "train" / "configs").glob("*.yaml"))
    path.write_text(text[variant % len(text)].read_text())


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(20)
)
YAML = (
    BOMB, BOMB + "name: *u\ntitle: b\nfamily: ddpm\n", "[" * 20_000, "{" * 5_000, "a: " * 3_000,
    "- " * 5_000, "&a [*a]", "name: &a {b: *a}\ntitle: t\nfamily: *a", "<<: &a {<<: *a}",
    "!!python/object/apply:os.system ['true']", "!!python/name:os.system", "? {a: b}\n: c",
    "? [a]\n: c", "2001-13-45", "name: 2001-13-45", "!!binary '*'", "!!timestamp x", "1" * 5_000,
    "steps: " + "1" * 5_000, "steps: 0x" + "f" * 100_000, "\0", "\x85", "%YAML 9.9\n---\na",
    "steps: 190:20:30", "!!omap [1]", "!!pairs [1]", "!!int x", "!!float x", "!!null x", "!!bool x",
    "steps: 1_", "steps: _", "steps: -_", "steps: .", "steps: 0b", "steps: 0x_",
    "network: !!int ''", "!!set", BOMB + "steps: *u", BOMB + "name: a\ntitle: b\nfamily: *u",
)  # fmt: skip


def spoil_config(path, rng):
    kind = rng.random()
    if kind < 0.5:
        fields = spoil_json(yaml.safe_load(path.read_text()), rng)
        path.write_text(json.dumps(fields))
    elif kind < 0.85:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
    else:
        extra = YAML[int(rng.integers(len(YAML)))]
        start = path.read_text() if rng.random() < 0.3 else ""
        path.write_bytes((start + extra).encode())


def make_address(path, variant):
    query = {"galaxy": "a", "rotation": 1 + variant, "source": "gas", "target": "hi", "steps": 8,
             "seed": 3, "guidance": 1.0, "step": 0, "translator": "ddpm"}  # fmt: skip
    path.write_text(urlencode(query))


def spoil_address(path, rng):
    text = path.read_text()
    if rng.random() < 0.3:
        path.write_bytes(spoil_bytes(text.encode(), rng))
        return
    query = {key: values[0] for key, values in parse_qs(text).items()}
    for _ in range(int(rng.integers(1, 4))):
        key = list(query)[int(rng.integers(len(query)))]
        query[key] = ODD[int(rng.integers(len(ODD)))]
    path.write_text(json.dumps(query))


def parsed(text):
    """Return the values of an address, numbers as numbers, as Panel hands them on."""
    query = {}
    for key, values in parse_qs(text).items():
        try:
            query[key] = json.loads(values[0])
        except ValueError:
            query[key] = values[0]
    return query


def check_address(path):
    from explorer.store import Store

    text = path.read_bytes().decode("utf-8", "replace")
    try:
        query = json.loads(text)
    except ValueError:
        query = parsed(text)
    store = Store()
    for sentence in store.accept(query if isinstance(query, dict) else {"galaxy": query}):
        assert "\n" not in sentence, "a complaint of several lines"
    assert not Store().accept(parsed(store.address()[1:])), "an address of ours is refused"


CHECKPOINT = (CheckpointError,)
READERS = {
    "cutout": Reader(make_cutout, spoil_file, check_cutout, (CutoutError,), 3.0),
    "shard": Reader(make_shard, spoil_file, check_store, (StoreError,), 2.0),
    "store": Reader(make_store, spoil_store, check_store, (StoreError,), 2.0),
    "published": Reader(make_published, spoil_file, check_published, (StoreError,), 0.7),
    "centers": Reader(make_centers, spoil_text, lambda p: read_centers(p, p), (ValueError,), 0.3),
    "evaluation": Reader(make_evaluation, spoil_file, check_evaluation, (EvaluationError,), 1.5),
    "card": Reader(make_checkpoint, spoil_card, check_checkpoint, CHECKPOINT, 0.6),
    "weights": Reader(make_checkpoint, spoil_weights, check_checkpoint, CHECKPOINT, 0.4),
    "configuration": Reader(make_config, spoil_config, load_config, (ConfigError,), 1.5),
    "address": Reader(make_address, spoil_address, check_address, (), 0.6),
}
