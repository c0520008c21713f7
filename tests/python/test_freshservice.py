"""The Freshservice loader: hidden tickets, hours logged late, and tickets that give no answer."""

from datetime import date, datetime

import pytest

from ingestion.http import VendorError
from ingestion.sandbox.msp_story import tell
from ingestion.sandbox.server import Answer
from ingestion.sources.freshservice import changed_since
from tests.python.msp import Msp, moment

DAY, NEXT_DAY = "2025-06-03", "2025-06-04"


@pytest.fixture
def story(vendors: Msp) -> Msp:
    tell(vendors.stores, moment(DAY), begins=date(2025, 1, 1), clients=10)
    return vendors


def _entry(ticket: int, number: int, spent: str) -> dict:
    return {"id": number, "time_spent": spent, "billable": True, "executed_at": None}


def test_old_spam_and_deleted_tickets_all_land(story: Msp) -> None:
    story.sync("freshservice", DAY)
    served = {str(ticket["id"]) for ticket in story.stores.freshservice.tickets}
    landed = story.rows("select source_key from raw.freshservice__tickets")
    assert {key for (key,) in landed} == served
    assert len(served) > 100  # more than one page
    flags = "select count(*) from raw.freshservice__tickets where payload ->> %s = 'true'"
    assert story.rows(flags, "spam")[0][0] > 0
    assert story.rows(flags, "deleted")[0][0] > 0


def test_every_time_entry_lands_with_its_ticket(story: Msp) -> None:
    entries = story.sync("freshservice", DAY)[2]
    served = sum(len(rows) for rows in story.stores.freshservice.time_entries.values())
    assert entries.counts.created == served > 0
    assert entries.counts.api_calls >= len(story.stores.freshservice.tickets)


def test_hours_logged_without_touching_the_ticket_are_seen(story: Msp) -> None:
    story.sync("freshservice", DAY)
    recent = max(story.stores.freshservice.tickets, key=lambda ticket: ticket["updated_at"])
    story.stores.freshservice.time_entries[str(recent["id"])].append(_entry(1, 99, "01:00"))
    entries = story.sync("freshservice", NEXT_DAY)[2]
    assert entries.counts.created == 1


def test_an_old_ticket_that_is_still_open_is_asked_again(story: Msp) -> None:
    story.stores.freshservice.tickets[0]["status"] = 3
    story.sync("freshservice", DAY)
    oldest = story.stores.freshservice.tickets[0]["id"]
    story.stores.freshservice.time_entries[str(oldest)].append(_entry(1, 98, "00:30"))
    assert story.sync("freshservice", NEXT_DAY)[2].counts.created == 1


def test_an_entry_that_was_removed_is_a_deletion(story: Msp) -> None:
    recent = max(story.stores.freshservice.tickets, key=lambda ticket: ticket["updated_at"])
    entries = story.stores.freshservice.time_entries[str(recent["id"])]
    entries.append(_entry(1, 97, "02:00"))
    story.sync("freshservice", DAY)
    entries.pop()
    assert story.sync("freshservice", NEXT_DAY)[2].counts.deleted == 1


def test_a_ticket_that_gives_no_answer_is_asked_again_next_time(story: Msp) -> None:
    ticket = story.stores.freshservice.tickets[0]["id"]
    story.sandbox.fail(f"/{ticket}/time_entries", *[Answer(status=500)] * 7)
    first = story.sync("freshservice", DAY)[2]
    assert (first.status, first.counts.quarantined) == ("partial", 1)
    assert first.counts.received == first.counts.created + first.counts.quarantined
    again = story.sync("freshservice", NEXT_DAY)[2]
    served = len(story.stores.freshservice.time_entries[str(ticket)])
    assert (again.status, again.counts.created) == ("completed", served)


def test_a_vendor_that_is_down_stops_the_load(story: Msp) -> None:
    story.sandbox.fail("/time_entries", *[Answer(status=500)] * 100)
    with pytest.raises(Exception, match="answered 500"):
        story.sync("freshservice", DAY)
    assert not story.rows("select 1 from raw.freshservice__time_entries")


def test_a_refused_key_says_so_without_the_key(story: Msp) -> None:
    story.sandbox.fail("/departments", Answer(status=401))
    with pytest.raises(Exception, match="answered 401") as error:
        story.sync("freshservice", DAY)
    assert "sandbox-key" not in str(error.value)
    assert not isinstance(error.value, VendorError)  # it is a failed load, on record


def test_a_limit_is_waited_for(story: Msp) -> None:
    story.sandbox.fail("/departments", Answer(status=429, headers={"Retry-After": "1"}))
    assert story.sync("freshservice", DAY)[0].status == "completed"


@pytest.mark.parametrize(
    ("cursor", "loaded_at", "since"),
    [
        (None, "2025-06-20", "2000-01-01"),
        ("2025-06-19T00:05:00Z", "2025-06-20", "2025-06-01"),  # the whole open month
        ("2025-06-04T00:05:00Z", "2025-06-05", "2025-05-01"),  # May may still be open
        ("2025-03-10T00:00:00Z", "2025-06-20", "2025-03-08"),  # no run for months
    ],
)
def test_what_is_asked_for_covers_the_open_billing_period(cursor, loaded_at, since) -> None:
    assert changed_since(cursor, datetime.fromisoformat(loaded_at)) == datetime.fromisoformat(since)
