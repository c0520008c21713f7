"""What must hold after every step, whatever happened, without an oracle.

Each function returns sentences about what does not hold; none means that all does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from ingestion.sandbox.server import Request
from ingestion.settings import Settings
from ingestion.warehouse import connect
from tests.simulation.readings import calls, dispositions, leads, mortgage
from tests.simulation.readings.landed import Standing

MOST_SHOWN = 5
OPEN_LOADS = "select source || '.' || stream from landing.load_runs where status = 'running'"
OPEN_JOBS = "select job from landing.job_runs where status = 'running'"
UNEQUAL_COUNTS = """
select source || '.' || stream || ' load ' || load_id from landing.load_runs
where received != created + updated + unchanged + quarantined
"""
UNDONE = """
with entries as (
    select *, lag(entry_kind) over (partition by entry_key order by recorded_at, entry_kind desc)
            as kind_before,
        lag(amount) over (partition by entry_key order by recorded_at, entry_kind desc)
            as amount_before
    from marts.fct_ledger_entries
)
select entry_id from entries
where (entry_kind = 'reversal' and (kind_before is distinct from 'booking'
        or amount != -amount_before))
    or (entry_kind = 'booking' and kind_before = 'booking')
"""
UNASSIGNED = """
select entry_id from marts.fct_ledger_entries
where business_unit is null or account_id is null or deal_type is null
"""
INCOMPLETE = """
select source || ' ' || stream || ' ' || fact_key || ': landed ' || landed || ', booked ' || booked
    || ', held ' || (excepted + parked) || ', explained ' || no_money
from intermediate.int_facts_accounted where not is_accounted
"""
STANDING = """
select entry_key, account_id, business_unit, amount from (
    select entry_key,
        (array_agg(account_id order by recorded_at desc, entry_kind))[1] as account_id,
        (array_agg(business_unit order by recorded_at desc, entry_kind))[1] as business_unit,
        sum(amount) as amount, sum(quantity) as quantity
    from marts.fct_ledger_entries where entry_key like %s group by entry_key
) as keys where quantity != 0
"""
CONVERSIONS = """
select entry_key from marts.fct_ledger_entries where entry_key like 'conversion:%'
union select entry_key from marts.ledger_exceptions where entry_key like 'conversion:%'
"""
PUBLISHED = """
select count(*) from analytics.fct_ledger_entries as published
full join marts.fct_ledger_entries as built
    on published.entry_id = built.entry_id and published::text = built::text
where published.entry_id is null or built.entry_id is null
"""


@dataclass
class Memory:
    """What was recorded before: entry id -> whole row, and the ledger's sums at each night."""

    entries: dict[str, tuple] = field(default_factory=dict)
    through: datetime = datetime.min


def elsewhere(requests: Sequence[Request]) -> Iterator[str]:
    """Nothing was ever sent to a server that is no vendor's (SPEC R9a)."""
    for request in requests[:MOST_SHOWN]:
        yield f"sent elsewhere: {request.method} {request.path}"


def books(connection: psycopg.Connection) -> Iterator[str]:
    """Everything that was begun is closed, and counts add up (SPEC R4)."""
    for name, query in (
        ("a load is left running", OPEN_LOADS),
        ("a job is left running", OPEN_JOBS),
        ("counts do not add up", UNEQUAL_COUNTS),
        ("a booking or reversal stands alone", UNDONE),
        ("an entry belongs to nobody", UNASSIGNED),
    ):
        for (what,) in _some(connection, query):
            yield f"{name}: {what}"


def completeness(connection: psycopg.Connection) -> Iterator[str]:
    """Every fact is booked, excepted, parked or explained (SPEC L16), once anything is built."""
    built = connection.execute("select to_regclass('intermediate.int_facts_accounted')").fetchone()
    if built == (None,):
        return
    for row in _some(connection, INCOMPLETE):
        yield f"not complete: {row}"


