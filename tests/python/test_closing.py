"""Closing months (SPEC L20) and what is corrected after it (L21), on mortgage leads.

Land costs 80.00, and two were delivered in February; every figure here is written by hand.
"""

import random
import re
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import connect
from orchestration import closing, pipeline
from orchestration.__main__ import EXIT_FAILED, EXIT_HELD, EXIT_OK, EXIT_USAGE, main
from orchestration.approvals import ApprovalError
from orchestration.closing import CLOSE, REOPEN, CloseRefusedError
from orchestration.guard import MovesTooMuchError
from orchestration.seal import PastChangesError
from tests.python import golden
from tests.python.conftest import book
from tests.python.test_seal import Edit, dearer, edit, few_models, source

__all__ = ["edit", "few_models"]

FEBRUARY, MARCH, APRIL = (date(2025, month, 1) for month in (2, 3, 4))
PUBLISHED = "select * from analytics.fct_ledger_entries order by entry_id"
BY_MONTH = """
select to_char(posting_month, 'YYYY-MM') as month, sum(net)::text as net
from analytics.revenue group by 1 order by 1
"""
CORRECTIONS = """
select entry_key, to_char(posting_month, 'YYYY-MM') as month, cause, causes,
    amount_before::text as before, amount_after::text as after, moved_amount::text as moved
from analytics.rpt_corrections order by recorded_at, entry_key
"""
CHANGES = """
select to_char(closed_month, 'YYYY-MM') as closed, to_char(posting_month, 'YYYY-MM') as posted,
    cause, entries::int as entries, amount::text as amount
from analytics.rpt_closed_period_changes order by 1, 2, 3
"""


def at(settings: Settings, moment: str) -> Settings:
    return replace(settings, now=datetime.fromisoformat(f"2025-{moment}"))


def deliver(settings: Settings, number: int, day: str, broker: str = "7") -> None:
    source(
        settings,
        "insert into land_lead_filter_to_land_lead"
        " (id, filter_id, lead_id, mortgage_broker_id, delivered_at)"
        f" values ({number}, 1, {number}, {broker}, '2025-{day}')",
    )


def night(settings: Settings, moment: str) -> None:
    pipeline.nightly(at(settings, moment))


def close(
    settings: Settings,
    month: date,
    moment: str,
    action: str = CLOSE,
    units: tuple[str, ...] = (),
    **options: Any,
) -> None:
    pipeline.close(
        *(at(settings, moment), action, month, units, "Ann", "its time", "Bob"), **options
    )


def by_month(settings: Settings) -> dict[str, str]:
    return {row["month"]: row["net"] for row in golden.query(settings, BY_MONTH)}


def is_verified(settings: Settings, month: date) -> bool:
    found = pipeline.verify(settings, month)
    return bool(found) and all(one.is_same for one in found)


@pytest.fixture
def sold(settings: Settings, few_models: None) -> Settings:
    """Two sales of February, published in March."""
    source(
        settings,
        "insert into product_price (id, product, price, effective_at)"
        " values (1, 'land', 80, '2025-01-01')",
    )
    deliver(settings, 1, "02-09")
    deliver(settings, 2, "02-10")
    night(settings, "03-02")
    return settings


