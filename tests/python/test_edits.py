"""A hundred random edits of the models' SQL, by night and by full refresh (SPEC L17, L18).

Each is judged by what it does, found a second way: the entries that it builds are compared with
those that are published, row by row, in Python. What is published never changes; an edit with an
effect is refused with the money that it would move; one without passes.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.settings import Settings
from orchestration import pipeline
from orchestration.dbt import DbtError, parsed_project
from orchestration.seal import PastChangesError
from tests.python import golden, test_seal
from tests.python.test_seal import (
    BUILT,
    MODELS,
    NIGHTS,
    PUBLISHED,
    Edit,
    at,
    edit,
    few_models,
    source,
)

__all__ = ["edit", "few_models"]

EDITS = 100
SEED = 20261129
# What decides a mortgage lead's amount, from staging to the ledger.
EDITED = (
    *("int_deals__mortgage_lead", "int_mortgage_leads_priced", "int_product_prices_timeline"),
    *("int_subscription_plans_timeline", "stg_billing_db__product_prices"),
    *("stg_billing_db__subscription_plans", "int_deals_unioned", "fct_ledger_entries"),
)
Change = Callable[[str, random.Random], tuple[str, str] | None]
# What the seal calls the same money (SPEC L2a), of an entry as it is read.
FIGURES = (
    *("entry_id", "entry_key", "entry_kind", "deal_type", "business_unit", "component"),
    *("account_id", "lead_id", "call_id", "linked_entry_key", "quantity", "list_amount"),
    *("discount_amount", "amount", "currency", "occurred_at", "recorded_at"),
)


def swapped(pattern: str, replacement: Callable[[re.Match[str], random.Random], str]) -> Change:
    """Change one of the places that a pattern finds, outside of Jinja."""

    def change(text: str, dice: random.Random) -> tuple[str, str] | None:
        jinja = [match.span() for match in re.finditer(r"\{[{%#].*?[}%#]\}", text, re.DOTALL)]
        found = [
            match
            for match in re.finditer(pattern, text)
            if not any(begin <= match.start() < end for begin, end in jinja)
        ]
        if not found:
            return None
        match = dice.choice(found)
        new = text[: match.start()] + replacement(match, dice) + text[match.end() :]
        return text, new

    return change


def refactored(text: str, dice: random.Random) -> tuple[str, str] | None:
    """Say the same in other words: the last select is of a subquery."""
    match = re.search(r"select \* from (\w+)\s*$", text)
    if not match:
        return None
    new = f"select * from (select * from {match[1]}) as refactored_{dice.randrange(100)}\n"
    return text, text[: match.start()] + new


CHANGES: dict[str, Change] = {
    "factor": swapped(
        r"round\((price|list_amount|discount_value|discount_of_plan)\b",
        lambda match, dice: f"round({match[1]} * {dice.choice(['1.1', '0.9', '1.001', '1'])}",
    ),
    "boundary": swapped(
        r"(>=|<=|<|>)(?=\s)",
        lambda match, _: {">=": ">", "<=": "<", "<": "<=", ">": ">="}[match[1]],
    ),
    "join": swapped(
        r"\b(left|inner) join\b",
        lambda match, _: {"left": "inner", "inner": "left"}[match[1]] + " join",
    ),
    "join condition": swapped(
        r"\n\s+and \w+\.\w+ = \w+\.\w+(?=\n)", lambda match, dice: "" if dice else match[0]
    ),
    "filter": swapped(r"(?<=where )not is_deleted\b", lambda *_: "true"),
    "operator": swapped(r"\b(greatest|least)\(", lambda match, _: "coalesce("),
    "number": swapped(r"(?<![\w.'])(100|2|0)(?=[,)\s/])", lambda match, _: str(int(match[1]) + 1)),
    "refactor": refactored,
    "no-op": swapped(r"\bas amount\b|\bas price\b", lambda match, _: f"+ 0 {match[0]}"),
    "comment": lambda text, dice: (text, f"-- {dice.random()}\n{text}\n\n"),
    "blanks": swapped(r"\n {4}(?=\w)", lambda match, dice: "\n" + " " * dice.randint(5, 9)),
}


Money = dict[tuple[str, str, str], tuple[Decimal, Decimal]]


@pytest.fixture
def market(settings: Settings, few_models: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Four nights of a small market, published: everything in it is corrected at some time."""
    monkeypatch.setattr(test_seal, "MODELS", [name for name in MODELS if "assert" not in name])
    dice = random.Random(SEED)
    for number, product in enumerate(("land", "professional", "construction")):
        price(settings, number, product, 80 + number, "2025-01-01")
    price(settings, 4, "land", 90, "2025-01-20")
    price(settings, 5, "land", 95, "2025-01-20")
    plan(settings, 1, 7, "percent", "12.5", "'2025-01-10'", "'2025-02-01'")
    plan(settings, 2, 8, "amount", "100", "'2025-01-10'", "null")
    plan(settings, 3, 9, "share", "5", "'2025-01-10'", "null")
    for number in range(60):
        deliver(settings, dice, number)
    pipeline.nightly(at(settings, 0))
    price(settings, 6, "professional", "70.005", "2025-01-15")
    source(
        settings, "update land_lead_filter_to_land_lead set mortgage_broker_id = 8 where id < 12"
    )
    pipeline.nightly(at(settings, 1))
    plan(settings, 4, 8, "percent", "50", "'2025-01-20'", "'2025-02-05'")
    source(settings, "delete from land_lead_filter_to_land_lead where id in (12, 18)")
    pipeline.nightly(at(settings, 2))
    source(settings, "delete from product_price where id = 5")
    for number in range(60, 70):
        deliver(settings, dice, number)
    pipeline.nightly(at(settings, 3))
    return settings


