"""Closing months (SPEC L20): what is recorded later of a closed month is posted to a later one.

Somebody proposes to close or to reopen a month, a second person approves it, and both are facts
with a known time of their own. A close covers exactly the last publication, goes through the
checklist first, and keeps totals and a hash of all that is posted to the month.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg
import yaml
from psycopg import sql

from ingestion.lock import keep_turn
from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import one_row
from orchestration import checklist, seal
from orchestration.approvals import Proposal
from orchestration.checklist import MSP, Finding
from orchestration.rules import checkout, rules_in_force

log = logging.getLogger(__name__)

CLOSE, REOPEN = "close", "reopen"

PROPOSED = """
select proposal_id, proposed_by, proposed_as, action, period_month, business_units, with_earlier
from landing.period_proposals
where target = %(target)s and schema_name = %(schema)s and {which}
order by proposal_id desc limit 1
"""
# The newest, if nobody has approved it; and what is approved, and was not done.
WAITING = PROPOSED.format(
    which="proposal_id > coalesce((select max(proposal_id) from landing.period_approvals), 0)"
)
APPROVED = PROPOSED.format(
    which="""action = %(action)s and period_month = %(month)s
    and proposal_id in (select proposal_id from landing.period_approvals)
    and proposal_id not in (select proposal_id from landing.period_closes)
    and proposal_id not in (select proposal_id from landing.period_reopens)"""
)
UNITS = """
select distinct business_unit from {schema}.fct_ledger_entries where business_unit is not null
"""
CLOSED = """
select business_unit, period_month, close_id, closed_at, figures_hash from landing.period_closes
where schema_name = %s and close_id not in (select close_id from landing.period_reopens)
order by 1, 2
"""
POSTED = """
select distinct business_unit, posting_month from {schema}.fct_ledger_postings
where business_unit = any({units}) and posting_month < {month}
"""
FIGURES = """
select business_unit, posting_month, currency, count(*), coalesce(sum(quantity), 0),
    coalesce(sum(list_amount), 0), coalesce(sum(discount_amount), 0), sum(amount), {figures_hash}
