import h5py
import numpy as np
import pytest

from data.centers import shrinking_sphere, unwrap
from data.cosmology import cosmic_time_gyr, scale_factor_at
from data.cutouts import CutoutError, cutout_name, read_cutout, write_cutout
from data.domains import DOMAINS
from data.galaxy import Galaxy, Particles
from data.maps import available_domains, missing_reason, render
from data.synthetic import synthesize

H = 0.6774
# Centers of three objects in the excerpt, ckpc/h at z = 0.
OBJECTS = ((25929, 10371, 25312), (26106, 10143, 27266), (25513, 8077, 26512))

POINT = {"Coordinates": [[1.0, 2.0, 3.0]], "Masses": [1.0]}


def write(path, header=None, **groups):
    """Write a small cutout at a = 0.5, h = 0.5, so that one ckpc/h is one kpc."""
    with h5py.File(path, "w") as file:
        attributes = {"Time": 0.5, "HubbleParam": 0.5, "BoxSize": 1000.0, "Redshift": 1.0,
                      "MassTable": np.array([0, 0.25, 0, 0, 0, 0.0])}  # fmt: skip
        file.create_group("Header").attrs.update(attributes if header is None else header)
        for group, datasets in groups.items():
            file.create_group(group)
            for name, values in datasets.items():
                file[group][name] = values
    return path


@pytest.fixture(scope="module")
def galaxy():
    return synthesize(5, redshift=0.5, kind="spiral")


