"""The gate: speaks Redshift's protocol to a client, and Postgres' to the server behind it.

It refuses the statements that `rules.py` knows Redshift to refuse, as an ordinary error of SQL;
turns Redshift's spellings into Postgres' (`spelling.py`); reads COPY from S3 (`copying.py`); and
gives every session Redshift's functions and isolation (`objects.sql`). What it refuses or rewrites
it logs.

    python -m tests.redshift.gate --server 127.0.0.1:5432 --port 5439
"""

import argparse
import asyncio
import logging
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from scramp import ScramClient

from tests.redshift.copying import CopyError, copy_statement
from tests.redshift.rules import violations
from tests.redshift.spelling import to_postgres

log = logging.getLogger(__name__)

OBJECTS = Path(__file__).parent / "objects.sql"
SSL_REQUEST = 80877103
PROTOCOL_3 = 196608
AUTHENTICATION_SASL = struct.pack("!I", 10)
AUTHENTICATION_CLEARTEXT = struct.pack("!I", 3)
# What redshift_connector says of itself at the start, which Postgres takes for settings.
CLIENT_FACTS = {
    *("client_protocol_version", "driver_version", "os_version", "driver_discovery_version"),
    *("plugin_name", "idp_type", "provider_name"),
}
SESSION = {
    "search_path": "public, redshift, pg_catalog",
    # SNAPSHOT, the default of a Serverless workgroup.
    "default_transaction_isolation": "repeatable read",
    "timezone": "UTC",
    "statement_timeout": "60s",
}
VERSION = b"server_version\x008.0.2\x00"


@dataclass(frozen=True)
class Message:
    """One message of the protocol: its kind and what it holds."""

    kind: bytes
    body: bytes

    def packed(self) -> bytes:
        """Return the bytes on the wire."""
        return self.kind + struct.pack("!I", len(self.body) + 4) + self.body


@contextmanager
def running(server: str, port: int, environment: dict[str, str]) -> Iterator[None]:
    """Run the gate before a server (`host:port`) in a process of its own."""
    command = [sys.executable, "-m", "tests.redshift.gate", "--server", server]
    process = subprocess.Popen([*command, "--port", str(port)], env=environment)
    try:
        _wait_until_open(process, port)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_until_open(process: subprocess.Popen, port: int) -> None:
    for _ in range(200):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("The gate does not start.")


def make_objects(connection: psycopg.Connection) -> None:
    """Give a database what the sessions of the gate need; commits."""
    connection.execute(OBJECTS.read_text())
    connection.commit()


async def serve(server: str, port: int) -> None:
    """Serve clients for ever."""
    host, server_port = server.rsplit(":", 1)

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            start = await _start_packet(reader, writer)
            from_server, to_server = await asyncio.open_connection(host, int(server_port))
            to_server.write(start)
            await _log_in(reader, writer, from_server, to_server)
        except asyncio.IncompleteReadError:
            writer.close()
            return
        await asyncio.gather(
            _to_client(from_server, writer), _to_server(reader, to_server), return_exceptions=True
        )

    async with await asyncio.start_server(attend, "127.0.0.1", port) as listener:
        await listener.serve_forever()


async def _start_packet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Read the client's first packet; return it with a session's settings for the server."""
    while True:
        (size,) = struct.unpack("!I", await reader.readexactly(4))
        body = await reader.readexactly(size - 4)
        (code,) = struct.unpack("!I", body[:4])
        if code != SSL_REQUEST:
            break
        writer.write(b"N")
    if code == PROTOCOL_3:
        texts = body[4:].rstrip(b"\x00").split(b"\x00")
        pairs = dict(zip(texts[::2], texts[1::2], strict=True))
        pairs = {name: value for name, value in pairs.items() if name.decode() not in CLIENT_FACTS}
        pairs |= {name.encode(): value.encode() for name, value in SESSION.items()}
        body = body[:4] + b"".join(b"%s\x00%s\x00" % pair for pair in pairs.items()) + b"\x00"
    return struct.pack("!I", len(body) + 4) + body


async def _read_message(reader: asyncio.StreamReader) -> Message:
    head = await reader.readexactly(5)
    return Message(head[:1], await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4))


async def _log_in(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    from_server: asyncio.StreamReader,
    to_server: asyncio.StreamWriter,
) -> None:
    """Ask the client for its password, as Redshift may, and answer Postgres' SCRAM with it."""
    asked = await _read_message(from_server)
    if asked.body[:4] != AUTHENTICATION_SASL:
        writer.write(asked.packed())
        return
    writer.write(Message(b"R", AUTHENTICATION_CLEARTEXT).packed())
    password = (await _read_message(reader)).body.rstrip(b"\x00").decode()
    scram = ScramClient(["SCRAM-SHA-256"], "client", password)
    first = scram.get_client_first().encode()
    body = b"SCRAM-SHA-256\x00" + struct.pack("!I", len(first)) + first
    to_server.write(Message(b"p", body).packed())
    answer = await _read_message(from_server)
    if answer.kind == b"R":
        scram.set_server_first(answer.body[4:].decode())
        to_server.write(Message(b"p", scram.get_client_final().encode()).packed())
        answer = await _read_message(from_server)
    if answer.kind != b"R":
        writer.write(answer.packed())


async def _to_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass the server's answers on; the version that it says is Redshift's."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        is_starting = True
        while is_starting:
            message = await _read_message(reader)
            if message.kind == b"S" and message.body.startswith(b"server_version\x00"):
                message = Message(b"S", VERSION)
            writer.write(message.packed())
            is_starting = message.kind not in (b"Z", b"E")
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _to_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass the client's messages on; a statement is judged and rewritten."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            message = await _read_message(reader)
            if message.kind == b"P":
                name, statement, rest = message.body.split(b"\x00", 2)
                passed = await asyncio.to_thread(passable, statement.decode())
                message = Message(b"P", b"\x00".join([name, passed.encode(), rest]))
            elif message.kind == b"Q":
                passed = await asyncio.to_thread(passable, message.body[:-1].decode())
                message = Message(b"Q", passed.encode() + b"\x00")
            writer.write(message.packed())
            await writer.drain()
    writer.close()


def passable(statement: str) -> str:
    """Return what the server is to run for a client's statement: a refusal, or its rewriting."""
    try:
        copied = copy_statement(statement)
        if copied:
            return copied
        refusals = violations(statement) if statement.strip() else []
        rewritten = to_postgres(statement) if statement.strip() else statement
    except CopyError as error:
        return _refusal(str(error))
    except Exception as error:
        log.exception("in the gate itself, with: %s", statement)
        return _refusal(f"the gate failed: {error}")
    if refusals:
        log.warning("refused, %s\n%s", refusals[0], statement)
        return _refusal(str(refusals[0]))
    if rewritten != statement:
        log.debug("%s\nwas rewritten to\n%s", statement, rewritten)
    return rewritten


def _refusal(reason: str) -> str:
    return "select redshift.refuse('{}')".format(reason.replace("'", "''"))


def main() -> None:
    """Run the gate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="host:port of Postgres")
    parser.add_argument("--port", type=int, default=5439)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="gate: %(message)s")
    asyncio.run(serve(arguments.server, arguments.port))


if __name__ == "__main__":
    main()