def test_what_becomes_known_of_a_closed_month_is_posted_to_an_open_one(sold: Settings) -> None:
    close(sold, FEBRUARY, "03-05")
    before = golden.query(sold, PUBLISHED)
    deliver(sold, 3, "02-20")
    deliver(sold, 4, "03-05")
    night(sold, "03-06")
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "160.00"}
    # The price of February was 90: three sales of it are ten dearer, and the one of March.
    source(
        sold,
        "insert into product_price (id, product, price, effective_at)"
        " values (2, 'land', 90, '2025-02-01')",
    )
    night(sold, "03-07")
    source(sold, "delete from land_lead_filter_to_land_lead where id = 1")
    night(replace(sold, max_deleted_share=1), "03-08")
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "110.00"}
    assert is_verified(sold, FEBRUARY)
    assert [row for row in golden.query(sold, PUBLISHED) if row in before] == before
    dearer_by_ten = {"before": "80.00", "after": "90.00", "moved": "10.00"}
    priced = {"month": "2025-03", "cause": "price", "causes": "price", **dearer_by_ten}
    gone = {"before": "90.00", "after": "0.00", "moved": "-90.00"}
    assert golden.query(sold, CORRECTIONS) == [
        *({"entry_key": f"mortgage:land:{number}", **priced} for number in (1, 2, 3, 4)),
        {
            "entry_key": "mortgage:land:1",
            **{"month": "2025-03", "cause": "deletion", "causes": "deletion"},
            **gone,
        },
    ]
    assert golden.query(sold, CHANGES) == [
        {"closed": "2025-02", "posted": "2025-03", **row}
        for row in (
            {"cause": "deletion", "entries": "1", "amount": "-90.00"},
            {"cause": "late", "entries": "1", "amount": "80.00"},
            {"cause": "price", "entries": "6", "amount": "30.00"},
        )
    ]
    # March closes, too: of both months it is April's from then on.
    night(sold, "04-02")
    close(sold, MARCH, "04-03")
    deliver(sold, 5, "02-21")
    deliver(sold, 6, "03-21")
    night(sold, "04-04")
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "110.00", "2025-04": "180.00"}
    assert is_verified(sold, FEBRUARY) and is_verified(sold, MARCH)
    # All of it built again from landing, and published beside: the same months.
    after, months = golden.query(sold, PUBLISHED), by_month(sold)
    pipeline.build(at(sold, "04-05"), full_refresh=True)
    assert golden.query(sold, PUBLISHED) == after
    assert by_month(sold) == months
    built = BY_MONTH.replace("analytics", "marts")
    assert {row["month"]: row["net"] for row in golden.query(sold, built)} == months


# How a bill may be corrected (FOCUS 1.3), as a ledger says it: day, key, account,
# amount, the month of the books. 1 is changed while its month is open, 2 after it was closed, 3 is
# reversed, and 4 is given a credit of 30.00.
CORRECTED_BILLS = """
02-15 1 broker:7 80.00 2025-02
02-15 2 broker:7 80.00 2025-02
02-15 3 broker:7 80.00 2025-02
02-15 4 broker:9 80.00 2025-02
02-20 1 broker:7 -80.00 2025-02
02-20 1 broker:8 80.00 2025-02
03-06 2 broker:7 -80.00 2025-03
03-06 2 broker:8 80.00 2025-03
03-07 3 broker:7 -80.00 2025-03
03-08 4 broker:9 -80.00 2025-03
03-08 4 broker:9 50.00 2025-03
"""


def test_bills_are_corrected_in_an_open_month_and_stay_as_issued_in_a_closed_one(
    settings: Settings, few_models: None
) -> None:
    source(
        settings,
        "insert into product_price (id, product, price, effective_at)"
        " values (1, 'land', 80, '2025-01-01')",
    )
    for number, broker in ((1, "7"), (2, "7"), (3, "7"), (4, "9")):
        deliver(settings, number, "02-09", broker)
    night(settings, "02-15")
    other_broker = "update land_lead_filter_to_land_lead set mortgage_broker_id = 8 where id = "
    source(settings, f"{other_broker} 1")
    night(settings, "02-20")
    night(settings, "03-02")
    close(settings, FEBRUARY, "03-05")
    source(settings, f"{other_broker} 2")
    night(settings, "03-06")
    source(settings, "delete from land_lead_filter_to_land_lead where id = 3")
    night(replace(settings, max_deleted_share=1), "03-07")
    source(
        settings,
        "insert into mortgage_broker_subscription_plan (id, mortgage_broker_id, plan_name,"
        " discount_type, discount_value, started_at)"
        " values (1, 9, 'credit', 'amount', 30, '2025-02-01')",
    )
    night(settings, "03-08")
    entries = golden.query(
        settings,
        "select concat_ws(' ', to_char(recorded_at, 'MM-DD'), split_part(entry_key, ':', 3),"
        " account_id, amount, to_char(posting_month, 'YYYY-MM')) as line"
        " from analytics.fct_ledger_postings order by recorded_at, entry_key, quantity, account_id",
    )
    assert [row["line"] for row in entries] == CORRECTED_BILLS.split("\n")[1:-1]
    assert by_month(settings) == {"2025-02": "320.00", "2025-03": "-110.00"}
    assert is_verified(settings, FEBRUARY)


