"""Landing against a real Postgres: versions, exact counts, deletions, clocks, faults (R1-R7)."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ingestion.books import close_abandoned_runs, make_books
from ingestion.environment import Database
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.personal import NOBODY
from ingestion.settings import Settings
from ingestion.streams import EVERYTHING, Scope, Stream, children_of, window
from ingestion.warehouse import connect
from tests.python import golden

NOW = datetime(2026, 1, 1, 0, 5)
LEADS = Stream("vendor", "leads", key=("id",), scope_field="day", personal=NOBODY)
ITEMS = Stream(
    "vendor", "items", key=("invoice", "position"), scope_field="invoice", personal=NOBODY
)
KEY = "api-key-4711-secret"
PASSWORD = "pass-word-0815"


@pytest.fixture(scope="module")
def warehouse(server: Settings) -> Settings:
    with connect(server) as connection:
        make_books(connection)
    source = Database("127.0.0.1", 1, "reader", "billing_db", password=PASSWORD)
    return replace(server, heartbeat_key=KEY, billing_db=source)


@pytest.fixture(scope="module")
def shared(warehouse: Settings) -> Iterator[psycopg.Connection]:
    with connect(warehouse) as connection:
        yield connection


@pytest.fixture
def connection(warehouse: Settings) -> Iterator[psycopg.Connection]:
    with connect(warehouse) as connection:
        forget(connection)
        yield connection


def forget(connection: psycopg.Connection) -> None:
    """Drop this module's tables and empty the books."""
    connection.execute("drop table if exists landing.vendor__leads, landing.vendor__items")
    connection.execute("truncate landing.load_runs, landing.quarantine, landing.build_watermarks")
    connection.commit()


@pytest.fixture
def land(connection: psycopg.Connection, warehouse: Settings) -> Any:
    """A function that lands records on the n-th day and returns the closed load."""

    def land(
        records: Sequence[Any],
        day: int = 0,
        *,
        scope: Scope | None = None,
        cursor: str | None = None,
        stream: Stream = LEADS,
        tenant: str = "main",
        settings: Settings = warehouse,
    ) -> Load:
        loaded_at = NOW + timedelta(days=day)
        with open_load(connection, settings, stream, loaded_at=loaded_at, tenant=tenant) as load:
            for record in records:
                load.add(record)
            load.complete(scope=scope, cursor=cursor)
        return load

    return land


def lead(number: Any, day: str = "2025-12-31", **more: Any) -> dict[str, Any]:
    return {"id": number, "day": day, **more}


def counted(load: Load) -> dict[str, int]:
    """Return the counts that are not zero."""
    return {name: count for name, count in asdict(load.counts).items() if count}


def versions(settings: Settings, stream: Stream = LEADS) -> list[tuple[str, ...]]:
    """Return (key, deleted, day landed) of every version, as text."""
    rows = golden.query(
        settings,
        f"select source_key, is_deleted, loaded_at::date - %s::date as day"
        f" from landing.{stream.source}__{stream.name} order by loaded_at, source_key",
        NOW,
    )
    return [tuple(row.values()) for row in rows]


def last_run(settings: Settings) -> dict[str, str]:
    return golden.query(settings, "select * from landing.load_runs order by load_id")[-1]


# Versions and counts


def test_a_version_is_landed_only_when_the_payload_changed(land: Any, warehouse: Settings) -> None:
    assert counted(land([lead(1, name="Ann"), lead(2)])) == {"received": 2, "created": 2}
    assert counted(land([{"name": "Ann", "day": "2025-12-31", "id": 1}, lead(2)], 1)) == {
        "received": 2,
        "unchanged": 2,
    }
    assert counted(land([lead(1, name="Anne"), lead(2)], 2)) == {
        "received": 2,
        "updated": 1,
        "unchanged": 1,
    }
    # back to what it was once: that is a change, too
    assert counted(land([lead(1, name="Ann")], 3)) == {"received": 1, "updated": 1}
    assert versions(warehouse) == [
        ("1", "False", "0"),
        ("2", "False", "0"),
        ("1", "False", "2"),
        ("1", "False", "3"),
    ]