from {schema}.fct_ledger_postings
where business_unit = any({units}) and posting_month = any({months})
group by 1, 2, 3
"""
TOTALS_OF = """
select currency, entries, quantity, list_amount, discount_amount, amount
from landing.period_close_totals where close_id = %s
"""


class CloseRefusedError(Exception):
    """A month cannot be closed or reopened now; the message lists why, and what cures it."""

    job_status = "refused"


@dataclass(frozen=True)
class Period(Proposal):
    """A month of business units that somebody proposes to close or to reopen."""

    action: str
    month: date
    units: Sequence[str]
    with_earlier: bool

    @property
    def words(self) -> str:
        """Say it in a line."""
        earlier = " and all before it" if self.with_earlier else ""
        return f"{self.action} {self.month:%Y-%m}{earlier} of {', '.join(self.units)}"


@dataclass(frozen=True)
class Figures:
    """What is posted to a month, in one currency."""

    entries: int
    quantity: int
    list_amount: Decimal
    discount_amount: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Posted:
    """All that is posted to a month of a business unit: by currency, and the hash of all of it."""

    by_currency: dict[str, Figures]
    figures_hash: Decimal

    @property
    def entries(self) -> int:
        """Return how many entries there are."""
        return sum(figures.entries for figures in self.by_currency.values())


NOTHING = Posted({}, Decimal(0))


@dataclass(frozen=True)
class Verified:
    """A closed month beside what is computed of it now."""

    unit: str
    closed_at: datetime
    then: Posted
    now: Posted

    @property
    def is_same(self) -> bool:
        """Tell whether the month is what it was when it was closed."""
        return self.then == self.now


def units_of(
    connection: psycopg.Connection,
    settings: Settings,
    action: str,
    month: date,
    asked: Sequence[str],
) -> list[str]:
    """Return the business units asked for, or all that have entries and can be meant.

    Raises CloseRefusedError for one without entries.
    """
    if not seal.last_publication(connection, settings.published_schema):
        raise CloseRefusedError("Nothing is published yet: `ledgerhouse build` publishes.")
    rows = connection.execute(_with_schema(settings, UNITS)).fetchall()
    there = sorted({unit for (unit,) in rows})
    if unknown := sorted({*asked} - {*there}):
        raise CloseRefusedError(
            f"No entry is of the business unit {', '.join(unknown)}. There are: {', '.join(there)}."
        )
    if asked:
        return sorted({*asked})
    rows = connection.execute(CLOSED, (settings.published_schema,)).fetchall()
    closed = {unit for unit, closed_month, *_ in rows if closed_month == month}
    meant = [unit for unit in there if (unit in closed) == (action == REOPEN)]
    return meant or there


def propose(
    connection: psycopg.Connection,
    settings: Settings,
    action: str,
    month: date,
    units: Sequence[str],
    by: str,
    reason: str,
    *,
    with_earlier: bool = False,
) -> Period:
    """Write down who would close or reopen a month, and why; raises where it could not be done."""
    units = units_of(connection, settings, action, month, units)
    period = Period(0, by, "", action, month, units, with_earlier)
    _months_to_move(connection, settings, period)
    if action == CLOSE:
        _refuse(period, _look(connection, settings, period))
    proposal_id, role = one_row(
        connection.execute(
            "insert into landing.period_proposals (target, schema_name, action, period_month,"
            " business_units, with_earlier, proposed_by, proposed_as, reason, proposed_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, session_user, %s, clock_timestamp())"
            " returning proposal_id, proposed_as",
            (
                *(settings.target, settings.published_schema, action, month, ",".join(units)),
                *(with_earlier, by, reason),
            ),
        )
    )
    return Period(proposal_id, by, role, action, month, units, with_earlier)


def waiting(connection: psycopg.Connection, settings: Settings) -> Period | None:
    """Return the month that waits for a second person; None where none does."""
    return _proposed(connection, settings, WAITING)


def approved(
    connection: psycopg.Connection, settings: Settings, action: str, month: date
) -> Period | None:
    """Return what a second person has approved and nobody has done yet; None where nothing is."""
    return _proposed(connection, settings, APPROVED, action=action, month=month)


def carry_out(connection: psycopg.Connection, settings: Settings, period: Period) -> datetime:
    """Close or reopen what was approved, and return from when on; the caller holds the run lock.

    All of it is one transaction. Raises CloseRefusedError where something stands against it now.
    """
    months = _months_to_move(connection, settings, period)
    findings = []
    if period.action == CLOSE:
        findings = _look(connection, settings, period)
        _refuse(period, findings)
    with connection.transaction():
        keep_turn(connection, settings)
        moment = seal.next_known_time(connection, settings)
        if period.action == REOPEN:
            _reopen(connection, settings, period, moment)
        else:
            refuse_within_msp_close(connection, settings, moment)
            _close(connection, settings, period, months, findings, moment)
            seal.publish_nothing(connection, settings, moment)
    log.warning("%s: from %s UTC on", period.words, moment)
    return moment


def verify(connection: psycopg.Connection, settings: Settings, month: date) -> list[Verified]:
    """Compute a closed month again, for every business unit of which it is closed (SPEC L20)."""
    rows = connection.execute(CLOSED, (settings.published_schema,)).fetchall()
    closes = [row for row in rows if row[1] == month]
    units = [unit for unit, *_ in closes]
    now = _posted(connection, settings, units, [month]) if units else {}
    found = []
    for unit, _, close_id, closed_at, figures_hash in closes:
        totals = connection.execute(TOTALS_OF, (close_id,)).fetchall()
        then = Posted({currency: Figures(*figures) for currency, *figures in totals}, figures_hash)
        found.append(Verified(unit, closed_at, then, now.get((unit, month), NOTHING)))
    return found


def _proposed(
    connection: psycopg.Connection, settings: Settings, query: str, **which: str | date
) -> Period | None:
    of = {"target": settings.target, "schema": settings.published_schema, **which}
    row = connection.execute(query, of).fetchone()
    if not row:
        return None
    proposal_id, by, role, action, month, units, with_earlier = row
    return Period(proposal_id, by, role, action, month, units.split(","), with_earlier)


def _months_to_move(
    connection: psycopg.Connection, settings: Settings, period: Period
) -> dict[str, list[date]]:
    """Return, by business unit, the months that are closed or reopened; raises where one cannot."""
    if period.action == CLOSE and _next_month(period.month) > settings.clock().date():
        raise CloseRefusedError(f"{period.month:%Y-%m} is not over yet: nothing closes before.")
    closed: dict[str, set[date]] = {unit: set() for unit in period.units}
    for unit, month, *_ in connection.execute(CLOSED, (settings.published_schema,)):
        closed.setdefault(unit, set()).add(month)
    already = [unit for unit in period.units if period.month in closed[unit]]
    if period.action == REOPEN:
        if open_units := sorted({*period.units} - {*already}):
            raise CloseRefusedError(
                f"{period.month:%Y-%m} is not closed for {', '.join(open_units)}."
            )
        return {unit: [period.month] for unit in period.units}
    if already:
        raise CloseRefusedError(f"{period.month:%Y-%m} is closed already for {', '.join(already)}.")
    earlier = _open_before(connection, settings, period, closed)
    if any(earlier.values()) and not period.with_earlier:
        lines = [
            f"  {unit}: {', '.join(f'{month:%Y-%m}' for month in months)}"
            for unit, months in earlier.items()
            if months
        ]
        raise CloseRefusedError(
            "\n".join(
                [
                    f"{period.month:%Y-%m} cannot be closed: earlier months are open.",
                    *lines,
                    "Close them first, or all of them together with `--with-earlier`.",
                ]
            )
        )
    return {unit: [*earlier[unit], period.month] for unit in period.units}


def _open_before(
    connection: psycopg.Connection,
    settings: Settings,
    period: Period,
    closed: dict[str, set[date]],
) -> dict[str, list[date]]:
    """Return the open months before the period's, from the first that was closed or posted to."""
    posted = connection.execute(
        sql.SQL(POSTED).format(
            schema=sql.Identifier(settings.published_schema),
            units=sql.Literal(list(period.units)),
            month=sql.Literal(period.month),
        )
    ).fetchall()
    found: dict[str, list[date]] = {}
    for unit in period.units:
        known = {month for name, month in posted if name == unit} | {
            month for month in closed[unit] if month < period.month
        }
        found[unit] = []
        month = min(known, default=period.month)
        while month < period.month:
            if month not in closed[unit]:
                found[unit].append(month)
            month = _next_month(month)
    return found


