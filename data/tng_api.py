"""A client of the TNG web API that never lets the user's key out of its hands.

The API is that of https://www.tng-project.org/data/docs/api/ (Nelson et al. 2019): requests are GET
with the header `API-Key`, JSON for catalogs and HDF5 for cutouts. Cutouts are made on demand, so
that a large one may time out, and may be handed over by a redirect to a data server, whose address
carries a token of its own: the key stays behind, and no address that a server gave is ever shown.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from data.atomic import writing
from data.patience import GivenUp, PassingFault, Patience, retry_after

SERVER = "https://www.tng-project.org/api/"
KEY_VARIABLE = "TNG_API_KEY"
_PASSING = {408, 416, 425, 429, 500, 502, 503, 504}
_BLOCK = 1 << 16
_LONGEST_JSON = 1 << 26

T = TypeVar("T")


class ApiError(ValueError):
    """The server refuses, or does not give what was asked for however often it is asked."""


class KeyRefused(ApiError):
    """The server does not accept the user's key."""


def key_from_environment() -> str:
    """Return the user's key from the environment variable `KEY_VARIABLE`."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ApiError(
            f"the environment variable {KEY_VARIABLE} is not set: it must hold the API key that "
            "https://www.tng-project.org/data/ shows after logging in"
        )
    return key


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class _Redirects(HTTPRedirectHandler):
    """Follows redirects; the key goes along only to the scheme, host and port it was meant for."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        # urllib itself never takes an "unredirected" header along.
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        key = req.get_header("Api-key")
        if new is not None and key and _origin(newurl) == _origin(req.full_url):
            new.add_unredirected_header("API-Key", key)
        return new


