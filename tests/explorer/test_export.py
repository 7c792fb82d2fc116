"""Exports, opened again with the libraries that their readers use."""

import csv
import io
import json
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import h5py
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from engine.shelf import checkpoint_folder
from explorer.export import (
    FORMATS,
    FigureOptions,
    archive,
    export_bytes,
    export_name,
    takes_others,
    unavailable,
)
from explorer.export import formats as registry
from explorer.export.moving import frame_rate
from explorer.export.provenance import caption, checkpoint_digest, export_command, facts_of

DRAFT = FigureOptions("triptych", size="90mm", dpi=50)
SIGNATURES = {
    "pdf": b"%PDF-", "png": b"\x89PNG", "svg": b"<?xml", "csv": b"# radius_kpc",
    "fits": b"SIMPLE  =", "hdf5": b"\x89HDF", "gif": b"GIF89a",
}  # fmt: skip


def exported(run, extension, options=DRAFT):
    if extension == "mp4":
        pytest.importorskip("av", reason="PyAV is not installed")
    return export_bytes(run, extension, options).getvalue()


@pytest.fixture
def lopsided_run(run):
    """Return the run with an output that no flip or turn of the truth could be."""
    estimates = run.estimates.copy()
    estimates[-1, 20, 3] = 7e9
    return replace(run, estimates=estimates)


def facts(run, extension, options=DRAFT):
    words = ["--format", extension]
    words += options.words(FORMATS[extension].options)
    words += ["--output", export_name(run, extension, options)]
    return facts_of(run, export_command(run, words))


@pytest.mark.parametrize("extension", ["pdf", "png", "svg", "csv", "fits", "hdf5"])
def test_every_format_is_what_it_says_and_files_come_out_the_same_again(run, extension):
    content = exported(run, extension)
    assert content.startswith(SIGNATURES[extension])
    assert exported(run, extension) == content


def test_caption_and_name_tell_the_run(run):
    for word in ("synthetic-000001", "spiral", "rotation 2", "z = 0.5", "toy", "seed 7",
                 "3 steps of ddim"):  # fmt: skip
        assert word in caption(run)
    name = "synthetic-000001-r2-gas-to-dark_matter-toy-seed7-steps3"
    assert export_name(run, "pdf") == f"{name}.pdf"
    assert export_name(run, "pdf", FigureOptions("film")) == f"{name}-film.pdf"
    assert export_name(run, "csv", FigureOptions("film")) == f"{name}.csv"
    elsewhere = replace(run.view, galaxy="TNG50-1/99/subhalo-12", translator="../mine", guidance=2)
    name = export_name(replace(run, view=elsewhere), "png")
    assert name == "TNG50-1-99-subhalo-12-r2-gas-to-dark_matter-..-mine-seed7-steps3-guidance2.png"


def test_facts_are_all_that_a_run_depends_on(run):
    told = facts(run, "csv")
    wanted = {
        "galaxy": "synthetic-000001", "rotation": 2, "source": "gas", "target": "dark_matter",
        "translator": "toy", "sampler": "ddim", "steps": 3, "guidance": 1.0, "seed": 7,
        "redshift": 0.5, "side_kpc": 40.0,
    }  # fmt: skip
    assert wanted.items() <= told.items()
    matrix = np.reshape(told["rotation_matrix"], (3, 3))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    weights = (checkpoint_folder("ddpm") / "model.safetensors").read_bytes()
    assert checkpoint_digest("ddpm") == sha256(weights).hexdigest()
    assert told["checkpoint_sha256"] == checkpoint_digest("toy") == "unknown"


def test_images_carry_the_facts(run):
    told = facts(run, "png")
    image = Image.open(io.BytesIO(exported(run, "png")))
    assert json.loads(image.text["Comment"]) == told
    assert image.text["Source"] == told["command"]
    assert image.size[0] == pytest.approx(90 / 25.4 * 50, abs=1)
    pdf = exported(run, "pdf")
    assert facts(run, "pdf")["command"].encode() in pdf
    assert b'"seed": 7' in pdf
    assert b"CreationDate" not in pdf
    tree = ElementTree.fromstring(exported(run, "svg"))
    (description,) = tree.iter("{http://purl.org/dc/elements/1.1/}description")
    assert json.loads(description.text) == facts(run, "svg")


def test_csv_is_the_profiles_with_their_units(run):
    lines = exported(run, "csv").decode().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    np.testing.assert_allclose(columns["radius_kpc"], run.radii_kpc, rtol=1e-8)
    np.testing.assert_allclose(columns["output"], run.profiles[-1], rtol=1e-8)
    np.testing.assert_allclose(columns["truth"], run.truth_profile, rtol=1e-8)
    np.testing.assert_allclose(columns["input"], 0.1 * run.truth_profile, rtol=1e-6)
    np.testing.assert_allclose(columns["residual_dex"], np.log10(1.25), rtol=1e-6)
    assert "# output: mean of dark matter as translated, unit solMass kpc-2" in comments
    assert f"# command: {facts(run, 'csv')['command']}" in comments