def _close(
    connection: psycopg.Connection,
    settings: Settings,
    period: Period,
    months: dict[str, list[date]],
    findings: Sequence[Finding],
    moment: datetime,
) -> None:
    every = sorted({month for listed in months.values() for month in listed})
    posted = _posted(connection, settings, period.units, every)
    in_force = rules_in_force(connection, settings)
    last = seal.last_publication(connection, settings.published_schema)
    looked_at = {
        finding.question: [f"{item.key}: {item.details}" for item in finding.acknowledged]
        for finding in findings
    }
    for unit, listed in months.items():
        for month in listed:
            figures = posted.get((unit, month), NOTHING)
            close_id = one_row(
                connection.execute(
                    "insert into landing.period_closes (target, schema_name, business_unit,"
                    " period_month, known_through, closed_at, entries, figures_hash, rule_hash,"
                    " git_commit, checklist, proposal_id)"
                    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning close_id",
                    (
                        *(settings.target, settings.published_schema, unit, month),
                        *(last.known_through if last else moment, moment),
                        *(figures.entries, figures.figures_hash),
                        in_force.rule_hash if in_force else "",
                        checkout().commit,
                        json.dumps(looked_at)[:65_535],
                        period.proposal_id,
                    ),
                )
            )[0]
            for currency, total in figures.by_currency.items():
                connection.execute(
                    "insert into landing.period_close_totals values (%s, %s, %s, %s, %s, %s, %s)",
                    (
                        *(close_id, currency, total.entries, total.quantity),
                        *(total.list_amount, total.discount_amount, total.amount),
                    ),
                )


def _reopen(
    connection: psycopg.Connection, settings: Settings, period: Period, moment: datetime
) -> None:
    rows = connection.execute(CLOSED, (settings.published_schema,)).fetchall()
    for unit, month, close_id, *_ in rows:
        if month == period.month and unit in period.units:
            connection.execute(
                "insert into landing.period_reopens values (%s, %s, %s)",
                (close_id, moment, period.proposal_id),
            )


def _posted(
    connection: psycopg.Connection, settings: Settings, units: Sequence[str], months: Sequence[date]
) -> dict[tuple[str, date], Posted]:
    """Return what is posted to months, by business unit and month."""
    query = sql.SQL(FIGURES).format(
        figures_hash=seal.hash_of(seal.FIGURES),
        schema=sql.Identifier(settings.published_schema),
        units=sql.Literal(list(units)),
        months=sql.Literal(list(months)),
    )
    found: dict[tuple[str, date], Posted] = {}
    for unit, month, currency, *figures, figures_hash in connection.execute(query):
        before = found.get((unit, month), NOTHING)
        found[unit, month] = Posted(
            before.by_currency | {currency or "": Figures(*figures)},
            before.figures_hash + figures_hash,
        )
    return found


def _look(connection: psycopg.Connection, settings: Settings, period: Period) -> list[Finding]:
    return checklist.look(
        *(connection, settings, period.month, period.units), with_earlier=period.with_earlier
    )


def _refuse(period: Period, findings: Sequence[Finding]) -> None:
    """Raise CloseRefusedError with the list of what stands against a close, if anything does."""
    if waiting := [finding.words for finding in findings if finding.is_open]:
        raise CloseRefusedError(
            "\n".join([f"{period.month:%Y-%m} cannot be closed yet:", *waiting])
        )


def refuse_within_msp_close(
    connection: psycopg.Connection, settings: Settings, moment: datetime
) -> None:
    """Refuse where MSP has closed a month by itself since the last publication (SPEC M1)."""
    last = seal.last_publication(connection, settings.published_schema)
    landed = connection.execute("select 1 from landing.load_runs where source = 'codex'").fetchone()
    if not last or not landed:
        return
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    days = timedelta(days=project["vars"]["msp_close_days"])
    this_month = datetime(moment.year, moment.month, 1)
    closes_at = this_month + days
    if closes_at > moment:
        closes_at = (this_month - timedelta(days=1)).replace(day=1) + days
    if last.known_through < closes_at <= moment:
        raise CloseRefusedError(
            f"The month before has closed for {MSP} at {closes_at} UTC (SPEC M1), and its entries"
            " are not published. `ledgerhouse build` publishes them; then close."
        )


def _with_schema(settings: Settings, query: str) -> sql.Composed:
    return sql.SQL(query).format(schema=sql.Identifier(settings.published_schema))


def _next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
