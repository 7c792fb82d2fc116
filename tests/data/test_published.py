import h5py
import numpy as np
import pytest

from data.domains import DOMAINS
from data.published import GROUPS, read_published, write_published
from data.rotations import random_rotations
from data.store import Layout, MapStore, Record, StoreError
from tests.killing import kill_everywhere


@pytest.fixture
def store(tmp_path, rng):
    """Two galaxies with two rotations each; the second has no stars and no field."""
    with MapStore.create(tmp_path / "maps", Layout(tuple(DOMAINS), 8)) as store:
        for name, kind, lacking in (("a", "spiral", set()), ("b", "", {"stars", "magnetic_field"})):
            store.add([
                Record(
                    name, kind, 0.3, 40.0, i, rotation,
                    {d: 10 ** rng.uniform(0, 6, (8, 8)) for d in DOMAINS if d not in lacking},
                    {"gas": 1e9, "dark_matter": 1e12}, f"{name} of z = 0" if kind else "",
                )
                for i, rotation in enumerate(random_rotations(name, 2))
            ])  # fmt: skip
        yield store


def test_there_and_back_again(store, tmp_path):
    files = write_published(store, tmp_path / "published")
    assert [f.name for f in files][-1] == "maps.2D.hi.21cm.hdf5"
    with read_published(reversed(files), tmp_path / "back") as back:
        assert back.domains == store.domains
        assert back.index.tobytes() == store.index.tobytes()
        np.testing.assert_allclose(back.read(), store.read(), rtol=2.0**-11)


def test_files_are_laid_out_as_published(store, tmp_path):
    for domain, path in zip(DOMAINS, write_published(store, tmp_path), strict=True):
        group = GROUPS[domain].path
        have = store.column("available")[:, store.domains.index(domain)]
        with h5py.File(path) as file:
            assert file[f"{group}/images"].shape == (have.sum(), 8, 8)
            assert sorted(file[f"{group}/metadata"]) == [f"{i:04d}" for i in range(have.sum())]
            attributes = file[f"{group}/metadata/0001"].attrs
            assert attributes["class"] == group
            np.testing.assert_array_equal(attributes["extent"], [-20, 20, -20, 20])
            images = file[f"{group}/images"][:]
        expected = store.read()[have, store.domains.index(domain)]
        scale = 1e-6 if domain == "magnetic_field" else 1.0  # ours is in microgauss
        np.testing.assert_allclose(images, expected * scale, rtol=1e-6)


def test_files_that_others_wrote_are_read(tmp_path, rng):
    """Attributes as in the published files: no galaxy, no redshift, rotation by two angles."""
    turns = [(30, 50), (120, 80)]
    maps = rng.uniform(1.0, 2.0, (2, 2, 4, 4))
    for group, images in zip(("gas", "hi/21cm"), maps, strict=True):
        with h5py.File(tmp_path / f"x.{group.replace('/', '.')}.hdf5", "w") as file:
            file[f"{group}/images"] = images
            for i, angles in enumerate(turns):
                name = f"tng50-1.67.gid.0000012_rotxy.{angles[0]}.{angles[1]}"
                file.create_group(f"{group}/metadata/{i:04d}").attrs.update({
                    "class": group, "gid": 12, "snapshot": 67, "rotxy": angles, "units": "",
                    "name": f"{group.split('/')[-1]}_{name}", "extent": [90.0, 140.0, 10.0, 60.0],
                    "units_extent": "kpc", "num_particles": 1000,
                })  # fmt: skip
    with read_published(sorted(tmp_path.glob("*.hdf5")), tmp_path / "maps") as store:
        assert store.domains == ("gas", "brightness_temperature")
        assert set(store.column("name")) == {"TNG50-1/67/halo-12"}
        assert set(store.column("redshift")) == {0.5}
        assert set(store.column("lineage")) == {""}
        assert set(store.column("extent_kpc")) == {50.0}
        assert list(store.column("rotation_index")) == [0, 1]
        np.testing.assert_allclose(store.read(), maps.swapaxes(0, 1), rtol=2.0**-11)
        # About x by 30 degrees takes z to (0, -1/2, cos 30); about y by 50 then turns that.
        x, y, z = 0.0, -0.5, np.cos(np.pi / 6)
        c, s = np.cos(np.deg2rad(50)), np.sin(np.deg2rad(50))
        turned = store.column("rotation")[0] @ [0, 0, 1]
        np.testing.assert_allclose(turned, [c * x + s * z, y, c * z - s * x], atol=1e-12)


def test_a_store_is_whole_or_not_there_wherever_a_conversion_is_killed(store, tmp_path):
    files = write_published(store, tmp_path / "published")
    folder = tmp_path / "out"
    folder.mkdir()

    def work():
        if not (folder / "maps").exists():
            read_published(files, folder / "maps").close()

    def look(_):
        if (folder / "maps").exists():
            with MapStore.open(folder / "maps") as back:
                assert back.index.tobytes() == store.index.tobytes()
                np.testing.assert_array_equal(back.read(), store.read())
        assert len(list(folder.iterdir())) <= 1  # what a killed one left is gone

    assert kill_everywhere(work, folder, look, step=5) >= 3


def test_wrong_files_get_one_sentence(store, tmp_path):
    files = write_published(store, tmp_path / "published")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["something"] = 1
    with pytest.raises(StoreError, match="holds none of dm, star, gas, hi, temp"):
        read_published([tmp_path / "other.hdf5"], tmp_path / "out")
    with h5py.File(files[0], "r+") as file:
        del file["dm/metadata/0002"]
    with pytest.raises(StoreError, match=r"image 2 of .* lacks extent, gid, name, snapshot"):
        read_published(files, tmp_path / "out")
    with h5py.File(files[1], "r+") as file:
        del file["star/images"]
        file["star/images"] = np.ones((2, 8, 9))
    with pytest.raises(StoreError, match="must be squares of one size"):
        read_published(files[1:3], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _external_storage(file, secret):
    file.create_dataset("dm/images", (4, 8, 8), "u1", external=[(str(secret), 0, 256)])


def _virtual(file, secret):
    layout = h5py.VirtualLayout((4, 8, 8), "f4")
    layout[:] = h5py.VirtualSource(secret, "dm/images", (4, 8, 8))
    file.create_virtual_dataset("dm/images", layout)


def _external_link(file, secret):
    file["dm/images"] = h5py.ExternalLink(secret, "dm/images")


@pytest.mark.parametrize("point", [_external_storage, _virtual, _external_link])
def test_no_values_are_taken_from_another_file(store, tmp_path, point):
    secret, *_ = write_published(store, tmp_path / "secret")
    files = write_published(store, tmp_path / "published")
    with h5py.File(files[0], "r+") as file:
        del file["dm/images"]
        point(file, secret)
    with h5py.File(files[0], "r") as file:
        assert file["dm/images"][0].any()  # h5py itself would have told.
    with pytest.raises(StoreError, match=r"/?dm/images .*in another file"):
        read_published(files[:1], tmp_path / "out")
    assert not (tmp_path / "out").exists()
