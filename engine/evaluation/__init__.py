"""What one method does on hold-out maps: a file of measures, and what follows from them."""

from __future__ import annotations

from engine.evaluation.direction import Case, Direction
from engine.evaluation.file import Evaluation, EvaluationError, MapSet, Method

__all__ = ["Case", "Direction", "Evaluation", "EvaluationError", "MapSet", "Method"]
