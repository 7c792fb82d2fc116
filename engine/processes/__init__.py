"""Processes by family. A process is a path from the target to noise or to the source, and a loss.

With target x, source y and noise n, all normalized, x_t = a(t) x + b(t) y + s(t) n. Every network,
behind its process, predicts x.
"""

from __future__ import annotations

from engine.processes.ddpm import DDPM
from engine.processes.pix2pix import Pix2Pix

Process = DDPM | Pix2Pix

PROCESSES: dict[str, type[DDPM] | type[Pix2Pix]] = {"ddpm": DDPM, "pix2pix": Pix2Pix}
