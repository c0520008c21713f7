"""What keeps a build from being published: analysts keep the figures they have, and exit code 3."""

import psycopg

from ingestion.sources import seeds


class PublicationHeldError(Exception):
    """What is built waits for somebody; nothing of it was published."""

    job_status = "held"


def refuse_without_configuration(connection: psycopg.Connection) -> None:
    """Raise PublicationHeldError where a seed was refused and has no good version yet (SPEC R12).

    Without terms and campaigns nothing would be priced as it was agreed.
    """
    if refused := seeds.never_landed(connection):
        raise PublicationHeldError(
            "Nothing is published: no good version of these seeds was ever landed. "
            f"{' '.join(refused.values())} Correct them and run again."
        )
