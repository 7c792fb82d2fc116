"""Views alone, with arrays of one's own: they show these, and say what they cannot show."""

import re
from pathlib import Path

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import Button, ColumnDataSource
from bokeh.plotting import figure

from engine.step import Step
from explorer import library, notebook, worker
from explorer.page import VIEWS

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


def curve(document, *names):
    """Return columns of the data that has all of these."""
    for source in document.select({"type": ColumnDataSource}):
        if set(names) <= set(source.data):
            return [np.asarray(source.data[name]) for name in names]
    raise AssertionError(f"no data has {names}")


def test_profiles_are_those_of_the_arrays():
    samples = [lopsided() * factor for factor in (1.0, 3.0, 9.0)]
    shown = notebook.profiles(0.1 * lopsided(), 2 * lopsided(), truth=lopsided(),
                              samples=samples, **GAS_TO_DARK)  # fmt: skip
    document = document_of(shown)
    output, truth, median = curve(document, "output", "truth", "median")
    known = np.isfinite(truth)
    assert known.sum() > 4
    np.testing.assert_allclose(output[known], 2 * truth[known])
    np.testing.assert_allclose(median[known], 3 * truth[known], rtol=1e-6)
    assert not [each for each in document.select({"type": Button}) if "Draw" in each.label]
    alone = document_of(notebook.profiles(lopsided(), lopsided(), **GAS_TO_DARK))
    assert np.isnan(curve(alone, "output", "truth")[1]).all()


def test_a_population_has_the_masses_and_residuals_of_its_maps():
    truths = np.stack([lopsided() * factor for factor in (1.0, 2.0, 5.0, 9.0)])
    samples = truths[:, None] * np.array([1.0, 2.0, 4.0])[:, None, None]
    sides = np.array([10.0, 20.0, 30.0, 40.0])
    shown = notebook.population(truths, samples, target="dark_matter", extent_kpc=sides)
    document = document_of(shown)
    x, y, low, name = curve(document, "x", "y", "low", "name")
    np.testing.assert_allclose(x, truths.mean(axis=(1, 2)) * sides**2, rtol=1e-6)
    np.testing.assert_allclose(y, 2 * x)
    assert (low < y).all()
    assert list(name) == ["1", "2", "3", "4"]
    np.testing.assert_allclose(curve(document, "radius", "median")[1], 0.0, atol=1e-9)
    view = shown.make()
    view.pick(np.array([1, 3]))
    assert [(row["title"], row["open"]) for row in view.table.rows] == [("2", False), ("4", False)]
    error = view.table.rows[0]["cells"][2][0]
    assert error == pytest.approx(np.log10(2.0), abs=0.02)  # mean of 0, 0.3 and 0.6 dex


def test_evaluations_are_compared_from_memory_or_file(evaluations, tmp_path):
    evaluations["poor"].write(tmp_path / "poor.h5")
    given = {"good": evaluations["good"], "poor": tmp_path / "poor.h5",
             "pixelwise": evaluations["pixelwise"]}  # fmt: skip
    view = notebook.compare(given, source="gas", target="stars").make()
    assert [row["name"] for row in view.ranking.rows] == ["good", "poor", "pixelwise"]
    ratio = view.matrix.sources["cells"].data["ratio"]
    np.testing.assert_allclose(ratio, np.log10(1.1) / np.log10(4.0), rtol=1e-5)
    assert document_of(notebook.compare(given, source="gas", target="stars")).roots


def test_every_view_of_the_page_has_a_form_for_notebooks():
    forms = {"Translate": ["maps", "steps"], "Profiles": ["profiles"],
             "Uncertainty": ["uncertainty"], "Population": ["population"],
             "Lensing": ["lensing"], "Clouds": ["clouds"], "Observe": ["observe"],
             "Compare": ["compare"]}  # fmt: skip
    others = {view.title for view in VIEWS} - set(forms)
    assert others <= {"Gallery"}  # which chooses among the page's own galaxies
    assert all(callable(getattr(notebook, name)) for names in forms.values() for name in names)


def test_what_a_population_cannot_be_is_said():
    maps = np.stack([lopsided()] * 3)
    with pytest.raises(ValueError, match=r"truths and samples must have shapes .* got \(3, 16, 16"):
        notebook.population(maps, maps[:2], target="stars", extent_kpc=9.0)
    with pytest.raises(ValueError, match="names must be 3, one a galaxy, got 1"):
        notebook.population(maps, maps, target="stars", extent_kpc=9.0, names=["a"])
    with pytest.raises(ValueError, match="extent_kpc must be a number above zero, got -1"):
        notebook.population(maps, maps, target="stars", extent_kpc=[1.0, 2.0, -1.0])
    with pytest.raises(ValueError, match="evaluations must be one or more"):
        notebook.compare({}, source="gas", target="stars")


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
    assert len(blocks) == 7
    cells = [nbformat.v4.new_code_cell(block) for block in blocks]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(made, timeout=240).execute()
    for cell in made.cells[1:]:
        shown = [each for each in cell.outputs if each.output_type == "execute_result"]
        assert len(shown) == 1
        assert "application/vnd.holoviews_exec.v0+json" in shown[0].data
        assert "Figure" in shown[0].data["text/html"] or "FramePlayer" in shown[0].data["text/html"]


def test_a_lens_of_own_arrays():
    truth = 1e9 * lopsided()
    shown = notebook.lensing(np.stack([truth, 1.1 * truth]), extent_kpc=20.0, truth=truth).make()
    assert shown.bending.truth is not None
    assert len(shown.bending.predicted) == 2
    single = notebook.lensing(truth, extent_kpc=20.0).make()
    assert single.bending.truth is None
    np.testing.assert_allclose(
        single.bending.predicted[0].lens.convergence, shown.bending.truth.lens.convergence
    )
    with pytest.raises(ValueError, match=r"all maps must have the same shape, got \(16, 16\)"):
        notebook.lensing(truth, extent_kpc=20.0, truth=truth[:12, :12])


def test_clouds_of_own_arrays():
    generator = np.random.default_rng(0)
    gas, dark = (generator.normal(size=(300, 3)) for _ in range(2))
    given = {"source": "gas", "target": "dark_matter", "source_mass": 1e9, "mass": 1e10,
             "extent_kpc": 6.0}  # fmt: skip
    player = notebook.clouds(gas, [3.0 * dark, dark], truth=dark, **given).make()
    assert [each["steps"] for each in player.clouds] == [1, 2, 1]
    assert player.labels == ["step 1/2", "step 2/2"]
    output, truth = player.clouds[1:]
    assert output["limits"] == truth["limits"]  # the last step is the truth here
    with pytest.raises(ValueError, match=r"output must be two or more finite points of shape"):
        notebook.clouds(gas, dark[:, :2], **given)
    with pytest.raises(ValueError, match="the mass of output must be a number above zero"):
        notebook.clouds(gas, dark, **{**given, "mass": 0.0})
