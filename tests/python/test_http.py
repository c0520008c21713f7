"""The HTTP client against a hostile vendor: redirects, waits and answers without end (R9, R9a)."""

import gzip
import os
import signal
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from queue import SimpleQueue
from typing import Any

import pytest

from ingestion import http, registry, waiting
from ingestion.http import Client, VendorError, open_client
from ingestion.run import Run
from ingestion.sandbox.server import Answer, Request, Sandbox
from ingestion.settings import Settings, read_settings
from ingestion.sources.freshservice_account import Freshservice

KEY = "a-key-that-nobody-may-see"
BOMB = gzip.compress(bytes(50 << 20))
Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def settings() -> Settings:
    return replace(
        read_settings(),
        backoff_seconds=0.0,
        requests_per_minute=100_000,
        max_answer_megabytes=1,
        max_pages=5,
        freshservice=Freshservice("http://127.0.0.1", KEY),
    )


@contextmanager
def serving(*vendors: Callable[[Request], Answer]) -> Iterator[list[Sandbox]]:
    """Serve each vendor as `v` on a port of its own."""
    servers = [Sandbox({"v": vendor}) for vendor in vendors]
    for server in servers:
        server.__enter__()
    try:
        yield servers
    finally:
        for server in servers:
            server.__exit__(None, None, None)


