"""What galaxies of a simulation become: their descendants along the merger tree, link by link."""

from __future__ import annotations

from contextlib import suppress

from data.json_lines import JsonLines
from data.tng_api import ApiError, Client
from data.tng_catalog import Subhalo, ask, descendant_in, subhalo_name, subhalo_path

Node = tuple[int, int]  # Snapshot and id.


class Lineages:
    """The last descendants of subhalos; each link is asked for once, and kept in a file.

    Links are those of SubLink (Rodriguez-Gomez et al. 2015), of which each subhalo has one at most,
    to the next snapshot or the one after. They are followed one by one: the tree is stored depth
    first, so that what lies between a subhalo and its last descendant is not descendants alone.
    """

    def __init__(self, links: JsonLines) -> None:
        self._file = links
        self._links: dict[tuple[str, Node], Node | None] = {}
        for row in links.rows():
            with suppress(KeyError, TypeError):  # written by another version
                to = row["descendant"]
                node = (row["snapshot"], row["subhalo_id"])
                self._links[row["simulation"], node] = None if to is None else (to[0], to[1])

    def of(self, client: Client, subhalo: Subhalo) -> str:
        """Return the name of a subhalo's descendant in the last snapshot, its own if it is there.

        Where its branch ends before, the name of the last one on it.

        Raises
        ------
        KeyRefused, ApiError : one sentence.
        """
        node, after = (subhalo.snapshot, subhalo.subhalo_id), subhalo.descendant
        while after is not None:
            if after[0] <= node[0]:
                where = subhalo_path(subhalo.simulation, *node)
                raise ApiError(f"{where}: its descendant is said to lie in snapshot {after[0]}")
            node = after
            if (subhalo.simulation, node) not in self._links:
                self._ask(client, subhalo.simulation, node)
            after = self._links[subhalo.simulation, node]
        return subhalo_name(subhalo.simulation, *node)

    def _ask(self, client: Client, simulation: str, node: Node) -> None:
        after = ask(client, subhalo_path(simulation, *node), descendant_in)
        self._file.append({
            "simulation": simulation, "snapshot": node[0], "subhalo_id": node[1],
            "descendant": after,
        })  # fmt: skip
        self._links[simulation, node] = after
