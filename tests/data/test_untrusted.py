"""Each attack is a file made here, of a kind that h5py opens without a complaint."""

import os
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from data import untrusted
from data.cutouts import write_cutout
from data.galaxy import Galaxy, Particles
from data.shards import Layout, Record, write_shard
from data.untrusted import UntrustedError, check_file

SECRET = b"root:x:0:0:the-secret-of-another-file"


def cutout(path, rng, count=40):
    stars = Particles(rng.normal(0, 5, (count, 3)), rng.uniform(1e5, 2e5, count))
    write_cutout(Galaxy("galaxy", 0.0, {"stars": stars}), path)
    return path


def shard(folder, side=9):
    maps = {"gas": np.arange(float(side**2)).reshape(side, side)}
    record = Record("galaxy", "", 0.0, 30.0, 0, np.eye(3), maps)
    return write_shard(folder, [record], Layout(("gas", "stars"), side))


@pytest.fixture
def path(tmp_path, rng):
    return cutout(tmp_path / "galaxy.hdf5", rng)


def refusal(path, **options):
    with pytest.raises(UntrustedError) as error:
        check_file(path, **options)
    sentence = str(error.value)
    assert path.name in sentence
    assert "\n" not in sentence
    assert len(sentence) < 1100
    return sentence


@pytest.mark.parametrize("side", [8, 9, 200])
def test_a_cutout_and_a_shard_are_told_apart(path, tmp_path, side):
    assert check_file(path) == "cutout"
    assert check_file(str(shard(tmp_path, side))) == "store"


def test_real_files_pass(tng50_excerpt, tng100_cutout):
    assert check_file(tng50_excerpt) == check_file(tng100_cutout) == "cutout"


def external_storage(file, secret):
    file.create_dataset("bytes", (len(SECRET),), "u1", external=[(str(secret), 0, len(SECRET))])


def external_link(file, secret):
    file["PartType0"] = h5py.ExternalLink(str(secret), "/")