def price(settings: Settings, number: int, product: str, amount: float | str, since: str) -> None:
    source(
        settings,
        "insert into product_price (id, product, price, effective_at)"
        f" values ({number}, '{product}', {amount}, '{since}')",
    )


def plan(
    settings: Settings, number: int, broker: int, kind: str, value: str, since: str, until: str
) -> None:
    source(
        settings,
        "insert into mortgage_broker_subscription_plan (id, mortgage_broker_id, plan_name,"
        " discount_type, discount_value, started_at, ended_at)"
        f" values ({number}, {broker}, 'plan', '{kind}', {value}, {since}, {until})",
    )


def deliver(settings: Settings, dice: random.Random, number: int) -> None:
    table = (
        *("land_lead_filter_to_land_lead", "mortgage_broker_filter_to_mortgage_lead"),
        "construction_loan_lead_filter_to_construction_loan_lead",
    )[number % 3]
    broker = dice.choice(["7", "8", "9", "10", "null"])
    day = dice.choice(["2025-01-10", "2025-01-20", "2025-02-01", f"2025-01-{dice.randint(2, 31)}"])
    source(
        settings,
        f"insert into {table} (id, filter_id, lead_id, mortgage_broker_id, delivered_at)"
        f" values ({number}, 1, {number}, {broker}, '{day}')",
    )


def drawn(dice: random.Random, number: int) -> tuple[str, str, str, str]:
    """Draw an edit of the kind whose turn it is: the kind, a node, its text before and after."""
    kind = list(CHANGES)[number % len(CHANGES)]
    while True:
        node = f"model.ledgerhouse.{dice.choice(EDITED)}"
        text = NODES[node]
        if found := CHANGES[kind](text, dice):
            return kind, node, *found


def moved(published: list[dict[str, Any]], built: list[dict[str, Any]]) -> Money:
    """Return what differs, by deal type, month and currency: published and built amount."""
    last = max(row["recorded_at"] for row in published)
    sides = {
        "published": [row for row in published if row["recorded_at"] <= last],
        "built": [row for row in built if row["recorded_at"] <= last],
    }
    rows = {
        side: {tuple(row[name] for name in FIGURES) for row in found}
        for side, found in sides.items()
    }
    keys = {row[FIGURES.index("entry_key")] for row in rows["published"] ^ rows["built"]}
    money: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for side, found in sides.items():
        for row in found:
            if row["entry_key"] in keys:
                group = (row["deal_type"], row["occurred_at"][:7], row["currency"])
                money[group][side] += Decimal(row["amount"])
    return {group: (sums["published"], sums["built"]) for group, sums in money.items()}


NODES: dict[str, str] = {}


@pytest.mark.all
@pytest.mark.parametrize("part", range(10))
def test_an_edit_changes_nothing_that_is_published(market: Settings, edit: Edit, part: int) -> None:
    NODES.update({key: node.raw_code for key, node in parsed_project(market).nodes.items()})
    published = golden.query(market, PUBLISHED)
    clock, seen = NIGHTS[3], Counter[str]()
    dice = random.Random(SEED + part)
    for number in range(EDITS // 10):
        kind, node, old, new = drawn(dice, part + number)
        edit(node, old, new)
        for full_refresh in (False, True):
            clock += timedelta(minutes=5)
            tonight, error = replace(market, now=clock), None
            what = f"{part}.{number} {kind} of {node}, full refresh {full_refresh}"
            try:
                if full_refresh:
                    pipeline.build(tonight, full_refresh=True)
                else:
                    pipeline.nightly(tonight)
            except (PastChangesError, DbtError) as caught:
                error = caught
            assert golden.query(market, PUBLISHED) == published, what
            if isinstance(error, DbtError):
                seen["not built"] += 1
                continue
            expected = moved(published, golden.query(market, BUILT))
            if not expected:
                assert error is None, f"{what}: {error}"
                seen["passed"] += 1
                continue
            assert isinstance(error, PastChangesError), what
            found = {
                (str(one.deal_type), f"{one.occurred_month:%Y-%m}", str(one.currency)): (
                    one.published_amount,
                    one.built_amount,
                )
                for one in error.change.differences
            }
            assert found == expected, what
            seen["refused"] += 1
        edit(node, new, old)
    assert seen["refused"] and seen["passed"]
