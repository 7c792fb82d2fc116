"""Which galaxies there are: made again as they were evaluated, opened from files, and whose."""

import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.build import MapOptions, build
from data.catalog import CATALOG
from data.cutouts import write_cutout
from data.sources import Synthetic
from data.synthetic import synthesize
from engine.evaluation import Evaluation
from engine.shelf import evaluations
from explorer import galaxies, library, ownfiles, thumbnails
from explorer.galaxies import HOLD_OUT, OWN, Offer, Register, hold_out_offers, open_file
from explorer.ownfiles import OwnFiles, allowed_path
from explorer.session import Session
from explorer.store import Store
from explorer.views.gallery import chosen_offers, scores, sorted_offers

SMALL = {"num_gas": 2000, "num_dark_matter": 2000, "num_stars": 1000}


@pytest.fixture(scope="module")
def cutout(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "mine.hdf5"
    write_cutout(synthesize(7, **SMALL), path)
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "maps"
    build(path, [Synthetic(3), Synthetic(4)], MapOptions(16, rotations=2), workers=1)
    return path


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(Session, "_load", lambda self: None)

    def read(self, work, show, fail=None):
        try:
            show(work())
        except ValueError as error:
            fail(str(error))
        return True

    monkeypatch.setattr(Session, "read", read)
    return Session(Store(cards={}))


@pytest.mark.skipif(not evaluations(), reason="nothing was evaluated")
def test_hold_out_galaxies_are_those_that_were_evaluated():
    path = next(iter(evaluations().values()))
    evaluation = Evaluation.read(path)
    offers = {offer.name: offer for offer in hold_out_offers([evaluation])}
    assert list(offers) == list(evaluation.column("name"))
    assert {offer.split for offer in offers.values()} == {"test"}
    name = evaluation.column("name")[0]
    galaxy = offers[name].load()
    assert galaxy.kind == evaluation.column("kind")[0]
    true = evaluation["truth/total"][evaluation.maps.domains.index("stars"), 0]
    scene = library.load_scene(name, 1, evaluation.maps.grid_size)
    pixel = scene.extent_kpc / evaluation.maps.grid_size
    assert scene.maps["stars"].sum(dtype=float) * pixel**2 == pytest.approx(true, rel=1e-3)
    assert scene.extent_kpc == pytest.approx(evaluation.galaxies["extent_kpc"][0])


def test_a_galaxy_that_is_made_otherwise_now_is_not_shown():
    with pytest.raises(ValueError, match="was evaluated with 1e\\+06 Msun of stars"):
        galaxies._as_evaluated(Synthetic(3), 1e6)


def test_names_of_other_makers_are_no_recipes():
    assert galaxies._synthetic("synthetic-000012", 0.0) == Synthetic(12)
    assert galaxies._synthetic("synthetic-000012/z0.5", 0.5) == Synthetic(12, 0.5)
    for name in ("synthetic-12", "TNG50-1/99/subhalo-3", "synthetic-000012/z0.5", ""):
        assert galaxies._synthetic(name, 0.0) is None


def test_a_cutout_is_opened_with_its_particles(cutout):
    (offer,) = open_file(cutout, "mine.hdf5", "abcd")
    assert (offer.name, offer.origin) == ("synthetic-000007@abcd", OWN)
    register = Register(list)
    register.admit([offer])
    assert register.find(offer.name) is offer
    assert len(offer.load().particles["gas"]) == SMALL["num_gas"]
    register.forget([offer.name])
    with pytest.raises(ValueError, match="galaxy must be one of"):
        library.GALAXIES.find(offer.name)


def test_a_store_is_opened_with_the_rotations_that_it_has(store):
    offers = open_file(store, "maps", "abcd")
    assert [offer.title for offer in offers] == ["synthetic-000003", "synthetic-000004"]
    assert {offer.store.parent for offer in offers} == {store.resolve()}
    library.GALAXIES.admit(offers)
    try:
        scene = library.load_scene(offers[1].name, 2, 64)
        assert scene.maps["gas"].shape == (16, 16)
        made = library._scene_of(library.prepare(Synthetic(4).load()), 2, 16, None)
        np.testing.assert_allclose(scene.maps["gas"], made.maps["gas"], rtol=1e-3)
        np.testing.assert_allclose(scene.matrix, made.matrix)
        assert scene.orientation is None
        with pytest.raises(ValueError, match="has 2 rotations of synthetic-000004, got rotation 3"):
            library.load_scene(offers[1].name, 3, 64)
        with pytest.raises(ValueError, match="has maps alone"):
            library.load_galaxy(offers[1].name)
    finally:
        library.GALAXIES.forget(offer.name for offer in offers)


@pytest.mark.parametrize("content", [b"", b"no HDF5 at all", b"\x89HDF\r\n\x1a\n" + 99 * b"\0"])
def test_what_is_neither_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "bad.hdf5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.hdf5 is refused"):
        open_file(path, path.name, "abcd")
    with pytest.raises(ValueError, match="without the shards"):
        open_file(tmp_path, "folder", "abcd")
    with pytest.raises(ValueError, match="is no file"):
        open_file(tmp_path / "none", "none", "abcd")


def test_paths_stay_in_the_data_folders(tmp_path, monkeypatch, cutout):
    monkeypatch.delenv(ownfiles.ROOTS_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="no path can be opened"):
        allowed_path(str(cutout))
    monkeypatch.setenv(ownfiles.ROOTS_VARIABLE, str(tmp_path))
    (tmp_path / "link.hdf5").symlink_to(cutout)
    for words in (str(cutout), "link.hdf5", "../own0/mine.hdf5", "none.hdf5", "/etc/passwd"):
        with pytest.raises(ValueError, match="no such file or folder in the server's data folders"):
            allowed_path(words)
    monkeypatch.setenv(ownfiles.ROOTS_VARIABLE, str(cutout.parent))
    assert allowed_path("mine.hdf5") == allowed_path(str(cutout)) == cutout.resolve()


