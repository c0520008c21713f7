"""Where dbt builds: one module a target, each with the same functions.

A new one is a module `target_<name>` here, an output of that name in the profile, and its macros.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, cast

import psycopg

from ingestion.settings import Settings
from orchestration.dbt import Mart
from orchestration.seal import Ask, Sealing


class Target(Protocol):
    """What a module of a target does; `connection` is the one that holds the run lock."""

    def show_landed(self, connection: psycopg.Connection, settings: Settings) -> None:
        """Let dbt see all that is landed."""

    def note_snapshots(self, connection: psycopg.Connection) -> None:
        """Write down that snapshots which had nothing to follow know all that is landed."""

    def views_are_unchanged(self, connection: psycopg.Connection, settings: Settings) -> bool:
        """Return whether a night need not look at the views."""

    def remember_views(self, connection: psycopg.Connection, settings: Settings) -> None:
        """Write down how the views are that a build has looked at, every one."""

    def forget_snapshots(self, connection: psycopg.Connection, settings: Settings) -> None:
        """Empty the snapshots, to replay them."""

    def querying(self, settings: Settings) -> AbstractContextManager[Ask | None]:
        """Yield how to query the target; None where it is the warehouse itself."""

    def is_built(self, connection: psycopg.Connection, settings: Settings) -> bool:
        """Return whether all was built by today's rules; else a run builds all again (L17)."""

    def check(
        self, connection: psycopg.Connection, settings: Settings, marts: Sequence[Mart]
    ) -> Sealing | None:
        """Compare what is built with what is published; raises PastChangesError (SPEC L18)."""

    def publish(
        self,
        connection: psycopg.Connection,
        settings: Settings,
        marts: Sequence[Mart],
        attempt_id: int | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        """Let analysts read what is built now (SPEC O4)."""


def target_of(settings: Settings) -> Target:
    """Return the module of the target; Redshift's takes a second to import."""
    return cast(Target, import_module(f"orchestration.target_{settings.target}"))
