"""The page and its Markdown: everything is in it, nothing comes from outside, gaps do no harm."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from engine.evaluation import EvaluationError
from engine.evaluation.direction import EINSTEIN_DENSITY
from train.__main__ import _parser, main
from train.report import document
from train.report.command import write_report
from train.report.document import Document, Picture, Section, Table, as_html, as_markdown
from train.report.gather import Collection, profiles_of, ratio_matrix
from train.report.tables import Column, command_of, lens_table, numbers, scores_table

PNG = b"\x89PNG\r\n\x1a\n"
VOID = {"meta", "img", "link", "br", "hr"}


class Page(HTMLParser):
    """Reads a page: its text, its anchors and images; fails where tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.ids, self.links, self.images = [], [], set(), [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids |= {attrs["id"]} if "id" in attrs else set()
        self.links += [attrs["href"]] if "href" in attrs else []
        self.images += [attrs["src"]] if tag == "img" else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def _write(tmp_path, evaluations):
    paths = []
    for number, evaluation in enumerate(evaluations):
        paths.append(tmp_path / f"{number}-{evaluation.method.name}.h5")
        evaluation.write(paths[-1])
    return paths


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made but not drawn, which is what takes time."""
    monkeypatch.setattr(document, "png", lambda figure: PNG)


@pytest.fixture(scope="module")
def written(tmp_path_factory, evaluations):
    folder = tmp_path_factory.mktemp("report")
    paths = _write(folder, [evaluations[n] for n in (0, 1, 3)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "png", lambda figure: PNG)
        assert main(["evaluate", "--report", str(folder / "out"), *map(str, paths)]) == 0
    return folder / "out"


def test_the_page_holds_all_methods_and_needs_no_other_host(written):
    text = (written / "report.html").read_text()
    page = Page(text)
    whole = " ".join(page.text)
    for title in ("Flow matching", "Pixelwise", "My own", "abababababab", "no log-dens"):
        assert title in whole
    assert not re.search(r"https?:|//\w", re.sub(r"data:image/png;base64,[\w+/=]+", "", text))
    assert all(image.startswith("data:image/png;base64,") for image in page.images)
    assert {link[1:] for link in page.links} <= page.ids
    assert {"scores", "directions", "maps", "profiles", "masses", "structure", "uncertainty",
            "cost", "provenance"} <= page.ids  # fmt: skip


def test_the_markdown_has_the_same_figures_beside_it(written):
    text = (written / "report.md").read_text()
    named = re.findall(r"\]\((figures/[\w-]+\.png)\)", text)
    assert len(named) == len(set(named)) == len(Page((written / "report.html").read_text()).images)
    assert {f"figures/{path.name}" for path in (written / "figures").iterdir()} == set(named)
    assert "python -m train evaluate --report" in text
    rows = [line for line in text.splitlines() if line.startswith("| Flow matching |")]
    assert len(rows) >= 4


def test_scores_are_those_of_the_files_and_the_best_is_bold(evaluations, tmp_path):
    collection = Collection.read(_write(tmp_path, evaluations))
    table = scores_table(collection, collection.pairs, "")
    by_name = {row[0]: row[1:] for row in table.rows}
    assert list(by_name) == ["Pixelwise", "pix2pix", "Flow matching", "My own"]
    assert [row[0] for row in by_name.values()] == ["0.200", "0.200", "0.050", "0.150"]
    assert (2, 1) in table.bold
    assert (3, 1) not in table.bold
    mean = table.head.index("error of the mean (dex)") - 1
    assert by_name["pix2pix"][mean] == "–"
    assert by_name["Flow matching"][mean] == "0.060"
    assert by_name["Flow matching"][-1] == "42"
    assert by_name["Pixelwise"][-1] == "–"


def test_einstein_radii_of_isothermal_halos_are_off_as_their_masses_are(evaluate, tmp_path):
    pairs = (("gas", "dark_matter"), ("gas", "stars"))
    made = evaluate("mine", "My own", pairs=pairs)
    channel, radii = made.maps.domains.index("dark_matter"), np.arange(1.0, 13.0) / 12
    # Annuli of a sphere whose Einstein radius is a quarter of half its map, and a third of samples.
    rings = 0.25 * EINSTEIN_DENSITY * np.diff(radii, prepend=0) / np.diff(radii**2, prepend=0)
    made.arrays["truth/profile"][channel] = rings
    made.arrays["samples/profile"][0] = 4 / 3 * rings
    collection = Collection.read(_write(tmp_path, [made]))
    (row,) = lens_table(collection, [*pairs[:1], ("hi", "dark_matter")], "").rows
    assert row == ["My own", "33", "0", "0", "–", "–", "–"]
    assert collection.first.scores()["einstein_radius_error"] == pytest.approx(1 / 3, rel=1e-3)


def test_bold_is_what_is_printed_as_the_best():
    """Equal at the printed digits is equally good; ratios are best at 1, from either side."""
    columns = [Column("error"), Column("ratio", 2, lambda v: abs(np.log(v)))]
    rows = {"a": [0.1001, 0.5], "b": [0.1002, 1.25], "c": [0.2, np.nan]}
    assert numbers("", rows, columns, "").bold == {(0, 1), (1, 1), (1, 2)}
    assert not numbers("", {"a": [0.1, 1.0], "b": [0.1, 1.0]}, columns, "").bold


def test_relative_scores_are_divided_by_the_baseline(evaluations, tmp_path):
    methods = Collection.read(_write(tmp_path, evaluations)).methods
    ratio = ratio_matrix(methods["flow"], methods["pixelwise"])
    assert np.isnan(np.diag(ratio)).all()
    assert ratio[~np.eye(len(ratio), dtype=bool)] == pytest.approx(0.25, rel=1e-3)


def test_profiles_in_half_mass_radii_are_read_at_the_right_radii(evaluations, tmp_path):
    """Half the map is five half-mass radii; the truth is exp(-3 r) in units of half the map."""
    collection = Collection.read(_write(tmp_path, evaluations[:1]))
    near = profiles_of(collection, ("gas", "stars"))
    far = profiles_of(collection, ("gas", "stars"), half_mass_radii=True)
    assert far.radii[-1] == pytest.approx(5.0)
    at = 10
    slope = np.exp(-3 * far.radii[at] / 5.0) / np.exp(-3 * near.radii[0])
    assert far.truth[:, at] == pytest.approx(near.truth[:, 0] * slope, rel=0.02)


def _with_gaps(evaluate):
    """Return an evaluation of two directions with nothing of its samples, and one without focus."""
    part = evaluate("ddpm", "DDPM", pairs=(("gas", "stars"), ("stars", "gas")),
                    focus=(("gas", "stars"),))  # fmt: skip
    for name, values in part.arrays.items():
        if values.dtype.kind == "f" and name.startswith(("samples", "power", "errors", "cases")):
            values[...] = np.nan
    part.arrays["ensemble/pixel_ranks"][...] = 0
    return [part, evaluate("pixelwise", "Pixelwise", samples=1, scatter=0.4, focus=())]


def test_missing_directions_and_numbers_leave_gaps(evaluate, tmp_path, undrawn):
    paths = _write(tmp_path, _with_gaps(evaluate))
    html, markdown = write_report(tmp_path / "out", paths)
    page = Page(html.read_text())
    assert "DDPM" in " ".join(page.text)
    assert "| DDPM | **0.050** | – | 0.060 | – |" in markdown.read_text()
    assert "nan" not in " ".join(page.text)


@pytest.mark.slow
def test_gaps_can_be_drawn(evaluate, tmp_path):
    write_report(tmp_path / "out", _write(tmp_path, _with_gaps(evaluate)))
    drawn = [path.read_bytes()[:8] for path in (tmp_path / "out" / "figures").iterdir()]
    assert set(drawn) == {PNG}


def test_pictures_are_drawn_once_for_both(tmp_path):
    figure = Figure(figsize=(1, 1))
    whole = Document("T", "w", "c", [Section("s", "S", "w", [Picture("one", figure, "a dot")])])
    html, markdown = document.write(whole, tmp_path / "out")
    image = (tmp_path / "out" / "figures" / "one.png").read_bytes()
    assert image[:8] == PNG
    (encoded,) = Page(html.read_text()).images
    assert base64.b64decode(encoded.split(",")[1]) == image
    assert "![one](figures/one.png)" in markdown.read_text()


@pytest.mark.parametrize("samples", [1, 4])
def test_a_single_method_makes_a_report(evaluate, tmp_path, undrawn, samples):
    only = evaluate("mine", "My own", samples=samples, focus=(("gas", "stars"),))
    html, _ = write_report(tmp_path / "out", _write(tmp_path, [only]))
    page = Page(html.read_text())
    assert "My own" in " ".join(page.text)
    assert ("uncertainty" in page.ids) is (samples > 1)


def test_a_direction_that_is_no_focus_makes_a_report(evaluate, tmp_path, undrawn):
    only = evaluate("flow", "Flow", pairs=(("stars", "gas"),), focus=())
    page = Page(write_report(tmp_path / "out", _write(tmp_path, [only]))[0].read_text())
    assert "maps" not in page.ids
    assert {"scores", "directions", "uncertainty"} <= page.ids


def test_other_galaxies_are_refused(evaluate, tmp_path, capsys):
    one, other = evaluate("a", "A"), evaluate("b", "B")
    other.galaxies["name"][0] = b"another"
    paths = _write(tmp_path, [one, other])
    with pytest.raises(EvaluationError, match=r"1-b\.h5 has others than .*0-a\.h5"):
        Collection.read(paths)
    assert main(["evaluate", "--report", str(tmp_path / "out"), *map(str, paths)]) == 2
    assert "must be of the same galaxies" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_of_a_file_makes_it_again(evaluations):
    commands = [command_of(evaluation) for evaluation in evaluations[:2]]
    assert commands == [
        "python -m train evaluate --checkpoint flow --data maps --galaxies 24 --samples 4 "
        "--focus-samples 8 --steps 16 --sampler ddim",
        "python -m train evaluate --baselines --data maps --galaxies 24",
    ]
    for command in commands:
        assert _parser().parse_args(command.split()[3:]).galaxies == 24


def test_words_of_a_file_are_text_on_the_page():
    table = Table(["<b>", "a|b"], [["<script>", "x|y"]], "caption & more", frozenset({(0, 1)}))
    whole = Document("<title>", "words", "command", [Section("s", "S", "w", [table])])
    assert "<script>" in Page(as_html(whole, {})).text
    assert r"| <script> | **x\|y** |" in as_markdown(whole)
