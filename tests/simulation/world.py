"""One small business of a seed, with ids of its own, so that many share a warehouse unseen.

A world holds what vendors and databases would answer now. `live` lets a day pass: late, changed,
retyped, moved, deleted and returning facts, by functions of `tests/simulation/turns`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ingestion.sandbox.billingo import Books

Row = dict[str, Any]

PARTNERS = 3
PRODUCTS = ("professional", "construction", "hard_money", "land")


@dataclass
class World:
    """The facts of one seed, by vendor; `gone` keeps what was deleted, for it may return."""

    seed: int
    random: Random
    now: datetime
    books: Books
    issued: list[int] = field(default_factory=list)
    leads: dict[str, Row] = field(default_factory=dict)
    transactions: dict[str, Row] = field(default_factory=dict)
    refunds: list[Row] = field(default_factory=list)
    calls: dict[str, Row] = field(default_factory=dict)
    files: dict[str, list[Row]] = field(default_factory=dict)
    deliveries: dict[tuple[str, int], Row] = field(default_factory=dict)
    plans: dict[int, Row] = field(default_factory=dict)
    seeds: dict[str, list[Row]] = field(default_factory=dict)
    company: Row = field(default_factory=dict)
    msp_plans: list[Row] = field(default_factory=list)
    helpdesk: list[Row] = field(default_factory=list)
    entries: dict[str, list[Row]] = field(default_factory=dict)
    gone: list[tuple[dict, Any, Row]] = field(default_factory=list)
    last: int = 0

    @property
    def base(self) -> int:
        """Return a number of this world alone, higher than any id of the project's own seeds."""
        return 10_000 + self.seed

    @property
    def partners(self) -> list[str]:
        """Return the ids of those who buy this world's leads."""
        return [str(self.base * 10 + place) for place in range(1, PARTNERS + 1)]

    @property
    def campaigns(self) -> list[str]:
        """Return the ids of the campaigns that this world's calls come by."""
        return [str(self.base * 10 + place) for place in range(4, 8)]

    @property
    def brokers(self) -> list[int]:
        """Return the ids of those who are delivered mortgage leads."""
        return [self.base * 10 + 1, self.base * 10 + 2]

    @property
    def account(self) -> str:
        """Return the account number of this world's MSP client."""
        return f"A{self.base}"

    @property
    def own_deal_type(self) -> str:
        """Return the name of a type of deal that only this world has."""
        return f"special_{self.base}"

    def number(self) -> int:
        """Return an id that nothing in any world has yet."""
        self.last += 1
        return self.base * 1000 + self.last

    def phone(self, lead: int) -> str:
        """Return ten digits that no other world has."""
        return f"2{self.base % 100_000:05}{lead % 10_000:04}"

    def moment(self, most_days_ago: int = 5) -> datetime:
        """Return a moment of office hours in the last days."""
        day = self.now - timedelta(days=self.random.randint(1, most_days_ago))
        return day.replace(hour=self.random.randint(8, 20), minute=self.random.randint(0, 59))

    def money(self, most: int = 200) -> str:
        """Return an amount of cents as text."""
        return f"{self.random.randint(1, most * 100) / 100:.2f}"

    def delete(self, facts: dict, key: Any) -> None:
        """Let a fact disappear; `bring_back` may undo it."""
        self.gone.append((facts, key, facts.pop(key)))

    def bring_back(self) -> None:
        """Let a fact that disappeared return as it was."""
        if self.gone:
            facts, key, row = self.gone.pop(self.random.randrange(len(self.gone)))
            facts.setdefault(key, row)


def text(moment: datetime) -> str:
    """Return a moment as boberdoo and partners' files write it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"
