"""What happens in the simulated mortgage market, day by day: volumes, prices and plans, seeded."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True)
class LeadType:
    """One product: its delivery table, share of all deliveries, first price (USD), first priced.

    `priced_from` is a day of the market; deliveries before it have no price (an exception).
    """

    name: str
    table: str
    share: float
    price: Decimal
    priced_from: int = -30


LEAD_TYPES = (
    LeadType("professional", "mortgage_broker_filter_to_mortgage_lead", 0.55, Decimal("62.50")),
    LeadType(
        *("construction", "construction_loan_lead_filter_to_construction_loan_lead", 0.20),
        Decimal("94.00"),
    ),
    LeadType("hard_money", "hard_money_lead_filter_to_hard_money_lead", 0.15, Decimal("78.25")),
    LeadType("land", "land_lead_filter_to_land_lead", 0.10, Decimal("41.90"), priced_from=3),
)

WEEKDAYS = (1.22, 1.25, 1.21, 1.18, 1.08, 0.58, 0.48)
# Office hours of the United States, in UTC from midnight on.
HOURS = (4, 3, 2, 1, 1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 12, 13, 13, 12, 11, 11, 10, 9, 7, 5)
FIRST_BROKER = 1001
MOST_BROKERS = 200

PLANS = (
    ("Starter", "percent", Decimal("5")),
    ("Growth", "percent", Decimal("12.5")),
    ("Premium, annual", "percent", Decimal("20")),
    ("Flat ten", "amount", Decimal("10.00")),
    ('The "Founders" plan', "amount", Decimal("17.50")),
)


@dataclass(frozen=True)
class Market:
    """What is played: the average of `leads_per_day` deliveries, from `first_day` (UTC) on."""

    first_day: date
    leads_per_day: int
    seed: int = 1

    @property
    def brokers(self) -> int:
        """Return how many brokers buy: 200, fewer where there is little to buy."""
        return min(MOST_BROKERS, max(12, self.leads_per_day // 5))

    def midnight(self, number: int) -> datetime:
        """Return the first instant of the market's day `number`, counted from 0."""
        return datetime.combine(self.first_day, time()) + timedelta(days=number)

    def dice(self, *subject: object) -> Random:
        """Return the random numbers of one subject: they do not depend on what else is drawn."""
        return Random(f"{self.seed} {subject}")

    def salt(self, number: int) -> int:
        """Return the seed of a hash inside Postgres."""
        return self.seed * 1_000_003 + number


def delivery_hours(
    market: Market, lead_type: LeadType, days: range
) -> Iterator[tuple[datetime, int, int]]:
    """Yield (start, first id, deliveries) of each hour of `days` that has deliveries."""
    total = 0.0
    for number in range(days.stop):
        volume = _volume(market, lead_type, number)
        for hour, weight in enumerate(HOURS):
            before = math.floor(total)
            total += volume * weight / sum(HOURS)
            count = math.floor(total) - before
            if number in days and count:
                yield market.midnight(number) + timedelta(hours=hour), before + 1, count


def _volume(market: Market, lead_type: LeadType, number: int) -> float:
    """Return the expected deliveries of a day: week, season (a spring peak) and chance."""
    day = market.midnight(number)
    season = 1 + 0.15 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 140) / 365)
    chance = 0.85 + 0.3 * market.dice("volume", lead_type.name, number).random()
    return market.leads_per_day * lead_type.share * WEEKDAYS[day.weekday()] * season * chance


def prices_entered(market: Market, days: range) -> list[Row]:
    """Return the rows of product_price that are entered on `days`, in the order of their ids."""
    return _entered(_prices(market, days.stop), days)


def plans_entered(market: Market, days: range) -> list[Row]:
    """Return the rows of the plan table that are entered on `days`, in the order of their ids."""
    return _entered(_plans(market, days.stop), days)


def _entered(rows: Iterator[tuple[int, Row]], days: range) -> list[Row]:
    numbered = enumerate(sorted(rows, key=lambda row: row[0]), start=1)
    return [(number, *values) for number, (entered, values) in numbered if entered in days]


def _prices(market: Market, end: int) -> Iterator[tuple[int, Row]]:
    """Yield (day of entry, price row), all that are entered before day `end` and some more.

    A price changes about every quarter. Most changes are entered ahead, some days after they took
    effect; every fourth is entered again with another price.
    """
    for lead_type in LEAD_TYPES:
        dice = market.dice("prices", lead_type.name)
        price, effective, entered = lead_type.price, lead_type.priced_from, 0
        while entered < end:
            yield entered, (lead_type.name, price, market.midnight(effective))
            mistake, again = dice.random() < 0.25, entered + dice.randint(2, 9)
            if mistake:
                yield again, (lead_type.name, price + 1, market.midnight(effective))
            price += Decimal(dice.randint(-150, 450)) / 100
            effective += dice.randint(60, 120)
            entered = max(0, effective + dice.choice((-14, -7, -7, -3, 4, 9)))


def _plans(market: Market, end: int) -> Iterator[tuple[int, Row]]:
    """Yield (day of entry, plan row), all that are entered before day `end` and some more.

    Two brokers in three have plans; one may end, overlap the next, be entered late, or be entered
    again with another discount.
    """
    for broker in range(FIRST_BROKER, FIRST_BROKER + market.brokers):
        dice = market.dice("plans", broker)
        started = dice.randint(-200, 120)
        entered = max(0, started)
        while entered < end and broker % 3:
            name, kind, value = dice.choice(PLANS)
            length, has_end = dice.randint(60, 300), dice.random() < 0.5
            ended = market.midnight(started + length) if has_end else None
            yield entered, (broker, name, kind, value, market.midnight(started), ended)
            mistake, again = dice.random() < 0.1, entered + dice.randint(1, 8)
            if mistake:
                yield again, (broker, name, kind, value + 1, market.midnight(started), ended)
            started += dice.randint(80, 320)
            entered = max(0, started + dice.choice((-5, 0, 0, 0, 6)))