def test_late_sales_of_a_closed_month_are_guarded(sold: Settings) -> None:
    """SPEC L19: what is new counts where its month is closed, and not before."""
    deliver_many(sold, 100, 113)
    night(sold, "03-04")
    close(sold, FEBRUARY, "03-05")
    deliver_many(sold, 113, 126)
    with pytest.raises(MovesTooMuchError, match=r"moves by 1,040.00 of 1,200.00 USD"):
        night(sold, "03-06")
    assert by_month(sold) == {"2025-02": "1200.00"}
    pipeline.accept(at(sold, "03-06 01:00"), "Ann", "a broker's export was late")
    assert by_month(sold) == {"2025-02": "1200.00", "2025-03": "1040.00"}


def deliver_many(settings: Settings, first: int, end: int) -> None:
    for number in range(first, end):
        deliver(settings, number, "02-15")


def test_a_month_before_all_that_were_closed_is_closed_with_the_first(sold: Settings) -> None:
    close(sold, FEBRUARY, "03-05")
    deliver(sold, 3, "01-20")
    night(sold, "03-06")
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "80.00"}


def test_a_reopened_month_takes_what_becomes_known_until_it_is_closed_again(
    sold: Settings,
) -> None:
    close(sold, FEBRUARY, "03-05")
    deliver(sold, 3, "02-20")
    night(sold, "03-06")
    with pytest.raises(CloseRefusedError, match="2025-01 is not closed for leads"):
        close(sold, date(2025, 1, 1), "03-07", REOPEN)
    close(sold, FEBRUARY, "03-07", REOPEN)
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "80.00"}
    deliver(sold, 4, "02-21")
    night(sold, "03-08")
    assert by_month(sold) == {"2025-02": "240.00", "2025-03": "80.00"}
    assert pipeline.verify(sold, FEBRUARY) == []
    night(sold, "04-02")
    with pytest.raises(CloseRefusedError, match=r"earlier months are open.\n  leads: 2025-02\n"):
        close(sold, MARCH, "04-03")
    close(sold, FEBRUARY, "04-03")
    deliver(sold, 5, "02-22")
    night(sold, "04-04")
    assert by_month(sold) == {"2025-02": "240.00", "2025-03": "160.00"}
    assert is_verified(sold, FEBRUARY)
    closes = golden.query(
        sold,
        "select entries::int as entries, is_closed from analytics.rpt_period_closes order by 1",
    )
    assert closes == [
        {"entries": "2", "is_closed": "False"},
        {"entries": "3", "is_closed": "True"},
    ]


def refused(settings: Settings, month: date, moment: str, **options: Any) -> str:
    with pytest.raises(CloseRefusedError) as error:
        close(settings, month, moment, **options)
    assert golden.query(settings, "select * from landing.period_closes") == []
    return str(error.value)