def test_fits_has_the_maps_their_units_and_their_places(lopsided_run):
    run = lopsided_run
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a wrong checksum is a warning
        file = fits.open(io.BytesIO(exported(run, "fits")), checksum=True)
        file.verify("exception")
        world = WCS(file["OUTPUT"].header)
    assert [hdu.name for hdu in file] == ["PRIMARY", "INPUT", "OUTPUT", "TRUTH", "RESIDUAL"]
    maps = {"INPUT": run.scene.maps["gas"], "OUTPUT": run.output, "TRUTH": run.truth}
    for name, values in maps.items():
        np.testing.assert_array_equal(file[name].data, values)
        assert units.Unit(file[name].header["BUNIT"]) == units.solMass / units.kpc**2
    assert file["RESIDUAL"].data[20, 3] == pytest.approx(np.log10((7e9 + 1e4) / (1e6 + 1e4)))
    # 32 pixels of 1.25 kpc: the first is centered at -15.5 of them, in x and y.
    assert file["OUTPUT"].data[20, 3] == np.float32(7e9)
    np.testing.assert_allclose(world.wcs_pix2world([[3, 20]], 0), [[-12.5 * 1.25, 4.5 * 1.25]])
    np.testing.assert_allclose(world.wcs_pix2world([[16.5, 16.5]], 1), [[0.0, 0.0]], atol=1e-12)
    assert list(world.wcs.cunit) == [units.kpc, units.kpc]
    for hdu in file:
        header = hdu.header
        assert (header["OBJECT"], header["SEED"], header["NSTEPS"]) == ("synthetic-000001", 7, 3)
        assert header["COMMAND"] == facts(run, "fits")["command"]
        matrix = [header[f"ROT{i}_{j}"] for i in (1, 2, 3) for j in (1, 2, 3)]
        np.testing.assert_allclose(matrix, facts(run, "fits")["rotation_matrix"])


def test_fits_has_the_angles_of_a_free_rotation(run):
    free = replace(run, view=replace(run.view, rotation=0, angles=(62.5, 30.0, 110.1)))
    header = fits.getheader(io.BytesIO(exported(free, "fits")))
    assert [header[key] for key in ("INCLIN", "POSANGLE", "AZIMUTH")] == [62.5, 30.0, 110.1]
    assert "INCLIN" not in fits.getheader(io.BytesIO(exported(run, "fits")))


def test_hdf5_has_maps_steps_and_profile(lopsided_run):
    run = lopsided_run
    with h5py.File(io.BytesIO(exported(run, "hdf5"))) as file:
        np.testing.assert_array_equal(file["maps/output"], run.output)
        np.testing.assert_array_equal(file["maps/input"], run.scene.maps["gas"])
        np.testing.assert_array_equal(file["steps/estimates"], run.estimates)
        np.testing.assert_array_equal(file["steps/states"], run.noisy)
        np.testing.assert_array_equal(file["steps/times"], run.times)
        np.testing.assert_array_equal(file["profile/output"], run.profiles[-1])
        row, column = np.unravel_index(np.argmax(file["maps/output"]), run.output.shape)
        assert (file["x_kpc"][column], file["y_kpc"][row]) == (-12.5 * 1.25, 4.5 * 1.25)
        assert file["maps/truth"].attrs["unit"] == "solMass kpc-2"
        for name, value in facts(run, "hdf5").items():
            np.testing.assert_array_equal(file.attrs[name], value)


def test_without_truth_maps_have_none(run):
    blind = replace(run, truth=None, truth_profile=np.full_like(run.truth_profile, np.nan))
    file = fits.open(io.BytesIO(exported(blind, "fits")))
    assert [hdu.name for hdu in file] == ["PRIMARY", "INPUT", "OUTPUT"]
    with h5py.File(io.BytesIO(exported(blind, "hdf5"))) as file:
        assert set(file["maps"]) == {"input", "output"}
    for extension in ("png", "gif"):
        assert exported(blind, extension).startswith(SIGNATURES[extension])


def test_gif_has_a_frame_a_step_on_white(run):
    run = replace(run, view=replace(run.view, target="stars"))  # whose colors end in white
    image = Image.open(io.BytesIO(exported(run, "gif")))
    assert image.n_frames == 3
    assert json.loads(image.info["comment"]) == facts(run, "gif")
    durations, pictures = [], []
    for index in range(3):
        image.seek(index)
        durations.append(image.info["duration"])
        pictures.append(np.asarray(image.convert("RGB")))
    assert durations == [500, 500, 2000]
    assert tuple(pictures[0][2, 2]) == (255, 255, 255)
    assert all((a != b).any() for a, b in pairwise(pictures))


def test_mp4_has_the_pictures_of_the_steps_in_their_colors(run):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    from explorer.export.images import film
    from explorer.figures.animation import animate

    with av.open(io.BytesIO(exported(run, "mp4"))) as video:
        assert json.loads(video.metadata["comment"]) == facts(run, "mp4")
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 3 + 2 * frame_rate(3)
    for frame, picture in zip(frames, animate(film(run), 96), strict=False):
        assert np.abs(frame.astype(int) - picture).mean() < 2.0


