import numpy as np
import pytest

from data.outflows import bubble_factors, draw_cavities, draw_wind_bubbles, shock_jump


@pytest.mark.parametrize(
    ("mach", "density", "temperature"),
    [(1.0, 1.0, 1.0), (2.0, 16 / 7, 133 / 64), (3.0, 3.0, 11 / 3), (1e4, 4.0, 5e8 / 16)],
)
def test_shocks_jump_as_rankine_and_hugoniot_have_it(mach, density, temperature):
    assert shock_jump(mach) == pytest.approx((density, temperature), rel=1e-4)


def test_a_bubble_is_thin_inside_swept_at_its_edge_and_nothing_beyond(rng):
    bubble = draw_wind_bubbles(200.0, 1.0, rng)[0]
    across = np.cross(bubble.axis, [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    q = np.array([0.0, 0.5, 1.12, 1.5, 4.0])
    xyz = bubble.center + (q * bubble.width)[:, None] * across
    np.testing.assert_allclose(bubble.depth(xyz), q, atol=1e-6)
    density, temperature = bubble_factors(xyz, [bubble], np.zeros(5))
    rim = bubble.compression, bubble.rim_heating
    inside = bubble.thinning, bubble.heating
    for factor, core, shell in zip((density, temperature), inside, rim, strict=True):
        np.testing.assert_allclose(factor, [core, core, shell, 1.0, 1.0], rtol=0.15)
    assert density[0] * temperature[0] > 1.0  # overpressured


def test_winds_blow_to_both_sides_and_cavities_keep_the_pressure(rng):
    for _ in range(20):
        sides = [np.sign(b.center[2]) for b in draw_wind_bubbles(200.0, 0.5, rng)]
        assert sum(sides) == 0
        for cavity in draw_cavities(400.0, rng):
            assert cavity.thinning * cavity.heating == pytest.approx(1.0)
            assert np.linalg.norm(cavity.center) > cavity.length  # it has left the center
    assert draw_wind_bubbles(200.0, 0.0, rng) == []