def past(connection: psycopg.Connection, memory: Memory) -> Iterator[str]:
    """What was recorded before is as it was, whole; remembers what is new (SPEC L3, L18)."""
    now = ledger(connection)
    for entry_id, row in memory.entries.items():
        if now.get(entry_id) != row:
            yield f"recorded {entry_id} was {row}, is {now.get(entry_id)}"
    for entry_id, row in now.items():
        if entry_id not in memory.entries and row[-1] <= memory.through:
            yield f"{entry_id} was added to the past"
    memory.entries = now
    memory.through = max((row[-1] for row in now.values()), default=memory.through)


def ledger(connection: psycopg.Connection) -> dict[str, tuple]:
    """Return every entry, whole, by its id; `recorded_at` is the last column."""
    rows = connection.execute("select * from marts.fct_ledger_entries").fetchall()
    return {row[0]: row for row in rows}


def second_reading(connection: psycopg.Connection) -> Iterator[str]:
    """What stands is what a plain reading of the landed facts says."""
    yield from _differences(_standing(connection, "mortgage:%"), mortgage.deliveries(connection))
    said = leads.read(connection)
    standing = _standing(connection, "boberdoo:%") | _standing(connection, "conversion:%")
    yield from _differences(
        {key: value for key, value in standing.items() if key not in said.unsaid},
        {key: value for key, value in said.standing.items() if key not in said.unsaid},
    )
    yield from _call_differences(connection)
    yield from _unknown_leads(connection)


def _unknown_leads(connection: psycopg.Connection) -> Iterator[str]:
    """A lead that nobody has seen or sold owes nothing, and is not said to (SPEC D7a)."""
    known = dispositions.known_leads(connection)
    for (key,) in connection.execute(CONVERSIONS).fetchall():
        if key.split(":")[1] not in known:
            yield f"{key} is of a lead that nobody knows"


def _call_differences(connection: psycopg.Connection) -> Iterator[str]:
    sums = dict(
        connection.execute(
            "select call_id, sum(amount) from marts.fct_ledger_entries where component = 'call'"
            " group by call_id"
        ).fetchall()
    )
    paid = calls.read(connection)
    for call in sorted({*sums, *paid}):
        if sums.get(call, Decimal(0)) != paid.get(call, Decimal(0)):
            yield f"call {call} stands at {sums.get(call)}, its rows say {paid.get(call)}"


def _standing(connection: psycopg.Connection, pattern: str) -> Standing:
    rows = connection.execute(STANDING, (pattern,)).fetchall()
    return {key: (account, unit, amount) for key, account, unit, amount in rows}


def _differences(standing: Standing, said: Standing) -> Iterator[str]:
    for key in sorted({*standing, *said}):
        if standing.get(key) != said.get(key):
            yield f"{key} stands at {standing.get(key)}, the facts say {said.get(key)}"


def published(connection: psycopg.Connection) -> Iterator[str]:
    """Analysts read what is built."""
    (count,) = connection.execute(PUBLISHED).fetchone()
    if count:
        yield f"{count} entries differ between what is built and what is published"


def same(name: str, one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Two ledgers are the same rows."""
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            yield f"{name}: {key} was {one.get(key)}, is {other.get(key)}"


def exceptions(connection: psycopg.Connection) -> dict[str, tuple]:
    """Return what is not billed, by key and reason, since when."""
    rows = connection.execute(
        "select entry_key || ' ' || reason, amount, since from marts.ledger_exceptions"
    ).fetchall()
    return {row[0]: row for row in rows}


def after_a_night(settings: Settings, memory: Memory) -> list[str]:
    """Return everything that does not hold after a night that came to its end."""
    with connect(settings) as connection:
        return [
            *books(connection),
            *past(connection, memory),
            *second_reading(connection),
            *completeness(connection),
        ]


def _some(connection: psycopg.Connection, query: str) -> list[tuple]:
    return connection.execute(f"{query} limit {MOST_SHOWN}").fetchall()


def snapshots(connection: psycopg.Connection) -> dict[str, int]:
    """Return how often every version stands in the snapshots."""
    names = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'snapshots'"
    ).fetchall()
    return {
        f"{name} {row}": times
        for (name,) in names
        for row, times in connection.execute(
            f"select (tenant, source_key, is_deleted, known_from, known_to)::text, count(*)"
            f" from snapshots.{name} group by 1"
        ).fetchall()
    }
