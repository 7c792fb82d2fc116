"""Cards, configurations and addresses of any content: an answer, or one sentence of ours."""

import dataclasses
import json
from urllib.parse import parse_qs, urlencode

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.domains import DOMAINS
from data.normalize import DEFAULT
from engine.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from engine.networks import network_fields
from engine.networks.unet import UNet, UNetConfig
from explorer.store import ADDRESS, Store
from train.config import ConfigError, FitConfig, load_config

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([10**12, -1, 2**63, "../../etc/passwd", "gas", "unet", "x" * 5000])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
SETTINGS = settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Folder and card of a small checkpoint."""
    torch.manual_seed(0)
    network = UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), patch=2))
    card = {
        "name": "small", "title": "Small", "family": "ddpm", "process": {},
        "network": network_fields(network.config), "domains": list(DOMAINS), "grid_size": 16,
        "normalization": DEFAULT.to_json(), "default_steps": 2,
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, network.state_dict(), card)
    return folder, card


def is_refused(read, error):
    """Tell whether `read` raises `error` with one sentence; any other error is one of the test."""
    try:
        read()
    except error as refusal:
        sentence = str(refusal)
        assert sentence
        assert len(sentence.splitlines()) == 1
        assert len(sentence) < 1500
        return True
    return False


@SETTINGS
@given(data=st.data(), value=VALUES)
def test_any_card(checkpoint, data, value):
    folder, card = checkpoint
    card = json.loads(json.dumps(card))
    part = data.draw(st.sampled_from([card, card["network"], card["process"]]))
    part[data.draw(st.sampled_from([*part, "prediction", "schedule"]))] = value
    (folder / "card.json").write_text(json.dumps(card))
    if not is_refused(lambda: load_checkpoint(folder), CheckpointError):
        network, _, _ = load_checkpoint(folder)
        assert sum(p.numel() for p in network.parameters()) < 10**5


@SETTINGS
@given(
    fields=st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(FitConfig)]), VALUES)
)
def test_any_configuration(tmp_path, fields):
    path = tmp_path / "any.yaml"
    path.write_text(json.dumps({"name": "a", "title": "A", "family": "ddpm", **fields}))
    if not is_refused(lambda: load_config(path), ConfigError):
        config = load_config(path)
        assert config.steps >= 1
        assert config.batch_size >= 1


@SETTINGS
@given(text=st.text(alphabet="ab:-[]{}&*!#|>%@`\"'\\?,0x_.~<\n \t"))
def test_any_text_is_a_configuration_or_none(tmp_path, text):
    path = tmp_path / "any.yaml"
    path.write_text(text)
    assert is_refused(lambda: load_config(path), ConfigError)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [{'*a, ' * 9}]\n" for i in range(99)),
        "[" * 1_000_000, "{a: " * 100_000, "- " * 100_000, "name: " + "x" * 10_000_000,
        "!!python/object/apply:os.system ['true']", "steps: 0x" + "f" * 60_000, "name: 2001-13-45",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_bombs_are_refused_before_they_go_off(tmp_path, text):
    path = tmp_path / "bomb.yaml"
    path.write_text("name: a\ntitle: b\nfamily: ddpm\n" + text)
    assert is_refused(lambda: load_config(path), ConfigError)


def test_recipes_of_ours_are_within_the_limits(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(yaml.safe_dump({"name": "a", "title": "A", "family": "ddpm"}))
    assert load_config(path).name == "a"


@SETTINGS
@given(query=st.dictionaries(st.sampled_from([*ADDRESS, "unknown"]), VALUES))
def test_any_address(query):
    store = Store()
    for sentence in store.accept(query):
        assert len(sentence.splitlines()) == 1
    address = {key: values[0] for key, values in parse_qs(store.address()[1:]).items()}
    assert store.address() == "?" + urlencode(address)
    assert store.view.steps in range(1, 129)
