"""The Codex loader against the simulated Codex: tokens, shapes, and what an absence proves."""

import copy
import logging
from datetime import date

import pytest

from ingestion.http import VendorError
from ingestion.loads import LoadFailed
from ingestion.sandbox.msp_story import tell
from ingestion.sandbox.server import Answer
from tests.python import golden
from tests.python.msp import Msp, moment, serve

DAY, NEXT_DAY = "2025-03-01", "2025-03-02"


@pytest.fixture
def story(vendors: Msp) -> Msp:
    tell(vendors.stores, moment(DAY), begins=date(2025, 1, 1))
    return vendors


def test_every_part_of_the_bulk_answer_lands_with_its_account(story: Msp) -> None:
    loads = {load.stream.name: load.counts for load in story.sync("codex", DAY)}
    for name in ("assets", "contacts", "tickets"):
        served = sum(len(entry[name]) for entry in story.stores.codex.companies)
        assert loads[name].created == served > 0
    assert loads["companies"].created == len(story.stores.codex.companies)
    assert loads["companies"].api_calls == 3  # token, plans, bulk
    assert not story.rows(
        "select 1 from landing.codex__assets where payload ->> 'account_number' is null"
    )


def test_decimals_land_as_they_were_written(vendors: Msp) -> None:
    serve(vendors.stores, golden.GOLDEN / "msp/set_a")
    vendors.sync("codex", DAY)
    assert vendors.rows(
        "select payload ->> 'per_user_cost' from landing.codex__plans where source_key = '13'"
    ) == [("119.22",)]
    # Two contacts of the set belong to two companies each.
    assert vendors.rows(
        "select count(*) - count(distinct payload ->> 'id') from landing.codex__contacts"
    ) == [(2,)]


def test_a_second_run_without_changes_adds_nothing(story: Msp) -> None:
    story.sync("codex", DAY)
    for load in story.sync("codex", NEXT_DAY):
        assert load.counts.created == load.counts.updated == load.counts.deleted == 0
        assert load.counts.received == load.counts.unchanged


def test_a_company_missing_from_the_whole_answer_is_gone_with_its_assets(story: Msp) -> None:
    story.sync("codex", DAY)
    gone = story.stores.codex.companies.pop(0)
    loads = {load.stream.name: load.counts for load in story.sync("codex", NEXT_DAY)}
    assert loads["companies"].deleted == 1
    assert loads["assets"].deleted == len(gone["assets"])
    assert loads["tickets"].deleted == 0  # Codex drops tickets that were billed


def test_an_empty_answer_is_refused(story: Msp) -> None:
    story.sync("codex", DAY)
    story.stores.codex.companies = []
    with pytest.raises(LoadFailed, match="An empty answer proves nothing"):
        story.sync("codex", NEXT_DAY)
    assert not story.rows("select 1 from landing.codex__companies where is_deleted")


def test_a_snapshot_that_shrinks_too_much_is_refused(story: Msp) -> None:
    story.sync("codex", DAY)
    for entry in story.stores.codex.companies[:8]:
        entry["assets"] = []
    with pytest.raises(LoadFailed, match=r"codex.assets: .* more than the allowed 20%"):
        story.sync("codex", NEXT_DAY)
    assert not story.rows("select 1 from landing.codex__assets where is_deleted")


def test_a_company_without_its_list_proves_no_absence(story: Msp) -> None:
    story.sync("codex", DAY)
    del story.stores.codex.companies[0]["assets"]
    loads = {load.stream.name: load.counts for load in story.sync("codex", NEXT_DAY)}
    assert loads["assets"].deleted == 0


def test_lists_of_another_name_are_refused(story: Msp) -> None:
    for entry in story.stores.codex.companies:
        entry["devices"] = entry.pop("assets")
    with pytest.raises(LoadFailed, match="codex.assets: .* do not bring their list"):
        story.sync("codex", DAY)
    assert not story.rows("select 1 from landing.codex__assets")


def test_an_unreadable_company_is_quarantined_and_deletes_nothing(story: Msp) -> None:
    story.sync("codex", DAY)
    story.stores.codex.companies[0] = copy.deepcopy(story.stores.codex.companies[0])
    story.stores.codex.companies[0]["company"]["account_number"] = None
    loads = {load.stream.name: load for load in story.sync("codex", NEXT_DAY)}
    assert loads["companies"].status == "partial"
    assert loads["companies"].counts.deleted == 0


def test_a_feature_dropped_from_a_plan_is_gone(story: Msp) -> None:
    story.sync("codex", DAY)
    del story.stores.codex.plans[5]["features"]["antivirus"]
    story.sync("codex", NEXT_DAY)
    plan = story.stores.codex.plans[5]["id"]
    assert story.rows("select source_key from landing.codex__plan_features where is_deleted") == [
        (f"{plan}:antivirus",)
    ]


def test_plans_that_do_not_add_up_are_refused(story: Msp) -> None:
    story.sandbox.fail("/plans", Answer({"status": "success", "plans": [], "count": 3}))
    with pytest.raises(VendorError, match="as many plans as it counts"):
        story.sync("codex", DAY)


def test_an_expired_token_is_renewed_once_and_never_logged(story: Msp, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    story.sandbox.fail("/plans", Answer({"error": "Invalid or expired token"}, status=401))
    story.sync("codex", DAY)
    asked = [request.path for request in story.sandbox.requests]
    assert asked.count("/core/service-token") == 2
    assert "sandbox.token" not in caplog.text


def test_a_server_error_is_retried(story: Msp) -> None:
    story.sandbox.fail("/bulk", Answer(status=503), Answer(status=500))
    assert story.sync("codex", DAY)[2].status == "completed"
