"""Which way a disk faces, and what is seen of it face-on and edge-on."""

import numpy as np
import pytest

from data.galaxy import Galaxy, Particles
from data.maps import render
from data.orientation import orient
from data.rotations import random_rotations, viewing_rotation
from data.synthetic import synthesize


def disk(turn, count=4000, thickness=0.05, **fields):
    """Return a disk of stars around the axis `turn` @ z."""
    rng = np.random.default_rng(3)
    flat = rng.normal(size=(count, 3)) * (8.0, 8.0, 8.0 * thickness)
    stars = Particles(flat @ turn.T, np.full(count, 1e6), fields)
    return Galaxy("disk", 0.0, {"stars": stars})


def angle_deg(one, other):
    return np.degrees(np.arccos(np.clip(one @ other, -1, 1)))


@pytest.mark.parametrize("turn", random_rotations("disks", 4))
def test_axis_of_a_disk_from_its_shape(turn):
    found = orient(disk(turn))
    axis = found.frame[2]
    assert found.origin == "shape of the stars"
    assert min(angle_deg(axis, turn[:, 2]), angle_deg(-axis, turn[:, 2])) < 1.0
    np.testing.assert_allclose(found.frame @ found.frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(found.frame) == pytest.approx(1.0)


@pytest.mark.parametrize("sense", [1.0, -1.0])
def test_axis_is_the_angular_momentum_where_velocities_are_known(sense):
    turn = random_rotations("turning", 1)[0]
    axis = sense * turn[:, 2]
    still = disk(turn, thickness=1.0).particles["stars"]  # no shape to go by
    velocities = np.cross(axis, still.coordinates) * 20 + (300.0, 0.0, 0.0)  # and a drift
    found = orient(disk(turn, thickness=1.0, velocities=velocities))
    assert found.origin == "angular momentum of the stars"
    assert angle_deg(found.frame[2], axis) < 5.0


def test_what_has_no_disk_keeps_its_axes():
    found = orient(disk(np.eye(3), thickness=1.0))
    assert not found.has_disk
    np.testing.assert_array_equal(found.frame, np.eye(3))
    assert not orient(synthesize(900_482, kind="massive_halo")).has_disk


def test_face_on_covers_the_most_and_edge_on_the_least():
    galaxy = synthesize(900_324, kind="spiral")
    frame = orient(galaxy).frame

    def share_of_bright_pixels(inclination, position_angle=30.0):
        rotation = viewing_rotation(inclination, position_angle, 50.0) @ frame
        image = render(galaxy, ["stars"], rotation=rotation, grid_size=64)["stars"]
        return float((image > 1e7).mean())

    shares = [share_of_bright_pixels(i) for i in (0, 45, 70, 90)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 2 * shares[-1]


def test_position_angle_is_that_of_the_major_axis():
    galaxy = disk(random_rotations("position", 1)[0])
    frame = orient(galaxy).frame
    for position_angle in (0.0, 40.0, 110.0):
        rotation = viewing_rotation(80.0, position_angle, 0.0) @ frame
        x, y, _ = rotation @ galaxy.particles["stars"].coordinates.T
        covariance = np.cov(x, y)
        major = np.linalg.eigh(covariance)[1][:, 1]
        # Counterclockwise from +y: the direction (-sin, cos).
        measured = np.degrees(np.arctan2(-major[0], major[1]))
        difference = (measured - position_angle + 90.0) % 180.0 - 90.0  # an axis has two ends
        assert difference == pytest.approx(0.0, abs=1.5)
