"""The warehouse itself as dbt's target (`targets.Target`): what is landed is there already."""

from contextlib import AbstractContextManager, nullcontext

import psycopg

from ingestion.settings import Settings
from orchestration import snapshot_runs
from orchestration.kept_views import remember_views, views_are_unchanged
from orchestration.publish import publish
from orchestration.seal import Ask, check, is_built

__all__ = [
    "check",
    "forget_snapshots",
    "is_built",
    "note_snapshots",
    "publish",
    "querying",
    "remember_views",
    "show_landed",
    "views_are_unchanged",
]


def show_landed(connection: psycopg.Connection, settings: Settings) -> None:
    """Let dbt see all that is landed: it does."""


def note_snapshots(connection: psycopg.Connection) -> None:
    """Write down that snapshots which had nothing to follow know all that is landed."""
    snapshot_runs.remember_untouched_snapshots(connection)


def forget_snapshots(connection: psycopg.Connection, settings: Settings) -> None:
    """Empty the snapshots, to replay them."""
    snapshot_runs.forget_snapshots(connection)


def querying(settings: Settings) -> AbstractContextManager[Ask | None]:
    """Yield None: the warehouse's own connection is asked."""
    return nullcontext()
