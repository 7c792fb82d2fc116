"""What stands out of a disk: spiral arms with spurs on their lee side, and giant clumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Half-widths across an arm in units of its radius, ahead of the shock, behind it, and of the old
# stars; set by hand.
_UPSTREAM, _DOWNSTREAM, _STELLAR = 0.035, 0.075, 0.16
# Spurs leave the arm at this pitch and repeat along it every so many radii: the 0.53 kpc at 2 kpc
# from the center that theory has for M51 (Lee 2014, abstract) are 0.27 radii; wider here, for the
# particles to show them.
_SPUR_PITCH_DEG, _SPUR_SPACING = 60.0, 0.45


@dataclass(frozen=True)
class Arm:
    """One trailing arm.

    Attributes
    ----------
    angles : (rows,) its azimuth at each radius of a grid.
    pitch : (rows,) radians, its pitch there.
    strength : (rows,) from 0 to about 1.
    """

    angles: Array
    pitch: Array
    strength: Array


def draw_arms(
    log_radius: Array, count: int, pitch_deg: float, bar_angle: float, rng: np.random.Generator
) -> list[Arm]:
    """Draw `count` main arms from the bar's ends outward, and branches that fork off them.

    The pitch changes along an arm, as in real ones (Seigar & James 1998, abstract), by about a
    fifth over a factor e in radius. Arms differ by a tenth in pitch, by 0.1 rad in place and by a
    fifth in strength, and swell and fade along their length. These numbers are set by hand.

    Parameters
    ----------
    log_radius : (rows,) ln(R / gas scale length), increasing in equal steps.
    """
    start = -0.5
    arms = []
    for j in range(count):
        angle = bar_angle + 2 * np.pi * j / count + 0.1 * rng.standard_normal()
        pitch = pitch_deg * (1.0 + 0.1 * rng.standard_normal())
        strength = np.clip(1.0 + 0.2 * rng.standard_normal(), 0.6, 1.3)
        arms.append(_draw_arm(log_radius, start, angle, pitch, float(strength), rng))
    for main in rng.permutation(count)[: rng.integers(0, count + 1)]:
        fork = rng.uniform(0.0, 0.8)
        angle = float(np.interp(fork, log_radius, arms[main].angles))
        pitch = np.degrees(np.interp(fork, log_radius, arms[main].pitch)) * rng.uniform(1.4, 1.9)
        arms.append(_draw_arm(log_radius, fork, angle, pitch, rng.uniform(0.4, 0.7), rng))
    return arms


def _draw_arm(
    log_radius: Array, start: float, angle: float, pitch_deg: float, strength: float,
    rng: np.random.Generator,
) -> Arm:  # fmt: skip
    along = log_radius - start
    pitch = np.radians(np.clip(pitch_deg * (1.0 + 0.2 * rng.standard_normal() * along), 8.0, 40.0))
    winding = np.cumsum(1.0 / np.tan(pitch)) * (log_radius[1] - log_radius[0])
    angles = angle - (winding - np.interp(start, log_radius, winding))
    swell = 1.0 + 0.25 * np.cos(2 * np.pi * (along / rng.uniform(0.7, 1.1) + rng.uniform()))
    inner = 1.0 / (1.0 + np.exp(-(along - 0.05) / 0.06))
    outer = 1.0 / (1.0 + np.exp((log_radius - rng.uniform(0.9, 1.3)) / 0.15))
    return Arm(angles, pitch, strength * swell * inner * outer)


def arm_fields(
    arms: list[Arm], log_radius: Array, angle: Array, wander: Array
) -> tuple[Array, Array, Array]:
    """Return how deep each point lies in an arm, in a spur and in an arm of old stars.

    Gas meets the arm from its concave side and is shocked there: the ridge is steep on that side
    and falls off slowly on the other (Roberts 1969). Spurs jut out of it on the convex side at
    regular distances, sheared by the flow between the arms (Kim & Ostriker 2002); La Vigne, Vogel &
    Ostriker (2006) find them in most spirals whose dust lanes are clear.

    Parameters
    ----------
    angle : (columns,) radians.
    wander : (rows, columns) of unit variance, by which spurs leave their regular places.

    Returns
    -------
    Three (rows, columns), 0 to about 1, more where arms meet.
    """
    shape = (len(log_radius), len(angle))
    gas, spurs, stars = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for arm in arms:
        behind = (angle - arm.angles[:, None] + np.pi) % (2 * np.pi) - np.pi
        across = behind * np.sin(arm.pitch)[:, None]
        width = np.where(across < 0, _UPSTREAM, _DOWNSTREAM)
        strength = arm.strength[:, None]
        gas += strength * np.exp(-0.5 * (across / width) ** 2)
        stars += strength * np.exp(-0.5 * (across / _STELLAR) ** 2)
        opening = 1.0 / np.tan(arm.pitch) - 1.0 / np.tan(np.radians(_SPUR_PITCH_DEG))
        root = log_radius[:, None] - behind / np.maximum(opening, 0.5)[:, None]
        spacing = (_SPUR_SPACING * np.sin(arm.pitch))[:, None]
        comb = np.exp(2.5 * (np.cos(2 * np.pi * root / spacing + 0.7 * wander) - 1.0))
        outward = np.maximum(across, 0.0)
        reach = (1.0 - np.exp(-((outward / 0.07) ** 2))) * np.exp(-outward / 0.3)
        spurs += strength * comb * reach
    return gas, spurs, stars


def clump_field(log_radius: Array, angle: Array, count: int, rng: np.random.Generator) -> Array:
    """Return (rows, columns): giant clumps as Gaussian peaks of height about 1 in a log density.

    They lie 0.3 to 1.9 scale lengths of the gas from the center, with dispersions of about a tenth
    of one, some 0.4 kpc, and differ in height: set by hand.
    """
    field = np.zeros((len(log_radius), len(angle)))
    radius = np.exp(log_radius)[:, None]
    for _ in range(count):
        r, phi, size = rng.uniform(0.3, 1.9), rng.uniform(0, 2 * np.pi), rng.uniform(0.07, 0.15)
        squared = radius**2 + r**2 - 2 * radius * r * np.cos(angle - phi)
        field += rng.uniform(0.7, 1.3) * np.exp(-0.5 * squared / size**2)
    return field
