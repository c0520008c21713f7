"""The Datto loader: pages, secrets, and devices that are or are not gone."""

from datetime import date

import pytest

from ingestion.loads import LoadFailed
from ingestion.sandbox.msp_story import tell
from ingestion.sandbox.server import Answer
from tests.python.msp import Msp, moment

DAY, NEXT_DAY = "2025-03-01", "2025-03-02"


@pytest.fixture
def story(vendors: Msp) -> Msp:
    tell(vendors.stores, moment(DAY), begins=date(2025, 1, 1), clients=60)
    return vendors


def test_all_pages_of_devices_land(story: Msp) -> None:
    devices = story.sync("datto", DAY)[2]
    assert devices.counts.created == len(story.stores.datto.devices) > 250
    assert devices.counts.api_calls == 2


def test_each_site_lands_with_its_account_number_alone(story: Msp) -> None:
    story.sync("datto", DAY)
    landed = story.rows(
        "select payload ->> 'name', count(*), min(payload ->> 'value')"
        " from landing.datto__site_variables group by 1"
    )
    assert landed == [("AccountNumber", len(story.stores.datto.sites), "400101")]


def test_no_secret_reaches_the_warehouse(story: Msp) -> None:
    story.stores.datto.devices[0]["udf"]["udf4"] = "Administrator"
    story.stores.datto.devices[0]["udf31"] = "a device's secret"
    story.sync("datto", DAY)
    for table in ("devices", "sites", "site_variables"):
        assert not story.rows(
            f"select 1 from landing.datto__{table} where payload::text like %s", "%secret%"
        )
    kept = "select payload -> 'udf' from landing.datto__devices where payload ->> 'uid' = %s"
    uid = story.stores.datto.devices[0]["uid"]
    bytes_text = story.stores.datto.devices[0]["udf"]["udf6"]
    assert story.rows(kept, uid) == [({"udf4": "Administrator", "udf6": bytes_text, "udf7": None},)]


def test_a_device_that_is_gone_is_a_deletion(story: Msp) -> None:
    story.sync("datto", DAY)
    story.stores.datto.devices.pop()
    assert story.sync("datto", NEXT_DAY)[2].counts.deleted == 1


def test_fewer_devices_than_counted_prove_no_absence(story: Msp) -> None:
    story.sync("datto", DAY)
    page = {
        "pageDetails": {"count": 1, "totalCount": 9999, "nextPageUrl": None},
        "devices": story.stores.datto.devices[:1],
    }
    story.sandbox.fail("/account/devices", Answer(page))
    assert story.sync("datto", NEXT_DAY)[2].counts.deleted == 0


def test_a_snapshot_that_shrinks_too_much_is_refused(story: Msp) -> None:
    story.sync("datto", DAY)
    story.stores.datto.devices = story.stores.datto.devices[::2]
    with pytest.raises(LoadFailed, match="more than the allowed 20%"):
        story.sync("datto", NEXT_DAY)


def test_the_token_is_not_carried_to_another_host(story: Msp) -> None:
    page = {
        "pageDetails": {"totalCount": 2, "nextPageUrl": "https://elsewhere.example/api/v2/x"},
        "devices": [],
    }
    story.sandbox.fail("/account/devices", Answer(page))
    with pytest.raises(LoadFailed, match="on another host"):
        story.sync("datto", DAY)


def test_a_forbidden_answer_is_not_tried_again(story: Msp) -> None:
    story.sandbox.fail("/account/devices", Answer(status=403))
    with pytest.raises(LoadFailed, match="answered 403"):
        story.sync("datto", DAY)
    asked = [request.path for request in story.sandbox.requests]
    assert asked.count("/datto/api/v2/account/devices") == 1


def test_a_site_that_gives_no_answer_keeps_its_account_number(story: Msp) -> None:
    story.sync("datto", DAY)
    site = story.stores.datto.sites[0]["uid"]
    story.sandbox.fail(f"/site/{site}/variables", Answer(status=404))
    variables = story.sync("datto", NEXT_DAY)[1]
    assert (variables.status, variables.counts.deleted) == ("partial", 0)
