"""What stands against closing a month (SPEC L20): the checklist, and its items one by one.

It reads what is published and the books. An item that may be so for a good reason can be
acknowledged, as it stands: one that changes is asked about again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg import sql

from ingestion.registry import SOURCES
from ingestion.settings import Settings
from orchestration import seal
from orchestration.approvals import ApprovalError

MSP = "msp"
SHOWN = 20

LANDED_SINCE = """
select source, stream, max(loaded_at) from landing.load_runs
where status in ('completed', 'partial') and loaded_at > %s
group by 1, 2 order by 1, 2
"""
HELD = """
select decision from landing.publication_attempts
where target = %(target)s and schema_name = %(schema)s and attempt_id > coalesce((
    select max(attempt_id) from landing.publications where schema_name = %(schema)s
), 0)
order by attempt_id desc limit 1
"""
# Each gives items: a key, how it stands, the business unit and the month it is of; blank is any.
STALE = """
select 'source:' || source || '/' || stream || '/' || tenant as item,
    'last landed ' || coalesce(cast(max(loaded_at) as text), 'never') as details,
    cast(null as text) as business_unit,
    cast(date_trunc('month', coalesce(max(loaded_at), '0001-01-01')) as date) as month
from (
    select source, stream, tenant,
        case when status in ('completed', 'partial') then loaded_at end as loaded_at
    from landing.load_runs
) as loads
where source || '.' || stream = any({streams})
group by source, stream, tenant
"""
INCOMPLETE = """
select source || ' ' || stream || coalesce(to_char(month, ' YYYY-MM'), '') as item,
    unaccounted_facts || ' facts, ' || difference || coalesce(' ' || currency, '') as details,
    cast(null as text) as business_unit, month
from {schema}.rpt_completeness where unaccounted_facts <> 0 or difference <> 0
"""
# Without a landed invoice there is nothing to compare the ledger with.
UNRECONCILED = """
select 'reconciliation:' || account_id || ':' || to_char(billing_month, 'YYYYMM') || ':' || currency
        as item,
    reconciliation_class || ' ' || difference_amount as details, business_unit,
    billing_month as month
from {schema}.rpt_reconciliation
left join (
    select distinct account_id, business_unit from {schema}.fct_ledger_entries
) as accounts using (account_id)
where reconciliation_class not in ('matched', 'timing')
    and exists (select 1 from {schema}.fct_invoices)
"""
EXCEPTIONS = """
select entry_key as item,
    reason || coalesce(' ' || amount || ' ' || currency, '') || ' since ' || since as details,
    business_unit, cast(date_trunc('month', occurred_at) as date) as month
from {schema}.ledger_exceptions
union all
select exception_id, reason || ' since ' || since, 'msp', bill_month
from {schema}.rpt_msp_exceptions
"""
PARKED = """
select event_id as item, reason || ' since ' || since as details,
    cast(null as text) as business_unit, cast(date_trunc('month', status_at) as date) as month
from {schema}.rpt_parked_dispositions
"""
OF_MONTH = """
select distinct item, details from ({items}) as items
where (business_unit is null or business_unit = any({units}))
    and (month is null or month {side} {month})
