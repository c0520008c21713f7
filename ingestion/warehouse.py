"""The warehouse's connection, and the tables landing keeps its books in."""

import logging
import os
import socket
from typing import Any

import psycopg
from psycopg import sql

from ingestion import embedded
from ingestion.environment import Database
from ingestion.settings import Settings, redact

log = logging.getLogger(__name__)


class WarehouseError(Exception):
    """The warehouse cannot be reached or used; the message names the cure."""


def connect(
    settings: Settings, *, database: str | None = None, autocommit: bool = False
) -> psycopg.Connection:
    """Connect to the warehouse; raises WarehouseError with the cure."""
    parameters = settings.warehouse.parameters()
    if database:
        parameters["dbname"] = database
    try:
        connection = psycopg.connect(
            **parameters,
            autocommit=autocommit,
            connect_timeout=10,
            application_name=process_name(),
            options="-c timezone=UTC",
        )
    except psycopg.OperationalError as error:
        raise WarehouseError(redact(_connection_advice(settings, error), settings)) from None
    if settings.warehouse_is_embedded:
        _refuse_foreign_server(connection)
    return connection


def _refuse_foreign_server(connection: psycopg.Connection) -> None:
    """Raise WarehouseError where the server that answers is another checkout's embedded one."""
    place = (connection.info.port, embedded.server_mark())
    if place in _own_servers:
        return
    (name,) = one_row(connection.execute("select current_setting('cluster_name')"))
    if name.startswith(embedded.MARK) and name != embedded.server_mark():
        connection.close()
        raise WarehouseError(
            f"The server on port {place[0]} is the embedded Postgres of another checkout. Set"
            " WAREHOUSE_PORT, in the environment or .env, to this checkout's port (or to a free"
            " one, then `ledgerhouse up`)."
        )
    if not connection.autocommit:
        connection.rollback()
    _own_servers.add(place)


# The ports on which this process has found its own checkout's server.
_own_servers: set[tuple[int, str]] = set()


def _connection_advice(settings: Settings, error: psycopg.OperationalError) -> str:
    where = f"{settings.warehouse.host}:{settings.warehouse.port}/{settings.warehouse.name}"
    cure = (
        "Start the embedded Postgres with `ledgerhouse up`."
        if settings.warehouse_is_embedded
        else "Check WAREHOUSE_HOST, WAREHOUSE_PORT, WAREHOUSE_USER, WAREHOUSE_PASSWORD and "
        "WAREHOUSE_NAME."
    )
    return f"The warehouse {where} cannot be reached: {first_line(error)}. {cure}"


def first_line(error: Exception) -> str:
    """Return the error's first line, without the trailing full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def connect_source(source: Database, settings: Settings, prefix: str) -> psycopg.Connection:
    """Connect to a relational source; raises WarehouseError naming the `prefix` variables."""
    try:
        return psycopg.connect(**source.parameters(), connect_timeout=10, options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        message = (
            f"{source.name} on {source.host}:{source.port} cannot be reached: {first_line(error)}. "
            f"Check {prefix}_HOST, {prefix}_PORT, {prefix}_USER, {prefix}_PASSWORD and "
            f"{prefix}_NAME."
        )
        raise WarehouseError(redact(message, settings)) from None


def one_row(cursor: psycopg.Cursor) -> tuple[Any, ...]:
    """Return the row of an answer that always has one; raises WarehouseError where it has none."""
    row = cursor.fetchone()
    if row is None:
        raise WarehouseError("The warehouse gave no row to a query that always has one.")
    return row


def error_text(error: BaseException) -> str:
    """Return what an error says; one that says nothing says what it is."""
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted."
    return str(error) or type(error).__name__


def ensure_database(connection: psycopg.Connection, name: str) -> None:
    """Make database `name` if it is not there (connection in autocommit)."""
    found = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
    if not found:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def process_name() -> str:
    """Return how this process is called in the warehouse's list of connections."""
    return f"ledgerhouse pid {os.getpid()} on {socket.gethostname()}"
