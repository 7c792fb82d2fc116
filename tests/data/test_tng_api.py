import json
import random
import re
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from data.atomic import DiskFull
from data.patience import Patience, retry_after
from data.tng_api import ApiError, Client, KeyRefused, key_from_environment

BODY = bytes(range(256)) * 4096  # 1 MiB
FILE = "TNG50-1/snapshots/99/subhalos/7/cutout.hdf5"


class Waits(list):
    """Notes how long a client would sleep."""

    def __call__(self, seconds):
        self.append(seconds)


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def client(api, key, waits):
    return make_client(api, key, waits)


def make_client(api, key, waits, **options):
    patience = Patience(requests_per_s=1e6, sleep=waits, **{"attempts": 5, **options})
    return Client(key, server=api.url, patience=patience, rng=random.Random(0))


def test_the_key_travels_in_its_header(api, client, key, simulation):
    simulation.add(99, 7)
    assert client.json("TNG50-1/snapshots/99/subhalos/7/", stars="Masses,Coordinates")["id"] == 7
    path, headers = api.log[0]
    assert headers["api-key"] == key
    assert path == "/api/TNG50-1/snapshots/99/subhalos/7/?stars=Masses,Coordinates"
    assert key not in path
    assert key not in repr(client)


def test_passing_faults_are_waited_out(api, client, simulation, faults, waits):
    simulation.add(99, 7)
    status = faults["status"]
    api.faults = [
        ("7", status(500)), ("7", status(429, Retry_After="31")), ("7", faults["page"]),
        ("7", faults["broken"](b'{"id": 7}' * 100)),
    ]  # fmt: skip
    assert client.json("TNG50-1/snapshots/99/subhalos/7/")["id"] == 7
    assert len(api.log) == 5
    first, asked, third, fourth = waits
    assert asked == 31
    assert 0.5 <= first <= 1
    assert 2 <= third <= 4
    assert 4 <= fourth <= 8


def test_waits_grow_to_their_bound(api, key, faults, waits):
    client = make_client(api, key, waits, attempts=8, longest_wait_s=8.0)
    api.faults = [("x", faults["status"](503))] * 8
    with pytest.raises(ApiError, match=r"^x/: the server answered HTTP 503, 8 times in a row$"):
        client.json("x/")
    assert len(api.log) == 8
    for wait, longest in zip(waits, (1, 2, 4, 8, 8, 8, 8), strict=True):
        assert longest / 2 <= wait <= longest
    assert len({round(wait, 6) for wait in waits}) == 7  # jitter


def test_a_server_that_asks_for_hours_is_left_alone(api, client, faults, waits):
    api.faults = [("x", faults["status"](429, Retry_After="86400"))]
    with pytest.raises(ApiError, match="HTTP 429 and asks to come back in 86400 s"):
        client.json("x/")
    assert len(api.log) == 1
    assert waits == []


def test_retry_after_as_seconds_or_date():
    assert retry_after("120") == 120
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after(soon) == pytest.approx(90, abs=2)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    assert [retry_after(v) for v in (past, None, "", "soon", "-5")] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_said_at_once_and_never_shown(api, faults, waits, code):
    secret = "a-key-that-does-not-work"
    client = make_client(api, secret, waits)
    api.faults = [("x", faults["status"](code))]
    with pytest.raises(KeyRefused, match=f"refuses the key in TNG_API_KEY .*{code}") as error:
        client.json("x/")
    assert len(api.log) == 1
    assert api.log[0][1]["api-key"] == secret
    assert secret not in "".join(traceback.format_exception(error.value))


def test_what_is_not_there_is_asked_for_once(api, client):
    with pytest.raises(ApiError, match=r"^TNG50-1/nothing/: the server answered HTTP 404$"):
        client.json("TNG50-1/nothing/")
    assert len(api.log) == 1


@pytest.mark.parametrize("secret", ["two\nlines", "cr\r", "blank key", "clé", "nul\0"])
def test_a_key_that_is_none_is_not_quoted(api, secret):
    with pytest.raises(ApiError, match="has characters that no key has") as error:
        Client(secret, server=api.url)
    assert secret not in "".join(traceback.format_exception(error.value))


