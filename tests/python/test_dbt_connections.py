"""dbt's connections are handed on as new (orchestration/dbt_connections.py)."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from dbt.adapters.contracts.connection import Connection
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt.adapters.postgres.impl import PostgresAdapter

from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration.dbt_connections import KeptConnections, kept_connections


@pytest.fixture
def credentials(settings: Settings) -> Iterator[PostgresCredentials]:
    warehouse = settings.warehouse
    with kept_connections():
        yield PostgresCredentials(
            host=warehouse.host,
            port=warehouse.port,
            user=warehouse.user,
            password=warehouse.secret(),
            database=warehouse.name,
            schema="analytics",
        )


def opened(credentials: PostgresCredentials) -> Connection:
    return KeptConnections.open(Connection(type="postgres", name=None, credentials=credentials))


def ask(connection: Connection, query: str) -> object:
    with closing(connection.handle.cursor()) as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_what_a_node_has_set_is_forgotten(credentials: PostgresCredentials) -> None:
    first = opened(credentials)
    server = first.handle.info.backend_pid
    ask(first, "select set_config('search_path', 'nowhere', false)")
    ask(first, "create temporary table left_over as select 1; select count(*) from left_over")
    first.handle.commit()
    with pytest.raises(psycopg2.Error):
        ask(first, "select 1 / 0")
    KeptConnections.close(first)

    second = opened(credentials)
    assert second.handle.info.backend_pid == server
    assert not second.handle.autocommit
    assert ask(second, "show search_path") != "nowhere"
    assert ask(second, "select to_regclass('pg_temp.left_over')") is None
    KeptConnections.close(second)


def test_one_that_the_server_has_ended_is_not_handed_on(
    settings: Settings, credentials: PostgresCredentials
) -> None:
    first = opened(credentials)
    server = first.handle.info.backend_pid
    KeptConnections.close(first)
    with connect(settings) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", (server,))
    second = opened(credentials)
    assert second.handle.info.backend_pid != server
    assert ask(second, "select 1") == 1
    KeptConnections.close(second)


def test_an_idle_one_holds_nothing_that_another_waits_for(
    settings: Settings, credentials: PostgresCredentials
) -> None:
    first = opened(credentials)
    ask(first, "select count(*) from landing.load_runs")
    KeptConnections.close(first)
    with connect(settings) as other:
        other.execute("set lock_timeout = '2s'")
        other.execute("lock table landing.load_runs in access exclusive mode")


def test_none_is_left_after_a_run(settings: Settings, credentials: PostgresCredentials) -> None:
    with kept_connections():
        first = opened(credentials)
        server = first.handle.info.backend_pid
        KeptConnections.close(first)
    with connect(settings) as other:
        (left,) = other.execute(
            "select count(*) from pg_stat_activity where pid = %s and query = 'discard all'",
            (server,),
        ).fetchone()
    assert first.handle.closed and left == 0
    assert PostgresAdapter.ConnectionManager is PostgresConnectionManager
