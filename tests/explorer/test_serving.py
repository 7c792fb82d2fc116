"""A server as the recipes of docs/serving.md start it: who gets in, and what its log tells."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "serving"
PASSWORD, COOKIE_SECRET, API_KEY = "open-sesame-41", "cookie-secret-42", "tng-key-43"


def free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("serving") / "log.jsonl"


@pytest.fixture(scope="module")
def port(log):
    """Port of a server with a login, whose logs are JSON."""
    number = free_port()
    secrets = {"BOKEH_COOKIE_SECRET": COOKIE_SECRET, "TNG_API_KEY": API_KEY}
    command = [
        sys.executable, "-m", "panel", "serve", "explorer/app.py", "--address", "127.0.0.1",
        "--port", str(number), "--plugins", "explorer.service", "--setup", "explorer/json_log.py",
        "--basic-auth", PASSWORD, "--log-level", "debug",
    ]  # fmt: skip
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, **secrets, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{number}/health"), "the server", 90)
            yield number
        finally:
            process.terminate()
            process.wait(20)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


class Person:
    """Somebody with a browser's cookies, at an address."""

    def __init__(self, address):
        self.address, self.jar = address, CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path, data=None):
        answer = self._opener.open(self.address + path, data=data, timeout=60)
        return answer.geturl(), answer.read().decode()

    def log_in(self, password):
        form = urllib.parse.urlencode({"username": "vera", "password": password}).encode()
        return self.get("/login", form)

    def connects(self, token, origin):
        """Say whether the page's websocket opens to a page of an origin."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)
        url = self.address.replace("http", "ws", 1) + "/app/ws"
        request = HTTPRequest(url, headers={"Origin": origin, "Cookie": cookies})

        async def connect():
            socket = await websocket_connect(request, subprotocols=["bokeh", token])
            said = await socket.read_message()
            socket.close()
            return said is not None

        try:  # in a thread, for the browser's tests leave their loop in this one
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(asyncio.run, connect()).result(60)
        except HTTPClientError as error:
            if error.code != 403:
                raise
            return False


def token_of(page):
    return re.search(r'"token":"([^"]+)"', page)[1]


def test_a_login_and_the_own_origin_are_asked_for(port, log):
    address = f"http://127.0.0.1:{port}"
    stranger, vera = Person(address), Person(address)
    for person in (stranger, vera):
        assert "/login" in person.get("/app")[0]
    assert "/login?error=" in stranger.log_in("guess")[0]
    assert "/login" in stranger.get("/app")[0]
    vera.log_in(PASSWORD)
    url, page = vera.get("/app")
    assert url.endswith("/app")
    token = token_of(page)
    assert not vera.connects(token, "http://evil.example")
    assert not vera.connects(token, f"http://127.0.0.1.evil.example:{port}")
    assert vera.connects(token, f"http://localhost:{port}")

    told = log.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {"time", "level", "logger", "message"} <= set(rows[0])
    assert any("evil.example" in row["message"] for row in rows)
    for secret in (PASSWORD, COOKIE_SECRET, API_KEY, token):
        assert secret not in told


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_passes_pages_and_websockets_and_hides_the_metrics(port, tmp_path):
    outside = free_port()
    site = (RECIPES / "nginx.conf").read_text(encoding="utf-8")
    site = re.sub(r"^ *ssl_.*\n", "", site, flags=re.M)
    site = re.sub(r"^ *server 127.0.0.1:5007;\n", "", site, flags=re.M)
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{outside}")
    site = site.replace("127.0.0.1:5006", f"127.0.0.1:{port}")
    # The server was started for this host alone, with the port that a browser would name.
    site = site.replace("Host $host", f"Host localhost:{port}")
    folders = "".join(
        f"{each}_temp_path {tmp_path}/{each};"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon off; events {{}} "
        f"http {{ access_log off; {folders}\n{site}\n}}"
    )
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"])
    try:
        vera = Person(f"http://127.0.0.1:{outside}")
        wait_until(lambda: answers(f"{vera.address}/login"), "nginx")
        vera.log_in(PASSWORD)
        token = token_of(vera.get("/app")[1])
        assert vera.connects(token, f"http://localhost:{port}")
        assert not vera.connects(token, "http://evil.example")
        for path in ("/metrics", "/health", "/ready"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                vera.get(path)
    finally:
        nginx.terminate()
        nginx.wait(20)


def test_the_container_copies_what_is_there():
    lines = (
        (RECIPES / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    )
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert copied
    assert all((ROOT / word).exists() for word in copied)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert "root" not in users
    words = json.loads(next(line for line in lines if line.startswith("CMD ")).removeprefix("CMD "))
    assert words[:2] == ["panel", "serve"]
    assert all((ROOT / word).exists() for word in words if word.endswith(".py"))
