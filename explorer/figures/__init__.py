"""Figures for papers and talks; they need no browser and leave pyplot alone.

from explorer.figures import Comparison, comparison_figure
figure = comparison_figure(Comparison(source_map, output, truth, "gas", "dark_matter", 80.0))
figure.savefig("comparison.pdf")
"""

from explorer.figures.comparison import comparison_figure, triptych_figure
from explorer.figures.film import Film, film_figure
from explorer.figures.maps import Comparison
from explorer.figures.sheet import Sheet

__all__ = [
    "Comparison", "Film", "Sheet", "comparison_figure", "film_figure", "triptych_figure",
]  # fmt: skip