def test_an_upload_is_known_to_its_session_alone_and_gone_with_it(session, cutout):
    files, other = OwnFiles(session), Store(cards={})
    files.open_upload("C:\\data\\mine.hdf5", cutout.read_bytes())
    assert files.notice == "Opened: 1 galaxy."
    name = session.store.galaxy
    assert name.startswith("synthetic-000007@")
    path = library.GALAXIES.find(name).cutout.path
    assert path.name == "mine.hdf5"
    assert path.is_file()
    assert name not in other.galaxies
    assert "which is not a galaxy of the list" in other.accept({"galaxy": name})[0]
    session.close()
    assert not path.exists()
    with pytest.raises(ValueError, match="galaxy must be one of"):
        library.GALAXIES.find(name)


def test_uploads_have_limits_and_leave_nothing_that_was_refused(session, monkeypatch):
    files = OwnFiles(session)
    before = session.store.galaxy
    files.open_upload("text.hdf5", b"text")
    assert "text.hdf5 is refused" in files.notice
    assert not list(Path(files._folder).rglob("*.hdf5"))
    monkeypatch.setattr(ownfiles, "MAX_BYTES", 3)
    files.open_upload("text.hdf5", b"text")
    assert "text.hdf5 is refused: it has 0 MiB" in files.notice
    assert session.store.galaxy == before
    assert not files.busy


def test_an_upload_that_there_is_no_room_for_is_said_and_the_next_one_taken(
    session, cutout, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed = tmp_path / ".galactic-alchemy.00000000-1-0123abcd0.partial"
    (killed / "of-a-server-that-died").mkdir(parents=True)
    os.utime(killed, (0, 0))
    files = OwnFiles(session)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        files.open_upload("mine.hdf5", cutout.read_bytes())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files.notice.startswith("there is no room for mine.hdf5 (File too large): what was")
    assert not files.busy
    assert not list(tmp_path.rglob("*.hdf5"))
    assert not killed.exists()
    files.open_upload("mine.hdf5", cutout.read_bytes())
    assert files.notice == "Opened: 1 galaxy."
    session.close()
    assert not list(tmp_path.iterdir())


def offer(name, **values):
    return Offer(name, name, values.pop("kind", "spiral"), values.pop("redshift", 0.0),
                 values.pop("origin", HOLD_OUT), **values)  # fmt: skip


def test_filters_and_orders():
    light, heavy = offer("light", stellar_mass=1e8), offer("heavy", stellar_mass=1e11, redshift=1.0)
    unknown = offer("unknown", kind="merger", origin=OWN, split="test")
    every = [light, unknown, heavy]
    assert chosen_offers(every) == every
    assert chosen_offers(every, kind="merger") == [unknown]
    assert chosen_offers(every, origin=HOLD_OUT) == [light, heavy]
    assert chosen_offers(every, split="test") == [unknown]
    assert chosen_offers(every, redshifts=(0.5, 2.0)) == [heavy]
    assert chosen_offers(every, masses=(1e9, 1e12)) == [unknown, heavy]
    assert sorted_offers(every, "stellar_mass", {}) == [heavy, light, unknown]
    assert sorted_offers(every, "crps_dex", {"heavy": 0.2, "unknown": 0.1}) == [
        unknown, heavy, light,
    ]  # fmt: skip


@pytest.mark.skipif("ddpm" not in evaluations(), reason="the DDPM was not evaluated")
def test_scores_are_those_of_the_evaluation():
    evaluation = Evaluation.read(evaluations()["ddpm"])
    found = scores("ddpm", "gas", "stars")
    assert set(found) <= set(evaluation.column("name"))
    mean = evaluation.direction("gas", "stars").crps_dex()
    assert np.mean(list(found.values())) == pytest.approx(mean, rel=1e-5)
    assert scores("none", "gas", "stars") == scores(None, "gas", "stars") == {}


def test_a_picture_has_the_galaxy_the_right_way_up(monkeypatch):
    values = np.ones((thumbnails.SIDE, thumbnails.SIDE), np.float32)
    values[:16, :32] = 1e3
    sketch = thumbnails.Sketch({"gas": values}, np.nan, np.nan)
    monkeypatch.setattr(thumbnails, "sketch", lambda name: sketch)
    import io
    from base64 import b64decode

    from PIL import Image

    address = thumbnails.picture("any", "gas")
    image = Image.open(io.BytesIO(b64decode(address.split(",")[1]))).convert("L")
    pixels = np.asarray(image, float)
    side = len(pixels)
    assert pixels[-side // 8, side // 8] > 2 * pixels[side // 8, side // 8]
    assert thumbnails.picture("any", "stars") == ""


def test_the_gallery_tells_the_stellar_mass_that_stands_beside_the_maps(run, monkeypatch):
    side = thumbnails.SIDE
    maps = {"stars": np.full((side, side), 2.0, np.float32)}
    known = replace(run.scene, maps=maps, properties={"stellar_mass": 7e10})
    for scene, mass in ((known, 7e10), (replace(known, properties={}), 2.0 * 40.0**2)):
        monkeypatch.setattr(thumbnails, "SKETCHES", library.Shelf(capacity=1, max_bytes=10**7))
        monkeypatch.setattr(library, "load_scene", lambda *given, s=scene: s)
        assert thumbnails.sketch("any").stellar_mass == pytest.approx(mass)


def test_the_catalog_comes_first():
    names = list(library.GALAXIES.shared)
    assert names[: len(CATALOG)] == [entry.name for entry in CATALOG]