def test_of_a_key_repeated_in_one_load_the_last_record_counts(
    land: Any, warehouse: Settings
) -> None:
    load = land([lead(1, name="old"), lead(2), lead(1, name="new")])
    assert counted(load) == {"received": 3, "created": 2, "unchanged": 1}
    payloads = golden.query(
        warehouse,
        "select payload ->> 'name' as name from landing.vendor__leads where source_key = '1'",
    )
    assert payloads == [{"name": "new"}]


def test_tenants_do_not_see_each_other(land: Any) -> None:
    land([lead(1), lead(2)], tenant="first")
    assert counted(land([lead(1, own="x")], tenant="second", scope=EVERYTHING)) == {
        "received": 1,
        "created": 1,
    }
    assert counted(land([lead(1), lead(2)], 1, tenant="first", scope=EVERYTHING)) == {
        "received": 2,
        "unchanged": 2,
    }


def test_decimals_and_every_character_arrive_as_sent(land: Any, warehouse: Settings) -> None:
    text = 'tab\t, line\n, back\\slash, \\N, ő, 😀, \x7f, quote"'
    land([lead(1, amount=Decimal("0.10"), big=Decimal("12345678901234567.89"), text=text)])
    (found,) = golden.query(
        warehouse,
        "select payload ->> 'amount' as amount, payload ->> 'big' as big,"
        " payload ->> 'text' as text from landing.vendor__leads",
    )
    assert found == {"amount": "0.10", "big": "12345678901234567.89", "text": text}


deep: Any = "end"
for _ in range(50_000):
    deep = [deep]

UNLANDABLE = {
    "no object": ["a", "list"],
    "nothing": None,
    "no key": {"day": "2025-12-31"},
    "null key": lead(None),
    "blank key": lead("  "),
    "fraction as key": lead(1.5),
    "truth as key": lead(True),
    "object as key": lead({"id": 1}),
    "key of 501 characters": lead("k" * 501),
    "NUL as key": lead("\x00"),
    "not a number": lead(1, price=float("nan")),
    "decimal not a number": lead(1, price=Decimal("NaN")),
    "infinite": lead(1, price=float("inf")),
    "beyond any number": lead(1, price=Decimal("1E+200000")),
    "half a character": lead(1, name="\ud800"),
    "half a character as key": lead("\udcff"),
    "no JSON type": lead(1, name=object()),
    "too deep": lead(1, tree=deep),
}


@pytest.mark.parametrize("record", UNLANDABLE.values(), ids=UNLANDABLE.keys())
def test_what_cannot_be_landed_is_quarantined_and_the_rest_goes_on(
    record: Any, land: Any, warehouse: Settings
) -> None:
    load = land([lead(1), record, lead(2)], cursor="page 2")
    assert load.status == "partial"
    assert counted(load) == {"received": 3, "created": 2, "quarantined": 1}
    (kept,) = golden.query(warehouse, "select * from landing.quarantine")
    assert (kept["source"], kept["stream"], kept["tenant"]) == ("vendor", "leads", "main")
    assert kept["record_text"]
    assert kept["reason"]
    assert kept["load_id"] == str(load.load_id)
    assert last_run(warehouse)["status"] == "partial"
    assert last_run(warehouse)["cursor_after"] == "page 2"


def test_a_record_is_quarantined_once_however_often_it_comes(
    land: Any, warehouse: Settings
) -> None:
    for day in range(3):
        load = land([lead(1), lead(None), lead(None)], day)
        assert load.counts.quarantined == 2
    assert len(golden.query(warehouse, "select * from landing.quarantine")) == 1


