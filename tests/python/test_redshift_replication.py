"""Redshift's copy: every landed version once, all of a run at once, whatever is killed between."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ingestion import redshift as replication
from ingestion.books import make_books
from ingestion.loads import LoadFailed, open_load
from ingestion.personal import NOBODY
from ingestion.redshift import replicate
from ingestion.settings import Settings
from ingestion.streams import EVERYTHING, Stream
from ingestion.warehouse import WarehouseError, connect, ensure_database

STREAM = Stream("shop", "orders", key=("id",), personal=NOBODY)
VERSIONS = "select source_key, payload, is_deleted, loaded_at, load_id from landing.shop__orders"


@pytest.fixture
def there(server: Settings, redshift: Settings) -> Settings:
    """Settings of a Postgres with empty books, and of an empty Redshift for a target."""
    name = "landing"
    with connect(server, database="postgres", autocommit=True) as connection:
        ensure_database(connection, name)
    for database in (name, "redshift"):
        with connect(server, database=database) as connection:
            connection.execute("drop schema if exists landing cascade")
    settings = replace(server, warehouse=replace(server.warehouse, name=name))
    with connect(settings) as connection:
        make_books(connection)
    return replace(settings, target="redshift", redshift=redshift.redshift)


def land(settings: Settings, day: int, *records: dict[str, Any]) -> None:
    clock = datetime(2026, 1, day)
    with (
        connect(settings) as connection,
        open_load(
            connection, replace(settings, max_deleted_share=1.0), STREAM, loaded_at=clock
        ) as load,
    ):
        for record in records:
            load.add(record)
        load.complete(scope=EVERYTHING)


def copy_over(settings: Settings) -> None:
    with connect(settings) as connection:
        replicate(connection, settings)


def on_postgres(settings: Settings, query: str) -> list[tuple]:
    with connect(settings) as connection:
        return sorted(connection.execute(query.replace("payload", "cast(payload as text)")))


def on_redshift(settings: Settings, query: str) -> list[tuple]:
    with closing(replication.connect(settings)) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        return sorted(tuple(row) for row in cursor.fetchall())


def test_every_version_arrives_once(there: Settings) -> None:
    land(there, 1, {"id": 1, "note": 'a "quoted", é\nline'}, {"id": 2, "price": 1.50})
    copy_over(there)
    copy_over(there)
    land(there, 2, {"id": 1, "note": "changed"}, {"id": 3, "note": "\\N"})
    land(there, 3, {"id": 1, "note": "again"})
    copy_over(there)
    assert len(on_redshift(there, VERSIONS)) == 7  # three keys; a change twice, two deletions
    assert on_redshift(there, VERSIONS) == on_postgres(there, VERSIONS)
    loads = "select load_id, status, received, created, updated, deleted from landing.load_runs"
    assert on_redshift(there, loads) == on_postgres(there, loads)


def test_a_kill_before_the_commit_leaves_nothing_and_repeats_nothing(
    there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(there, 1, {"id": 1})
    copy_over(there)
    land(there, 2, {"id": 1}, {"id": 2})
    before = on_redshift(there, VERSIONS)
    copy = replication._copy

    def killed(target: Any, redshift: Any, table: Any, manifest: str | None) -> None:
        copy(target, redshift, table, manifest)
        if table.name == STREAM.table.as_string().split(".")[1].strip('"'):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(replication, "_copy", killed)
        with pytest.raises(KeyboardInterrupt):
            copy_over(there)
    assert on_redshift(there, VERSIONS) == before
    copy_over(there)
    assert on_redshift(there, VERSIONS) == on_postgres(there, VERSIONS)


def test_a_version_too_long_for_redshift_is_quarantined_there(there: Settings) -> None:
    land(there, 1, {"id": 1, "note": "é" * 40_000}, {"id": 2, "note": "é" * 30_000})
    copy_over(there)
    assert [row[0] for row in on_redshift(there, VERSIONS)] == ["2"]
    assert on_redshift(there, "select stream, reason from landing.quarantine") == [
        ("orders", "It has more than the 65,535 bytes that a text may have in Redshift.")
    ]


def test_what_claims_to_be_known_before_redshifts_raw_is_refused(there: Settings) -> None:
    land(there, 5, {"id": 1})
    copy_over(there)
    other = Stream("shop", "returns", key=("id",), personal=NOBODY)
    with connect(there) as connection:
        loading = open_load(connection, there, other, loaded_at=datetime(2026, 1, 4))
        with pytest.raises(LoadFailed, match="already landed and built"), loading as load:
            load.add({"id": 7})
            load.complete()


def test_files_are_split_and_all_of_them_are_copied(
    there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replication, "FILE_BYTES", 500)
    land(there, 1, *({"id": number} for number in range(50)))
    copy_over(there)
    assert on_redshift(there, VERSIONS) == on_postgres(there, VERSIONS)


def test_an_unreachable_redshift_says_what_to_check(there: Settings) -> None:
    nowhere = replace(there.redshift, database=replace(there.redshift.database, port=1))
    with pytest.raises(WarehouseError, match="Check REDSHIFT_HOST"):
        copy_over(replace(there, redshift=nowhere))


def test_books_of_an_older_ledgerhouse_get_the_columns_they_lack(there: Settings) -> None:
    land(there, 1, {"id": 1})
    copy_over(there)
    columns = ", ".join(f"drop column {name}" for name in replication.ADDED_COLUMNS)
    with connect(there, database="redshift", autocommit=True) as connection:
        connection.execute(f"alter table landing.build_watermarks {columns}")
    land(there, 2, {"id": 2})
    copy_over(there)
    found = on_redshift(there, replication.OWN_COLUMNS)
    assert {(name,) for name in replication.ADDED_COLUMNS} <= set(found)
