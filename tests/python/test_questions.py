"""The five questions of `docs/questions.md`, asked as an analyst, answered by the oracle."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from tests.python import golden
from tests.python.deals import SOURCES, nights

ORACLE = golden.unpacked("deals/golden_a") / "expected"
ZERO = Decimal("0.00")
IN_AUGUST, ON_THE_SIXTH = (f"recorded_at < timestamp '2026-{day}'" for day in ("08-01", "07-06"))

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def published(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a warehouse in which all of golden_a is landed, built and published."""
    golden.empty(built, "landing", "snapshots", "staging", "intermediate", "marts")
    folder = tmp_path_factory.mktemp("golden")
    for tonight in nights(ORACLE.parent, built, folder):
        outcomes = pipeline.sync(tonight, SOURCES)
        assert not any(outcome.is_failed for outcome in outcomes)
    golden.build(built, golden.LEADS_AND_CALLS)
    golden.publish(built)
    yield built


@pytest.fixture
def ask(published: Settings) -> Callable[..., Rows]:
    def answer(title: str, **instead: str) -> Rows:
        """Return what the query under that heading says, with other values in the place of its."""
        text = (PROJECT / "docs/questions.md").read_text()
        section = next(part for part in text.split("\n## ") if part.startswith(title))
        query = re.search(r"```sql\n(.*?)```", section, re.DOTALL)[1]
        for old, new in instead.items():
            assert old in query
            query = query.replace(old, new)
        with connect(published, autocommit=True) as connection:
            connection.execute("set role analyst")
            cursor = connection.execute(query)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    return answer


def oracle(name: str) -> Rows:
    return golden.read_csv(ORACLE / f"{name}.csv")


def summed(rows: Rows, amount: str, *keys: str) -> dict[tuple[str, ...], Decimal]:
    sums: dict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        sums[tuple(row[key] for key in keys)] += Decimal(row[amount])
    return dict(sums)


def test_revenue_by_deal_type_and_month(ask: Callable[..., Rows]) -> None:
    by_month = [row | {"month": row["day"][:7]} for row in oracle("revenue")]
    answer = {
        (f"{row['month']:%Y-%m}", row["deal_type"], row["currency"]): row["net"]
        for row in ask("Revenue by deal type")
    }
    assert answer == summed(by_month, "net", "month", "deal_type", "currency")


def test_what_a_broker_owed_as_billed_and_as_known_now(ask: Callable[..., Rows]) -> None:
    ledger = [
        row
        for row in oracle("ledger")
        if row["account_id"] == "partner:203" and "2026-07-01" <= row["occurred_at"] < "2026-08-01"
    ]
    billed = [row for row in ledger if row["recorded_at"] < "2026-07-06"]
    (answer,) = ask("What did a broker owe", **{IN_AUGUST: ON_THE_SIXTH})
    assert answer["as_billed_then"] == sum((Decimal(row["amount"]) for row in billed), ZERO)
    assert answer["as_known_now"] == sum((Decimal(row["amount"]) for row in ledger), ZERO)
    assert answer["as_billed_then"] != answer["as_known_now"]


def test_how_the_revenue_of_calls_with_several_leads_was_split(ask: Callable[..., Rows]) -> None:
    answer = ask("Which calls have several leads")
    calls = {row["call_id"]: row for row in oracle("calls") if "|" in row["lead_ids"]}
    booked = [row for row in oracle("ledger") if row["call_id"] in calls and row["what"] == "call"]
    shares = {
        key: amount
        for key, amount in summed(booked, "amount", "call_id", "lead_id").items()
        if amount
    }
    assert {(row["call_id"], row["lead_id"]): row["share"] for row in answer} == shares
    assert {row["call_id"]: f"{row['net_revenue']}" for row in answer} == {
        call: calls[call]["net_revenue"] for call, _ in shares
    }
    assert len(shares) > len(calls) / 2


def test_which_deals_paid_on_conversion_are_behind(
    ask: Callable[..., Rows], published: Settings
) -> None:
    ledger = [row for row in oracle("ledger") if row["deal_type"] == "cpa"]
    sales = [row for row in ledger if row["what"] == "sale"]
    paid = [row for row in ledger if row["what"] == "conversion"]
    accrual = {
        row["account_id"]: row
        for row in golden.query(
            published, "select * from marts.rpt_conversion_accrual where deal_type = 'cpa'"
        )
        if row["cohort_month"] == "2026-07-01"
    }
    for account, price in RATES.items():
        expectation = sum(
            (
                Decimal(price(row["occurred_at"])) * int(row["quantity"])
                for row in sales
                if row["account_id"] == account and row["occurred_at"] >= "2026-07-01"
            ),
            ZERO,
        )
        july = {row["entry_key"] for row in sales if row["occurred_at"] >= "2026-07-01"}
        booked = [row for row in paid if row["linked_key"] in july]
        assert Decimal(accrual[account]["expected_revenue"]) == expectation > 0
        assert Decimal(accrual[account]["booked_revenue"]) == summed(
            booked, "amount", "account_id"
        ).get((account,), ZERO)
    answer = ask("Which deals paid on conversion")
    assert {row["account_id"] for row in answer if row["deal_type"] == "cpa"} == {
        account
        for account, row in accrual.items()
        if Decimal(row["booked_revenue"]) < Decimal(row["expected_revenue"])
    }
    assert [row["difference"] for row in answer] == sorted(row["difference"] for row in answer)


# What a sale lets expect by the set's terms: expected conversion rate x rate.
RATES = {
    "partner:203": lambda sold_at: "20.00" if sold_at < "2026-07-05" else "22.04",
    "partner:207": lambda _: "21.70",
}


def test_which_statuses_are_unmapped(ask: Callable[..., Rows]) -> None:
    unmapped = oracle("unmapped")
    last = max(row["as_of"] for row in unmapped)
    answer = ask("Which statuses are unmapped")
    assert {(row["partner_id"], row["raw_status"], str(row["events"])) for row in answer} == {
        (row["partner_id"], row["raw_status"], row["events"])
        for row in unmapped
        if row["as_of"] == last
    }
    assert answer