class Client:
    """GET requests to the API, one at a time, paced, and repeated where a fault may pass.

    Parameters
    ----------
    key : the user's; it goes into a header of requests to `server` and nowhere else.
    server : address of the API; https, or http on this machine.
    rng : draws the jitter of the waits.
    """

    def __init__(
        self, key: str, *, server: str = SERVER, patience: Patience | None = None,
        rng: random.Random | None = None,
    ) -> None:  # fmt: skip
        # Checked here, for http.client would quote the key in its error.
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ApiError(f"the key in {KEY_VARIABLE} has characters that no key has")
        scheme, host, _ = _origin(server)
        if scheme != "https" and not (scheme == "http" and host in ("127.0.0.1", "localhost")):
            raise ValueError(f"server must be an https address, for the key's sake; got {server!r}")
        self._key, self._server = key, server.rstrip("/") + "/"
        self._patience, self._rng = patience or Patience(), rng or random.Random()
        self._opener = build_opener(_Redirects)
        self._next_request = 0.0

    def json(self, path: str, **query: object) -> Any:
        """Return the JSON that the server answers to a path below the API's address.

        Raises
        ------
        KeyRefused, ApiError : one sentence on why there is none.
        """

        def ask() -> Any:
            with self._open(path, query, {}) as response:
                body = _read(response, _LONGEST_JSON)
            try:
                return json.loads(body)
            except ValueError:
                raise PassingFault("the answer is not JSON") from None

        return self._insist(path, ask)

    def download(
        self, path: str, target: Path, *, query: dict[str, object] | None = None,
        check: Callable[[Path], None] = lambda _: None,
        progress: Callable[[int], object] = lambda _: None,
    ) -> None:  # fmt: skip
        """Fetch a file; one that is partly there goes on where it stopped, if the server can.

        It can where it names the version of the file by a strong ETag, which is kept beside the
        target as `NAME.etag` (RFC 9110, sections 13.1.5 and 14.2); otherwise it begins again.

        Parameters
        ----------
        target : file to write; what is there is taken for a part until this call has returned.
        check : raises ValueError on a damaged file, which is then fetched again from its start, or
            ApiError on one that would come again as it is.
        progress : is called with the number of bytes of each block that arrived.

        Raises
        ------
        KeyRefused, ApiError : one sentence on why the file did not come.
        DiskFull : where the disk has no room for the target.
        """
        etag = target.with_name(f"{target.name}.etag")

        def transfer() -> None:
            self._transfer(path, query or {}, target, etag, progress)
            etag.unlink(missing_ok=True)
            try:
                check(target)
            except ApiError:
                target.unlink()
                raise
            except ValueError as damage:
                target.unlink()
                raise PassingFault(str(damage)) from None

        self._insist(path, transfer)

    def _transfer(
        self, path: str, query: dict[str, object], target: Path, etag: Path,
        progress: Callable[[int], object],
    ) -> None:  # fmt: skip
        size = target.stat().st_size if etag.is_file() and target.is_file() else 0
        resume = {"Range": f"bytes={size}-", "If-Range": etag.read_text()} if size else {}
        try:
            response = self._open(path, query, resume)
        except PassingFault as fault:
            if fault.status == 416:  # nothing lies beyond what we have: begin again
                etag.unlink(missing_ok=True)
            raise
        with response:
            if response.status != 206:
                etag.unlink(missing_ok=True)
                target.unlink(missing_ok=True)
                size = 0
                if (version := response.headers.get("ETag", "")).startswith('"'):
                    with writing(etag):
                        etag.write_text(version)
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {size}-"):
                etag.unlink(missing_ok=True)
                raise PassingFault("the server sent another part of the file than was asked for")
            expected = None if response.length is None else size + response.length
            with writing(target), target.open("ab") as file:
                while block := _read(response, _BLOCK):
                    size += file.write(block)
                    progress(len(block))
        if expected is not None and size < expected:
            raise PassingFault(f"the transfer broke off after {size} of {expected} bytes")

    def _open(self, path: str, query: dict[str, object], headers: dict[str, str]) -> HTTPResponse:
        """Send one request; raises PassingFault, or ApiError on what would stay as it is."""
        pause = self._next_request - time.monotonic()
        if pause > 0:
            self._patience.sleep(pause)
        self._next_request = time.monotonic() + 1.0 / self._patience.requests_per_s
        url = self._server + path + ("?" + urlencode(query, safe=",") if query else "")
        request = Request(url, headers=headers)
        request.add_unredirected_header("API-Key", self._key)
        try:
            return self._opener.open(request, timeout=self._patience.timeout_s)
        except HTTPError as error:
            error.close()
            raise _verdict(path, error, elsewhere=_origin(error.url) != _origin(url)) from None
        except (OSError, HTTPException) as error:
            _, host, _ = _origin(self._server)
            raise PassingFault(f"asking {host}, the connection failed ({_kind(error)})") from None

    def _insist(self, path: str, attempt: Callable[[], T]) -> T:
        try:
            return self._patience.insist(attempt, self._rng)
        except GivenUp as reason:
            raise ApiError(f"{path}: {reason}") from None


def _verdict(path: str, error: HTTPError, *, elsewhere: bool) -> Exception:
    """Return what an answer other than success means; `elsewhere` if a data server gave it."""
    if error.code in (401, 403) and not elsewhere:
        return KeyRefused(
            f"the server refuses the key in {KEY_VARIABLE} for {path} (HTTP {error.code})"
        )
    reason = f"{'a data server' if elsewhere else 'the server'} answered HTTP {error.code}"
    # The next redirect to a data server carries a fresh token.
    if error.code in _PASSING or (error.code in (401, 403) and elsewhere):
        wait_s = retry_after(error.headers.get("Retry-After"))
        return PassingFault(reason, status=error.code, wait_s=wait_s)
    return ApiError(f"{path}: {reason}")


def _read(response: HTTPResponse, size: int) -> bytes:
    try:
        return response.read(size)
    except (OSError, HTTPException) as error:
        raise PassingFault(f"the transfer broke off ({_kind(error)})") from None


def _kind(error: Exception) -> str:
    """Return what kind of fault an error is, without its text: that may hold an address."""
    cause = error.reason if isinstance(error, URLError) else error
    return getattr(cause, "strerror", None) or type(cause).__name__
