"""The guard of what is published: how much of what analysts read would a publication move (L19)?

Before it publishes, a run compares the ledger it has built with the published one and writes down
what would move, by deal type, month of occurrence and currency. Status, the flow's page, the
notice and the dashboard read those rows. A publication that moves too much of months before the
open one is held, until it is repaired or somebody accepts it.
"""

import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from decimal import Decimal

import psycopg

from ingestion.settings import Settings
from ingestion.warehouse import one_row
from orchestration.dbt import Mart
from orchestration.holds import PublicationHeldError
from orchestration.movements import Movement, Reading, read
from orchestration.seal import Ask

log = logging.getLogger(__name__)

LAST_ATTEMPT = """
select attempts.attempt_id, known_from, known_through, open_month, decision,
    last_load_id, builds_before, acceptances.attempt_id is not null as is_accepted
from landing.publication_attempts as attempts
left join landing.publication_acceptances as acceptances
    on attempts.attempt_id = acceptances.attempt_id
where target = %s and schema_name = %s
order by attempts.attempt_id desc, acceptances.accepted_at desc limit 1
"""
ACCEPTED = """
select attempts.attempt_id from landing.publication_attempts as attempts
inner join landing.publication_acceptances as acceptances
    on attempts.attempt_id = acceptances.attempt_id
where target = %s and schema_name = %s and known_from = %s and known_through = %s
"""


class GuardError(Exception):
    """Nothing is held that could be accepted, or it is no longer what was shown."""

    job_status = "refused"


@dataclass(frozen=True)
class Total:
    """What a publication moves of one deal type and currency in months before the open one.

    `closed_amount` is what is published of these months.
    """

    deal_type: str | None
    currency: str | None
    moved_keys: int
    moved_amount: Decimal
    closed_amount: Decimal
    is_above: bool

    @property
    def words(self) -> str:
        """Say it in a line."""
        of = abs(self.closed_amount)
        share = f" ({100 * self.moved_amount / of:.1f} %)" if of else ""
        return (
            f"{self.deal_type} moves by {self.moved_amount:,} of {self.closed_amount:,}"
            f" {self.currency}{share}, in {self.moved_keys:,} sales"
        )


@dataclass(frozen=True)
class Attempt:
    """One attempt to publish, and what it was found to move."""

    attempt_id: int
    decision: str
    known_from: datetime | None
    known_through: datetime
    open_month: date
    movements: Sequence[Movement]
    totals: Sequence[Total]

    def table(self) -> list[dict[str, str | int]]:
        """Return what moves as people read it, earlier months first; amounts keep every digit."""
        return [
            {
                "deal type": movement.deal_type or "",
                "month": f"{movement.occurred_month:%Y-%m}" if movement.occurred_month else "",
                "currency": movement.currency or "",
                "published": f"{movement.published_amount:,}",
                "built": f"{movement.built_amount:,}",
                "sales moved": movement.moved_keys,
                "moved by": f"{movement.moved_amount:,}",
                "new sales": movement.new_keys,
                "new": f"{movement.new_amount:,}",
            }
            for movement in self.movements
        ]

    @property
    def held(self) -> list[Total]:
        """Return the deal types that move too much."""
        return [total for total in self.totals if total.is_above]


