"""A server on this machine that speaks as much of the TNG web API as we use, and can fail."""

import json
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import h5py
import numpy as np
import pytest

from data.cosmology import HUBBLE
from data.cutouts import write_cutout
from data.galaxy import Galaxy, Particles

KEY = "0123456789abcdef-the-users-key"
TYPES = {"gas": "PartType0", "dm": "PartType1", "stars": "PartType4"}


class Api(ThreadingHTTPServer):
    """Serves `details` and `cutouts` by (snapshot, id); `faults` are taken first, then truth.

    Each fault is (part of the path, function of the request handler) and is used once. `log` has
    (path with query, headers by lower-case name) of all requests.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.details, self.cutouts, self.faults, self.log = {}, {}, [], []
        self.etag = None
        self.needs_key = True
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/api/"

    def asked(self, part):
        """Return the headers of each request whose path has `part` in it."""
        return [headers for path, headers in self.log if part in path]

    def handle_error(self, request, client_address):
        """Clients that hang up are no news."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Keep quiet."""

    def do_GET(self):
        self.server.log.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        for fault in self.server.faults:
            if fault[0] in self.path:
                self.server.faults.remove(fault)
                return fault[1](self)
        return self.answer()

    def answer(self):
        if self.server.needs_key and self.headers.get("API-Key") != KEY:
            return self.reply(b'{"detail": "Invalid API key."}', 403)
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        words = [word for word in path.split("/") if word][1:]
        match words:
            case [_, "snapshots", snapshot]:
                redshift = {"99": 2.220446049250313e-16, "50": 0.9972942257819404}.get(snapshot)
                if redshift is None:
                    return self.reply(b'{"detail": "Not found."}', 404)
                return self.say({"number": int(snapshot), "redshift": redshift})
            case [_, "snapshots", snapshot, "subhalos"]:
                return self.say(self.page(int(snapshot), query))
            case [_, "snapshots", snapshot, "subhalos", number]:
                return self.say(self.server.details[int(snapshot), int(number)])
            case [_, "snapshots", snapshot, "subhalos", number, "cutout.hdf5"]:
                return self.reply(self.server.cutouts[int(snapshot), int(number)](query))
        return self.reply(b'{"detail": "Not found."}', 404)

    def page(self, snapshot, query):
        rows = [row for (at, _), row in self.server.details.items() if at == snapshot]
        for name, (value, *_) in query.items():
            if found := re.fullmatch(r"(\w+)__(gt|lt)", name):
                sign = 1 if found[2] == "gt" else -1
                rows = [r for r in rows if sign * r[found[1]] > sign * float(value)]
        order = query.get("order_by", ["id"])[0]
        rows.sort(key=lambda r: r[order.lstrip("-")], reverse=order.startswith("-"))
        start, limit = (int(query.get(k, [d])[0]) for k, d in (("offset", 0), ("limit", 100)))
        shown = [{"id": r["id"], "sfr": 0.0, "mass_log_msun": 10.0, "url": "http://elsewhere/"}
                 for r in rows[start : start + limit]]  # fmt: skip
        more = start + limit < len(rows)
        return {"count": len(rows), "next": "http://elsewhere/" if more else None,
                "previous": None, "results": shown}  # fmt: skip

    def say(self, answer):
        self.reply(json.dumps(answer).encode(), kind="application/json")

    def reply(self, body, status=200, kind="application/octet-stream", **headers):
        """Send a body whole, or the range of it that was asked for where there is an ETag."""
        first = 0
        if self.server.etag and status == 200:
            headers["ETag"] = self.server.etag
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if asked and self.headers.get("If-Range") == self.server.etag:
                first, status = int(asked[1]), 206
                headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
                if first >= len(body):
                    body, status = b"", 416
        self.head(len(body) - first, status, kind, **headers)
        self.wfile.write(body[first:])

    def head(self, length, status=200, kind="application/octet-stream", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": length, "Content-Type": kind, **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def status(code, **headers):
    return lambda handler: handler.reply(b"{}", code, **headers)


def page(handler):
    handler.reply(b"<html>Down for maintenance</html>", kind="text/html")


def redirect(url):
    return lambda handler: handler.reply(b"", 302, Location=url)


def broken(body, *, after=0.5, reset=False):
    """Announce a body and hang up after a share of it; `reset` without a good-bye."""

    def fault(handler):
        etag = {"ETag": handler.server.etag} if handler.server.etag else {}
        handler.head(len(body), **etag)
        handler.wfile.write(body[: int(after * len(body))])
        handler.wfile.flush()
        if reset:
            time.sleep(0.3)  # let it arrive, for a reset discards what is under way
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()

    return fault


def whole(body, **headers):
    return lambda handler: handler.reply(body, **headers)


def silent(seconds):
    def fault(handler):
        time.sleep(seconds)
        handler.answer()

    return fault


def dripping(body, pieces=8, pause=0.02):
    """Send a body in small pieces, never silent for long."""

    def fault(handler):
        etag = {"ETag": handler.server.etag} if handler.server.etag else {}
        handler.head(len(body), **etag)
        for piece in np.array_split(np.frombuffer(body, np.uint8), pieces):
            handler.wfile.write(piece.tobytes())
            handler.wfile.flush()
            time.sleep(pause)

    return fault


FAULTS = {f.__name__: f for f in (status, page, redirect, broken, whole, silent, dripping)}


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = Api()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def data_server(monkeypatch):
    """Another host to be redirected to, which needs no key."""
    monkeypatch.setenv("no_proxy", "*")
    server = Api()
    server.needs_key = False
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def faults():
    return FAULTS


@pytest.fixture(scope="session")
def key():
    return KEY


def small_galaxy(seed, redshift=0.0):
    rng = np.random.default_rng(seed)

    def particles(count, **fields):
        return Particles(rng.normal(0, 5, (count, 3)), rng.uniform(1e5, 2e5, count), fields)

    n = 60 + seed
    gas = particles(
        n, density=rng.uniform(1e4, 1e6, n), electron_abundance=rng.uniform(0, 1.1, n),
        temperature=rng.uniform(1e4, 1e5, n), magnetic_field=rng.normal(0, 1e-6, (n, 3)),
        metallicity=rng.uniform(0, 0.02, n), star_formation_rate=np.zeros(n),
        neutral_fraction=rng.uniform(0, 1, n), velocities=rng.normal(0, 100, (n, 3)),
    )  # fmt: skip
    stars = particles(20, age=rng.uniform(1, 5, 20))
    dark = Particles(rng.normal(0, 20, (50, 3)), np.full(50, 4.5e5))
    return Galaxy(f"galaxy-{seed}", redshift, {"gas": gas, "dark_matter": dark, "stars": stars})


class Simulation:
    """Small galaxies in a TNG50-1 of their own, as the API would describe and cut them out."""

    def __init__(self, folder):
        self.folder = folder
        self.galaxies, self.details, self.cutouts = {}, {}, {}

    def link(self, *nodes):
        """Let each (snapshot, number) be the descendant of the one before it."""
        for (snapshot, number), (later, descendant) in pairwise(nodes):
            for node in ((snapshot, number), (later, descendant)):
                bare = {"snap": node[0], "id": node[1], "desc_snap": -1, "desc_sfid": -1}
                self.details.setdefault(node, bare)
            self.details[snapshot, number] |= {"desc_snap": later, "desc_sfid": descendant}

    def add(self, snapshot, number, *, stellar_mass_msun=1e10, flag=1):
        redshift = {99: 0.0, 50: 0.9972942257819404}[snapshot]
        galaxy = self.galaxies[snapshot, number] = small_galaxy(number, redshift)
        path = self.folder / f"cutout_{number}.hdf5"
        write_cutout(galaxy, path)
        center = self._as_the_api_has_it(path, snapshot, number)
        self.details[snapshot, number] = {
            "snap": snapshot, "id": number, "subhaloflag": flag, "primary_flag": 1,
            "desc_snap": -1, "desc_sfid": -1,
            "mass_stars": stellar_mass_msun * HUBBLE / 1e10, "mass_gas": 0.5, "mass_dm": 20.0,
            **dict(zip(("pos_x", "pos_y", "pos_z"), center, strict=True)),
            "len_gas": len(galaxy.particles["gas"]), "len_dm": 50, "len_stars": 20,
            "cutouts": {"subhalo": f"http://elsewhere/{number}/cutout.hdf5"},
        }  # fmt: skip
        self.cutouts[snapshot, number] = lambda query: self.cutout(path, query)
        return self.cutouts[snapshot, number]

    def _as_the_api_has_it(self, path, snapshot, number):
        """Put the galaxy at the edge of the box, under a header like that of a genuine cutout."""
        with h5py.File(path, "r+") as file:
            header = file["Header"].attrs
            box = header["BoxSize"]
            center = np.array([0.4, box / 3, box - 0.7])
            for group in TYPES.values():
                moved = (file[group]["Coordinates"][:] - box / 2 + center) % box
                file[group]["Coordinates"][:] = moved
            for name in [name for name in header if name.startswith("Galaxy")]:
                del header[name]
            del header["SimulationName"]
            for name in list(header):
                header[name] = np.ravel(header[name])
            header["SimulationName"] = np.array(["L35n2160TNG"], h5py.string_dtype())
            header["CutoutType"] = np.array(["subhalo"], h5py.string_dtype())
            header["CutoutID"] = np.array([number], np.int32)
            header["SnapshotNumber"] = np.array([snapshot], np.int32)
        return center.tolist()

    def cutout(self, path, query):
        """Return the bytes of a cutout with the fields that were asked for, or all."""
        wanted = self.folder / f"{path.stem}_wanted_{threading.get_ident()}.hdf5"
        with h5py.File(path) as whole_file, h5py.File(wanted, "w") as file:
            whole_file.copy("Header", file)
            for name, group in TYPES.items():
                if name in query:
                    file.create_group(group)
                    for field in query[name][0].split(","):
                        whole_file.copy(f"{group}/{field}", file[group])
        body = wanted.read_bytes()
        wanted.unlink()
        return body


@pytest.fixture
def simulation(tmp_path_factory, api):
    """Simulation behind `api`: galaxies added to it can be asked for."""
    made = Simulation(tmp_path_factory.mktemp("simulation"))
    api.details, api.cutouts = made.details, made.cutouts
    return made