def test_many_steps_play_faster():
    assert [frame_rate(n) for n in (2, 16, 64, 1000)] == [2, 3, 13, 24]


def test_zip_holds_all_of_it(run, monkeypatch):
    def stub(run, extension, options, others=()):
        text = f"{extension} {options.figure} {options.size}".encode()
        return io.BytesIO(exported(run, extension) if extension in ("csv", "fits") else text)

    monkeypatch.setattr(archive, "export_bytes", stub)
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    packed = zipfile.ZipFile(io.BytesIO(exported(run, "zip")))
    assert packed.testzip() is None
    folder = "synthetic-000001-r2-gas-to-dark_matter-toy-seed7-steps3/"
    assert all(name.startswith(folder) for name in packed.namelist())
    files = {name.removeprefix(folder): packed.read(name) for name in packed.namelist()}
    assert set(files) == {
        "comparison.pdf", "comparison.svg", "comparison.png", "triptych.pdf", "film.pdf",
        "profile.csv", "maps.fits", "maps.hdf5", "steps.gif", "README.txt", "provenance.json",
    }  # fmt: skip
    assert files["film.pdf"] == b"pdf film 90mm"
    assert files["maps.fits"] == exported(run, "fits")
    assert facts(run, "zip")["command"] in files["README.txt"].decode()
    assert "steps.mp4       left out: MP4 needs PyAV" in files["README.txt"].decode()
    assert json.loads(files["provenance.json"]) == facts(run, "zip")
    assert exported(run, "zip") == exported(run, "zip")


@pytest.fixture
def others(run):
    """Return what two other translators made: one whose hash is known, one of a single step."""
    weights = replace(run.view, translator="flow", steps=16)
    one = replace(run.view, translator="l1", steps=1)
    return [
        replace(run, view=weights, estimates=2 * run.estimates),
        replace(run, view=one, times=run.times[-1:], estimates=4 * run.estimates[-1:], sampler=""),
    ]


def test_translators_beside_are_named_with_their_weights_in_line_facts_and_caption(run, others):
    options = FigureOptions(size="120mm", dpi=50)
    image = Image.open(io.BytesIO(export_bytes(run, "png", options, others).getvalue()))
    told = json.loads(image.text["Comment"])
    assert [each["translator"] for each in told["beside"]] == ["flow", "l1"]
    assert [each["checkpoint_sha256"] for each in told["beside"]] == [
        checkpoint_digest("flow"), checkpoint_digest("l1"),
    ]  # fmt: skip
    assert told["translator"] == "toy"
    assert " --beside flow,l1 " in told["command"]
    assert told["command"].endswith("-toy-seed7-steps3-beside-flow-l1.png")
    assert (
        "toy, 3 steps of ddim, seed 7; flow, 3 steps of ddim, seed 7; l1, one step;"
        in (told["title"])
    )
    alone = Image.open(io.BytesIO(export_bytes(run, "png", options).getvalue()))
    assert "beside" not in json.loads(alone.text["Comment"])


def test_an_export_that_shows_no_translators_beside_refuses_them(run, others):
    assert [name for name in FORMATS if takes_others(name)] == ["pdf", "png", "svg", "zip"]
    for extension, options in (("csv", FigureOptions()), ("pdf", FigureOptions("film"))):
        with pytest.raises(ValueError, match="beside goes with the figure comparison as PDF"):
            export_bytes(run, extension, options, others)


def test_zip_has_the_comparison_of_several(run, others, monkeypatch):
    asked = {}

    def stub(run, extension, options, others=()):
        asked[extension, options.figure] = len(others)
        return io.BytesIO()

    monkeypatch.setattr(archive, "export_bytes", stub)
    packed = zipfile.ZipFile(io.BytesIO(export_bytes(run, "zip", DRAFT, others).getvalue()))
    assert {key for key, count in asked.items() if count == 2} == {
        (extension, "comparison") for extension in ("pdf", "svg", "png")
    }
    assert asked["csv", "triptych"] == 0
    (readme,) = [name for name in packed.namelist() if name.endswith("README.txt")]
    assert "--beside flow,l1" in packed.read(readme).decode()


def test_what_cannot_be_written_is_refused_in_a_sentence(run, monkeypatch):
    with pytest.raises(ValueError, match="format must be one of pdf, png"):
        export_bytes(run, "docx")
    with pytest.raises(ValueError, match="run must be"):
        export_bytes(None, "pdf")
    one = replace(run, times=run.times[-1:])
    assert unavailable("gif", one) == "toy takes one step: there is no film of it"
    with pytest.raises(ValueError, match="toy takes one step"):
        export_bytes(one, "pdf", FigureOptions("film"))
    assert unavailable("pdf", one) == ""
    with pytest.raises(ValueError, match="figure must be one of comparison"):
        FigureOptions("pie")
    with pytest.raises(ValueError, match="dpi must be from 50 to 1200, got 7"):
        FigureOptions(dpi=7)
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'galactic-alchemy[video]'" in unavailable("mp4")
