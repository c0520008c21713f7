"""The Invoca loader against the simulated network: late corrections, drifting pages, outages."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ingestion.loads import LoadFailed
from ingestion.sandbox.invoca import NETWORK_ID, TOKEN, Invoca
from ingestion.sandbox.server import Answer, Request, Sandbox
from ingestion.settings import Settings
from ingestion.sources import invoca
from ingestion.sources.invoca_account import Invoca as Account
from tests.python.vendors import HTML_PAGE, STAYS_DOWN, cursors, last_error, live, quick, sync

JULY_14 = 1_784_041_351_000  # 2026-07-14 15:02:31 UTC
DAY = 86_400_000


@pytest.fixture
def network() -> Invoca:
    """A network with seven calls of 2026-07-14."""
    return Invoca(rows=[call(number) for number in range(7)])


@pytest.fixture
def sandbox(network: Invoca) -> Iterator[Sandbox]:
    with Sandbox({"invoca": network}) as server:
        yield server


@pytest.fixture
def account(server: Settings, sandbox: Sandbox) -> Settings:
    """Three rows a page, so that seven rows are three pages and the empty one."""
    return quick(server, invoca=Account(sandbox.url("invoca"), NETWORK_ID, TOKEN, page_size=3))


def call(number: int, started: int = JULY_14, **change: Any) -> dict[str, Any]:
    row = {
        "transaction_id": f"C{number:05}",
        "transaction_type": "Call",
        "complete_call_id": f"A{number:05}",
        "corrects_transaction_id": "",
        "corrected_at": "",
        "start_time_utc": started,
        "connect_duration": 377,
        "advertiser_payin_localized": "$65.00",
        "dynamic_number_pool_referrer_param1_name": "lead_id",
        "dynamic_number_pool_referrer_param1_value": "8842017",
        "lead_ids": "8842017,8842018",
        "recording": "https://example.invoca.net/call/recording/placeholder",
    }
    return row | change


def test_all_rows_land_once_page_by_page(account: Settings, network: Invoca) -> None:
    network.rows.append(call(7, transaction_type="Signal"))
    (load,) = sync(invoca, account)
    assert (load.counts.created, load.counts.api_calls) == (8, 4)
    assert cursors(account) == {"transactions": "C00007"}
    (again,) = sync(invoca, account, day=1)
    assert again.counts.unchanged == again.counts.received == 8


def test_columns_are_pinned(account: Settings, sandbox: Sandbox) -> None:
    sync(invoca, account)
    row = live(account, "invoca__transactions")["C00000"]
    assert row["dynamic_number_pool_referrer_param1_value"] == "8842017"
    assert row["lead_ids"] == "8842017,8842018"
    assert "recording" not in row
    assert row["start_time_utc"] == JULY_14


def test_a_late_correction_of_an_old_call_is_a_row_of_its_own(
    account: Settings, network: Invoca
) -> None:
    network.rows.insert(0, call(99, started=JULY_14 - 200 * DAY))
    sync(invoca, account)
    network.rows.append(
        call(
            100,
            started=JULY_14 - 200 * DAY,
            complete_call_id="A00099",
            corrects_transaction_id="C00099",
            corrected_at="2026-07-15T09:00:00-04:00",
            advertiser_payin_localized="$0.00",
        )
    )
    sync(invoca, account, day=1)
    rows = live(account, "invoca__transactions")
    assert rows["C00099"]["advertiser_payin_localized"] == "$65.00"
    assert rows["C00100"]["corrects_transaction_id"] == "C00099"
    assert cursors(account) == {"transactions": "C00100"}


def test_the_trailing_scan_finds_what_changed_or_came_out_of_order(
    account: Settings, network: Invoca, sandbox: Sandbox
) -> None:
    sync(invoca, account)
    network.rows[2]["connect_duration"] = 12
    network.rows.insert(3, call(50))
    (load,) = sync(invoca, account, day=1)
    assert (load.counts.created, load.counts.updated) == (1, 1)
    assert live(account, "invoca__transactions")["C00002"]["connect_duration"] == 12
    dated = [request.query for request in sandbox.requests if "from" in request.query]
    assert {(query["from"], query["to"]) for query in dated} == {("2026-07-09", "2026-07-17")}
    assert cursors(account) == {"transactions": "C00006"}


def test_pages_that_drift_lose_nothing(
    account: Settings, network: Invoca, sandbox: Sandbox
) -> None:
    def drifting(request: Request) -> Answer:
        answer = network(request)
        if request.query.get("start_after_transaction_id") == "C00002":
            network.rows.append(call(80))
            network.rows.insert(0, call(81))
        return answer

    sandbox.vendors["invoca"] = drifting
    sync(invoca, account)
    sandbox.vendors["invoca"] = network
    sync(invoca, account, day=1)
    assert live(account, "invoca__transactions").keys() == {
        row["transaction_id"] for row in network.rows
    }


def test_a_row_without_id_is_quarantined_and_the_rest_goes_on(
    account: Settings, network: Invoca
) -> None:
    network.rows.insert(1, call(0, transaction_id=""))
    (load,) = sync(invoca, account)
    assert (load.status, load.counts.created, load.counts.quarantined) == ("partial", 7, 1)


def test_full_reads_from_the_oldest(account: Settings, network: Invoca) -> None:
    network.rows.insert(0, call(99, started=JULY_14 - 200 * DAY))
    sync(invoca, account)
    network.rows[0]["connect_duration"] = 1
    sync(invoca, account, day=1)
    assert live(account, "invoca__transactions")["C00099"]["connect_duration"] == 377
    sync(invoca, account, day=2, full=True)
    assert live(account, "invoca__transactions")["C00099"]["connect_duration"] == 1


UNUSABLE = {
    "an error page": [HTML_PAGE],
    "half a page": [Answer(b'[{"transaction_id": "C00007", "transac')],
    "no array": [Answer({"errors": {"class": "RecordNotFound"}})],
    "an outage": STAYS_DOWN,
    "a page without ids": [Answer([{"transaction_id": ""}])],
    "the last page again": [Answer([call(6)])],
}


@pytest.mark.parametrize("answers", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_answer_deletes_nothing_and_moves_no_cursor(
    account: Settings, network: Invoca, sandbox: Sandbox, answers: list[Answer]
) -> None:
    sync(invoca, account)
    before = cursors(account)
    network.rows += [call(number) for number in range(7, 12)]
    sandbox.fail("transactions", *answers)
    with pytest.raises(LoadFailed, match=r"invoca\.transactions"):
        sync(invoca, account, day=1)
    assert len(live(account, "invoca__transactions")) == 7
    assert cursors(account) == before
    sync(invoca, account, day=2)
    assert len(live(account, "invoca__transactions")) == 12


def test_an_empty_answer_deletes_nothing_and_moves_no_cursor(
    account: Settings, network: Invoca
) -> None:
    sync(invoca, account)
    before, network.rows = cursors(account), []
    sync(invoca, account, day=1)
    assert len(live(account, "invoca__transactions")) == 7
    assert cursors(account) == before


def test_half_way_through_the_pages_nothing_is_kept(account: Settings, sandbox: Sandbox) -> None:
    sandbox.fail("transactions", *[Answer([call(number)]) for number in range(3)], HTML_PAGE)
    with pytest.raises(LoadFailed, match="no JSON"):
        sync(invoca, account)
    assert cursors(account) == {}
    sync(invoca, account, day=1)
    assert len(live(account, "invoca__transactions")) == 7


def test_throttling_is_waited_for_and_a_bad_token_is_not_retried(
    account: Settings, sandbox: Sandbox
) -> None:
    throttled = Answer(b"", status=429, headers={"Retry-After": "1"})
    sandbox.fail("transactions", throttled, Answer(b"", status=429), Answer(b"", status=503))
    started = time.monotonic()
    sync(invoca, account)
    assert time.monotonic() - started >= 1
    asked = len(sandbox.requests)
    expired = replace(account, invoca=replace(account.invoca, token="expired-token"))
    with pytest.raises(LoadFailed, match="401"):
        sync(invoca, expired, day=1)
    assert len(sandbox.requests) == asked + 1
    assert "expired-token" not in last_error(account)
    assert not any(TOKEN in str((request.path, request.query)) for request in sandbox.requests)
