"""Views alone, with arrays of one's own: they show these, and say what they cannot show."""

import re
from pathlib import Path

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.plotting import figure

from engine.step import Step
from explorer import library, notebook, worker

ROOT = Path(__file__).parents[2]
GAS_TO_DARK = {"source": "gas", "target": "dark_matter", "extent_kpc": 40.0}


def lopsided(size=16):
    image = np.full((size, size), 1e6)
    image[:2, :4] = 1e8
    return image


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Nothing of what the page does goes on."""
    asked = []
    for name in ("MAPS", "MODEL", "FILES"):
        monkeypatch.setattr(getattr(worker, name), "submit", asked.append)
    monkeypatch.setattr(library, "load_translator", asked.append)
    yield
    assert asked == []


def document_of(shown):
    document = Document()
    document.add_root(shown._create_view().get_root(document))
    return document


def images(document):
    """Return what figures show, row 0 first, by title."""
    shown = {}
    for each in document.select({"type": figure}):
        for renderer in each.renderers:
            data = renderer.data_source.data
            if "image" in data and renderer.visible:
                shown[each.title.text] = np.asarray(data["image"][0])
    return shown


def trajectory(num_steps=3):
    for i in range(1, num_steps + 1):
        estimate = (lopsided() * 2.0 ** (num_steps - i)).astype(np.float32)
        yield Step(i, 1 - i / num_steps, np.zeros((2, 16, 16), np.float32),
                   np.stack([estimate, 9 * estimate]), num_steps, 1 - i / num_steps)  # fmt: skip


def test_maps_are_the_arrays_and_their_residual():
    shown = notebook.maps(0.1 * lopsided(), 2 * lopsided(), truth=lopsided(), **GAS_TO_DARK)
    drawn = images(document_of(shown))
    assert set(drawn) == {"Input · gas", "Output · dark matter", "Truth · dark matter",
                          "Residual"}  # fmt: skip
    np.testing.assert_allclose(10 ** drawn["Input · gas"], 0.1 * lopsided(), rtol=1e-5)
    np.testing.assert_allclose(10 ** drawn["Output · dark matter"], 2 * lopsided(), rtol=1e-5)
    np.testing.assert_allclose(drawn["Residual"], np.log10(2), atol=0.02)
    without = images(document_of(notebook.maps(lopsided(), lopsided(), **GAS_TO_DARK)))
    assert set(without) == {"Input · gas", "Output · dark matter"}


def test_steps_are_the_first_samples_of_a_trajectory():
    shown = notebook.steps(trajectory(), lopsided(), truth=lopsided(), **GAS_TO_DARK)
    spec = shown.make()._player.spec
    (reel,) = spec["reels"]
    assert reel["words"] == "Own arrays · 3 steps"
    assert [label.split(",")[0] for label in reel["labels"]] == ["step 1/3", "step 2/3", "step 3/3"]
    error = np.frombuffer(reel["curves"]["error"]["main"], "<f4")
    np.testing.assert_allclose(error, [2 * np.log10(2), np.log10(2), 0.0], atol=0.02)
    assert spec["extent"] == 40.0
    assert document_of(shown).roots


def test_samples_have_mean_and_spread():
    samples = [lopsided() * factor for factor in (1.0, 10.0, 100.0)]
    shown = notebook.uncertainty(samples, target="dark_matter", extent_kpc=40.0, truth=lopsided())
    drawn = images(document_of(shown))
    np.testing.assert_allclose(drawn["Standard deviation"], 1.0, atol=0.05)
    np.testing.assert_allclose(10 ** drawn["Mean of 3 · dark matter"], 10 * lopsided(), rtol=0.1)
    assert set(images(document_of(shown))) == set(drawn)  # it can be displayed twice
    again = notebook.uncertainty(samples[:2], target="gas", extent_kpc=40.0, dark=True)
    assert "Mean of 2 · gas" in images(document_of(again))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"output": np.ones((16, 8))}, r"output must be square .* got \(16, 8\)"),
        ({"output": np.ones((2, 16, 16))}, r"output must be square .* got \(2, 16, 16\)"),
        ({"output": np.ones((16, 16), complex)}, "output must be real numbers, got complex128"),
        ({"source_map": np.zeros((16, 16))}, "source_map must have a pixel above zero"),
        ({"truth": np.ones((32, 32))}, r"all maps must have the same shape, got \(16, 16\) and"),
        ({"target": "gold"}, "unknown domain 'gold'"),
        ({"target": "gas"}, "source and target must be two domains, got 'gas' for both"),
        ({"extent_kpc": 0.0}, "extent_kpc must be a number above zero, got 0.0"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(change, sentence):
    given = {"source_map": lopsided(), "output": lopsided(), **GAS_TO_DARK, **change}
    with pytest.raises(ValueError, match=sentence) as refused:
        notebook.maps(given.pop("source_map"), given.pop("output"), **given)
    assert "\n" not in str(refused.value)


def test_a_trajectory_has_steps_and_samples_are_several():
    with pytest.raises(ValueError, match="trajectory must have 1 to 128 steps, got 0"):
        notebook.steps([], lopsided(), **GAS_TO_DARK)
    with pytest.raises(ValueError, match=r"samples must have shape \(M, H, W\) with M from 2"):
        notebook.uncertainty(lopsided(), target="gas", extent_kpc=40.0)


@pytest.mark.slow
def test_the_example_of_the_documentation_runs_in_a_kernel(monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    import nbformat

    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "notebook.md").read_text(), re.S)
    assert len(blocks) == 4
    cells = [nbformat.v4.new_code_cell(block) for block in blocks]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(made, timeout=240).execute()
    for cell in made.cells[1:]:
        shown = [each for each in cell.outputs if each.output_type == "execute_result"]
        assert len(shown) == 1
        assert "application/vnd.holoviews_exec.v0+json" in shown[0].data
        assert "Figure" in shown[0].data["text/html"] or "FramePlayer" in shown[0].data["text/html"]