class MovesTooMuchError(PublicationHeldError):
    """A publication is held for what it would move (SPEC L19)."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(_explain(attempt))
        self.attempt = attempt


def judge(
    connection: psycopg.Connection,
    settings: Settings,
    marts: Sequence[Mart],
    job: str,
    ask: Ask | None = None,
) -> Attempt:
    """Find what publishing would move, write it down, and decide whether it is held.

    The caller holds the run lock. `ask` queries the target where that is not the connection's.
    """
    reading = read(connection, settings, marts, ask)
    totals = _totals(reading, settings)
    is_above = any(total.is_above for total in totals)
    decision = "passed"
    if is_above:
        decision = "accepted" if _is_accepted(connection, settings, reading) else "held"
    attempt_id = _remember(connection, settings, job, decision, reading, totals)
    for total in totals:
        level = logging.WARNING if total.is_above else logging.INFO
        log.log(level, "publishing: %s (%s)", total.words, decision)
    return Attempt(
        attempt_id,
        decision,
        reading.known_from,
        reading.known_through,
        reading.open_month,
        [movement for movement in reading.movements if not movement.says_nothing],
        totals,
    )


def accept(
    connection: psycopg.Connection,
    settings: Settings,
    marts: Sequence[Mart],
    *,
    accepted_by: str,
    reason: str,
    ask: Ask | None = None,
) -> None:
    """Write down that what the last attempt was held for may be published.

    It names the movement shown, between what was published then and what was built then; another
    movement is judged anew. Raises GuardError where it is not what stands there now.
    """
    last = connection.execute(LAST_ATTEMPT, (settings.target, settings.published_schema)).fetchone()
    if not last or last[4] != "held" or last[7]:
        raise GuardError("No publication is held: there is nothing to accept.")
    reading = read(connection, settings, marts, ask)
    then = (last[1], last[2], last[5], last[6], _moving(_movements_of(connection, last[0])))
    if then != (
        *(reading.known_from, reading.known_through, reading.last_load_id, reading.builds_before),
        _moving(reading.movements),
    ):
        raise GuardError(
            "Something was landed, built or published since the publication was held, so what it"
            " moves was not seen by anybody. Run `ledgerhouse build`: it shows what would move now."
        )
    connection.execute(
        "insert into landing.publication_acceptances values (%s, %s, %s, clock_timestamp())",
        (last[0], accepted_by, reason),
    )


def _totals(reading: Reading, settings: Settings) -> list[Total]:
    """Judge every deal type and currency that moves in months before the open one."""
    is_closed = {
        movement: bool(movement.occurred_month and movement.occurred_month < reading.open_month)
        for movement in reading.movements
    }
    totals = []
    for deal_type, currency in dict.fromkeys(
        (movement.deal_type, movement.currency) for movement, closed in is_closed.items() if closed
    ):
        moved = [
            movement
            for movement, closed in is_closed.items()
            if closed and (movement.deal_type, movement.currency) == (deal_type, currency)
        ]
        amount = sum((movement.moved_amount for movement in moved), Decimal(0))
        published = sum(
            (
                value
                for (kind, month, money), value in reading.published.items()
                if (kind, money) == (deal_type, currency) and month and month < reading.open_month
            ),
            Decimal(0),
        )
        keys = sum(movement.moved_keys for movement in moved)
        limit = max(settings.guard_amount, settings.guard_share * abs(published))
        if keys:
            totals.append(Total(deal_type, currency, keys, amount, published, amount > limit))
    return totals


def _is_accepted(connection: psycopg.Connection, settings: Settings, reading: Reading) -> bool:
    accepted = connection.execute(
        ACCEPTED,
        (settings.target, settings.published_schema, reading.known_from, reading.known_through),
    ).fetchall()
    return any(
        _moving(_movements_of(connection, attempt_id)) == _moving(reading.movements)
        for (attempt_id,) in accepted
    )


def _movements_of(connection: psycopg.Connection, attempt_id: int) -> list[Movement]:
    names = ", ".join(item.name for item in fields(Movement))
    rows = connection.execute(
        f"select {names} from landing.publication_movements where attempt_id = %s",
        (attempt_id,),
    )
    return [Movement(*row) for row in rows]


def _moving(movements: Sequence[Movement]) -> set[Movement]:
    return {movement for movement in movements if not movement.says_nothing}


def _remember(
    connection: psycopg.Connection,
    settings: Settings,
    job: str,
    decision: str,
    reading: Reading,
    totals: Sequence[Total],
) -> int:
    """Write the attempt and its movements to the books; returns its number."""
    of = {(total.deal_type, total.currency): total for total in totals}
    with connection.transaction():
        attempted = connection.execute(
            "insert into landing.publication_attempts (target, schema_name, job, decision,"
            " is_whole, known_from, known_through, open_month, guard_share, guard_amount,"
            " last_load_id, builds_before, judged_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())"
            " returning attempt_id",
            (
                *(settings.target, settings.published_schema, job, decision, reading.is_whole),
                *(reading.known_from, reading.known_through, reading.open_month),
                *(settings.guard_share, settings.guard_amount, reading.last_load_id),
                reading.builds_before,
            ),
        )
        attempt_id: int = one_row(attempted)[0]
        for movement in reading.movements:
            total = of.get((movement.deal_type, movement.currency))
            is_closed = bool(
                movement.occurred_month and movement.occurred_month < reading.open_month
            )
            connection.execute(
                "insert into landing.publication_movements"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *(attempt_id, *astuple(movement)),
                    total.closed_amount if total else Decimal(0),
                    decision == "held" and bool(total and total.is_above and is_closed),
                ),
            )
    return attempt_id


def _explain(attempt: Attempt) -> str:
    lines = [
        "Publication is held, and analysts keep what was known at"
        f" {attempt.known_from} UTC: {'; '.join(total.words for total in attempt.held)}."
    ]
    held = {(total.deal_type, total.currency) for total in attempt.held}
    for movement in attempt.movements:
        month = movement.occurred_month
        is_closed = month is not None and month < attempt.open_month
        if (movement.deal_type, movement.currency) in held and movement.moved_keys and is_closed:
            lines.append(
                f"  {movement.deal_type} {month:%Y-%m}:"
                f" {movement.published_amount:,} becomes {movement.built_amount:,}"
                f" {movement.currency}, {movement.moved_keys:,} sales move by"
                f" {movement.moved_amount:,}"
            )
    lines.append(
        "Repair the cause and run the job again; if it is right,"
        " `ledgerhouse accept --by NAME --reason TEXT` publishes it."
    )
    return "\n".join(lines)
