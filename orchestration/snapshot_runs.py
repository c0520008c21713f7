"""Which landings the snapshots have followed (SPEC L12)."""

from datetime import datetime

import psycopg


def pending_snapshots(connection: psycopg.Connection) -> dict[datetime, list[str]]:
    """Return the landings that no snapshot has followed yet: known time -> sources, in order.

    A killed run's known time may come again, so a later load of it needs another snapshot.
    """
    rows = connection.execute(
        "select loaded_at, array_agg(distinct source order by source) from landing.load_runs"
        " where created + updated + deleted > 0 and status in ('completed', 'partial')"
        " and not exists ("
        "   select 1 from landing.snapshot_runs where known_through >= load_runs.loaded_at"
        "   and last_load_id >= load_runs.load_id)"
        " group by loaded_at order by loaded_at"
    )
    return dict(rows.fetchall())


def remember_snapshot(connection: psycopg.Connection, known_through: datetime) -> None:
    """Write down that the snapshots hold every landing up to `known_through`."""
    connection.execute(
        "insert into landing.snapshot_runs (known_through, last_load_id, finished_at)"
        " select %s, max(load_id), clock_timestamp() from landing.load_runs",
        (known_through,),
    )


def remember_untouched_snapshots(connection: psycopg.Connection) -> None:
    """Write down that the snapshots know all that is landed: each has followed what it had to.

    A landing that brought a snapshot nothing new gives it nothing to follow.
    """
    connection.execute(
        "insert into landing.build_watermarks"
        " select model_name, schema_name, landed.known_through, '', clock_timestamp()"
        " from landing.build_watermarks cross join ("
        "   select max(loaded_at) as known_through from landing.load_runs"
        "   where status in ('completed', 'partial')) as landed"
        " where schema_name = 'snapshots' group by model_name, schema_name, landed.known_through"
        " having max(build_watermarks.known_through) < landed.known_through"
    )


def forget_snapshots(connection: psycopg.Connection) -> None:
    """Empty the snapshots, to replay them from landing; the views that read them stay."""
    with connection.transaction():
        for (table,) in connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname = 'snapshots'"
        ).fetchall():
            connection.execute(f"truncate {table}")
        connection.execute("delete from landing.snapshot_runs")
        # What reads them knows nothing either, until they are filled again.
        connection.execute(
            "update landing.build_watermarks set known_through = '0001-01-01'"
            " where schema_name = 'snapshots'"
        )
