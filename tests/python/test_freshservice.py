"""The Freshservice loader: hidden tickets, hours logged late, and tickets that give no answer."""

from datetime import date, datetime
from typing import Any

import pytest

from ingestion.http import VendorError
from ingestion.loads import Load, LoadFailed
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
    landed = story.rows("select source_key from landing.freshservice__tickets")
    assert {key for (key,) in landed} == served
    assert len(served) > 100  # more than one page
    flags = "select count(*) from landing.freshservice__tickets where payload ->> %s = 'true'"
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
    assert not story.rows("select 1 from landing.freshservice__time_entries")


OLD = "2025-01-10T09:00:00Z"


def _old_ticket(story: Msp, number: int) -> str:
    """Add a closed ticket of January with one entry of 01:00: June's listing shows it once."""
    ticket = story.stores.freshservice.tickets[0] | {
        "id": number,
        "status": 5,
        "created_at": OLD,
        "updated_at": OLD,
        "spam": False,
        "deleted": False,
    }
    story.stores.freshservice.tickets.insert(0, ticket)
    story.stores.freshservice.time_entries[str(number)] = [_entry(number, number, "01:00")]
    return str(number)


def _landed_entries(story: Msp) -> set[str]:
    rows = story.rows(
        "select distinct payload ->> 'ticket_id' from landing.freshservice__time_entries"
    )
    return {ticket for (ticket,) in rows}


def _served_entries(story: Msp) -> set[str]:
    return {key for key, rows in story.stores.freshservice.time_entries.items() if rows}


@pytest.mark.parametrize(
    "answer", [Answer(status=500), Answer(status=429, headers={"Retry-After": "9999"})]
)
def test_tickets_of_a_night_without_time_entries_are_asked_for_theirs_later(
    story: Msp, answer: Answer
) -> None:
    """SPEC R7a: tickets land and owe their hours, for a month if need be."""
    nights = ("2025-06-03", "2025-06-10", "2025-07-03")
    story.sandbox.fail("/time_entries", *[answer] * 1_000)
    for night in nights:
        with pytest.raises(LoadFailed):
            story.sync("freshservice", night)
    assert story.rows("select count(*) from landing.freshservice__tickets")[0][0] > 100
    assert not _landed_entries(story)
    story.sandbox._faults.clear()
    story.sync("freshservice", "2025-07-04")
    assert _landed_entries(story) == _served_entries(story)
    assert not story.rows("select 1 from landing.owed_children")


def test_what_was_answered_before_the_vendor_failed_is_landed(story: Msp) -> None:
    """A limit in the middle of the first night: the next goes on with the tickets that are left."""
    first = _old_ticket(story, 1)
    second = str(story.stores.freshservice.tickets[1]["id"])
    limit = Answer(status=429, headers={"Retry-After": "9999"})
    story.sandbox.fail(f"/tickets/{second}/time_entries", limit)
    with pytest.raises(LoadFailed, match="still owe their time entries"):
        story.sync("freshservice", DAY)
    assert first in _landed_entries(story)
    story.sync("freshservice", NEXT_DAY)
    assert _landed_entries(story) == _served_entries(story)


@pytest.mark.parametrize("stream", ["departments", "tickets", "time_entries"])
def test_a_night_killed_between_two_streams_loses_no_hours(
    story: Msp, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    old = _old_ticket(story, 1)
    completed = Load.complete

    def complete(load: Load, **arguments: Any) -> None:
        if load.stream.name == stream:
            raise KeyboardInterrupt
        completed(load, **arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Load, "complete", complete)
        with pytest.raises(KeyboardInterrupt):
            story.sync("freshservice", DAY)
    story.sync("freshservice", NEXT_DAY)
    assert old in _landed_entries(story)
    assert _landed_entries(story) == _served_entries(story)


def test_tickets_that_never_answer_hold_up_nobody(story: Msp) -> None:
    """SPEC R7a: three tickets of the lowest numbers fail for ever."""
    bad = [_old_ticket(story, number) for number in (1, 2, 3)]
    for ticket in bad:
        story.sandbox.fail(f"/tickets/{ticket}/time_entries", *[Answer(status=500)] * 1_000)
    with pytest.raises(LoadFailed, match="answered 500"):
        story.sync("freshservice", DAY)  # as if the vendor were down
    entries = story.sync("freshservice", NEXT_DAY)[2]
    assert (entries.status, entries.counts.quarantined) == ("partial", 3)
    assert _landed_entries(story) == _served_entries(story) - set(bad)
    story.sandbox._faults.clear()
    assert story.sync("freshservice", "2025-06-05")[2].counts.created == 3


def test_a_page_that_comes_again_and_again_ends_the_load(story: Msp) -> None:
    page = Answer(
        {"departments": [{"id": 1}]},
        headers={"Link": '<http://127.0.0.1/x?page=2>; rel="next"'},
    )
    story.sandbox.fail("/departments", *[page] * 50)
    with pytest.raises(LoadFailed, match="gives page 1 again as page 2"):
        story.sync("freshservice", DAY)


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
