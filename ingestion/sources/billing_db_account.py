"""The database of mortgage leads: where it is, and how it is reached."""

import os

from ingestion.environment import Database, port, required


def read_billing_db() -> Database | None:
    """Return what the environment says of it; None where it is not configured."""
    host = os.environ.get("BILLING_DB_HOST")
    if not host:
        return None
    return Database(
        host=host,
        port=port("BILLING_DB_PORT", 5432),
        user=required("BILLING_DB_USER"),
        name=required("BILLING_DB_NAME"),
        password=os.environ.get("BILLING_DB_PASSWORD", ""),
    )
