"""Processes by family: a path from the target to noise or to the source, and what is learned."""

from __future__ import annotations

from engine.processes.crps import CRPS
from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.path import Network, Process
from engine.processes.pix2pix import Pix2Pix
from engine.processes.score_sde import ScoreSDE

__all__ = ["PROCESSES", "Network", "Pix2Pix", "Process"]

PROCESSES: dict[str, type[Process]] = {
    "crps": CRPS,
    "ddpm": DDPM,
    "edm": EDM,
    "flow": FlowMatching,
    "indi": InDI,
    "pix2pix": Pix2Pix,
    "score_sde": ScoreSDE,
}
