"""The second person: what somebody proposes, somebody else approves (SPEC L18, L20).

On a server that takes another database role. On a machine of one user that is not to be had: there
the second person is named, and the approval is `declared`.
"""

from dataclasses import dataclass

import psycopg

from ingestion.settings import Settings
from ingestion.warehouse import one_row


class ApprovalError(Exception):
    """There is nothing to approve, or not by this person."""

    job_status = "refused"


@dataclass(frozen=True)
class Proposal:
    """Something that waits for a second person, and who proposed it under which database role."""

    proposal_id: int
    proposed_by: str
    proposed_as: str


def approve(
    connection: psycopg.Connection, settings: Settings, table: str, proposal: Proposal, by: str
) -> None:
    """Write the approval of a proposal to a table of the books; raises ApprovalError."""
    role = one_row(connection.execute("select session_user"))[0]
    is_declared = settings.warehouse_is_embedded
    if not is_declared and role == proposal.proposed_as:
        raise ApprovalError(
            f"It was proposed under the database role {role}, too. Let a second person approve it"
            " under a role of their own: WAREHOUSE_USER (docs/operations.md, A change of rules)."
        )
    if by.casefold() == proposal.proposed_by.casefold():
        raise ApprovalError(f"{by} proposed it. Let a second person approve it.")
    connection.execute(
        f"insert into landing.{table} values (%s, %s, session_user, %s, clock_timestamp())",
        (proposal.proposal_id, by, is_declared),
    )