order by 1
"""
OF_KEY = "select distinct item, details from ({items}) as items where item = {key}"
ACKNOWLEDGED = """
select open_item, details from landing.acknowledgements where schema_name = %s
"""


@dataclass(frozen=True)
class OpenItem:
    """Something that stands against a close: its key, and how it stands."""

    key: str
    details: str


@dataclass
class Finding:
    """One point of the checklist: what stands against it, and what of that is acknowledged."""

    question: str
    cure: str
    items: Sequence[OpenItem]
    acknowledged: Sequence[OpenItem] = ()

    @property
    def is_open(self) -> bool:
        """Tell whether anything stands against it that nobody has acknowledged."""
        return len(self.items) > len(self.acknowledged)

    @property
    def words(self) -> str:
        """List what stands against it, and what can be done."""
        waiting = [item for item in self.items if item not in self.acknowledged]
        lines = [f"  {self.question}: {len(waiting)}"]
        lines += [f"    {item.key}: {item.details}" for item in waiting[:SHOWN]]
        if len(waiting) > SHOWN:
            lines.append(f"    and {len(waiting) - SHOWN} more")
        return "\n".join([*lines, f"    {self.cure}"])


@dataclass(frozen=True)
class Point:
    """A point of the checklist: items of the month, or on that side of it, can be acknowledged."""

    question: str
    cure: str
    items: str
    side: str


POINTS = (
    Point(
        "sources not landed since the month ended",
        "`ledgerhouse nightly` lands them. One that is no more can be acknowledged.",
        *(STALE, "<="),
    ),
    Point(
        "months before, from which the invoices differ",
        "Correct the invoices, or acknowledge each; all are in `rpt_reconciliation`.",
        *(UNRECONCILED, "<"),
    ),
    Point(
        "exceptions of the month",
        "Repair what causes them, or acknowledge each; all are in `ledger_exceptions` and"
        " `rpt_msp_exceptions`.",
        *(EXCEPTIONS, "="),
    ),
    Point(
        "parked events of the month",
        "Repair what causes them, or acknowledge each; all are in `rpt_parked_dispositions`.",
        *(PARKED, "="),
    ),
)


def look(
    connection: psycopg.Connection,
    settings: Settings,
    month: date,
    units: Sequence[str],
    *,
    with_earlier: bool = False,
) -> list[Finding]:
    """Go through the checklist of a month of business units, or of all months through it."""
    findings = [
        Finding(
            "landed, and not published",
            "`ledgerhouse build` publishes it, or says why not.",
            _unpublished(connection, settings),
        ),
        Finding(
            "facts that are neither booked, held nor explained",
            "`ledgerhouse status` lists them: nothing closes before each is found (SPEC L16).",
            [OpenItem(*row) for row in _ask(connection, settings, INCOMPLETE)],
        ),
    ]
    rows = connection.execute(ACKNOWLEDGED, (settings.published_schema,))
    known = {OpenItem(*row) for row in rows}
    for point in POINTS:
        if point.items is PARKED and list(units) == [MSP]:
            continue
        query = sql.SQL(OF_MONTH).format(
            items=_query(settings, point.items),
            units=sql.Literal(list(units)),
            side=sql.SQL("<=" if with_earlier and point.side == "=" else point.side),
            month=sql.Literal(month),
        )
        items = [OpenItem(*row) for row in connection.execute(query)]
        acknowledged = [item for item in items if item in known]
        findings.append(Finding(point.question, point.cure, items, acknowledged))
    return findings


def acknowledge(
    connection: psycopg.Connection, settings: Settings, key: str, by: str, reason: str
) -> list[str]:
    """Write down that an open item is so for a good reason; returns how it stands.

    Raises ApprovalError where nothing of that key stands against closing a month.
    """
    found = []
    for point in POINTS:
        query = sql.SQL(OF_KEY).format(items=_query(settings, point.items), key=sql.Literal(key))
        found += [details for _, details in connection.execute(query)]
    if not found:
        raise ApprovalError(
            f"{key} stands against no close. `ledgerhouse close` lists by its key what does."
        )
    for details in found:
        connection.execute(
            "insert into landing.acknowledgements (schema_name, open_item, details,"
            " acknowledged_by, acknowledged_as, reason, acknowledged_at)"
            " values (%s, %s, %s, %s, session_user, %s, clock_timestamp())",
            (settings.published_schema, key, details, by, reason),
        )
    return found


def _unpublished(connection: psycopg.Connection, settings: Settings) -> list[OpenItem]:
    """Return what is known, and not published: loads, a held publication, a restatement."""
    schema = settings.published_schema
    last = seal.last_publication(connection, schema)
    if not last:
        return [OpenItem(schema, "nothing is published yet")]
    items = [
        OpenItem(f"{source}.{stream}", f"landed {loaded_at}")
        for source, stream, loaded_at in connection.execute(LANDED_SINCE, (last.known_through,))
    ]
    attempt = connection.execute(HELD, {"target": settings.target, "schema": schema}).fetchone()
    if attempt and attempt[0] == "held":
        items.append(OpenItem("the last publication", "held (`ledgerhouse status`)"))
    waiting = seal.unpublished_restatement(connection, schema, last.known_through)
    if waiting:
        items.append(OpenItem("a restatement", f"by the rules {waiting[:12]}"))
    return items


def _ask(connection: psycopg.Connection, settings: Settings, items: str) -> list[tuple[str, str]]:
    query = sql.SQL("select item, details from ({}) as items order by 1")
    return connection.execute(query.format(_query(settings, items))).fetchall()


def _query(settings: Settings, items: str) -> sql.Composed:
    streams = [
        f"{stream.source}.{stream.name}" for module in SOURCES.values() for stream in module.STREAMS
    ]
    return sql.SQL(items).format(
        schema=sql.Identifier(settings.published_schema), streams=sql.Literal(streams)
    )