def test_synthetic_galaxy_returns_from_disk(galaxy, tmp_path):
    write_cutout(galaxy, tmp_path / "galaxy.hdf5")
    back = read_cutout(tmp_path / "galaxy.hdf5")
    assert (back.name, back.kind, back.redshift) == (galaxy.name, "spiral", 0.5)
    assert back.properties == pytest.approx(galaxy.properties)
    assert set(back.particles) == set(galaxy.particles)
    for name, old in galaxy.particles.items():
        new = back.particles[name]
        np.testing.assert_allclose(new.coordinates, old.coordinates, atol=1e-9)
        np.testing.assert_allclose(new.masses, old.masses, rtol=1e-6)
        for field in set(old.fields) - {"age"}:
            np.testing.assert_allclose(new[field], old[field], rtol=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == ["galaxy.hdf5"]


def test_maps_are_the_same_before_and_after_disk(galaxy, tmp_path):
    write_cutout(galaxy, tmp_path / "galaxy.hdf5")
    back = read_cutout(tmp_path / "galaxy.hdf5")
    old, new = (render(g, DOMAINS, grid_size=16, extent_kpc=40.0) for g in (galaxy, back))
    for name in DOMAINS:
        np.testing.assert_allclose(new[name], old[name], rtol=1e-3)


def test_units_by_hand(tmp_path):
    path = write(
        tmp_path / "units.hdf5",
        PartType0={
            "Coordinates": [[100.0, 100.0, 100.0], [103.0, 104.0, 100.0]],
            "Masses": [1.0, 2.0], "Density": [1.0, 2.0], "InternalEnergy": [100.0, 200.0],
            "ElectronAbundance": [0.0, 0.0], "Potential": [-5.0, -1.0],
            "MagneticField": [[1.0, 0, 0], [0, 2.0, 0]], "Velocities": [[10.0, 0, 0], [0, 0, 0]],
        },
        PartType1={"Coordinates": [[101.0, 100.0, 100.0]]},
        PartType4={
            "Coordinates": [[100.0, 102.0, 100.0]] * 3, "Masses": [1.0, 1.0, 1.0],
            "GFM_StellarFormationTime": [0.5, -0.4, 0.0],
        },
        PartType5={"Coordinates": [[100.0, 100.0, 100.0]], "Masses": [1.0]},
    )  # fmt: skip
    galaxy = read_cutout(path)
    gas = galaxy.particles["gas"]
    # a / h = 1; the center is the particle of lowest potential.
    np.testing.assert_allclose(gas.coordinates, [[0, 0, 0], [3, 4, 0]])
    np.testing.assert_allclose(gas.masses, [2e10, 4e10])
    np.testing.assert_allclose(gas["density"], [2e10, 4e10])  # 1e10 h^2 / a^3
    np.testing.assert_allclose(gas["internal_energy"], [100, 200])
    np.testing.assert_allclose(gas["temperature"], [9849, 19698], rtol=1e-3)
    np.testing.assert_allclose(gas["magnetic_field"][:, 1], [0, 2 * 2.6019e-6 * 0.5 / 0.25])
    np.testing.assert_allclose(gas["velocities"][0, 0], 10 * np.sqrt(0.5))
    np.testing.assert_allclose(galaxy.particles["dark_matter"].masses, [5e9])
    assert len(galaxy.particles["stars"]) == 1  # the others are wind
    assert set(galaxy.particles) == {"gas", "dark_matter", "stars"}
    assert galaxy.name == "units"


def test_the_energy_of_star_forming_gas_returns_from_disk(tmp_path):
    gas = {**POINT, "Density": [1.0], "InternalEnergy": [700.0], "ElectronAbundance": [1.0],
           "StarFormationRate": [1.0]}  # fmt: skip
    galaxy = read_cutout(write(tmp_path / "forming.hdf5", PartType0=gas))
    write_cutout(galaxy, tmp_path / "again.hdf5")
    again = read_cutout(tmp_path / "again.hdf5").particles["gas"]
    assert again["temperature"] == 1e4
    assert again["internal_energy"] == pytest.approx(700.0)


def test_particles_across_the_edge_of_the_box_are_joined(tmp_path):
    coordinates = np.array([[999.5, 0.5, 500.0], [0.5, 999.5, 500.0]])
    path = write(tmp_path / "edge.hdf5", PartType1={"Coordinates": coordinates})
    galaxy = read_cutout(path, center_kpc=(0.0, 0.0, 500.0))
    expected = [[-0.5, 0.5, 0], [0.5, -0.5, 0]]
    np.testing.assert_allclose(galaxy.particles["dark_matter"].coordinates, expected)


def test_radius_selects_a_sphere(tmp_path):
    coordinates = np.array([[500.0, 500, 500], [505, 500, 500], [507, 507, 507]])
    path = write(tmp_path / "sphere.hdf5", PartType1={"Coordinates": coordinates})
    near = read_cutout(path, center_kpc=(500, 500, 500), radius_kpc=6.0)
    assert len(near.particles["dark_matter"]) == 2
    with pytest.raises(CutoutError, match=r"no particles within 1\.0 kpc of"):
        read_cutout(path, center_kpc=(600, 500, 500), radius_kpc=1.0)


def test_shrinking_sphere_finds_the_dense_clump_across_the_edge(rng):
    clump = rng.normal(scale=0.5, size=(500, 3)) + np.array([0.2, 50.0, 99.9])
    field = rng.uniform(0, 30, size=(300, 3)) + np.array([-10.0, 35.0, 85.0])
    coordinates = np.concatenate([field, clump]) % 100.0
    center = shrinking_sphere(coordinates, np.ones(800), 100.0)
    assert np.linalg.norm(unwrap(center[None], np.array([0.2, 50.0, 99.9]), 100.0)) < 0.3


def test_cosmic_time():
    assert cosmic_time_gyr(1.0) == pytest.approx(13.80, abs=0.01)
    assert scale_factor_at(cosmic_time_gyr(0.4)) == pytest.approx(0.4)


def test_objects_of_the_real_excerpt(tng50_excerpt):
    for center in OBJECTS:
        galaxy = read_cutout(tng50_excerpt, center_kpc=np.array(center) / H, radius_kpc=100 / H)
        assert available_domains(galaxy) == tuple(DOMAINS)
        gas = galaxy.particles["gas"]
        assert np.linalg.norm(gas.coordinates, axis=1).max() <= 100 / H
        assert 1e2 < gas["temperature"].min() < gas["temperature"].max() < 1e7
        assert 1e10 < galaxy.particles["dark_matter"].masses.sum() < 1e12
        # The objects stand at their centers: half of the stars lie within a tenth of the sphere.
        assert np.median(np.linalg.norm(galaxy.particles["stars"].coordinates, axis=1)) < 15
        maps = render(galaxy, DOMAINS, grid_size=32)
        assert all(np.isfinite(m).all() and m.max() > 0 for m in maps.values())


def test_real_values_against_the_file(tng50_excerpt):
    center = np.array(OBJECTS[0]) / H
    galaxy = read_cutout(tng50_excerpt, center_kpc=center)
    assert galaxy.name.startswith("tng50-4_subbox0_z0@")
    assert galaxy.redshift == 0.0  # The header says 2e-16.
    with h5py.File(tng50_excerpt) as file:
        stored = {name: file["PartType0"][name][:] for name in ("Masses", "MagneticField")}
        cell = int(np.argmin(np.linalg.norm(file["PartType0/Coordinates"][:] / H - center, axis=1)))
        forming = file["PartType0/StarFormationRate"][:] > 0
        mass = file["Header"].attrs["MassTable"][1] * 1e10 / H
    gas = galaxy.particles["gas"]
    assert gas.masses.sum() == pytest.approx(stored["Masses"].sum(dtype=float) * 1e10 / H)
    field = stored["MagneticField"][cell] * 1.7625e-6
    np.testing.assert_allclose(gas["magnetic_field"][cell], field, rtol=1e-3)
    assert (gas["temperature"][forming] == 1e4).all()
    np.testing.assert_allclose(galaxy.particles["dark_matter"].masses, mass)


def test_the_deepest_potential_is_the_default_center(tng50_excerpt):
    galaxy = read_cutout(tng50_excerpt, radius_kpc=30.0)
    known = read_cutout(tng50_excerpt, center_kpc=np.array(OBJECTS[1]) / H, radius_kpc=30.0)
    assert abs(len(galaxy.particles["stars"]) - len(known.particles["stars"])) <= 3


def test_real_header_of_the_web_api(tng100_cutout):
    galaxy = read_cutout(tng100_cutout)
    assert galaxy.name == cutout_name(tng100_cutout) == "TNG100-1/78/subhalo-9"
    assert galaxy.redshift == pytest.approx(0.29772, abs=1e-5)
    with h5py.File(tng100_cutout) as file:
        stars = int((file["PartType4/GFM_StellarFormationTime"][:] > 0).sum())
    assert len(galaxy.particles["stars"]) == stars < 2000
    assert "magnetic_field" in str(missing_reason(galaxy, "magnetic_field"))
    assert "no dark matter particles" in str(missing_reason(galaxy, "dark_matter"))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({}, "holds no gas, dark matter or stars"),
        ({"PartType0": {}}, "holds no gas, dark matter or stars"),
        ({"PartType0": {"Coordinates": np.zeros((0, 3))}}, "holds no gas, dark matter or stars"),
        ({"PartType5": POINT}, "holds no gas, dark matter or stars"),
        ({"PartType0": {"Masses": [1.0]}}, "has no Coordinates"),
        ({"PartType0": {"Coordinates": [[1.0, 2.0, 3.0]]}}, "has no Masses"),
        ({"PartType0": POINT | {"Coordinates": [[1.0, 2.0]]}}, r"shape \(1, 3\), got \(1, 2\)"),
        ({"PartType0": POINT | {"Coordinates": 1.0}}, "must hold an array"),
        ({"PartType0": POINT | {"Coordinates": [[1.0, np.nan, 3.0]]}}, "1 NaN or infinite"),
        ({"PartType0": POINT | {"Density": [0.0]}}, "Density in .* must be above zero, got 0"),
        ({"PartType0": POINT | {"Masses": [-1.0]}}, "Masses in .* must be above zero, got -1"),
        ({"PartType0": POINT | {"Masses": [1.0, 2.0]}}, r"shape \(1,\), got \(2,\)"),
        ({"PartType0": POINT | {"MagneticField": [np.inf]}}, r"shape \(1, 3\)"),
        ({"header": {"Time": 1.0, "HubbleParam": 0.7}}, "lacks BoxSize"),
        ({"header": {"Time": 9.0, "HubbleParam": 0.7, "BoxSize": 1.0}}, "must have Time in 0 to 1"),
    ],
)
def test_bad_files_get_one_sentence(groups, message, tmp_path):
    path = write(tmp_path / "bad.hdf5", **groups)
    with pytest.raises(CutoutError, match=message) as error:
        read_cutout(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_no_cutouts(tmp_path, galaxy):
    (tmp_path / "text.hdf5").write_text("no HDF5")
    with pytest.raises(CutoutError, match="is not an HDF5 file"):
        read_cutout(tmp_path / "text.hdf5")
    with pytest.raises(CutoutError, match="no such cutout file"):
        read_cutout(tmp_path / "absent.hdf5")
    with h5py.File(tmp_path / "other.hdf5", "w"):
        pass
    with pytest.raises(CutoutError, match="no group Header"):
        read_cutout(tmp_path / "other.hdf5")
    write_cutout(galaxy, tmp_path / "cut.hdf5")
    whole = (tmp_path / "cut.hdf5").read_bytes()
    (tmp_path / "cut.hdf5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CutoutError, match="damaged"):
        read_cutout(tmp_path / "cut.hdf5")


def test_bad_arguments_are_said(tmp_path, galaxy):
    path = write(tmp_path / "good.hdf5", PartType0=POINT)
    with pytest.raises(ValueError, match="radius_kpc must be above zero, got 0"):
        read_cutout(path, radius_kpc=0)
    with pytest.raises(ValueError, match="center_kpc must be three finite numbers"):
        read_cutout(path, center_kpc=(1.0, 2.0))
    with pytest.raises(ValueError, match="folder that exists"):
        write_cutout(galaxy, tmp_path / "absent" / "galaxy.hdf5")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "galaxy.hdf5"
    point = Particles(np.zeros((1, 3)), np.ones(1), {"temperature": np.ones(1)})
    good = Galaxy("good", 0.0, {"gas": Particles(np.zeros((1, 3)), np.ones(1))})
    write_cutout(good, path)
    with pytest.raises(ValueError, match="no electron_abundance"):
        write_cutout(Galaxy("bad", 0.0, {"gas": point}), path)
    with pytest.raises(KeyError):
        write_cutout(Galaxy("bad", 0.0, {"dust": point}), path)
    assert read_cutout(path).name == "good"
    assert [p.name for p in tmp_path.iterdir()] == ["galaxy.hdf5"]
