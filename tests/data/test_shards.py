import h5py
import numpy as np
import pytest
from numpy.lib import recfunctions as rfn

from data.shards import (
    MANTISSA_BITS,
    Layout,
    Record,
    StoreError,
    layout_of,
    open_shard,
    round_mantissa,
    rows_of,
    verify_shard,
    write_shard,
)
from data.store import MapStore

LAYOUT = Layout(("gas", "stars"), 8, {"rotations": 1})


def record(name="synthetic-000001", **changes):
    fields = {
        "name": name, "kind": "spiral", "redshift": 0.5, "extent_kpc": 30.0, "rotation_index": 0,
        "rotation": np.eye(3), "maps": {"gas": np.arange(64.0).reshape(8, 8)},
        "masses": {"gas": 1e9}, **changes,
    }  # fmt: skip
    return Record(**fields)


def test_rounding_keeps_the_bound_and_reaches_it(rng):
    values = (10.0 ** rng.uniform(-30, 30, 100_000)).astype(np.float32)
    rounded = round_mantissa(values)
    error = np.abs(rounded.astype(np.float64) / values - 1.0).max()
    assert 0.99 * 2.0**-11 < error <= 2.0**-11
    assert not np.any(rounded.view(np.uint32) & np.uint32(0x1FFF))  # 23 - 10 bits are free
    np.testing.assert_array_equal(round_mantissa(rounded), rounded)
    # To nearest, ties to even, so that sums do not drift.
    assert abs(rounded.sum(dtype=np.float64) / values.sum(dtype=np.float64) - 1.0) < 1e-5
    step = 2.0**-MANTISSA_BITS
    ties = np.float32([1 + 0.5 * step, 1 + 1.5 * step])
    np.testing.assert_array_equal(round_mantissa(ties), [1.0, 1 + 2 * step])


def test_rounding_leaves_special_values():
    values = np.float32([0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -3.0])
    np.testing.assert_array_equal(round_mantissa(values), values)
    biggest = np.finfo(np.float32).max
    assert round_mantissa(np.float32([biggest]))[0] in (biggest, np.inf)


def test_a_shard_says_what_it_holds(tmp_path):
    path = write_shard(tmp_path, [record(), record(rotation_index=1)], LAYOUT)
    verify_shard(path)
    with open_shard(path) as file:
        assert layout_of(file, path) == LAYOUT
        rows = rows_of(file, LAYOUT)
        np.testing.assert_array_equal(file["maps"][1, 0], np.arange(64.0).reshape(8, 8))
        assert np.isnan(file["maps"][:, 1]).all()
    assert rows["name"].tolist() == [b"synthetic-000001"] * 2
    assert rows["available"].tolist() == [[True, False]] * 2
    assert rows["gas_mass"].tolist() == [1e9, 1e9]
    assert np.isnan(rows["stellar_mass"]).all()


def test_the_name_of_a_shard_is_made_from_what_is_in_it(tmp_path):
    first = write_shard(tmp_path, [record()], LAYOUT)
    assert write_shard(tmp_path, [record()], LAYOUT) == first
    assert write_shard(tmp_path, [record("synthetic-000002")], LAYOUT) != first
    assert write_shard(tmp_path, [record(rotation_index=1)], LAYOUT) != first
    assert len(list(tmp_path.iterdir())) == 3  # nothing is left aside


@pytest.mark.parametrize("place", [600, -1])
def test_one_flipped_bit_is_found(tmp_path, place):
    path = write_shard(tmp_path, [record()], LAYOUT)
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StoreError, match="damaged: its bytes do not match its checksum"):
        verify_shard(path)


def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path):
    small = {"gas": np.ones((4, 4))}
    for wrong, sentence in (
        ({"maps": small}, r"a map of gas with shape \(4, 4\) does not fit"),
        ({"maps": {"hi": np.ones((8, 8))}}, "a map of hi"),
        ({"name": "x" * 200}, "name and lineage of at most 128 bytes"),
        ({"lineage": "x" * 129}, "name and lineage of at most 128 bytes"),
        ({"rotation": np.eye(2)}, r"\(3, 3\) rotation, got 16 bytes and \(2, 2\)"),
    ):
        with pytest.raises(StoreError, match=sentence):
            write_shard(tmp_path, [record(), record(**wrong)], LAYOUT)
    assert not list(tmp_path.iterdir())


def test_a_store_of_the_old_format_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "old.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "galactic-alchemy-maps/1"
        file["maps"], file["index/name"] = np.ones((1, 2, 8, 8)), [b"a"]
    with pytest.raises(StoreError, match="is a map store of an old format in one file"):
        MapStore.open(path)


def test_a_shard_without_lineages_is_read(tmp_path):
    path = write_shard(tmp_path, [record(lineage="synthetic-000001")], LAYOUT)
    with h5py.File(path, "r+") as file:
        whole = file["index"][:]
        del file["index"]
        file["index"] = rfn.drop_fields(whole, "lineage")
    with MapStore.open(path) as store:
        assert store.index.dtype == whole.dtype
        assert store.column("lineage").tolist() == [""]
        for name in set(whole.dtype.names) - {"lineage"}:
            np.testing.assert_array_equal(store.index[name], whole[name])