def test_the_key_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("TNG_API_KEY", " 0123abcd\n")
    assert key_from_environment() == "0123abcd"
    monkeypatch.delenv("TNG_API_KEY")
    with pytest.raises(ApiError, match="environment variable TNG_API_KEY is not set"):
        key_from_environment()


@pytest.mark.parametrize(
    "server", ["http://www.tng-project.org/api/", "ftp://localhost/", "www.tng-project.org/api/"]
)
def test_the_key_is_not_sent_in_the_clear(server, key):
    with pytest.raises(ValueError, match="must be an https address"):
        Client(key, server=server)


def test_the_key_stays_behind_when_another_host_is_redirected_to(
    api, data_server, client, faults, key, tmp_path
):
    elsewhere = f"{data_server.url}made/cutout.hdf5?token=a-token"
    api.faults = [("cutout", faults["redirect"](elsewhere))]
    data_server.faults = [("cutout", faults["whole"](BODY))]
    client.download(FILE, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY
    assert api.log[0][1]["api-key"] == key
    path, headers = data_server.log[0]
    assert path.endswith("?token=a-token")
    assert "api-key" not in headers
    assert key not in str(data_server.log)


def test_another_name_of_the_same_machine_is_another_host(api, client, faults, tmp_path):
    api.faults = [
        ("cutout", faults["redirect"](api.url.replace("127.0.0.1", "localhost") + "made")),
        ("made", faults["whole"](BODY)),
    ]
    client.download(FILE, tmp_path / "file")
    assert "api-key" in api.log[0][1]
    assert "api-key" not in api.log[1][1]


def test_the_key_goes_along_on_the_same_host(api, client, faults, key, simulation):
    simulation.add(99, 7)
    api.faults = [("old", faults["redirect"]("/api/TNG50-1/snapshots/99/subhalos/7/"))]
    assert client.json("old/")["id"] == 7
    assert [headers["api-key"] for _, headers in api.log] == [key, key]


def test_a_data_server_that_refuses_is_reached_anew_and_its_token_not_shown(
    api, data_server, client, faults, key, tmp_path
):
    api.faults = [("cutout", faults["redirect"](f"{data_server.url}cutout?token=a-token"))] * 5
    data_server.faults = [("cutout", faults["status"](403)), ("cutout", faults["whole"](BODY))]
    client.download(FILE, tmp_path / "file")
    assert len(api.log) == 2
    data_server.faults = [("cutout", faults["status"](403))] * 3
    api.faults += api.faults[:2]
    with pytest.raises(ApiError, match="answered HTTP 40") as error:
        client.download(FILE, tmp_path / "other")
    text = "".join(traceback.format_exception(error.value))
    assert "a-token" not in text
    assert key not in text
    assert not isinstance(error.value, KeyRefused)


@pytest.mark.parametrize("reset", [False, True])
def test_a_broken_transfer_goes_on_where_it_stopped(api, client, faults, tmp_path, reset):
    api.etag = '"version-1"'
    broken = faults["broken"]
    api.faults = [
        ("cutout", broken(BODY, after=0.25, reset=reset)),
        ("cutout", faults["whole"](BODY)),
    ]
    received = []
    client.download(FILE, tmp_path / "file", progress=received.append)
    assert (tmp_path / "file").read_bytes() == BODY
    assert sum(received) == len(BODY)  # nothing came twice
    there = api.log[1][1]
    assert there["if-range"] == '"version-1"'
    assert 0 < int(there["range"].removeprefix("bytes=").removesuffix("-")) <= len(BODY) // 4
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_it_begins_again_where_the_server_names_no_version(api, client, faults, tmp_path):
    for etag in (None, 'W/"weak"'):
        api.etag, api.log = etag, []
        api.faults = [("cutout", faults["broken"](BODY)), ("cutout", faults["whole"](BODY))]
        client.download(FILE, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == BODY
        assert "range" not in api.log[1][1]


def test_two_versions_of_a_file_are_not_mixed(api, client, faults, tmp_path):
    other = BODY[::-1]

    def changed(handler):
        api.etag = '"version-2"'
        handler.reply(other)

    api.etag = '"version-1"'
    api.faults = [("cutout", faults["broken"](BODY)), ("cutout", changed)]
    client.download(FILE, tmp_path / "file")
    assert "range" in api.log[1][1]
    assert (tmp_path / "file").read_bytes() == other


def test_wrong_or_empty_ranges_lead_back_to_the_start(api, client, faults, tmp_path):
    def wrong_range(handler):
        handler.head(10, 206, Content_Range=f"bytes 5-14/{len(BODY)}")
        handler.wfile.write(BODY[5:15])

    api.etag = '"version-1"'
    for fault in (wrong_range, faults["status"](416)):
        api.log = []
        api.faults = [("cutout", faults["broken"](BODY)), ("cutout", fault),
                      ("cutout", faults["whole"](BODY))]  # fmt: skip
        client.download(FILE, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == BODY
        assert ["range" in headers for _, headers in api.log] == [False, True, False]


def test_another_process_goes_on_where_one_stopped(api, key, client, faults, waits, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    api.etag = '"version-1"'
    api.faults = [("cutout", faults["whole"](BODY))] * 2
    with pytest.raises(KeyboardInterrupt):
        client.download(FILE, tmp_path / "file", progress=stop)
    size = (tmp_path / "file").stat().st_size
    assert 0 < size < len(BODY)
    make_client(api, key, waits).download(FILE, tmp_path / "file")
    assert api.log[1][1]["range"] == f"bytes={size}-"
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_damaged_file_is_fetched_again_whole(api, client, faults, tmp_path):
    def check(path):
        if path.read_bytes() != BODY:
            raise ValueError("it is damaged")

    api.faults = [("cutout", faults["whole"](BODY[:-1])), ("cutout", faults["whole"](BODY))]
    client.download(FILE, tmp_path / "file", check=check)
    assert (tmp_path / "file").read_bytes() == BODY
    api.faults = [("cutout", faults["whole"](BODY[:-1]))] * 5
    with pytest.raises(ApiError, match=r"it is damaged, 5 times in a row$"):
        client.download(FILE, tmp_path / "other", check=check)


def test_silence_is_a_fault_and_slowness_is_none(api, key, faults, waits, tmp_path):
    client = make_client(api, key, waits, timeout_s=0.5)
    api.faults = [("cutout", faults["silent"](1.0)), ("cutout", faults["dripping"](BODY, 40))]
    begin = time.monotonic()
    client.download(FILE, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY
    assert len(api.log) == 2
    assert time.monotonic() - begin > 0.5 + 0.7  # longer in all than the timeout


def test_no_server_at_all(key, waits):
    told = []
    patience = Patience(attempts=2, sleep=waits, tell=told.append)
    client = Client(key, server="http://127.0.0.1:9/", patience=patience)
    failed = r"asking 127\.0\.0\.1, the connection failed \(Connection refused\)"
    with pytest.raises(ApiError, match=failed + ", 2 times"):
        client.json("x/")
    assert len(told) == 1
    assert re.fullmatch(failed + r": trying again in [01] s \(1 of 2\)", told[0])


def test_the_rate_is_kept(api, key, simulation):
    simulation.add(99, 7)
    client = Client(key, server=api.url, patience=Patience(requests_per_s=20.0))
    begin = time.monotonic()
    for _ in range(5):
        client.json("TNG50-1/snapshots/99/subhalos/7/")
    assert time.monotonic() - begin > 4 / 20
    with pytest.raises(ValueError, match="must be above zero"):
        Patience(requests_per_s=0.0)


def test_a_full_disk_is_no_fault_of_the_server(api, client, faults, tmp_path):
    (tmp_path / "file").symlink_to("/dev/full")

    def keep(handler):
        handler.head(len(BODY), 206, Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
        handler.wfile.write(BODY)

    api.faults = [("cutout", keep)]
    with pytest.raises(DiskFull, match="No space left"):
        client.download(FILE, tmp_path / "file")
    assert len(api.log) == 1


def test_json_that_is_cut_off_is_not_taken(api, client, faults):
    whole = json.dumps({"results": [1, 2, 3]}).encode()
    api.faults = [("x", faults["whole"](whole[:-3])), ("x", faults["whole"](whole))]
    assert client.json("x/") == {"results": [1, 2, 3]}
    assert len(api.log) == 2