def test_nul_is_dropped_from_texts_and_keys(land: Any, warehouse: Settings) -> None:
    assert counted(land([lead("a\x00b", name="x\x00y", **{"n\x00": 1})])) == {
        "received": 1,
        "created": 1,
    }
    (found,) = golden.query(
        warehouse, "select source_key, payload::text as payload from landing.vendor__leads"
    )
    assert found["source_key"] == "ab"
    assert found["payload"] == '{"n": 1, "id": "ab", "day": "2025-12-31", "name": "xy"}'


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
example_numbers = count()
records = st.lists(
    anything
    | st.fixed_dictionaries({"id": st.integers(0, 5) | anything}, optional={"value": anything})
    | st.decimals().map(lambda number: {"id": 1, "value": number}),
    max_size=12,
)


@examples(max_examples=60, deadline=None)
@given(batches=st.lists(records, min_size=1, max_size=3))
def test_received_is_created_and_updated_and_unchanged_and_quarantined(
    batches: list[list[Any]], warehouse: Settings, shared: psycopg.Connection
) -> None:
    tenant = f"example {next(example_numbers)}"
    for day, batch in enumerate(batches):
        loaded_at = NOW + timedelta(days=day)
        with open_load(shared, warehouse, LEADS, loaded_at=loaded_at, tenant=tenant) as load:
            for record in batch:
                load.add(record)
            load.complete()
        counts = load.counts
        assert counts.received == len(batch)
        assert counts.received == (
            counts.created + counts.updated + counts.unchanged + counts.quarantined
        )
        (found,) = shared.execute(
            "select received, created, updated, unchanged, deleted, quarantined, api_calls, ("
            "  select count(*) from landing.vendor__leads as version"
            "  where version.load_id = load_runs.load_id) as landed"
            " from landing.load_runs where load_id = %s",
            (load.load_id,),
        )
        shared.commit()
        assert found == (*asdict(counts).values(), counts.created + counts.updated)


# Deletions


def test_a_full_answer_deletes_what_it_does_not_name(land: Any, warehouse: Settings) -> None:
    land([lead(number) for number in range(10)], scope=EVERYTHING)
    load = land([lead(number) for number in range(9)], 1, scope=EVERYTHING)
    assert counted(load) == {"received": 9, "unchanged": 9, "deleted": 1}
    assert versions(warehouse)[-1] == ("9", "True", "1")
    # deleted once, and alive again when it is back, though it is the same as before
    again = land([lead(number) for number in range(9)], 2, scope=EVERYTHING)
    assert counted(again) == {"received": 9, "unchanged": 9}
    back = land([lead(number) for number in range(10)], 3, scope=EVERYTHING)
    assert counted(back) == {"received": 10, "unchanged": 9, "updated": 1}
    assert versions(warehouse)[-1] == ("9", "False", "3")


def test_a_window_deletes_only_inside_itself(land: Any, warehouse: Settings) -> None:
    days = ["2025-12-01"] + ["2025-12-10"] * 6 + ["2025-12-20"]
    land([lead(number, day) for number, day in enumerate(days)])
    load = land(
        [lead(number, "2025-12-10") for number in range(2, 7)],
        1,
        scope=window("2025-12-10", "2025-12-20"),
    )
    assert load.counts.deleted == 1
    assert versions(warehouse)[-1] == ("1", "True", "1")


def test_a_row_that_left_the_window_is_not_deleted(land: Any, warehouse: Settings) -> None:
    land([lead(number, "2025-12-10") for number in range(6)])
    moved = [lead(0, "2025-11-01"), *(lead(number, "2025-12-10") for number in range(1, 6))]
    assert counted(land(moved, 1, scope=window("2025-12-10", "2025-12-20"))) == {
        "received": 6,
        "updated": 1,
        "unchanged": 5,
    }
    again = land(moved[1:], 2, scope=window("2025-12-10", "2025-12-20"))
    assert again.counts.deleted == 0


def test_a_landed_parent_deletes_its_missing_children(land: Any, warehouse: Settings) -> None:
    items = [{"invoice": invoice, "position": place} for invoice in "AB" for place in range(6)]
    land(items, stream=ITEMS)
    load = land(items[:5], 1, stream=ITEMS, scope=children_of(["A"]))
    assert counted(load) == {"received": 5, "unchanged": 5, "deleted": 1}
    assert versions(warehouse, ITEMS)[-1] == ("A:5", "True", "1")


