"""The story while it is told: dice, happenings, and the small things that all chapters need."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

DAY = 86_400
FOREVER = datetime(9999, 12, 31)
Row = dict[str, Any]


@dataclass(frozen=True)
class Happening:
    """One row of a vendor, and when it is to be seen there: `[seen_from, seen_until)`.

    `kind` is lead, transaction, refund, call, or the channel of a disposition (csv, jsonl, feed,
    crm). A later happening of the same lead replaces an earlier one.
    """

    seen_from: datetime
    kind: str
    row: Row
    seen_until: datetime = FOREVER


@dataclass
class Story:
    """The story while it is told: the dice, what happened so far, and the ids given out."""

    dice: random.Random
    happenings: list[Happening] = field(default_factory=list)
    transactions: int = 0
    calls: int = 0

    def happens(self, at: datetime, kind: str, row: Row, until: datetime = FOREVER) -> None:
        """Add a happening."""
        self.happenings.append(Happening(at, kind, row, until))

    def in_thousand(self, chance: int) -> bool:
        """Throw the dice for a chance in 1000."""
        return self.dice.randrange(1000) < chance

    def later(self, at: datetime, least: int, most: int) -> datetime:
        """Return a moment so many seconds later."""
        return at + timedelta(seconds=self.dice.randint(least, most))


def text_of(at: datetime) -> str:
    """Return the moment as boberdoo writes it."""
    return at.strftime("%Y-%m-%d %H:%M:%S")


def dollars(cents: int) -> str:
    """Return cents as dollars."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
