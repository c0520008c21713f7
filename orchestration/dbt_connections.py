"""dbt's connections to Postgres, kept from one node to the next within a run.

dbt opens one for every node it runs, hundreds a night; each begins a server process that has to
learn the catalogue first. A connection is handed on as new: `discard all` forgets what the node
before has set, and tells whether it still stands.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter


class KeptConnections(PostgresConnectionManager):
    """dbt's own connection manager, but that what one node has closed the next one opens."""

    _idle: list[Any] = []

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Open with a connection that is idle, else a new one; raises as dbt's own does."""
        while connection.state != ConnectionState.OPEN and cls._idle:
            handle = cls._idle.pop()
            if _renew(handle):
                connection.handle, connection.state = handle, ConnectionState.OPEN
        super().open(connection)
        return connection

    @classmethod
    def _close_handle(cls, connection: Connection) -> None:
        if connection.credentials.role or connection.credentials.autocommit:
            super()._close_handle(connection)
            return
        # Nobody waits for what a connection held that has nothing to do.
        with suppress(psycopg2.Error):
            connection.handle.rollback()
        cls._idle.append(connection.handle)

    @classmethod
    def close_idle(cls) -> None:
        """Close the connections that no node has."""
        while cls._idle:
            cls._idle.pop().close()


@contextmanager
def kept_connections() -> Iterator[None]:
    """Let dbt hand its connections on meanwhile; those to Redshift are not concerned."""
    PostgresAdapter.ConnectionManager = KeptConnections
    try:
        yield
    finally:
        PostgresAdapter.ConnectionManager = PostgresConnectionManager
        KeptConnections.close_idle()


def _renew(handle: Any) -> bool:
    """Make a used connection as good as new; False where it no longer stands."""
    try:
        handle.autocommit = True
        with handle.cursor() as cursor:
            cursor.execute("discard all")
        handle.autocommit = False
    except psycopg2.Error:
        handle.close()
        return False
    return True