def test_a_parent_without_children_and_a_scope_without_parents(land: Any) -> None:
    land([{"invoice": "A", "position": 1}, {"invoice": "B", "position": 1}], stream=ITEMS)
    assert land([], 1, stream=ITEMS, scope=children_of([])).counts.deleted == 0
    unguarded = replace(ITEMS, max_deleted_share=1.0)
    assert land([], 2, stream=unguarded, scope=children_of(["B"])).counts.deleted == 1


def test_without_a_scope_nothing_is_deleted(land: Any) -> None:
    land([lead(1), lead(2)])
    assert land([lead(1)], 1).counts.deleted == 0


def test_what_lies_in_quarantine_or_was_repeated_counts_as_an_answer_but_proves_no_row(
    land: Any,
) -> None:
    land([lead(number) for number in range(10)], scope=EVERYTHING)
    with pytest.raises(LoadFailed, match="10 of 10 live rows are missing"):
        land([lead(None)], 1, scope=EVERYTHING)


@pytest.mark.parametrize("lost", [2, 3])
def test_more_than_a_fifth_lost_is_refused(lost: int, land: Any, warehouse: Settings) -> None:
    land([lead(number) for number in range(10)], scope=EVERYTHING, cursor="first")
    remaining = [lead(number) for number in range(10 - lost)]
    if lost == 2:
        assert land(remaining, 1, scope=EVERYTHING).counts.deleted == 2
        return
    with pytest.raises(LoadFailed, match=r"3 of 10 .* 20%.*LEDGERHOUSE_MAX_DELETED_SHARE=1"):
        land(remaining, 1, scope=EVERYTHING, cursor="second")
    run = last_run(warehouse)
    assert (run["status"], run["received"], run["cursor_after"]) == ("failed", "0", "first")
    assert all(day == "0" for _, _, day in versions(warehouse))
    allowed = replace(warehouse, max_deleted_share=1.0)
    assert land(remaining, 1, scope=EVERYTHING, settings=allowed).counts.deleted == 3


@pytest.mark.parametrize("scope", [EVERYTHING, window("2025-01-01", "2026-01-01")])
def test_an_empty_answer_deletes_nothing(scope: Scope, land: Any, warehouse: Settings) -> None:
    assert land([], scope=scope).status == "completed"
    land([lead(1)], 1)
    with pytest.raises(LoadFailed, match="empty"):
        land([], 2, scope=scope, settings=replace(warehouse, max_deleted_share=1.0))
    assert versions(warehouse) == [("1", "False", "1")]


# Clocks


def test_a_landing_not_later_than_the_last_one_is_refused_unless_nothing_is_new(
    land: Any, warehouse: Settings
) -> None:
    land([lead(1)], 5)
    assert land([lead(1)], 5).counts.unchanged == 1
    assert land([lead(1)], 4).counts.unchanged == 1
    for day in (4, 5):
        with pytest.raises(LoadFailed, match="correct the clock or LEDGERHOUSE_NOW"):
            land([lead(1), lead(2)], day)
    assert land([lead(1), lead(2)], 6).counts.created == 1
    assert versions(warehouse) == [("1", "False", "5"), ("2", "False", "6")]


def test_a_landing_behind_what_the_ledger_was_built_from_is_refused(
    land: Any, connection: psycopg.Connection
) -> None:
    connection.execute(
        "insert into landing.build_watermarks values ('fct_ledger_entries', 'marts', %s, '', %s)",
        (NOW + timedelta(days=3), NOW),
    )
    connection.commit()
    with pytest.raises(LoadFailed, match="already landed and built"):
        land([lead(1)], 3)
    assert land([lead(1)], 4).counts.created == 1


# One transaction


def test_rows_record_and_cursor_become_visible_together(
    connection: psycopg.Connection, warehouse: Settings
) -> None:
    with open_load(connection, warehouse, LEADS, loaded_at=NOW) as load:
        load.add(lead(1))
        load.also(lambda _: assert_nothing_is_visible(warehouse))
        load.complete(cursor="page 2")
    assert versions(warehouse) == [("1", "False", "0")]
    assert last_run(warehouse)["cursor_after"] == "page 2"
    with open_load(connection, warehouse, LEADS, loaded_at=NOW) as load:
        assert load.cursor == "page 2"
        load.complete()
    assert last_run(warehouse)["cursor_after"] == "page 2"


