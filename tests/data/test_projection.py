import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from data import projection
from data.maps import field_of_view
from data.projection_reference import corner_mass, project_exactly
from data.smoothing import gas_smoothing_lengths, neighbor_smoothing_lengths
from data.synthetic import synthesize


def sampled(coordinates, weights, support, extent_kpc, grid_size, oversampling):
    """Average the kernel (1 - q^2)^3 over pixels by midpoints: a second way to the reference."""
    fine = grid_size * oversampling
    axis = (np.arange(fine) + 0.5) / fine * extent_kpc - extent_kpc / 2
    total = np.zeros((fine, fine))
    for (x, y, _), w, h in zip(coordinates, weights, support, strict=True):
        q2 = ((axis[None, :] - x) ** 2 + (axis[:, None] - y) ** 2) / h**2
        total += w * 4 / (np.pi * h**2) * np.clip(1 - q2, 0, None) ** 3
    return total.reshape(grid_size, oversampling, grid_size, oversampling).mean(axis=(1, 3))


def l1(got, truth):
    return np.abs(got - truth).sum() / truth.sum()


@pytest.fixture(params=["numpy", "cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def project(request):
    """Every promise below holds for arrays, and for tensors wherever they live."""
    if request.param == "numpy":
        return projection.project

    def project_tensors(*particles, **frame):
        given = (torch.as_tensor(array, device=request.param) for array in particles)
        maps = projection.project(*given, **frame)
        assert maps.device.type == request.param
        assert maps.dtype == torch.float64
        return maps.cpu().numpy()

    return project_tensors


@pytest.fixture
def particles(rng):
    coordinates = rng.normal(0, 6.0, (300, 3))
    return coordinates, rng.uniform(1, 3, 300), rng.uniform(2.0, 6.0, 300)


@pytest.fixture(scope="module")
def galaxy():
    return synthesize(3, kind="spiral", num_gas=100_000, num_dark_matter=100_000)


def test_reference_agrees_with_sampled_kernel(particles):
    given = *(array[:60] for array in particles), 32.0, 32
    got = project_exactly(*given[:3], extent_kpc=32.0, grid_size=32)[0]
    # Midpoints err by the square of their distance: extrapolated to none.
    truth = (4 * sampled(*given, 16) - sampled(*given, 8)) / 3
    np.testing.assert_allclose(got, truth, atol=1e-5 * truth.max())


def test_corner_mass_has_the_symmetries_of_the_kernel(rng):
    for a, b in rng.uniform(-1.2, 1.2, (200, 2)):
        assert corner_mass(a, b) == pytest.approx(corner_mass(b, a), abs=1e-14)
        assert corner_mass(a, b) + corner_mass(-a, b) == pytest.approx(corner_mass(1, b), abs=1e-14)
    # Mass inside q: 1 - (1 - q^2)^4; and the marginal distribution's density is 128/(35 pi).
    assert corner_mass(1, 1) == pytest.approx(1, abs=1e-15)
    slope = (corner_mass(1e-4, 1) - corner_mass(-1e-4, 1)) / 2e-4
    assert slope == pytest.approx(128 / (35 * np.pi), rel=1e-7)


@pytest.fixture(scope="module", params=["gas", "dark_matter"])
def galaxy_and_truth(request, galaxy):
    part = galaxy.particles[request.param]
    if request.param == "gas":
        support = gas_smoothing_lengths(part.masses, part["density"])
    else:
        support = neighbor_smoothing_lengths(part.coordinates)
    given = part.coordinates, part.masses, support
    frame = {"extent_kpc": field_of_view(galaxy), "grid_size": 256}
    return given, frame, project_exactly(*given, **frame)[0]


def test_error_on_a_galaxy(project, galaxy_and_truth):
    given, frame, truth = galaxy_and_truth
    got = project(*given, **frame)[0]
    assert l1(got, truth) <= 2e-3
    covered = truth > 0
    assert (got[covered] > 0).all()
    dex = np.abs(np.log10(got[covered] / truth[covered]))
    assert np.median(dex) <= 1e-3
    assert np.percentile(dex, 99) <= 1e-2
    # A third or more of the particles lie outside, their kernels across the edge.
    assert got.sum() == pytest.approx(truth.sum(), rel=1e-5)


@pytest.mark.parametrize("grid_size", [1, 2, 17, 64, 129])
@pytest.mark.parametrize("support", [0.0, 1e-3, 0.4, 2.0, 4.9])
def test_conserves_contained_mass(project, rng, support, grid_size):
    coordinates = rng.uniform(-5, 5, (200, 3))
    weights = rng.uniform(1, 2, (2, 200))
    # Stencils reach some pixels of their level beyond the kernel: the frame leaves room for that.
    maps = project(coordinates, weights, np.full(200, support), extent_kpc=40.0,
                   grid_size=grid_size)  # fmt: skip
    area = (40.0 / grid_size) ** 2
    np.testing.assert_allclose(maps.sum(axis=(1, 2)) * area, weights.sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("grid_size", [3, 50, 97])
@pytest.mark.parametrize(
    ("support", "error"), [(0.3, 1e-2), (3.0, 2e-2), (20.0, 3e-3), (90.0, 1e-3)]
)
def test_mass_in_the_frame_of_particles_across_its_edge(project, rng, support, error, grid_size):
    coordinates = rng.uniform(-40, 40, (400, 3))
    given = coordinates, np.ones(400), np.full(400, support)
    got = project(*given, extent_kpc=50.0, grid_size=grid_size)
    truth = project_exactly(*given, extent_kpc=50.0, grid_size=grid_size)
    assert got.sum() == pytest.approx(truth.sum(), rel=2e-4)
    # So few particles that each kernel's own error shows.
    assert l1(got, truth) < error


@pytest.mark.parametrize(
    ("support", "error"), [(0.05, 2e-4), (0.3, 3e-3), (0.6, 8e-3), (1.2, 3e-2)]
)
def test_lone_kernels_of_a_pixel_and_less(project, rng, support, error):
    errors = []
    for x, y in rng.uniform(-0.5, 0.5, (50, 2)):
        given = np.array([[x, y, 0.0]]), np.ones(1), np.array([support])
        got, truth = (f(*given, extent_kpc=9.0, grid_size=9)[0] for f in (project, project_exactly))
        assert got.sum() == pytest.approx(1, rel=1e-6)
        errors.append(l1(got, truth))
    assert np.mean(errors) < error


@pytest.mark.parametrize("support", [40.0, 90.0, 1e3, 1e6])
def test_kernels_larger_than_the_map(project, rng, support):
    coordinates = rng.uniform(-0.7, 0.7, (20, 3)) * support
    given = coordinates, np.ones(20), np.full(20, support)
    got = project(*given, extent_kpc=32.0, grid_size=48)[0]
    truth = project_exactly(*given, extent_kpc=32.0, grid_size=48)[0]
    np.testing.assert_allclose(got, truth, rtol=1e-3, atol=1e-4 * truth.max())


def test_kernel_far_larger_than_the_map_is_its_central_value(project):
    got = project(np.zeros((1, 3)), np.ones(1), np.array([1e3]), extent_kpc=1.0, grid_size=8)
    np.testing.assert_allclose(got, 4 / (np.pi * 1e6), rtol=1e-4)


def test_particles_far_away_leave_nothing(project):
    coordinates = np.array([[1e3, 0, 0], [0, -1e12, 0], [1e200, 0, 0]])
    for support in (0.0, 1.0, 30.0):
        got = project(coordinates, np.ones(3), np.full(3, support), extent_kpc=9.0, grid_size=9)
        assert (got == 0).all()


def test_particle_lies_where_its_coordinates_say(project):
    got = project(np.array([[3.5, -1.5, 9.0]]), np.ones(1), np.array([0.01]), extent_kpc=10.0,
                  grid_size=10)[0]  # fmt: skip
    assert np.unravel_index(got.argmax(), got.shape) == (3, 8)


@pytest.mark.parametrize("grid_size", [64, 100])
@pytest.mark.parametrize(
    ("support", "spread_error"), [(0.6, 1e-3), (1.1, 1e-2), (2.0, 1e-2), (4.0, 0.05), (20.0, 0.02)]
)
def test_a_lone_kernel_has_the_center_and_spread_of_the_truth(
    project, rng, support, spread_error, grid_size
):
    pixel = 64.0 / grid_size
    axis = (np.arange(grid_size) + 0.5) * pixel - 32.0
    for x, y in rng.uniform(-3, 3, (10, 2)):
        given = np.array([[x, y, 0.0]]), np.ones(1), np.array([support])
        moments = []
        for function in (project, project_exactly):
            along = function(*given, extent_kpc=64.0, grid_size=grid_size)[0].sum(0) * pixel**2
            mean = (along * axis).sum()
            moments.append((mean, (along * (axis - mean) ** 2).sum()))
        (mean, variance), (true_mean, true_variance) = moments
        assert mean == pytest.approx(true_mean, abs=5e-3 * np.sqrt(true_variance))
        assert variance == pytest.approx(true_variance, rel=spread_error)


def test_never_below_zero_between_bright_and_nothing(project, rng):
    coordinates = rng.uniform(-16, 16, (40, 3))
    weights = 10.0 ** rng.uniform(0, 12, 40)
    got = project(coordinates, weights, rng.uniform(0, 12, 40), extent_kpc=32.0, grid_size=150)
    assert got.min() >= 0


def test_channels_are_independent(project, particles):
    coordinates, weights, support = particles
    both = project(coordinates, np.stack([weights, 2 * weights]), support, extent_kpc=20.0,
                   grid_size=16)  # fmt: skip
    alone = project(coordinates, weights, support, extent_kpc=20.0, grid_size=16)
    np.testing.assert_allclose(both[0], alone[0])
    np.testing.assert_allclose(both[1], 2 * alone[0])


def test_weights_of_both_signs_are_the_difference_of_two_maps(project, particles, rng):
    coordinates, weights, support = particles
    frame = {"extent_kpc": 20.0, "grid_size": 50}
    signed = weights * rng.choice([-1, 1], len(weights))
    got = project(coordinates, signed, support, **frame)
    truth = project_exactly(coordinates, signed, support, **frame)
    unsigned = project_exactly(coordinates, weights, support, **frame)
    assert np.abs(got - truth).sum() < 1e-2 * unsigned.sum()
    np.testing.assert_allclose(project(coordinates, -signed, support, **frame), -got)


def test_threads_do_not_change_the_map(particles):
    frame = {"extent_kpc": 20.0, "grid_size": 50}
    one = projection.project(*particles, **frame)
    for threads in (2, 3):
        maps = projection.project(*particles, **frame, threads=threads)
        np.testing.assert_allclose(maps, one, rtol=1e-9)


def test_memory_layout_and_precision_of_the_input_do_not_matter(project, particles):
    coordinates, weights, support = (a.astype(np.float32) for a in particles)
    frame = {"extent_kpc": 20.0, "grid_size": 50}
    expected = project(*(a.astype(np.float64) for a in (coordinates, weights, support)), **frame)
    got = project(np.asfortranarray(coordinates), np.repeat(weights, 2)[::2], support, **frame)
    # On a GPU the order in which particles add up changes from run to run.
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_no_particles_make_an_empty_map(project):
    got = project(np.zeros((0, 3)), np.zeros((2, 0)), np.zeros(0), extent_kpc=1.0, grid_size=5)
    np.testing.assert_array_equal(got, np.zeros((2, 5, 5)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coordinates": np.zeros((3, 2))}, "coordinates must have shape"),
        ({"weights": np.ones(4)}, "weights must have shape"),
        ({"smoothing_lengths": np.ones(2)}, "smoothing_lengths must have shape"),
        ({"coordinates": np.full((3, 3), np.nan)}, "coordinates must be finite"),
        ({"smoothing_lengths": -np.ones(3)}, "smoothing_lengths must not be negative"),
        ({"extent_kpc": 0.0}, "extent_kpc must be above zero"),
        ({"grid_size": 0}, "grid_size must be a positive"),
        ({"threads": 0}, "threads must be a positive"),
    ],
)
def test_bad_input_is_said_in_one_sentence(project, change, said):
    good = {"coordinates": np.zeros((3, 3)), "weights": np.ones(3),
            "smoothing_lengths": np.ones(3), "extent_kpc": 4.0, "grid_size": 4}  # fmt: skip
    with pytest.raises(ValueError, match=said):
        project(**{**good, **change})


@pytest.mark.parametrize("grid_size", [9, 64, 129])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_tensors_and_arrays_make_the_same_map(rng, device, grid_size):
    coordinates = rng.normal(0, 9.0, (3000, 3))
    weights, support = rng.uniform(1, 3, (2, 3000)), 10.0 ** rng.uniform(-2, 2, 3000)
    frame = {"extent_kpc": 20.0, "grid_size": grid_size}
    expected = projection.project(coordinates, weights, support, **frame)
    given = (torch.as_tensor(array, device=device) for array in (coordinates, weights, support))
    got = projection.project(*given, **frame).cpu().numpy()
    # Stencils are single precision.
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_each_of_many_light_particles_in_one_place_counts(project):
    many = 100_000
    coordinates, weights = np.full((many, 3), 0.3), np.ones(many)
    got = project(coordinates, weights, np.full(many, 0.5), extent_kpc=32.0, grid_size=64)
    assert got.sum() * 0.25 == pytest.approx(many, rel=1e-6)


def test_tensors_beside_arrays_are_refused():
    with pytest.raises(ValueError, match=r"must all be arrays, or tensors .* got cpu, list, cpu"):
        projection.project(torch.zeros(3, 3), [1.0] * 3, torch.ones(3), extent_kpc=1.0, grid_size=4)


def test_arrays_do_not_ask_for_torch():
    code = "import sys, data.projection; sys.exit('torch' in sys.modules)"
    root = Path(projection.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
