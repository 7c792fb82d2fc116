import json

import numpy as np
import pytest

from data.domains import get_domain
from data.normalize import (
    DEFAULT,
    Normalization,
    Scale,
    denormalize,
    log_jacobian,
    normalize,
    to_log,
)

OTHER = Normalization({"hi": Scale(20.0, 3.3, 0.7), "temperature": Scale(5.0, 6.1, 1.9)})


@pytest.mark.parametrize("normalization", [DEFAULT, OTHER])
def test_normalize_and_back_is_the_identity_up_to_float32(rng, normalization):
    for name in normalization.scales:
        low, high = get_domain(name).display_range
        values = low * (high / low) ** rng.uniform(size=10_000)
        x = normalize(values, name, normalization)
        back = denormalize(x, name, normalization)
        scale = normalization[name]
        # Half a unit in the last place of x, and one of the result, as relative errors.
        bound = np.log(10) * scale.scale_dex * 2.0**-24 * np.abs(x) * (1 + scale.floor / values)
        assert np.all(np.abs(back / values - 1) <= 1.001 * (bound + 2.0**-24))
        empty = denormalize(normalize(np.zeros(3), name, normalization), name, normalization)
        assert empty.max() <= 1e-5 * scale.floor


def test_constants_are_those_that_are_given():
    # (log10(980 + 20) - 3.3) / 0.7 = -3/7; empty pixels are at (log10(20) - 3.3) / 0.7.
    np.testing.assert_allclose(normalize(np.array([980.0]), "hi", OTHER), -3 / 7, rtol=1e-6)
    np.testing.assert_allclose(denormalize(np.array([-3 / 7]), "hi", OTHER), 980.0, rtol=1e-6)
    np.testing.assert_array_equal(denormalize(np.array([-9.0]), "hi", OTHER), 0.0)
    assert normalize(np.array([980.0]), "hi") != normalize(np.array([980.0]), "hi", OTHER)


@pytest.mark.parametrize("normalization", [DEFAULT, OTHER])
def test_the_jacobian_is_that_of_the_transform(normalization):
    for name, scale in normalization.scales.items():
        values = np.geomspace(*get_domain(name).display_range, 50)
        step = 1e-5 * values
        ends = (to_log(values + s * step, name, normalization) / scale.scale_dex for s in (1, -1))
        slope = (next(ends) - next(ends)) / (2 * step)
        np.testing.assert_allclose(
            log_jacobian(values, name, normalization), np.log(slope), atol=1e-6
        )


def test_json_carries_constants_exactly():
    for normalization in (DEFAULT, OTHER, Normalization({"gas": Scale(1e3, 0.1 + 0.2, 1 / 3)})):
        text = json.dumps(normalization.to_json())
        assert Normalization.from_json(json.loads(text)) == normalization


def test_wrong_constants_are_said():
    good = {"floor": 1.0, "center_dex": 0.0, "scale_dex": 1.0}
    for wrong in ({"scale_dex": 0.0}, {"scale_dex": -1.0}, {"floor": 0.0}, {"floor": float("inf")},
                  {"center_dex": float("nan")}, {"center_dex": "1"}, {"floor": True}):  # fmt: skip
        with pytest.raises(
            ValueError, match=r"^hi: floor, center_dex and scale_dex must be finite"
        ):
            Normalization.from_json({"hi": {**good, **wrong}})
    for wrong in ({}, {**good, "offset": 1.0}, 3, [1.0, 2.0]):
        with pytest.raises(ValueError, match=r"^hi must hold floor, center_dex and scale_dex, got"):
            Normalization.from_json({"hi": wrong})
    with pytest.raises(ValueError, match="no normalization of gas is known"):
        normalize(np.ones(3), "gas", OTHER)
    with pytest.raises(ValueError, match="unknown domain 'dust'"):
        normalize(np.ones(3), "dust")