def assert_nothing_is_visible(settings: Settings) -> None:
    assert not golden.query(settings, "select to_regclass('landing.vendor__leads') as name")[0][
        "name"
    ]
    run = last_run(settings)
    assert (run["status"], run["received"], run["cursor_after"]) == ("running", "0", "")


STEPS = ("_append_changes", "_append_deletions", "_refuse_backward_clock", "_keep_rejected")


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_any_step_leaves_nothing_and_the_next_run_everything(
    step: str, land: Any, warehouse: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land([lead(number) for number in range(6)], cursor="first")
    records = [lead(number, new=True) for number in range(5)] + [lead(None)]
    done = getattr(Load, step)

    def done_and_dead(*arguments: Any) -> None:
        done(*arguments)
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Load, step, done_and_dead)
        with pytest.raises(LoadFailed, match="the disk is full"):
            land(records, 1, scope=EVERYTHING, cursor="second")
    run = last_run(warehouse)
    assert (run["status"], run["cursor_after"]) == ("failed", "first")
    assert run["error"] == "the disk is full"
    assert len(versions(warehouse)) == 6
    assert not golden.query(warehouse, "select * from landing.quarantine")
    load = land(records, 1, scope=EVERYTHING, cursor="second")
    assert counted(load) == {"received": 6, "updated": 5, "deleted": 1, "quarantined": 1}


@pytest.mark.parametrize("first_records", [0, 3])
def test_a_broken_extraction_is_a_failed_load(
    first_records: int, connection: psycopg.Connection, warehouse: Settings
) -> None:
    with (
        pytest.raises(LoadFailed, match=r"vendor\.leads: page 2 is gone"),
        open_load(connection, warehouse, LEADS, loaded_at=NOW) as load,
    ):
        for number in range(first_records):
            load.add(lead(number))
        raise OSError("page 2 is gone")
    run = last_run(warehouse)
    assert (run["status"], run["error"]) == ("failed", "page 2 is gone")
    assert (run["received"], run["finished_at"] != "") == ("0", True)


def test_a_load_that_is_never_completed_is_failed(
    connection: psycopg.Connection, warehouse: Settings
) -> None:
    with (
        pytest.raises(LoadFailed, match="was not completed"),
        open_load(connection, warehouse, LEADS, loaded_at=NOW) as load,
    ):
        load.add(lead(1))
    assert last_run(warehouse)["status"] == "failed"


def test_a_lost_warehouse_says_so_and_the_next_run_closes_the_load(
    warehouse: Settings, connection: psycopg.Connection
) -> None:
    with (
        pytest.raises(LoadFailed, match="terminating connection"),
        connect(warehouse) as doomed,
        open_load(doomed, warehouse, LEADS, loaded_at=NOW) as load,
    ):
        load.add(lead(1))
        connection.execute("select pg_terminate_backend(%s)", (doomed.info.backend_pid,))
        connection.commit()
        load.complete()
    assert last_run(warehouse)["status"] == "running"
    close_abandoned_runs(connection)
    run = last_run(warehouse)
    assert (run["status"], run["finished_at"] != "") == ("failed", True)
    assert "killed" in run["error"]


# Secrets


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_no_secret_is_in_the_record_the_logs_or_the_message(
    secret: str,
    connection: psycopg.Connection,
    warehouse: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(LoadFailed) as raised,
        suppress(OSError),
        open_load(connection, warehouse, LEADS, loaded_at=NOW),
    ):
        raise OSError(f"401 for https://vendor.example/leads?key={secret}")
    assert "401 for" in str(raised.value)
    assert last_run(warehouse)["error"].endswith("key=***")
    for text in (str(raised.value), caplog.text, repr(warehouse)):
        assert secret not in text
