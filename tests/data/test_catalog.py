import numpy as np

from data.catalog import CATALOG
from data.splits import split_of
from data.synthetic import KINDS


def test_every_entry_is_a_hold_out_galaxy_of_its_own():
    assert len({entry.name for entry in CATALOG}) == len(CATALOG)
    assert {entry.kind for entry in CATALOG} == set(KINDS)
    assert {split_of(entry.name) for entry in CATALOG} == {"test"}


def test_an_entry_loads_the_galaxy_that_it_names():
    galaxy, again = CATALOG[0].load(), CATALOG[0].load()
    assert (galaxy.name, galaxy.kind) == (CATALOG[0].name, CATALOG[0].kind)
    np.testing.assert_array_equal(
        galaxy.particles["gas"].coordinates, again.particles["gas"].coordinates
    )