def virtual_dataset(file, secret):
    layout = h5py.VirtualLayout((40,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "values", (40,))
    file.create_virtual_dataset("PartType4/Potential", layout)


def soft_link(file, secret):
    file["PartType4/Potential"] = h5py.SoftLink("/PartType4/Masses")


def dangling_link(file, secret):
    file["PartType4/Potential"] = h5py.SoftLink("/nowhere")


def looping_link(file, secret):
    file["PartType0"] = h5py.SoftLink("/PartType0")


def looping_group(file, secret):
    file["PartType4/again"] = file["/"]


def hard_link(file, secret):
    file["PartType4/Potential"] = file["PartType4/Masses"]


def reference(file, secret):
    file["PartType4/Potential"] = np.array([file["PartType4"].ref] * 40, h5py.ref_dtype)


def region_reference(file, secret):
    region = file["PartType4/Masses"].regionref[:3]
    file.create_dataset("PartType4/Potential", (40,), h5py.regionref_dtype)[0] = region


def attribute_reference(file, secret):
    file["Header"].attrs["other"] = file["PartType4"].ref


def named_type(file, secret):
    file["type"] = np.dtype("f4")


def dataset_of_a_named_type(file, secret):
    file["PartType4/type"] = np.dtype("f4")
    file.create_dataset("PartType4/Potential", (40,), file["PartType4/type"])


def opaque(file, secret):
    file["PartType4/Potential"] = np.zeros(40, h5py.opaque_dtype("M8[s]"))


def odd_numbers(file, secret):
    kind = h5t.STD_I32LE.copy()
    kind.set_size(3)
    kind.set_precision(24)
    h5d.create(file.id, b"odd", kind, h5s.create_simple((40,)))


def table(file, secret):
    file["PartType4/Potential"] = np.zeros(40, [("a", "f4"), ("b", "f4")])


def text_of_any_length(file, secret):
    file["text"] = ["a", "b" * 5000]


def huge_text(file, secret):
    file.create_dataset("text", (1,), "S1000000")


def plugin_filter(file, secret):
    file.create_dataset("packed", (40,), "f4", chunks=(40,), **hdf5plugin.Zstd())


def bitshuffle(file, secret):
    values = np.zeros(40, np.float32)
    file.create_dataset("packed", data=values, chunks=(40,), **hdf5plugin.Bitshuffle())


def missing_filter(file, secret):
    options = h5p.create(h5p.DATASET_CREATE)
    options.set_chunk((40,))
    options.set_filter(h5py.h5z.FILTER_DEFLATE, 0, (4,))
    options.set_filter(h5py.h5z.FILTER_DEFLATE, 0, (4,))
    h5d.create(file.id, b"twice", h5t.IEEE_F32LE, h5s.create_simple((40,)), options)


def four_terabytes(file, secret):
    file.create_dataset("PartType0/Coordinates", (10**12, 3), "f4", chunks=(4096, 3))


def four_contiguous_terabytes(file, secret):
    file.create_dataset("PartType0/Coordinates", (10**12, 3), "f4")


def claimed_zeros(file, secret):
    file.create_dataset("PartType0/Coordinates", (10**6, 3), "f4", chunks=(4096, 3))


def huge_chunks(file, secret):
    file.create_dataset(
        "PartType0/Coordinates", (40, 3), "f4", chunks=(10**8, 3), maxshape=(None, 3)
    )


def deep_groups(file, secret):
    file.create_group("/".join("d" * 40))


def many_groups(file, secret):
    for i in range(2100):
        file.create_group(f"many/{i}")


def many_attributes(file, secret):
    for i in range(600):
        file["Header"].attrs[f"a{i}"] = 0


def huge_attribute(file, secret):
    file["PartType4"].attrs["values"] = np.zeros(5000)


def trillion_particles(file, secret):
    counts = np.zeros(6, np.int64)
    counts[4] = 10**12
    file["Header"].attrs["NumPart_ThisFile"] = file["Header"].attrs["NumPart_Total"] = counts


def negative_count(file, secret):
    counts = np.array([0, 0, 0, 0, -1, 0], np.int32)
    file["Header"].attrs["NumPart_ThisFile"] = file["Header"].attrs["NumPart_Total"] = counts


def no_header(file, secret):
    del file["Header"]


def not_finite(file, secret):
    file["PartType4/Masses"][3] = np.nan


ATTACKS = {
    external_storage: "/bytes has its values in another file",
    external_link: "/PartType0 is a link to another file",
    virtual_dataset: "/PartType4/Potential is a virtual dataset",
    soft_link: "/PartType4/Potential is a soft link",
    dangling_link: "/PartType4/Potential is a soft link",
    looping_link: "/PartType0 is a soft link",
    looping_group: "/PartType4/again is in the file under two names",
    hard_link: "/PartType4/Potential is in the file under two names",
    reference: "/PartType4/Potential holds neither numbers nor short text, but references",
    region_reference: "/PartType4/Potential holds neither numbers nor short text, but references",
    attribute_reference: "attribute other of /Header holds neither",
    named_type: "/type is neither a group nor a dataset",
    dataset_of_a_named_type: "/PartType4/Potential has a type with a name",
    opaque: "/PartType4/Potential holds neither numbers nor short text, but opaque bytes",
    odd_numbers: "/odd holds neither numbers nor short text, but odd whole numbers",
    table: "/PartType4/Potential holds neither numbers nor short text, but a table",
    text_of_any_length: "/text holds neither numbers nor short text",
    huge_text: "/text holds neither numbers nor short text, but long text",
    plugin_filter: "/packed is packed by filters other than DEFLATE",
    bitshuffle: "/packed is packed by bitshuffle, which only shards of a store are",
    missing_filter: "/twice is packed by filters other than DEFLATE",
    four_terabytes: "/PartType0/Coordinates has more than 1000000 chunks",
    four_contiguous_terabytes: "claims 24000000000",
    claimed_zeros: "/PartType0/Coordinates claims 24000000 bytes of values and stores 0",
    huge_chunks: "/PartType0/Coordinates has chunks of 2400000000 bytes",
    deep_groups: "groups lie within groups",
    many_groups: "has 2100 members",
    many_attributes: "/Header has 6",
    huge_attribute: "attribute values of /PartType4 has 5000 values",
    trillion_particles: "Header counts 1e+12 particles of PartType4, and there are 40",
    negative_count: "Header counts -1 particles of PartType4, and there are 40",
    no_header: "neither a cutout, which has a Header, nor a shard",
    not_finite: "Masses in it must be finite, got 1 NaN",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_what_no_galaxy_needs_is_refused(attack, path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    with h5py.File(path, "r+") as file:
        attack(file, secret)
    sentence = refusal(path)
    assert ATTACKS[attack] in sentence
    assert "secret-of" not in sentence


def test_external_storage_would_have_told_the_secret(path, tmp_path):
    """The attack is one: without the check, h5py returns the bytes of the other file."""
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    with h5py.File(path, "r+") as file:
        external_storage(file, secret)
    with h5py.File(path) as file:
        assert file["bytes"][:].tobytes() == SECRET


def lookup3(data):
    """Return the checksum of HDF5's metadata: hashlittle of Jenkins (2006)."""

    def turn(x, k):
        return (x << k | x >> 32 - k) & 0xFFFFFFFF

    def added(sums, piece):
        words = (int.from_bytes(piece[i : i + 4], "little") for i in (0, 4, 8))
        return (x + y & 0xFFFFFFFF for x, y in zip(sums, words, strict=True))

    a = b = c = (0xDEADBEEF + len(data)) & 0xFFFFFFFF
    last = (len(data) - 1) // 12 * 12
    for start in range(0, last, 12):
        a, b, c = added((a, b, c), data[start : start + 12])
        for k in (4, 6, 8, 16, 19, 4):
            a = (a - c & 0xFFFFFFFF) ^ turn(c, k)
            c = c + b & 0xFFFFFFFF
            a, b, c = b, c, a
    a, b, c = added((a, b, c), data[last:].ljust(12, b"\0"))
    for k in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - turn(b, k) & 0xFFFFFFFF
        a, b, c = b, c, a
    return b


def test_links_of_users_are_refused(path):
    """HDF5 calls code for links of class 65 and above; this one is made from a soft link."""
    with h5py.File(path, "r+") as file:
        group = file.create_group("PartType4/more", track_order=True)
        group["link"] = h5py.SoftLink("x" * 40)
    raw = bytearray(path.read_bytes())
    # A link: version, flags, class, order (8 bytes), length of the name, the name, ...
    place = raw.index(b"link" + (40).to_bytes(2, "little")) - 10
    assert raw[place] == 1
    # Its header: signature, version, flags (no times), size (1 byte), ..., checksum.
    start = raw.rindex(b"OHDR", 0, place)
    assert raw[start + 5] & 0b110011 == 0
    end = start + 7 + raw[start + 6]
    assert lookup3(raw[start:end]) == int.from_bytes(raw[end : end + 4], "little")
    raw[place] = 70
    raw[end : end + 4] = lookup3(raw[start:end]).to_bytes(4, "little")
    path.write_bytes(raw)
    assert "/PartType4/more/link is a link of an unknown kind" in refusal(path)


@pytest.mark.parametrize("place", [0, 4, 8, 12, 13])
def test_damaged_chunks_of_a_shard_do_not_reach_the_codec(place, tmp_path):
    path = shard(tmp_path, 64)
    with h5py.File(path, "r+") as file:
        maps = file["maps"].id
        mask, packed = maps.read_direct_chunk((0, 0, 0, 0))
        bad = bytearray(packed)
        bad[place] ^= 0x40
        maps.write_direct_chunk((0, 0, 0, 0), bytes(bad), mask)
    assert "/maps has a damaged chunk" in refusal(path)


def test_no_file_and_files_that_are_none(tmp_path, path):
    assert "no such file" in refusal(tmp_path / "absent.hdf5")
    assert "no regular file" in refusal(tmp_path)
    text = tmp_path / "text.hdf5"
    text.write_text("words")
    assert "is not an HDF5 file" in refusal(text)
    assert f"{path.stat().st_size} bytes, and at most 1000 are taken" in refusal(
        path, max_bytes=1000
    )
    with pytest.raises(ValueError, match="max_bytes must be above zero, got 0"):
        check_file(path, max_bytes=0)
    path.write_bytes(path.read_bytes()[:3000])
    assert "damaged" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_does_not_keep_us_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("import os; os.kill(os.getpid(), 11)", "was ended by SIGSEGV"),
        ("raise SystemExit(3)", "ended with status 3 and no answer"),
        ("print('no json')", "ended with status 0 and no answer"),
        ("import time; time.sleep(60)", "could not be read in 1 seconds"),
        ("while True: pass", "could not be read in 1 seconds"),
    ],
)
def test_the_end_of_the_process_is_a_refusal(program, sentence, path, monkeypatch):
    run = untrusted.subprocess.run
    monkeypatch.setattr(untrusted, "_SECONDS", 1.0)
    monkeypatch.setattr(
        untrusted.subprocess, "run",
        lambda command, **options: run([sys.executable, "-c", program], **options),
    )  # fmt: skip
    assert sentence in refusal(path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_the_process_has_limits(path, monkeypatch):
    """It can neither take memory nor write, nor leave its own memory behind on the disk."""
    run, seen = untrusted.subprocess.run, []
    program = """
import json, resource, sys
from data import examination as e
def look(path, unpacked):
    limits = {n: resource.getrlimit(getattr(resource, n))[0]
              for n in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_CORE", "RLIMIT_FSIZE")}
    raise e.Refusal(json.dumps(limits))
e.examine = look
e.main()
"""
    monkeypatch.setattr(
        untrusted.subprocess, "run",
        lambda command, **options: seen.append(run([sys.executable, "-c", program], **options))
        or seen[-1],
    )  # fmt: skip
    sentence = refusal(path)
    for limit in ('"RLIMIT_AS": 1073741824', '"RLIMIT_CPU": 61', '"RLIMIT_CORE": 0'):
        assert limit in sentence


def test_a_folder_called_data_is_not_taken_for_ours(path, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "__init__.py").write_text("raise SystemExit('wrong')")
    monkeypatch.chdir(tmp_path)
    assert check_file(Path("galaxy.hdf5")) == "cutout"


def test_text_that_unpacks_beyond_memory_is_refused(path):
    """Each of 3,000 strings of an attribute is the same megabyte of the file."""
    with h5py.File(path, "r+") as file:
        text = ["x" * 10**6] + ["y"] * 2999
        file["Header"].attrs.create("text", text, dtype=h5py.string_dtype())
    raw = path.read_bytes()
    # A string of an attribute is its length (4 bytes), a place in the file (8) and a number there.
    first = raw.index((10**6).to_bytes(4, "little"), raw.index(b"text\0"))
    entry = raw[first : first + 16]
    path.write_bytes(raw[:first] + entry * 3000 + raw[first + 16 * 3000 :])
    assert "memory" in refusal(path)
