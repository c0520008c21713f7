"""Parents whose children are still to be landed (SPEC R7a): kept in the books until it is done.

So a parent may land, and its cursor go on, though its children could not be had: they are asked for
again on every run, and one that never answers holds up nobody else.
"""

from collections.abc import Iterable
from datetime import datetime

from psycopg import Connection

from ingestion.streams import Stream


def owe(connection: Connection, children: Stream, parents: Iterable[str], at: datetime) -> None:
    """Write down that the children of these parents are to be landed; commits nothing."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into landing.owed_children (source, stream, parent, owed_since)"
            " values (%s, %s, %s, %s) on conflict do nothing",
            [(children.source, children.name, parent, at) for parent in sorted(parents)],
        )


def settle(
    connection: Connection,
    children: Stream,
    *,
    landed: Iterable[str],
    failed: Iterable[str],
    at: datetime,
) -> None:
    """Strike out the parents whose children are landed, and note what failed; commits nothing."""
    connection.execute(
        "delete from landing.owed_children where source = %s and stream = %s and parent = any(%s)",
        (children.source, children.name, list(landed)),
    )
    failed = list(failed)  # it is gone through twice
    owe(connection, children, failed, at)
    connection.execute(
        "update landing.owed_children set failed_at = %s"
        " where source = %s and stream = %s and parent = any(%s)",
        (at, children.source, children.name, failed),
    )


def owing(connection: Connection, children: Stream) -> dict[str, bool]:
    """Return the parents that owe, each with whether it has failed before.

    Those that never failed come first, then those that were asked the longest ago.
    """
    rows = connection.execute(
        "select parent, failed_at is not null from landing.owed_children"
        " where source = %s and stream = %s"
        " order by failed_at nulls first, length(parent), parent",
        (children.source, children.name),
    ).fetchall()
    connection.commit()
    return dict(rows)
