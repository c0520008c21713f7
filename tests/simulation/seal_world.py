"""Facts for the simulation of the seal, and what changing rules make of them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

OPEN = 10**9
DEALS = ["a1", "a2", "a3", "b1", "b2", "c1", "c2"]
CLOSED_MONTHS = {"m1": 60, "m2": 120, "m3": 180, "m4": 240}  # key -> end of the month


@dataclass(frozen=True)
class Rules:
    """What decides amounts: a factor, what is no money, who is out of scope, and so on."""

    factor: int = 1
    bad: int = 99  # values that it divides are exceptions
    skip: str = ""  # keys out of scope
    price: bool = True  # whether the price counts
    moved: bool = False  # to another account
    shift: int = 0  # to another time of occurrence
    days: int = 2  # after its end, a month closes
    tag: str = "v"  # the form of version ids, which is no money

    def changed(self, random: Random) -> "Rules":
        """Return rules that differ in up to two of them."""
        values: dict[str, Any] = {
            "factor": 3 - self.factor,
            "bad": random.choice([2, 3, 5, 99]),
            "skip": random.choice(["", "", "a", "b"]),
            "price": not self.price,
            "moved": not self.moved,
            "shift": random.choice([0, 40]),
            "days": random.choice([1, 2, 6, 9, 14]),
            "tag": "w" if self.tag == "v" else "v",
        }
        names = random.sample(sorted(values), random.choice([0, 1, 1, 2]))
        return replace(self, **{name: values[name] for name in names})


@dataclass
class State:
    """What holds of a key at a known time: its figures, its version, or why it is not booked."""

    account: str
    lead: str
    occurred_at: int
    amount: int
    version: str
    exception: str | None

    @property
    def figures(self) -> tuple[Any, ...]:
        """Return what makes two states the same."""
        return (self.account, self.lead, self.occurred_at, self.amount)


@dataclass
class World:
    """The facts: (known at, value or None, account, occurred at) by key, prices, and landings."""

    facts: defaultdict[str, list[tuple[int, int | None, str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    prices: list[tuple[int, int]] = field(default_factory=lambda: [(0, 1)])
    loads: list[int] = field(default_factory=list)

    def land(self, random: Random, at: int) -> None:
        """Let some facts be known at a time."""
        self.loads.append(at)
        for _ in range(random.randint(0, 6)):
            value = None if random.random() < 0.15 else random.randint(1, 6)
            occurred_at = 10 * random.randint(max(0, at // 10 - 9), at // 10)
            key = random.choice([*DEALS, *CLOSED_MONTHS])
            self.facts[key].append((at, value, random.choice("XXY"), occurred_at))
        if random.random() < 0.2:
            self.prices.append((at, random.choice([1, 1, 2, 3])))

    def state(self, rules: Rules, key: str, at: int) -> State | None:
        """Return the state of the facts known at a time; a closed month's is that of its close."""
        if key in CLOSED_MONTHS:
            closes_at = CLOSED_MONTHS[key] + rules.days
            if at < closes_at:
                return None
            at = closes_at
        known = [fact for fact in self.facts[key] if fact[0] <= at]
        if not known or known[-1][1] is None or key[0] == rules.skip:
            return None
        loaded_at, value, account, occurred_at = known[-1]
        price = [price for price in self.prices if price[0] <= at][-1]
        return State(
            account + "'" * rules.moved,
            key.upper(),
            occurred_at + rules.shift,
            value * rules.factor * (price[1] if rules.price else 1),
            f"{rules.tag}{loaded_at}.{price[0]}",
            "bad" if value % rules.bad == 0 else None,
        )

    def points(self, rules: Rules, until: int) -> list[int]:
        """Return every time at which something may have changed."""
        closes = [end + rules.days for end in CLOSED_MONTHS.values()]
        return sorted({point for point in self.loads + closes if point <= until})

    def history(self, rules: Rules, key: str, until: int) -> Iterator[tuple[Any, ...]]:
        """Yield (state, opened because, closed because, known from, known to), merged."""
        parts: list[list[Any]] = []
        for at in self.points(rules, until):
            state = self.state(rules, key, at)
            if parts and parts[-1][2] == OPEN:
                before = parts[-1][0]
                if state and (state.figures, state.exception) == (before.figures, before.exception):
                    continue
                parts[-1][2:] = [at, state]
            if state:
                parts.append([state, at, OPEN, None])
        was_booked, booked_until = False, None
        for state, start, end, after in parts:
            opened = (
                "new" if not was_booked else "corrected" if booked_until == start else "restored"
            )
            closed = (
                None if end == OPEN else (after.exception or "corrected") if after else "deleted"
            )
            yield state, opened, closed, start, end
            if state.exception is None:
                was_booked, booked_until = True, end