def test_a_close_is_refused_for_each_reason_with_its_list(
    sold: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "2025-03 is not over yet" in refused(sold, MARCH, "03-05")
    assert "business unit calls" in refused(sold, FEBRUARY, "03-05", units=("calls",))
    deliver(sold, 3, "02-11", broker="null")
    deliver(sold, 4, "01-11")
    pipeline.sync(at(sold, "03-03"))
    said = refused(sold, FEBRUARY, "03-05")
    assert "landed, and not published" in said and "billing_db." in said
    pipeline.build(at(sold, "03-03 01:00"))
    said = refused(sold, FEBRUARY, "03-05")
    assert "earlier months are open.\n  leads: 2025-01\n" in said
    said = refused(sold, FEBRUARY, "03-05", with_earlier=True)
    assert "exceptions of the month: 1\n    mortgage:land:3: no_account since 2025-03-03" in said
    assert "not published" not in said
    with pytest.raises(ApprovalError, match="stands against no close"):
        pipeline.acknowledge(sold, ["mortgage:land:99"], "Ann", "known")
    pipeline.acknowledge(sold, ["mortgage:land:3"], "Ann", "the broker left")
    with connect(sold) as connection:
        connection.execute(
            "insert into analytics.rpt_completeness (source, stream, facts, unaccounted_facts,"
            " difference) values ('invoca', 'calls', 2, 2, 0)"
        )
    assert "neither booked, held nor explained: " in refused(
        sold, FEBRUARY, "03-05", with_earlier=True
    )
    with connect(sold) as connection:
        connection.execute("delete from analytics.rpt_completeness where source = 'invoca'")
        connection.execute(
            "update landing.load_runs set loaded_at = '2025-02-27' where stream = 'land_deliveries'"
        )
    said = refused(sold, FEBRUARY, "03-05", with_earlier=True)
    found = re.search(r"(source:billing_db/land_deliveries/\w+): last landed 2025-02-27", said)
    assert found
    pipeline.acknowledge(sold, [found[1]], "Ann", "no more of land")
    close(sold, FEBRUARY, "03-05", with_earlier=True)
    assert by_month(sold) == {"2025-01": "80.00", "2025-02": "160.00"}
    assert is_verified(sold, date(2025, 1, 1)) and is_verified(sold, FEBRUARY)
    with pytest.raises(CloseRefusedError, match="closed already for leads"):
        close(sold, FEBRUARY, "03-06")
    (row,) = golden.query(sold, "select distinct checklist from analytics.rpt_period_closes")
    assert "mortgage:land:3: no_account" in row["checklist"]


def test_an_acknowledged_exception_that_changes_is_asked_about_again(sold: Settings) -> None:
    deliver(sold, 3, "02-11", broker="null")
    night(sold, "03-03")
    pipeline.acknowledge(sold, ["mortgage:land:3"], "Ann", "the broker left")
    source(sold, "update land_lead_filter_to_land_lead set delivered_at = null where id = 3")
    night(sold, "03-04")
    assert "mortgage:land:3: no_delivered_at since 2025-03-04" in refused(sold, FEBRUARY, "03-05")


def test_a_second_person_closes(
    sold: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    today = at(sold, "03-05")
    monkeypatch.setattr("orchestration.__main__.read_settings", lambda: today)
    with pytest.raises(ApprovalError, match="Nothing is proposed"):
        pipeline.approve(today, "Bob")
    said = ["close", "202502", "--by", "Ann", "--reason", "its time"]
    assert main(said) == EXIT_HELD
    assert golden.query(sold, "select * from landing.period_closes") == []
    with pytest.raises(ApprovalError, match="ann proposed it"):
        pipeline.approve(today, "ann")
    with pytest.raises(ApprovalError, match="under the database role"):
        pipeline.approve(replace(today, warehouse_is_embedded=False), "Bob")
    assert main(["status"]) == EXIT_OK
    assert "To approve" in capsys.readouterr().out
    assert main(["approve", "--by", "Bob"]) == EXIT_OK
    assert "close 2025-02 of leads" in capsys.readouterr().out
    assert main(["status"]) == EXIT_OK
    assert "Closed through: leads 2025-02" in capsys.readouterr().out
    (row,) = golden.query(
        sold,
        "select closed_by, approved_by, is_declared, reason from analytics.rpt_period_closes",
    )
    assert row == {
        **{"closed_by": "Ann", "approved_by": "Bob"},
        **{"is_declared": "True", "reason": "its time"},
    }
    assert main(["verify", "202502"]) == EXIT_OK
    assert main(["verify", "202501"]) == EXIT_USAGE
    with connect(sold) as connection:
        connection.execute(
            "update analytics.fct_ledger_entries set account_id = 'broker:8'"
            " where entry_key = 'mortgage:land:1'"
        )
    assert main(["verify", "202502"]) == EXIT_FAILED
    assert "changed by hand" in capsys.readouterr().err


def test_on_a_server_the_second_person_has_a_role_of_their_own(sold: Settings) -> None:
    """Bob's role may approve and no more, as docs/operations.md grants it; then Ann closes."""
    grants = (PROJECT / "docs" / "operations.md").read_text()
    _, _, block = grants.partition("```\ngrant usage on schema landing to bob;")
    server = replace(at(sold, "03-05"), warehouse_is_embedded=False)
    with connect(sold) as connection:
        connection.execute("create role bob login password 'of his own'")
        connection.execute("grant usage on schema landing to bob;" + block.partition("```")[0])
    bobs = replace(
        server,
        warehouse=replace(server.warehouse, user="bob", password="of his own", password_file=None),
    )
    try:
        pipeline.close(server, CLOSE, FEBRUARY, (), "Ann", "its time")
        with pytest.raises(ApprovalError, match="under the database role"):
            pipeline.approve(server, "Bob")
        assert "`ledgerhouse close 202502`, given once more" in pipeline.approve(bobs, "Bob")
        assert golden.query(sold, "select * from landing.period_closes") == []
        pipeline.close(server, CLOSE, FEBRUARY, (), "Ann", "its time")
        assert is_verified(sold, FEBRUARY)
        assert golden.query(
            sold, "select approved_by, approved_as, is_declared from landing.period_approvals"
        ) == [{"approved_by": "Bob", "approved_as": "bob", "is_declared": "False"}]
    finally:
        with connect(sold) as connection:
            connection.execute(
                "revoke all on all tables in schema landing from bob;"
                " revoke all on schema landing from bob; drop role bob"
            )


def test_what_is_proposed_must_still_hold_when_it_is_approved(sold: Settings) -> None:
    pipeline.close(at(sold, "03-05"), CLOSE, FEBRUARY, (), "Ann", "its time")
    deliver(sold, 3, "02-11")
    pipeline.sync(at(sold, "03-05 01:00"))
    with pytest.raises(CloseRefusedError, match="landed, and not published"):
        pipeline.approve(at(sold, "03-05 02:00"), "Bob")
    assert golden.query(sold, "select * from landing.period_approvals") == []
    pipeline.build(at(sold, "03-05 03:00"))
    pipeline.approve(at(sold, "03-05 04:00"), "Bob")
    assert by_month(sold) == {"2025-02": "240.00"}
    assert is_verified(sold, FEBRUARY)


def test_nothing_is_known_at_or_before_a_close_that_was_not_then(sold: Settings) -> None:
    close(sold, FEBRUARY, "03-05")
    deliver(sold, 3, "02-11")
    outcomes = pipeline.sync(at(sold, "03-05"), ["billing_db"])
    assert "already landed and built" in (outcomes[0].error or "")
    pipeline.build(at(sold, "03-06"))
    last = golden.query(
        sold, "select max(known_through)::text as through from landing.publications"
    )
    assert last == [{"through": "2025-03-05 00:00:00"}]


@pytest.mark.parametrize(
    ("published", "moment", "is_refused"),
    [
        ("03-03 23:00", "03-04 01:00", True),  # February closes for MSP on 4 March, between both
        ("03-04 01:00", "03-04 02:00", False),
        ("03-02 00:00", "03-03 00:00", False),
        ("02-01 00:00", "03-03 00:00", True),  # January's close lies between
    ],
)
def test_nothing_closes_over_msps_own_close(
    settings: Settings, published: str, moment: str, is_refused: bool
) -> None:
    """SPEC M1: what MSP books at its close is known then, and must have been published."""
    with connect(settings) as connection:
        connection.execute(
            "insert into landing.publications (schema_name, known_through, published_at,"
            " ledger_file) values ('analytics', %s, now(), 1)",
            (f"2025-{published}",),
        )
        connection.execute(
            "insert into landing.load_runs (source, stream, tenant, status, loaded_at, started_at)"
            " values ('codex', 'companies', 'default', 'completed', '2025-01-01', now())"
        )
        closes = datetime.fromisoformat(f"2025-{moment}")
        if is_refused:
            with pytest.raises(CloseRefusedError, match="has closed for msp"):
                closing.refuse_within_msp_close(connection, settings, closes)
        else:
            closing.refuse_within_msp_close(connection, settings, closes)


def test_a_restatement_of_a_closed_month_is_posted_to_an_open_one(
    sold: Settings, edit: Edit
) -> None:
    close(sold, FEBRUARY, "03-05")
    dearer(edit)
    with pytest.raises(PastChangesError):
        night(sold, "03-06")
    pipeline.restate(at(sold, "03-07"), "Ann", "a tenth more", "Bob")
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "16.00"}
    assert is_verified(sold, FEBRUARY)
    assert [row["cause"] for row in golden.query(sold, CORRECTIONS)] == ["rule", "rule"]
    pipeline.build(at(sold, "03-08"), full_refresh=True)
    assert by_month(sold) == {"2025-02": "160.00", "2025-03": "16.00"}


def test_a_killed_close_has_closed_nothing(sold: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_nothing = closing.seal.publish_nothing

    def killed(*arguments: Any) -> None:
        publish_nothing(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(closing.seal, "publish_nothing", killed)
        with pytest.raises(KeyboardInterrupt):
            close(sold, FEBRUARY, "03-05")
    for name in ("period_closes", "period_close_totals", "period_approvals"):
        assert golden.query(sold, f"select * from landing.{name}") == []
    assert by_month(sold) == {"2025-02": "160.00"}
    pipeline.approve(at(sold, "03-05"), "Bob")
    assert is_verified(sold, FEBRUARY)


def accepted_night(settings: Settings, moment: str, held: str) -> None:
    """Run a night that the guard holds, and let it through."""
    with pytest.raises(MovesTooMuchError, match=held):
        night(settings, moment)
    pipeline.accept(at(settings, f"{moment} 01:00"), "Ann", "looked at")


@pytest.mark.all
def test_a_thousand_late_facts_leave_a_closed_month_as_it_is(sold: Settings, edit: Edit) -> None:
    """SPEC L20, L21: late sales, corrections, deletions and a restatement, added up by hand."""
    close(sold, FEBRUARY, "03-05")
    source(
        sold,
        "insert into land_lead_filter_to_land_lead"
        " (id, filter_id, lead_id, mortgage_broker_id, delivered_at)"
        " select id, 1, id, 7 + id % 5, timestamp '2025-02-01' + id * interval '30 minutes'"
        " from generate_series(100, 1099) as id",
    )
    accepted_night(sold, "03-06", "mortgage_lead moves by 80,000.00 of 160.00 USD")
    source(
        sold,
        "insert into product_price (id, product, price, effective_at)"
        " values (2, 'land', 90, '2025-02-10')",
    )
    source(
        sold,
        "update land_lead_filter_to_land_lead set mortgage_broker_id = 6 where id % 7 = 0",
    )
    accepted_night(sold, "03-07", "mortgage_lead moves by")
    source(sold, "delete from land_lead_filter_to_land_lead where id % 10 = 0")
    accepted_night(sold, "03-08", "mortgage_lead moves by")
    dearer(edit)
    pipeline.restate(at(sold, "03-09"), "Ann", "a tenth more", "Bob")
    assert by_month(sold)["2025-02"] == "160.00"
    assert is_verified(sold, FEBRUARY)
    entries = golden.query(
        sold,
        "select *, to_char(posting_month, 'YYYY-MM') as month from analytics.fct_ledger_postings",
    )
    late = [row for row in entries if row["recorded_at"] > "2025-03-05"]
    assert {row["month"] for row in late} == {"2025-03"}
    assert len({row["entry_key"] for row in late}) >= 1000
    # By hand: what stands after each moment, by key; all but the first booking is a correction.
    stands: dict[str, Decimal] = {}
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for moment in sorted({row["recorded_at"] for row in entries}):
        now = [row for row in entries if row["recorded_at"] == moment]
        for key in {row["entry_key"] for row in now}:
            change = sum(Decimal(row["amount"]) for row in now if row["entry_key"] == key)
            if key in stands:
                moved[moment] += change
            stands[key] = stands.get(key, Decimal(0)) + change
    corrections = golden.query(
        sold,
        "select recorded_at, sum(moved_amount)::text as moved from analytics.rpt_corrections"
        " group by 1",
    )
    assert {row["recorded_at"]: Decimal(row["moved"]) for row in corrections} == moved
    assert sum(stands.values()) == sum(Decimal(row["amount"]) for row in entries)
    causes = golden.query(
        sold,
        "select recorded_at::date::text as day, cause, count(*)::int as count"
        " from analytics.rpt_corrections group by 1, 2 order by 1, 2",
    )
    assert [(row["day"][5:], row["cause"]) for row in causes] == [
        *(("03-07", "price"), ("03-07", "source_row")),
        *(("03-08", "deletion"), ("03-09", "rule")),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_posting_months_are_as_read_from_the_facts(settings: Settings, seed: int) -> None:
    """Random closes and reopenings; where each entry is posted is found by walking the months."""
    dice = random.Random(seed)
    first = datetime(2025, 6, 1)
    moments = [first + timedelta(hours=number) for number in range(60)]
    spans: list[tuple[int, datetime, datetime | None]] = []  # month, closed_at, reopened_at
    for moment in dice.sample(moments, 20):
        month = dice.randint(2, 6)
        if any(
            other == month and begin <= moment and (not end or moment <= end)
            for other, begin, end in spans
        ):
            continue
        later = [begin for other, begin, _ in spans if other == month and begin > moment]
        end = (
            moment + timedelta(hours=dice.randint(1, 30)) if later or dice.random() < 0.6 else None
        )
        if not later or (end and end < min(later)):
            spans.append((month, moment, end))
    with connect(settings) as connection:
        for number, (month, begin, end) in enumerate(spans):
            connection.execute(
                "insert into landing.period_closes (target, schema_name, business_unit,"
                " period_month, known_through, closed_at, entries, figures_hash, rule_hash,"
                " checklist, proposal_id) values ('postgres', 'analytics', 'leads', %s, %s, %s,"
                " 0, 0, '', '', %s)",
                (date(2025, month, 1), begin, begin, number),
            )
            if end:
                connection.execute(
                    "insert into landing.period_reopens select max(close_id), %s, 0"
                    " from landing.period_closes",
                    (end,),
                )
    first_month = min(month for month, *_ in spans)

    def is_closed(month: int, moment: datetime) -> bool:
        return any(
            max(month, first_month) == other and begin < moment and (not end or moment <= end)
            for other, begin, end in spans
        )

    expected = {}
    for number in range(200):
        month, moment = dice.randint(1, 8), dice.choice(moments)
        book(settings, number=number, day=f"2025-{month:02}-15", known_at=f"{moment}")
        if is_closed(month, moment):
            month = max(month, first_month)
            while is_closed(month, moment):
                month += 1
        expected[f"mortgage:land:{number}"] = f"2025-{month:02}-01"
    found = golden.query(
        settings,
        "select entry_key, posting_month::text as month from marts.fct_ledger_postings",
    )
    assert {row["entry_key"]: row["month"] for row in found} == expected
    assert len(found) == 200


def test_the_queries_of_the_docs_can_be_asked(sold: Settings) -> None:
    blocks = re.findall(r"```sql\n(.*?)```", (PROJECT / "docs/corrections.md").read_text(), re.S)
    queries = [query for block in blocks for query in block.split(";") if query.strip()]
    assert len(queries) == 4
    for query in queries:
        golden.query(sold, query)