@contextmanager
def raw_server(behave: Behaviour) -> Iterator[str]:
    """Serve bytes as `behave` sends them, to each connection; yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            with suppress(OSError):
                behave(connection)

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def client(url: str, settings: Settings, attempts: int = 2) -> Client:
    return open_client("vendor", url, settings, headers={"X-API-KEY": KEY}, attempts=attempts)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_key_never_follows_a_redirect_to_another_origin(
    settings: Settings, status: int, method: str
) -> None:
    with serving(lambda request: Answer([1]), lambda request: Answer([2])) as (elsewhere, vendor):
        place = f"{elsewhere.url('v')}/catch?key={KEY}"
        vendor.vendors["v"] = lambda request: Answer(b"", status, {"Location": place})
        with pytest.raises(VendorError, match="another scheme, host or port") as refused:
            client(vendor.url("v"), settings).request(method, "/list?x=1", data={"Key": KEY})
        assert not elsewhere.requests
        assert len(vendor.requests) == 1
    told = str(refused.value)
    assert vendor.url("v") in told
    assert elsewhere.url("").rstrip("/") in told
    assert KEY not in told


@pytest.mark.parametrize(
    "place",
    [
        "https://127.0.0.1:{port}/v/x",  # another scheme
        "//evil.example/v",
        "http://127.0.0.1:{port}@evil.example/",
        "ftp://127.0.0.1:{port}/",
        "http://localhost:{port}/v/x",
        "javascript:alert(1)",
        "http://[::1",
    ],
)
def test_no_address_in_disguise_is_followed(settings: Settings, place: str) -> None:
    with serving(lambda request: Answer([1])) as (vendor,):
        port = vendor.url("v").split(":")[2].split("/")[0]
        vendor.fail("list", Answer(b"", 302, {"Location": place.format(port=port)}))
        with pytest.raises(VendorError, match="another scheme, host or port"):
            client(vendor.url("v"), settings).get("/list")


def test_a_redirect_of_the_same_origin_is_followed_but_not_for_ever(settings: Settings) -> None:
    with serving(lambda request: Answer([request.method, request.body.decode()])) as (vendor,):
        vendor.fail("/first", Answer(b"", 307, {"Location": "/v/second"}))
        asked = client(vendor.url("v"), settings)
        assert asked.parse(asked.request("POST", "/first", data="b")) == ["POST", "b"]
        vendor.fail("/first", Answer(b"", 302, {"Location": "second?page=2"}))
        assert asked.parse(asked.request("POST", "/first", data="b")) == ["GET", ""]
        assert vendor.requests[-1].query == {"page": "2"}
        vendor.vendors["v"] = lambda request: Answer(b"", 302, {"Location": "/v/first"})
        with pytest.raises(VendorError, match="redirects without end"):
            asked.get("/first")


def test_the_body_of_a_redirect_is_not_read(settings: Settings) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n")
        time.sleep(20)

    with raw_server(pour) as url:
        began = time.monotonic()
        with pytest.raises(VendorError, match="another scheme, host or port"):
            client(url, settings).get("/list")
        assert time.monotonic() - began < 5


def test_an_absolute_page_address_of_another_host_is_not_asked(settings: Settings) -> None:
    with pytest.raises(VendorError, match="another scheme, host or port"):
        client("http://127.0.0.1:9/v", settings).get("http://127.0.0.1:10/v/next")


@pytest.mark.parametrize("asked", ["86400", "9" * 5_000, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_of_hours_fails_the_source(settings: Settings, asked: str) -> None:
    with serving(lambda request: Answer(b"", 429, {"Retry-After": asked})) as (vendor,):
        began = time.monotonic()
        with pytest.raises(VendorError, match="asks to wait longer than 300 seconds") as refused:
            client(vendor.url("v"), settings).get("/list")
    assert refused.value.status == 429
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("asked", ["1", "soon", "-5", "Thu, 01 Jan 1970 00:00:00 GMT", ""])
def test_a_short_or_odd_wait_is_no_trouble(settings: Settings, asked: str) -> None:
    with serving(lambda request: Answer([1])) as (vendor,):
        vendor.fail("list", Answer(b"", 503, {"Retry-After": asked}))
        began = time.monotonic()
        assert client(vendor.url("v"), settings).get_json("/list") == [1]
        assert (time.monotonic() - began >= 1) == (asked == "1")


def test_waits_that_add_up_without_an_answer_fail_the_source(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "STALLED_SECONDS", 2)
    with serving(lambda request: Answer(b"", 503, {"Retry-After": "1"})) as (vendor,):
        asked = client(vendor.url("v"), settings, attempts=50)
        for _ in range(3):  # given up, it is not asked again
            with pytest.raises(VendorError, match="no usable answer for 2 seconds"):
                asked.get("/list")
        assert len(vendor.requests) == 2


TRICKLES: dict[str, tuple[bytes, bytes]] = {
    "its body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "its chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk's size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "its headers": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
}


@pytest.mark.parametrize(("start", "drop"), TRICKLES.values(), ids=TRICKLES.keys())
def test_a_trickling_answer_is_cut(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, start: bytes, drop: bytes
) -> None:
    monkeypatch.setattr(http, "ANSWER_SECONDS", 1)

    def trickle(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(0.05)

    with raw_server(trickle) as url:
        began = time.monotonic()
        with pytest.raises(VendorError, match="no whole answer in 1 seconds"):
            client(url, settings).get("/list")
        assert time.monotonic() - began < 3


def packed(content: bytes, encoding: str = "gzip") -> Answer:
    return Answer(content, headers={"Content-Encoding": encoding})


TOO_MUCH = {
    "plain": (Answer(bytes(2 << 20)), "more than 1 MB"),
    "a bomb": (packed(BOMB), "more than 1 MB"),
    "a bomb in a bomb": (packed(gzip.compress(BOMB), "gzip, gzip"), "packed as gzip, gzip"),
    "another packing": (packed(zlib.compress(b"[1]"), "deflate"), "packed as deflate"),
    "no packing": (packed(b"[1]"), "cannot be unpacked"),
}


@pytest.mark.parametrize(("answer", "reason"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_an_answer_has_a_largest_size(settings: Settings, answer: Answer, reason: str) -> None:
    with serving(lambda request: answer) as (vendor,):
        with pytest.raises(VendorError, match=reason):
            client(vendor.url("v"), settings).get("/list")
        assert len(vendor.requests) == 1


def test_an_endless_body_is_cut_at_the_largest_size(settings: Settings) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(1 << 16))

    with raw_server(pour) as url, pytest.raises(VendorError, match="more than 1 MB"):
        client(url, settings).get("/list")


def test_packed_answers_are_unpacked_and_half_of_one_is_asked_again(settings: Settings) -> None:
    whole = gzip.compress(b'["whole"]')
    with serving(lambda request: packed(whole)) as (vendor,):
        vendor.fail("list", packed(whole[:-3]))
        assert client(vendor.url("v"), settings).get_json("/list") == ["whole"]
        assert len(vendor.requests) == 2


def test_a_broken_connection_is_tried_again_and_named_at_last(settings: Settings) -> None:
    calls: list[int] = []

    def hang_up(connection: socket.socket) -> None:
        calls.append(1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with raw_server(hang_up) as url, pytest.raises(VendorError, match="no answer"):
        client(url, settings, attempts=2).get("/list")
    assert len(calls) == 3


def test_pages_have_an_end(settings: Settings) -> None:
    pages = client("http://127.0.0.1:9", settings).pages("/tickets")
    assert [next(pages) for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(VendorError, match="LEDGERHOUSE_MAX_PAGES"):
        next(pages)


def test_the_ceiling_of_requests_is_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def noted(seconds: float, done: SimpleQueue | None = None) -> Any:
        return done.get() if done else waits.append(seconds)

    monkeypatch.setattr(http, "wait", noted)
    with serving(lambda request: Answer([1])) as (vendor,):
        asked = client(vendor.url("v"), replace(settings, requests_per_minute=2))
        for _ in range(3):
            asked.get("/list")
    assert len(waits) == 1
    assert 59 < waits[0] <= 60


def test_an_interrupt_ends_every_wait(settings: Settings) -> None:
    def hang(connection: socket.socket) -> None:
        time.sleep(20)

    ended: list[BaseException] = []

    def ask(url: str) -> None:
        try:
            client(url, settings).get("/list")
        except BaseException as error:
            ended.append(error)

    with (
        raw_server(hang) as url,
        serving(lambda request: Answer(b"", 429, {"Retry-After": "200"})) as (vendor,),
    ):
        threads = [threading.Thread(target=ask, args=(at,)) for at in (url, vendor.url("v"))]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        waiting.interrupt()
        try:
            for thread in threads:
                thread.join(timeout=2)
        finally:
            waiting.resume()
    assert [type(error) for error in ended] == [KeyboardInterrupt, KeyboardInterrupt]


def test_the_vendors_own_words_are_not_repeated(settings: Settings) -> None:
    def echo(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 403 no {KEY}\r\nContent-Length: 0\r\n\r\n".encode())

    with raw_server(echo) as url, pytest.raises(VendorError, match="403 Forbidden") as refused:
        client(url, settings).get("/list")
    assert KEY not in str(refused.value)


def test_the_first_interrupt_ends_a_run_whose_sources_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sources hang on their vendors; Ctrl-C comes once."""
    ended: list[str] = []

    def hang(name: str, run: object) -> registry.Outcome:
        try:
            waiting.wait(60)
        except KeyboardInterrupt:
            ended.append(name)
            raise
        return registry.Outcome(name)

    monkeypatch.setattr(registry, "sync_source", hang)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            registry.sync_sources(["datto", "invoca"], Run(settings, datetime(2026, 1, 1)))
    finally:
        waiting.resume()
    assert time.monotonic() - began < 3
    assert sorted(ended) == ["datto", "invoca"]
