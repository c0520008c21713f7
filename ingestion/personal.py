"""Where a stream's payload holds people, or why nobody is erased from it (docs/decisions.md)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingestion.folding import folded

NOBODY = None


@dataclass(frozen=True)
class NotErased:
    """A stream's payload holds people, and erasing leaves them there: `why` is for them to read."""

    why: str


@dataclass(frozen=True)
class Personal:
    """Where a stream's payload holds people.

    `within` is the object that does, by default the payload. Of it, phones and e-mails are
    replaced, fields whose names begin with one of `kept` stay, and all others go.
    """

    phones: tuple[str, ...]
    emails: tuple[str, ...]
    kept: tuple[str, ...]
    within: str | None = None

    def part(self, payload: Any) -> dict[str, Any]:
        """Return the object of the payload that holds the person."""
        part = payload.get(self.within) if self.within and isinstance(payload, dict) else payload
        return part if isinstance(part, dict) else {}

    def identifiers(self, payload: Any) -> Iterator[tuple[str, str]]:
        """Yield the fields that say who it is, each with its normal form."""
        part = self.part(payload)
        for name in (*self.phones, *self.emails):
            form = phone_form(part.get(name)) if name in self.phones else email_form(part.get(name))
            if form:
                yield name, form


def phone_form(text: Any) -> str | None:
    """Return a phone's digits, without extension and leading 1, as macro `phone_digits` does."""
    digits = re.sub(r"[^0-9]", "", str(text or "").lower().split("x")[0])
    if len(digits) == 11 and digits[0] == "1":
        return digits[1:]
    return digits if len(digits) > 6 else None


def email_form(text: Any) -> str | None:
    """Return an e-mail as the models compare it, as macro `folded` does."""
    return folded(str(text or "")) or None
