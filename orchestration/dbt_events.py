"""dbt's events: only those that somebody hears are put into words.

dbt makes a message of each event, several for every query, before it asks whether anybody wants it.
A run listens to the nodes that end, and to warnings; its results tell the rest. What is said by an
event is kept as it was given until somebody asks for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

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


_put_into_words: Any = BaseEvent.__init__
_get: Any = BaseEvent.__getattr__
_set: Any = BaseEvent.__setattr__


@contextmanager
def heard_events() -> Iterator[None]:
    """Let dbt speak only of what is heard meanwhile."""
    before = get_event_manager()
    ctx_set_event_manager(HeardEvents())
    try:
        with (
            patch.object(BaseEvent, "__init__", _keep),
            patch.object(BaseEvent, "__getattr__", _ask),
            patch.object(BaseEvent, "__setattr__", _change),
        ):
            yield
    finally:
        ctx_set_event_manager(before)


def _keep(event: BaseEvent, *arguments: Any, **said: Any) -> None:
    event.__dict__["_said"] = (arguments, said)


def _ask(event: BaseEvent, name: str) -> Any:
    _build(event)
    return _get(event, name)


def _change(event: BaseEvent, name: str, value: Any) -> None:
    if name != "pb_msg":
        _build(event)
    _set(event, name, value)


def _build(event: BaseEvent) -> None:
    if kept := event.__dict__.pop("_said", None):
        arguments, said = kept
        _put_into_words(event, *arguments, **said)
