"""The boberdoo loader against the simulated portal and its bad habits."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ingestion.loads import Load, LoadFailed
from ingestion.sandbox.boberdoo import KEY, Boberdoo, envelope
from ingestion.sandbox.server import Answer, Request, Sandbox
from ingestion.settings import Settings
from ingestion.sources import boberdoo
from ingestion.sources.boberdoo_account import Boberdoo as Account
from ingestion.sources.dispositions_account import Dispositions
from ingestion.warehouse import connect
from tests.python import golden
from tests.python.vendors import (
    HALF_JSON,
    HTML_PAGE,
    STAYS_DOWN,
    cursors,
    last_error,
    live,
    quarantined,
    quick,
    sync,
    versions,
)

HARBOR = {"partner_id": "207", "partner_name": "Harbor Point Lending", "filter_set_id": "1551"}
CEDAR = {"partner_id": "231", "partner_name": "Cedar Mutual", "filter_set_id": "1600"}


@pytest.fixture
def portal() -> Boberdoo:
    """A portal with ten leads, each sold once."""
    portal = Boberdoo(partners=[HARBOR, CEDAR], filter_sets=[{"filter_set_id": "1551"}])
    for number in range(100, 110):
        add_lead(portal, number, "2026-07-14 10:58:12", HARBOR)
        portal.transactions.append(purchase(number, "2026-07-14 10:58:13"))
    return portal


@pytest.fixture
def sandbox(portal: Boberdoo) -> Iterator[Sandbox]:
    with Sandbox({"boberdoo": portal}) as server:
        yield server


@pytest.fixture
def account(server: Settings, sandbox: Sandbox) -> Settings:
    portal = Account(
        sandbox.url("boberdoo"),
        canary_lead_id="100",
        lead_types=("33",),
        key=KEY,
        history_days=45,
        transaction_days=7,
    )
    return quick(server, boberdoo=portal)


def add_lead(portal: Boberdoo, number: int, date: str, *buyers: dict[str, str]) -> dict[str, Any]:
    lead = {
        "lead_id": str(number),
        "lead_type": "33",
        "lead_date": date,
        "lead_status": "Matched" if buyers else "Unmatched",
        "lead_data": {"src": "blueheron_refi", "phone": "4045550142", "email": ""},
        "matched_partners": list(buyers),
    }
    portal.leads[str(number)] = lead
    return lead


def purchase(lead: int, date: str, amount: str = "48.00", **change: str) -> dict[str, str]:
    row = {
        "transaction_id": f"T{lead}",
        "transaction_date": date,
        "transaction_type": "Purchase",
        **HARBOR,
        "lead_type": "33",
        "lead_id": str(lead),
        "amount": amount,
    }
    return row | change


def test_everything_lands_once_and_again_nothing(account: Settings, portal: Boberdoo) -> None:
    portal.refunds.append(
        {
            "lead_id": "100",
            "partner_id": "207",
            "refund_date": "2026-07-14 12:00:00",
            "refund_amount": "8.00",
        }
    )
    portal.crm_statuses["100", "207"] = {"crm_lead_status": "Closed", "revenue": "4200.00"}
    counts = {load.stream.name: load.counts.created for load in sync(boberdoo, account)}
    assert counts == {
        "partners": 2,
        "filter_sets": 1,
        "leads": 10,
        "lead_partners": 10,
        "transactions": 10,
        "refunds": 1,
        "crm_statuses": 10,
    }
    again = sync(boberdoo, account, day=1)
    assert all(load.counts.received == load.counts.unchanged for load in again)
    assert all(load.counts.api_calls for load in again)


def test_one_shape_whether_object_or_array(account: Settings, portal: Boberdoo) -> None:
    add_lead(portal, 110, "2026-07-14 11:00:00", HARBOR, CEDAR)
    add_lead(portal, 111, "2026-07-14 11:00:00")
    sync(boberdoo, account)
    leads = live(account, "boberdoo__leads").values()
    assert {type(lead["lead_data"]) for lead in leads} == {dict}
    assert {lead["lead_data"]["src"] for lead in leads} == {"blueheron_refi"}
    buyers = live(account, "boberdoo__lead_partners")
    assert {key: row["partner_id"] for key, row in buyers.items() if key > "109:1"} == {
        "110:1": "207",
        "110:2": "231",
    }


def test_new_leads_by_cursor_and_changed_ones_by_the_trailing_scan(
    account: Settings, portal: Boberdoo
) -> None:
    old = add_lead(portal, 50, "2026-06-01 09:00:00", HARBOR)
    sync(boberdoo, account)
    assert cursors(account)["leads"] == '{"33": 109}'
    old["lead_status"] = portal.leads["105"]["lead_status"] = "Review"
    portal.leads["106"]["matched_partners"] = []
    add_lead(portal, 90, "2026-07-14 23:59:59")  # below the cursor: the portal was late with it
    add_lead(portal, 112, "2026-07-15 08:00:00")
    sync(boberdoo, account, day=1)
    leads = live(account, "boberdoo__leads")
    assert leads["105"]["lead_status"] == "Review"
    assert leads["50"]["lead_status"] == "Matched"  # older than the scan: the ledger knows better
    assert {"90", "112"} <= leads.keys()
    assert "106:1" not in live(account, "boberdoo__lead_partners")
    assert cursors(account)["leads"] == '{"33": 112}'
    sync(boberdoo, account, day=2, full=True)
    assert live(account, "boberdoo__leads")["50"]["lead_status"] == "Review"


def test_each_lead_type_has_its_own_cursor(account: Settings, portal: Boberdoo) -> None:
    account = replace(account, boberdoo=replace(account.boberdoo, lead_types=("33", "34")))
    add_lead(portal, 104, "2026-07-14 10:00:00")["lead_type"] = "34"
    sync(boberdoo, account)
    assert cursors(account)["leads"] == '{"33": 109, "34": 104}'
    add_lead(portal, 105, "2026-01-01 10:00:00")["lead_type"] = "34"
    sync(boberdoo, account, day=1)
    assert live(account, "boberdoo__leads")["105"]["lead_type"] == "34"


def test_pages_that_drift_lose_nothing(
    account: Settings, portal: Boberdoo, sandbox: Sandbox
) -> None:
    for number in range(200, 450):
        add_lead(portal, number, "2026-07-14 12:00:00")

    def drifting(request: Request) -> Answer:
        answer = portal(request)
        if request.form().get("Last_Lead_ID") == "190":
            portal.leads.pop("300", None)
            add_lead(portal, 150, "2026-07-14 12:00:00")
        return answer

    add_lead(portal, 190, "2026-07-14 12:00:00")
    sandbox.vendors["boberdoo"] = drifting
    sync(boberdoo, account)
    sandbox.vendors["boberdoo"] = portal
    sync(boberdoo, account, day=1)
    assert portal.leads.keys() <= live(account, "boberdoo__leads").keys()


def test_unsale_is_absence_from_the_window_and_only_there(
    account: Settings, portal: Boberdoo
) -> None:
    account = replace(account, boberdoo=replace(account.boberdoo, transaction_days=1))
    before, first = purchase(1, "2026-07-14 23:59:59"), purchase(2, "2026-07-15 00:00:00")
    others = [purchase(number, "2026-07-15 00:00:01") for number in range(200, 210)]
    portal.transactions += [before, first, *others]
    sync(boberdoo, account)
    portal.transactions = others
    sync(boberdoo, account, day=1)  # its window begins at 2026-07-15 00:00:00
    assert live(account, "boberdoo__transactions").keys() & {"T1", "T2"} == {"T1"}
    portal.transactions = [first, *others]
    account = replace(account, boberdoo=replace(account.boberdoo, transaction_days=2))
    sync(boberdoo, account, day=2)
    assert live(account, "boberdoo__transactions").keys() & {"T1", "T2"} == {"T1", "T2"}


def test_rows_before_the_window_stay(account: Settings, portal: Boberdoo) -> None:
    account = replace(account, boberdoo=replace(account.boberdoo, transaction_days=1))
    sync(boberdoo, account)
    portal.transactions = [purchase(500, "2026-07-16 10:00:00")]
    sync(boberdoo, account, day=1)
    sync(boberdoo, account, day=3)
    assert len(live(account, "boberdoo__transactions")) == 11


def test_after_a_pause_the_window_reaches_back_to_the_last_landing(
    account: Settings, portal: Boberdoo
) -> None:
    account = replace(account, boberdoo=replace(account.boberdoo, transaction_days=1))
    sync(boberdoo, account)
    portal.transactions.append(purchase(600, "2026-07-16 10:00:00"))
    sync(boberdoo, account, day=20)
    assert "T600" in live(account, "boberdoo__transactions")


def test_rows_without_id_are_numbered_by_amount(account: Settings, portal: Boberdoo) -> None:
    for row in portal.transactions:
        del row["transaction_id"]
    portal.transactions.append(purchase(100, "2026-07-14 10:58:13", "12.00", transaction_id=""))
    sync(boberdoo, account)
    key = "100:207:purchase:20260714T105813Z"
    amounts = {name: row["amount"] for name, row in live(account, "boberdoo__transactions").items()}
    assert (amounts[f"{key}:1"], amounts[f"{key}:2"]) == ("12.00", "48.00")
    portal.transactions[0]["amount"] = "50.00"
    loads = {load.stream.name: load.counts for load in sync(boberdoo, account, day=1)}
    assert (loads["transactions"].updated, loads["transactions"].deleted) == (1, 0)


def test_what_has_no_key_is_quarantined_and_an_unreadable_time_is_kept(
    account: Settings, portal: Boberdoo, sandbox: Sandbox
) -> None:
    rows = [*portal.transactions, purchase(1, "yesterday"), {"amount": "5.00"}, "nonsense"]
    account = replace(
        account, boberdoo=replace(account.boberdoo, history_days=3, transaction_days=3)
    )
    sandbox.fail("getTransactionDetails", Answer(envelope("transaction", rows)))
    loads = {load.stream.name: load for load in sync(boberdoo, account)}
    assert loads["transactions"].status == "partial"
    assert loads["transactions"].counts.quarantined == 2
    assert live(account, "boberdoo__transactions")["T1"]["transaction_date"] == "yesterday"


def test_listings_lose_rows_near_midnight_and_the_loader_does_not(
    account: Settings, portal: Boberdoo
) -> None:
    account = replace(account, boberdoo=replace(account.boberdoo, transaction_days=1, lead_days=1))
    sync(boberdoo, account)
    portal.transactions.append(purchase(700, "2026-07-15 00:10:00"))
    add_lead(portal, 95, "2026-07-15 00:10:00")
    sync(boberdoo, account, day=1)
    assert "T700" in live(account, "boberdoo__transactions")
    assert "95" in live(account, "boberdoo__leads")


def test_a_lead_of_unknown_shape_does_not_hold_up_the_others(
    account: Settings, sandbox: Sandbox, portal: Boberdoo
) -> None:
    odd = {"lead_id": "109", "matched_partners": "N/A"}
    plain = {"lead_id": "108", "lead_data": "", "matched_partners": {"partner": HARBOR}}
    sandbox.fail("Last_Lead_ID=0", Answer(envelope("lead", [plain, odd])))
    portal.leads = {"100": portal.leads["100"]}
    loads = {load.stream.name: load.counts for load in sync(boberdoo, account)}
    assert (loads["leads"].created, loads["leads"].quarantined) == (1, 1)
    assert loads["lead_partners"].created == 1
    assert quarantined(account) == ["boberdoo: a list of partner has an unknown shape"]
    assert cursors(account)["leads"] == '{"33": 109}'


def old_lead(portal: Boberdoo, number: int = 50) -> dict[str, Any]:
    """Add a lead of 1 June, six weeks older than what is listed by date."""
    return add_lead(portal, number, "2026-06-01 09:00:00")


def sell(portal: Boberdoo, lead: dict[str, Any], date: str, reference: str) -> dict[str, str]:
    """Sell a lead to Harbor, who will report by this reference."""
    lead["matched_partners"] = [HARBOR | {"buyer_lead_ref": reference}]
    portal.transactions.append(purchase(int(lead["lead_id"]), date))
    return portal.transactions[-1]


@pytest.fixture
def default(account: Settings) -> Settings:
    """The account with the days that users get."""
    portal = account.boberdoo
    return replace(
        account, boberdoo=Account(portal.base_url, portal.canary_lead_id, ("33",), portal.key)
    )


def references(settings: Settings) -> dict[str, str]:
    buyers = live(settings, "boberdoo__lead_partners").values()
    return {row["lead_id"]: row["buyer_lead_ref"] for row in buyers if "buyer_lead_ref" in row}


def test_an_old_lead_that_is_sold_is_read_again_with_its_buyers(
    default: Settings, portal: Boberdoo, sandbox: Sandbox
) -> None:
    """SPEC D7: who buys a lead of June in July reports by a reference of July."""
    lead = old_lead(portal)
    sync(boberdoo, default)
    sell(portal, lead, "2026-07-15 10:00:00", "R1")
    lead["lead_data"] = lead["lead_data"] | {"call_id": "C-1"}  # SPEC D10
    sync(boberdoo, default, day=1)
    assert references(default) == {"50": "R1"}
    assert live(default, "boberdoo__leads")["50"]["lead_data"]["call_id"] == "C-1"


def test_a_sale_that_is_booked_late_or_undone_late_is_followed(
    default: Settings, portal: Boberdoo
) -> None:
    """A transaction of weeks ago appears, then goes: no listing by date shows its lead."""
    first, second = old_lead(portal), old_lead(portal, 51)
    add_lead(portal, 52, "2026-06-01 09:00:00", HARBOR)
    sell(portal, second, "2026-05-20 10:00:00", "R2")
    sync(boberdoo, default)
    late = sell(portal, first, "2026-05-20 11:00:00", "R1")
    sync(boberdoo, default, day=1)
    assert references(default) == {"50": "R1", "51": "R2"}
    portal.transactions.remove(late)
    first["matched_partners"] = []
    sync(boberdoo, default, day=2)
    assert references(default) == {"51": "R2"}


def test_what_no_transaction_tells_is_seen_within_a_fortnight(
    default: Settings, portal: Boberdoo
) -> None:
    lead = old_lead(portal)
    sell(portal, lead, "2026-05-20 10:00:00", "")
    sync(boberdoo, default)
    lead["matched_partners"][0]["buyer_lead_ref"] = "R1"
    for day in range(1, 14):
        sync(boberdoo, default, day)
    assert references(default) == {"50": "R1"}


def test_an_upgrade_reads_the_leads_of_the_whole_window_once(
    default: Settings, portal: Boberdoo
) -> None:
    """A warehouse filled by an older version never read the buyers of old leads."""
    lead = old_lead(portal)
    sync(boberdoo, default)
    sell(portal, lead, "2026-05-20 10:00:00", "R1")
    with connect(default) as connection:
        # The transaction is landed, its lead was not asked for, and no cursor tells of buyers.
        connection.execute(
            "insert into landing.boberdoo__transactions select tenant, 'T50', %s::jsonb,"
            " md5((%s::jsonb)::text), false, loaded_at, load_id"
            " from landing.boberdoo__transactions limit 1",
            [simplejson.dumps({"transaction_key": "T50"} | portal.transactions[-1])] * 2,
        )
        connection.execute(
            "update landing.load_runs set cursor_after = null where stream like '%_par%'"
        )
        connection.commit()
    sync(boberdoo, default, day=1)
    assert references(default) == {"50": "R1"}


def test_a_lead_without_an_answer_is_owed_and_holds_up_nobody(
    default: Settings, portal: Boberdoo, sandbox: Sandbox
) -> None:
    """SPEC R7a: children that cannot be had are asked for again until they are."""
    leads = [old_lead(portal, number) for number in range(50, 56)]
    sync(boberdoo, default)
    for lead in leads:
        sell(portal, lead, "2026-05-20 10:00:00", f"R{lead['lead_id']}")
    refusal = Answer({"response": {"errors": {"error": "internal error"}}})
    for number in (50, 51, 52):
        sandbox.fail(f"Lead_ID={number}", refusal, refusal)
    loads = {load.stream.name: load for load in sync(boberdoo, default, day=1)}
    assert loads["leads"].status == "partial"
    assert references(default) == {}
    sync(boberdoo, default, day=2)  # those that were not asked come first
    assert references(default).keys() == {"53", "54", "55"}
    sync(boberdoo, default, day=3)
    assert references(default).keys() == {"50", "51", "52", "53", "54", "55"}
    sandbox.requests.clear()
    sync(boberdoo, default, day=4)
    assert not any(b"Lead_ID=5" in request.body for request in sandbox.requests)


BOUNDARIES = ["transactions", "lead_partners", "leads"]


@pytest.mark.parametrize("stream", BOUNDARIES)
def test_a_night_killed_between_two_streams_loses_no_buyer(
    default: Settings, portal: Boberdoo, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    lead = old_lead(portal)
    sync(boberdoo, default)
    sell(portal, lead, "2026-05-20 10:00:00", "R1")
    completed = Load.complete

    def complete(load: Load, **arguments: Any) -> None:
        if load.stream.name == stream:
            raise KeyboardInterrupt
        completed(load, **arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Load, "complete", complete)
        with pytest.raises(KeyboardInterrupt):
            sync(boberdoo, default, day=1)
    sync(boberdoo, default, day=2)
    assert references(default) == {"50": "R1"}
    assert "T50" in live(default, "boberdoo__transactions")


def test_a_quiet_night_asks_no_more_with_a_year_than_with_a_month(
    default: Settings, portal: Boberdoo, sandbox: Sandbox
) -> None:
    """Its cost follows what is new (SPEC L9)."""
    asked = []
    for _ in range(2):
        sync(boberdoo, default, day=len(asked) * 13)
        sandbox.requests.clear()
        sync(boberdoo, default, day=len(asked) * 13 + 1)
        asked.append(sum(b"getLeadDetails" in request.body for request in sandbox.requests))
        for number in range(1_000, 2_000):
            add_lead(portal, number, "2026-03-01 10:00:00")
            portal.transactions.append(purchase(number, "2026-04-20 10:00:00"))
    assert asked[1] <= asked[0] + 1


def test_one_unreadable_row_is_no_unsale(
    default: Settings, portal: Boberdoo, sandbox: Sandbox
) -> None:
    """SPEC R9b, R3: what came but could not be read is not gone, nor is what it may have been."""
    sync(boberdoo, default)
    rows = simplejson.dumps(portal.transactions[1:])
    for bad in ('{"transaction_id": "T100", "lead_id": "100", "amount": NaN}', '{"amount": [1]}'):
        body = f'{{"response": {{"transactions": {{"transaction": [{bad}, {rows[1:]}}}}}}}'
        default = replace(default, boberdoo=replace(default.boberdoo, transaction_days=3))
        sandbox.fail("getTransactionDetails", Answer(body.encode()))
        day = 1 + len(quarantined(default))
        loads = {load.stream.name: load.counts for load in sync(boberdoo, default, day=day)}
        assert (loads["transactions"].quarantined, loads["transactions"].deleted) == (1, 0)
        assert len(live(default, "boberdoo__transactions")) == 10


CPA = "partner_id,filter_set_id,deal_type,rate_basis,rate,min_seconds,expected_conversion_rate,"


def test_a_conversion_of_an_old_lead_is_booked_by_its_buyers_reference(
    settings: Settings, portal: Boberdoo, sandbox: Sandbox, tmp_path: Path
) -> None:
    """SPEC D4, D7: a lead of 1 June, sold on 2 July on CPA terms for 100.00, "Sold" by reference.

    By hand: the sale at its symbolic 1.00 on 2 July, the conversion at 100.00 on 10 July.
    """
    seeds, drop = tmp_path / "seeds", tmp_path / "drop"
    seeds.mkdir()
    drop.mkdir()
    (seeds / "deal_terms.csv").write_text(
        f"{CPA}effective_from,effective_to\n202,,cpa,per_sale,100,,,2025-01-01,\n"
    )
    portal.transactions.clear()
    lead = add_lead(portal, 1001, "2026-06-01 09:00:00")
    account = replace(
        settings,
        seeds_directory=seeds,
        requests_per_minute=600_000,
        boberdoo=Account(sandbox.url("boberdoo"), "100", ("33",), KEY),
        dispositions=Dispositions(drop, None),
    )
    for night in ("2026-06-02", "2026-07-03", "2026-07-11"):
        if night == "2026-07-03":
            lead["matched_partners"] = [
                {"partner_id": "202", "partner_name": "R", "buyer_lead_ref": "R202-1"}
            ]
            portal.transactions.append(
                purchase(1001, "2026-07-02 10:00:00", "1.00", partner_id="202", filter_set_id="")
            )
        if night == "2026-07-11":
            (drop / "202_july.csv").write_text(
                "buyer_lead_ref,status,status_date\nR202-1,9 - Closed,2026-07-10\n"
            )
        now = datetime.fromisoformat(f"{night} 00:05")
        golden.night(account, now, ("seeds", "boberdoo", "dispositions"), golden.LEADS_AND_CALLS)
    entries = golden.query(
        settings,
        "select amount, cast(occurred_at as date) as day, component"
        " from marts.fct_ledger_entries order by occurred_at",
    )
    assert [tuple(entry.values()) for entry in entries] == [
        ("1.00", "2026-07-02", "sale"),
        ("100.00", "2026-07-10", "conversion"),
    ]


UNUSABLE = {
    "an error page": [HTML_PAGE],
    "half a page": [HALF_JSON],
    "no envelope": [Answer({"leads": []})],
    "another list": [Answer({"response": {"other": ""}})],
    "an unknown shape": [Answer({"response": {"leads": {"row": 1}, "transactions": {"row": 1}}})],
    "an error": [Answer({"response": {"errors": {"error": "Permission denied"}}})],
    "another error": [Answer({"response": {"error": {"error": "Permission denied"}}})],
    "an outage": STAYS_DOWN,
}


@pytest.mark.parametrize("action", ["getLeadDetails", "getTransactionDetails"])
@pytest.mark.parametrize("answers", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_answer_deletes_nothing_and_moves_no_cursor(
    account: Settings, sandbox: Sandbox, portal: Boberdoo, action: str, answers: list[Answer]
) -> None:
    sync(boberdoo, account)
    before = cursors(account)
    add_lead(portal, 900, "2026-07-15 09:00:00", HARBOR)
    sandbox.fail(action, *answers)
    with pytest.raises(LoadFailed, match="boberdoo"):
        sync(boberdoo, account, day=1)
    assert len(live(account, "boberdoo__leads")) == (10 if action == "getLeadDetails" else 11)
    assert len(live(account, "boberdoo__transactions")) == 10
    assert cursors(account)["transactions"] == before["transactions"]
    sync(boberdoo, account, day=2)
    assert len(live(account, "boberdoo__leads")) == 11


def test_a_rejected_key_is_told_from_an_empty_portal(account: Settings, portal: Boberdoo) -> None:
    sync(boberdoo, account)
    before = cursors(account)
    portal.key = "rotated"
    with pytest.raises(LoadFailed, match="not even lead 100 is found"):
        sync(boberdoo, account, day=1)
    assert cursors(account) == before
    assert KEY not in last_error(account)


def test_an_empty_ledger_is_refused_even_with_a_good_key(
    account: Settings, portal: Boberdoo
) -> None:
    sync(boberdoo, account)
    before, portal.transactions = cursors(account), []
    with pytest.raises(LoadFailed, match="An empty answer proves nothing"):
        sync(boberdoo, account, day=1)
    assert len(live(account, "boberdoo__transactions")) == 10
    assert cursors(account)["transactions"] == before["transactions"]


def test_half_of_the_ledger_is_refused(account: Settings, portal: Boberdoo) -> None:
    sync(boberdoo, account)
    portal.transactions = portal.transactions[:5]
    with pytest.raises(LoadFailed, match="5 of 10 live rows are missing"):
        sync(boberdoo, account, day=1)
    assert versions(account, "boberdoo__transactions") == 10


def test_throttling_and_outages_are_waited_for(account: Settings, sandbox: Sandbox) -> None:
    sandbox.fail(
        "getTransactionDetails",
        Answer(b"", status=429, headers={"Retry-After": "1"}),
        Answer(b"", status=429),
        Answer(b"", status=500),
    )
    started = time.monotonic()
    sync(boberdoo, account)
    assert time.monotonic() - started >= 1
    assert len(live(account, "boberdoo__transactions")) == 10


def test_the_key_is_in_the_body_only(account: Settings, sandbox: Sandbox) -> None:
    sync(boberdoo, account)
    assert all(KEY.encode() in request.body for request in sandbox.requests)
    assert not any(KEY in str((request.path, request.query)) for request in sandbox.requests)


def test_crm_statuses_are_a_history_per_lead_and_buyer(account: Settings, portal: Boberdoo) -> None:
    portal.leads["100"]["matched_partners"].append(CEDAR)
    for status in ("Working", "Closed"):
        portal.crm_statuses["100", "231"] = {"crm_lead_status": status, "revenue": "4200.00"}
        sync(boberdoo, account, day=1 if status == "Closed" else 0)
    statuses = live(account, "boberdoo__crm_statuses")
    assert statuses["100:207"]["crm_lead_status"] == "New"
    assert statuses["100:231"]["crm_lead_status"] == "Closed"
    assert versions(account, "boberdoo__crm_statuses") == 12


def test_golden_days_play_on_the_portal(account: Settings, portal: Boberdoo) -> None:
    scenario = golden.GOLDEN / "deals/worked/08_unsale"
    days = simplejson.loads((scenario / "scenario.json").read_text())["days"]
    portal.leads, portal.transactions = {}, []
    seen = []
    for number, day in enumerate(days):
        portal.load_day(scenario / f"day_{day['day']:02}", day["transactions_window"])
        sync(boberdoo, account, number)
        seen.append("T103" in live(account, "boberdoo__transactions"))
    assert seen == [True, False, True]
    assert live(account, "boberdoo__leads").keys() == {"100", "101", "102", "103", "104", "105"}
