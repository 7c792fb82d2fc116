import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.rotations import euler_rotation, random_rotations, viewing_angles, viewing_rotation

ROOT = Path(__file__).parents[2]


def test_rotations_are_proper():
    matrices = random_rotations("synthetic-000001", 50)
    products = matrices @ matrices.transpose(0, 2, 1)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0)


def test_same_name_same_rotations_in_another_process():
    code = "from data.rotations import *; print(random_rotations('NGC 628')[4, 1].tolist())"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stdout.strip() == str(random_rotations("NGC 628")[4, 1].tolist())
    assert not np.allclose(random_rotations("NGC 628"), random_rotations("NGC 629"))


def test_rotations_are_uniform_on_so3():
    matrices = np.concatenate([random_rotations(f"galaxy-{i}") for i in range(2000)])
    # Haar measure: the mean is zero, E[R_ij^2] = 1/3, and the angle has density (1 - cos) / pi.
    np.testing.assert_allclose(matrices.mean(axis=0), 0.0, atol=0.03)
    np.testing.assert_allclose((matrices**2).mean(axis=0), 1 / 3, atol=0.02)
    angle = np.arccos(np.clip((np.trace(matrices, axis1=1, axis2=2) - 1) / 2, -1, 1))
    expected = (angle - np.sin(angle)) / np.pi
    assert np.abs(np.sort(expected) - np.linspace(0, 1, len(angle))).max() < 0.02


def test_euler_angles_turn_tilt_and_turn_on_the_sky():
    x, y, z = np.eye(3)
    np.testing.assert_allclose(euler_rotation(90, 0) @ x, y, atol=1e-12)
    np.testing.assert_allclose(euler_rotation(0, 90) @ y, z, atol=1e-12)
    # The inclination alone brings the disk's axis z off the line of sight.
    for azimuth, turn in ((0, 0), (40, 70)):
        assert (euler_rotation(azimuth, 60, turn) @ z) @ z == pytest.approx(0.5)
    tilted = euler_rotation(30, 60)
    np.testing.assert_allclose(
        euler_rotation(30, 60, 90), euler_rotation(90, 0) @ tilted, atol=1e-12
    )


def test_viewing_angles_give_back_the_stored_rotations():
    turned = [euler_rotation(30, 180), euler_rotation(0, 0), viewing_rotation(180, 20, 0)]
    for matrix in [*random_rotations("synthetic-900324", 50), *turned]:
        angles = viewing_angles(matrix)
        assert 0 <= angles[0] <= 180
        assert all(0 <= angle <= 360 for angle in angles[1:])
        np.testing.assert_allclose(viewing_rotation(*angles), matrix, atol=1e-9)
    np.testing.assert_allclose(viewing_angles(viewing_rotation(60, 30, 110)), (60, 30, 110))
    np.testing.assert_allclose(viewing_angles(viewing_rotation(0, 30, 110)), (0, 140, 0), atol=1e-9)


def test_a_disk_is_seen_as_an_observer_states_it():
    axis = np.array([0.0, 0.0, 1.0])
    assert (viewing_rotation(0, 12, 34) @ axis)[2] == pytest.approx(1.0)
    assert (viewing_rotation(90, 12, 34) @ axis)[2] == pytest.approx(0.0, abs=1e-12)
    # The line of nodes, about which the disk is tilted, lies at the position angle from +y.
    node = viewing_rotation(70, 40, 0) @ (1.0, 0.0, 0.0)
    angle = np.radians(40)
    np.testing.assert_allclose(node, [-np.sin(angle), np.cos(angle), 0], atol=1e-12)


def test_bad_input_is_said():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        random_rotations("a", 0)
    with pytest.raises(ValueError, match="angles must be finite"):
        euler_rotation(np.nan, 0)
