"""Restating: new rules rule from a known time on, and what is published stays (SPEC L18).

Somebody proposes it, a second person approves it, and the next run that publishes carries it out:
what is published is kept as entries of the ledger for ever, and for every key whose state differs
under the new rules a reversal of what stands and a booking of what holds are appended.
"""

import logging

import psycopg
from psycopg import sql

from ingestion.lock import keep_turn
from ingestion.settings import Settings
from ingestion.warehouse import one_row
from orchestration import seal
from orchestration.approvals import Proposal
from orchestration.rules import LEDGER
from orchestration.seal import COLUMNS, Change

log = logging.getLogger(__name__)

OPEN_PROPOSAL = """
select proposal_id, proposed_by, proposed_as
from landing.restatement_proposals
where target = %s and schema_name = %s
    and proposal_id > coalesce((select max(proposal_id) from landing.restatement_approvals), 0)
order by proposal_id desc limit 1
"""
APPROVED = """
select proposal_id from landing.restatement_proposals
inner join landing.restatement_approvals using (proposal_id)
where target = %s and schema_name = %s and rule_hash = %s and known_through = %s
    and proposal_id not in (
        select proposal_id from landing.restatements where proposal_id is not null
    )
order by proposal_id desc limit 1
"""


class RestatementError(Exception):
    """There is nothing to restate, or it cannot be done now."""

    job_status = "refused"


def propose(
    connection: psycopg.Connection, settings: Settings, change: Change, by: str, reason: str
) -> Proposal:
    """Write down who would restate, and why."""
    proposed = connection.execute(
        "insert into landing.restatement_proposals (target, schema_name, rule_hash, known_through,"
        " proposed_by, proposed_as, reason, proposed_at)"
        " values (%s, %s, %s, %s, %s, session_user, %s, clock_timestamp())"
        " returning proposal_id, proposed_by, proposed_as",
        (
            *(settings.target, settings.published_schema, change.rules, change.published_through),
            *(by, reason),
        ),
    )
    return Proposal(*one_row(proposed))


def waiting(connection: psycopg.Connection, settings: Settings) -> Proposal | None:
    """Return the newest proposal, if it waits for a second person."""
    found = connection.execute(
        OPEN_PROPOSAL, (settings.target, settings.published_schema)
    ).fetchone()
    return Proposal(*found) if found else None


def carry_out(connection: psycopg.Connection, settings: Settings, change: Change) -> bool:
    """Seal what is published, and let the new rules rule from now on; False if not approved.

    A change of versions or reasons alone needs no approval: it makes no entry. All of it happens in
    one transaction, and the build and publication that follow may be finished by any later night.
    """
    schema = settings.published_schema
    approved = connection.execute(
        APPROVED, (settings.target, schema, change.rules, change.published_through)
    ).fetchone()
    if change.differences and not approved:
        return False
    published = sql.Identifier(schema, LEDGER)
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    with connection.transaction():
        keep_turn(connection, settings)
        _refuse_other_than_sealed(connection, settings, change)
        connection.execute(
            sql.SQL(
                "insert into landing.sealed_entries (schema_name, {columns})"
                " select %s, {columns} from {published} on conflict do nothing"
            ).format(columns=columns, published=published),
            (schema,),
        )
        restated_at = seal.next_known_time(connection, settings)
        connection.execute(
            "insert into landing.restatements (target, schema_name, rule_hash, sealed_through,"
            " restated_at, proposal_id) values (%s, %s, %s, %s, %s, %s)",
            (
                *(settings.target, schema, change.rules, change.published_through),
                *(restated_at, approved[0] if approved and change.differences else None),
            ),
        )
    log.warning("restated: from %s UTC on the rules are %s", restated_at, change.rules[:12])
    return True


def _refuse_other_than_sealed(
    connection: psycopg.Connection, settings: Settings, change: Change
) -> None:
    published = sql.Identifier(settings.published_schema, LEDGER)
    seals = seal.seals_of(connection, settings)
    found = seal.months_of(connection, published, change.published_through)
    if seals and found != seals:
        months = sorted(month for month in {*seals, *found} if seals.get(month) != found.get(month))
        raise RestatementError(
            f"{settings.published_schema}.{LEDGER} is not what was published: entries recorded in"
            f" {', '.join(f'{month:%Y-%m}' for month in months)} were changed by hand. Drop the"
            " table, bring the project back to the rules before, and run"
            " `ledgerhouse build --full-refresh`: it is published again as it was. Then restate."
        )
