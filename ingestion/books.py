"""The books beside what is landed: their tables, their version, and the way from one to the next.

`books.sql` makes them as they are now; `upgrades/<version>_<name>.sql` brings older ones there.
"""

import logging
import re
from pathlib import Path

import psycopg
from psycopg import sql

from ingestion.settings import Settings
from ingestion.warehouse import WarehouseError, one_row

log = logging.getLogger(__name__)

# Every schema that ledgerhouse makes.
STATE = ("landing", "snapshots", "staging", "intermediate", "marts", "analytics")

BOOKS = Path(__file__).with_name("books.sql").read_text()
BOOK_NAMES = re.findall(r"create table if not exists (landing\.\w+)", BOOKS)
UPGRADES = {
    int(path.name.split("_")[0]): path
    for path in sorted((Path(__file__).parent / "upgrades").glob("*.sql"))
}
VERSION = max(UPGRADES)
# Books older than the first upgrade write down no version: they were kept in the schema `raw`.
UNNUMBERED = min(UPGRADES) - 1


def make_books(connection: psycopg.Connection) -> None:
    """Make the schema landing and the tables landing keeps its books in, or upgrade them; commits.

    Raises WarehouseError where a newer ledgerhouse has made them (SPEC R13).
    """
    version = version_of(connection)
    if version is not None and version != VERSION:
        upgrade(connection, version)
    elif version is None or _missing(connection):
        with connection.transaction():
            _make(connection)
    if not connection.autocommit:
        connection.commit()


def version_of(connection: psycopg.Connection) -> int | None:
    """Return the version of the warehouse's books; None where there are none."""
    names = ("landing.books_versions", "landing.load_runs", "raw.load_runs")
    numbered, made, unnumbered = one_row(
        connection.execute("select to_regclass(%s), to_regclass(%s), to_regclass(%s)", names)
    )
    if numbered:
        newest = connection.execute("select max(version) from landing.books_versions")
        version: int | None = one_row(newest)[0]
        return version
    return UNNUMBERED if unnumbered and not made else None


def refuse_other_version(connection: psycopg.Connection) -> None:
    """Raise WarehouseError where only a run that writes, or a newer ledgerhouse, may go on."""
    version = version_of(connection)
    if version is None or version == VERSION:
        return
    _refuse_newer(version)
    raise WarehouseError(
        f"The warehouse's books are of version {version}, this ledgerhouse's of {VERSION}. The"
        " next command that writes upgrades them: `ledgerhouse nightly`."
    )


def upgrade(connection: psycopg.Connection, version: int) -> None:
    """Bring books of a version to today's, in one transaction (SPEC R13).

    Raises WarehouseError where they are of a newer ledgerhouse, or a run holds the warehouse.
    """
    _refuse_newer(version)
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('ledgerhouse upgrade'))")
        if version_of(connection) != version:  # another has upgraded them just now
            return
        for number in range(version + 1, VERSION + 1):
            try:
                connection.execute(UPGRADES[number].read_text())
            except psycopg.errors.LockNotAvailable:
                raise WarehouseError(
                    "The warehouse is to be upgraded, and a run of the ledgerhouse before holds it."
                    " Wait for it to end, then start again."
                ) from None
        _make(connection)
    log.warning(
        "the warehouse was upgraded from version %s to %s; what is built of its landings and"
        " snapshots is built again, whole, by the next night",
        version,
        VERSION,
    )


def _refuse_newer(version: int) -> None:
    if version > VERSION:
        raise WarehouseError(
            f"The warehouse's books are of version {version}, and this ledgerhouse knows up to"
            f" {VERSION}. Bring the checkout to the newer ledgerhouse that made them."
        )


def _missing(connection: psycopg.Connection) -> bool:
    found = connection.execute(
        "select 1 from unnest(%s::text[]) as names (name) where to_regclass(name) is null",
        (BOOK_NAMES,),
    ).fetchone()
    return found is not None


def _make(connection: psycopg.Connection) -> None:
    connection.execute(BOOKS)
    connection.execute(
        "insert into landing.books_versions values (%s, clock_timestamp()) on conflict do nothing",
        (VERSION,),
    )


def close_abandoned_runs(connection: psycopg.Connection) -> None:
    """Close what a killed process left `running`: loads as `failed` (SPEC R4), jobs as `killed`.

    Only the holder of the run lock may call it.
    """
    for books, unit, status in (
        ("landing.load_runs", "load", "failed"),
        ("landing.job_runs", "job", "killed"),
    ):
        closed = connection.execute(
            f"update {books} set status = '{status}', finished_at = clock_timestamp(),"
            f" error = 'The process was killed before this {unit} was done.'"
            " where status = 'running'"
        ).rowcount
        if closed:
            log.warning("%s %s(s) of a killed run closed as %s", closed, unit, status)
    connection.commit()


def remember_salt(connection: psycopg.Connection, settings: Settings) -> None:
    """Give the models the salt of their hashes: from here, as SQL would show it to readers."""
    if settings.salt:
        with connection.transaction():
            connection.execute("delete from landing.hash_salts")
            connection.execute("insert into landing.hash_salts values (%s)", (settings.salt,))


def forget_everything(connection: psycopg.Connection) -> None:
    """Drop every schema of the warehouse; commits."""
    for schema in STATE:
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
        )
    connection.commit()
