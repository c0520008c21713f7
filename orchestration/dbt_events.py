"""dbt's events: only those that somebody hears are put into words.

dbt makes a message of each event, several for every query, before it asks whether anybody wants it.
A run listens to the nodes that end, and to warnings; its results tell the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager


class HeardEvents(EventManager):
    """dbt's own event manager, without its events for who looks for faults in dbt."""

    def fire_event(
        self, e: BaseEvent, level: EventLevel | None = None, *others: Any, **options: Any
    ) -> None:
        """Hand an event on where it is heard."""
        if type(e).__name__ == "NodeFinished" or (level or e.level_tag()) != EventLevel.DEBUG:
            super().fire_event(e, level, *others, **options)


@contextmanager
def heard_events() -> Iterator[None]:
    """Let dbt speak only of what is heard meanwhile."""
    before = get_event_manager()
    ctx_set_event_manager(HeardEvents())
    try:
        yield
    finally:
        ctx_set_event_manager(before)
