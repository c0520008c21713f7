"""The dispositions loader: drop folder and feed, with what buyers really send."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ingestion.loads import LoadFailed
from ingestion.sandbox.dispositions import TOKEN, DispositionFeed
from ingestion.sandbox.server import Answer, Sandbox
from ingestion.settings import Settings
from ingestion.sources import dispositions, dispositions_files
from ingestion.sources.dispositions_account import Dispositions
from orchestration.dbt import run_dbt
from tests.python import golden
from tests.python.vendors import HTML_PAGE, STAYS_DOWN, cursors, live, quarantined, quick, sync

HEADER = (
    "lead_id,call_id,buyer_lead_ref,phone,email,status,status_date,sale_amount,"
    "returned,return_reason,agent_notes"
)
FILE = "dispositions__file_events"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def account(server: Settings, folder: Path) -> Settings:
    return quick(server, dispositions=Dispositions(folder, None))


def drop(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    return path


def test_each_row_is_an_event_of_its_file_and_partner(account: Settings, folder: Path) -> None:
    drop(
        folder,
        "207_20260714.csv",
        HEADER,
        '8842017,,HPL-1,,,Funded,2026-07-14,"$4,200.00",N,,"said: ""call back"""',
        ",,,(404) 555-0142,,Contacted,07/14/2026,,N,,",
    )
    (load,) = sync(dispositions, account)
    events = live(account, FILE)
    assert (load.status, load.counts.created) == ("completed", 2)
    assert events["207_20260714:1"]["sale_amount"] == "$4,200.00"
    assert events["207_20260714:1"]["agent_notes"] == 'said: "call back"'
    assert events["207_20260714:2"]["phone"] == "(404) 555-0142"
    assert events["207_20260714:2"]["partner_id"] == "207"


def test_json_lines_land_with_their_types(account: Settings, folder: Path) -> None:
    line = '{"externalId": "B-7", "lead_id": 8842017, "statusName": "ISSUED", "fundedAmount": 0.10}'
    drop(folder, "204_20260714.jsonl", line, "", '{"lead_id": "1", "status": "X", "own": [1]}')
    sync(dispositions, account)
    events = live(account, FILE)
    assert events["204_20260714:1"] == {
        "event_id": "204_20260714:1",
        "partner_id": "204",
        "row_number": 1,
        "buyer_lead_ref": "B-7",
        "lead_id": 8842017,
        "status": "ISSUED",
        "sale_amount": 0.1,
    }
    assert events["204_20260714:2"]["own"] == [1]


DATES = {
    "2026-07-05": "2026-07-05 00:00:00",
    "07/05/2026": "2026-07-05 00:00:00",
    "2026-07-05T18:30:00Z": "2026-07-05 18:30:00",
    "2026-07-05 18:30:00.5 -04:00": "2026-07-05 22:30:00.5",
    "2026-07-05 18:30+00": "2026-07-05 18:30:00",
    "2026-02-30": "",
    "05.07.2026": "",
    "05-07-2026": "",
    "2026-07-05 6 PM": "",
    "soon": "",
}


def test_dates_are_iso_or_american_and_no_other_is_guessed(
    settings: Settings, folder: Path
) -> None:
    rows = [f",C-{number},,,,Funded,{date},,N,," for number, date in enumerate(DATES)]
    drop(folder, "207_a.csv", HEADER, *rows)
    sync(dispositions, replace(settings, dispositions=Dispositions(folder, None)))
    run_dbt(settings, "run", "--select", "stg_dispositions__events")
    found = golden.query(
        settings,
        "select status_at::text as date from staging.stg_dispositions__events order by row_number",
    )
    assert [row["date"] for row in found] == list(DATES.values())


def test_bad_lines_are_quarantined_and_the_rest_goes_on(account: Settings, folder: Path) -> None:
    drop(
        folder,
        "207_a.csv",
        "lead_id,status",
        "1,Funded",
        "2",
        "3,Lost,too,many",
        '"4,Lost',
        "5,Quoted",
    )
    (folder / "207_b.csv").write_bytes(b"lead_id,status\n6,Funded\n7,Ausgew\xe4hlt\n8,Lost\n")
    drop(folder, "204_c.jsonl", '{"lead_id": "9", "status": "QTD"}', "{half", "[1]")
    (load,) = sync(dispositions, account)
    assert live(account, FILE).keys() == {
        *("207_a:1", "207_a:5", "207_b:1", "207_b:3", "204_c:1"),
    }
    assert (load.status, load.counts.quarantined) == ("partial", 6)
    reasons = quarantined(account)
    assert "207_a.csv row 2: 1 fields, expected 2" in reasons
    assert "204_c.jsonl row 2: no JSON object" in reasons
    (again,) = sync(dispositions, account, day=1)
    assert again.counts.created == 0
    assert len(quarantined(account)) == 6


def test_a_file_that_is_none_is_quarantined(account: Settings, folder: Path) -> None:
    drop(folder, "207_page.csv", "<html>We will be back soon</html>", "gone")
    drop(folder, "207_none.csv")
    drop(folder, "207_good.csv", "Lead ID,Disposition", "1,Funded")
    sync(dispositions, account)
    assert live(account, FILE)["207_good:1"]["lead_id"] == "1"
    assert quarantined(account) == [
        "207_page.csv row 1: no column is a status, or none tells the lead"
    ]


def test_new_and_changed_files_are_read_and_no_file_is_touched(
    account: Settings, folder: Path
) -> None:
    first = drop(folder, "207_1.csv", "lead_id,status", "1,Funded")
    sync(dispositions, account)
    before = (first.read_bytes(), first.stat().st_mtime_ns)
    late = drop(folder, "207_0.csv", "lead_id,status", "2,Funded")
    os.utime(late, (0, 0))  # copied with its old time
    (load,) = sync(dispositions, account, day=1)
    assert load.counts.created == 1
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    drop(folder, "207_1.csv", "lead_id,status", "1,Lost", "3,Funded")
    (load,) = sync(dispositions, account, day=2)
    assert (load.counts.created, load.counts.updated) == (1, 1)
    first.unlink()
    sync(dispositions, account, day=3)
    assert live(account, FILE).keys() == {"207_0:1", "207_1:1", "207_1:2"}


def test_a_new_declaration_of_columns_reads_all_files_again(
    account: Settings, folder: Path, tmp_path: Path
) -> None:
    drop(folder, "299_1.csv", "Their Id,status", "1,Funded")
    drop(folder, "207_1.csv", "lead_id,status", "2,Funded")
    sync(dispositions, account)
    assert live(account, FILE).keys() == {"207_1:1"}
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    drop(seeds, "disposition_columns.csv", "partner_id,column_name,field", "299,their id,lead_id")
    account = replace(account, seeds_directory=seeds)
    sync(dispositions, account, day=1)
    assert live(account, FILE)["299_1:1"]["lead_id"] == "1"
    drop(seeds, "disposition_columns.csv", "partner_id,column_name,field", "299,their id,leadid")
    with pytest.raises(LoadFailed, match="'leadid'"):
        sync(dispositions, account, day=2)


@pytest.mark.parametrize("suffixes", [(".csv", ".jsonl"), (".CSV", ".csv"), (".CSV", ".jsonl")])
def test_two_files_of_one_name_are_not_mixed(
    account: Settings, folder: Path, suffixes: tuple[str, str]
) -> None:
    first, second = (f"207_1{suffix}" for suffix in suffixes)
    drop(folder, first, "lead_id,status", "1,Funded")
    drop(folder, second, '{"lead_id": "2", "status": "Lost"}')
    sync(dispositions, account)
    assert live(account, FILE)["207_1:1"]["lead_id"] == "1"
    assert f"{second} has the name of {first}" in quarantined(account)[0]


def test_a_missing_folder_fails_and_an_empty_one_does_not(account: Settings, folder: Path) -> None:
    (load,) = sync(dispositions, account)
    assert (load.status, load.counts.received) == ("completed", 0)
    folder.rmdir()
    with pytest.raises(LoadFailed, match="DISPOSITIONS_DIR"):
        sync(dispositions, account, day=1)


@pytest.fixture
def feed() -> DispositionFeed:
    """A feed with five events."""
    return DispositionFeed(
        events=[
            {"event_id": f"e{number}", "partner_id": "206", "lead_id": str(number), "status": "New"}
            for number in range(5)
        ]
    )


@pytest.fixture
def sandbox(feed: DispositionFeed) -> Iterator[Sandbox]:
    with Sandbox({"feed": feed}) as server:
        yield server


@pytest.fixture
def fed(server: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with the feed alone, two events a page."""
    monkeypatch.setattr(dispositions, "FEED_PAGE", 2)
    return quick(server, dispositions=Dispositions(None, sandbox.url("feed"), TOKEN))


def test_the_feed_is_read_from_its_cursor(fed: Settings, feed: DispositionFeed) -> None:
    (load,) = sync(dispositions, fed)
    assert (load.counts.created, load.counts.api_calls) == (5, 4)
    feed.events += [
        {"event_id": "e5", "partner_id": 206, "Disposition": "Sold", "lead_id": "9"},
        {"partner_id": "206", "status": "Sold"},
    ]
    (load,) = sync(dispositions, fed, day=1)
    assert (load.counts.created, load.counts.quarantined) == (1, 1)
    assert live(fed, "dispositions__feed_events")["e5"]["status"] == "Sold"
    assert cursors(fed) == {"feed_events": "7"}


UNUSABLE = {
    "an error page": [HTML_PAGE],
    "half a page": [Answer(b'{"events": [{"event_id": "e5", "par')],
    "no events": [Answer({"message": "try later"})],
    "no way on": [Answer({"events": [{"event_id": "e9"}], "next": ""})],
    "an outage": STAYS_DOWN,
}


@pytest.mark.parametrize("answers", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_feed_deletes_nothing_and_moves_no_cursor(
    fed: Settings, feed: DispositionFeed, sandbox: Sandbox, answers: list[Answer]
) -> None:
    sync(dispositions, fed)
    sandbox.fail("feed", *answers)
    with pytest.raises(LoadFailed, match="feed"):
        sync(dispositions, fed, day=1)
    feed.events.append({"event_id": "e5", "partner_id": "206", "status": "Sold"})
    assert cursors(fed) == {"feed_events": "5"}
    sync(dispositions, fed, day=2)
    assert len(live(fed, "dispositions__feed_events")) == 6


def test_quotes_that_swallow_rows_spoil_their_own_row_only(account: Settings, folder: Path) -> None:
    drop(
        folder,
        "207_a.csv",
        "lead_id,status,status_date,sale_amount,agent_notes",
        '1,Funded,2026-07-01,,"two',
        'lines, of a note"',
        '2,"Funded,2026-07-01,,',  # never closed by itself
        "3,Funded,2026-07-02,,",
        '4,Lost,2026-07-03,,"',  # would close it
        "5,Funded,2026-07-04,,",
        '6,Funded,2026-07-05,,"call',  # the row below it is whole, too
        "7,Funded,2026-07-06,,",
        '8,Lost,2026-07-07,,"',
    )
    (load,) = sync(dispositions, account)
    landed = {event["lead_id"] for event in live(account, FILE).values()}
    assert landed == {"1", "3", "5", "7"}
    assert live(account, FILE)["207_a:1"]["agent_notes"] == "two\nlines, of a note"
    assert load.counts.quarantined == 4
    assert all("a quote is not closed" in reason for reason in quarantined(account))


HOSTILE = {
    "a field without end": b"lead_id,status\n1," + b"x" * 200_000 + b"\n2,Lost\n",
    "broken UTF-8 in a row of another width": b"lead_id,status\n1,F\xe4,x\n2,Lost\n",
    "a number of 200,000 digits": b'{"lead_id":1,"status":"X","sale_amount":%s}\n'
    b'{"lead_id": 2, "status": "Lost"}\n' % (b"9" * 200_000),
    "a decimal of 200,000 digits": b'{"lead_id":1,"status":"X","sale_amount":0.%s}\n'
    b'{"lead_id": 2, "status": "Lost"}\n' % (b"9" * 200_000),
    "brackets without end": b'{"lead_id":1,"status":"X","own":%s}\n'
    b'{"lead_id": 2, "status": "Lost"}\n' % (b"[" * 100_000 + b"]" * 100_000),
    "brackets that nobody closes": b'%s\n{"lead_id": 2, "status": "Lost"}\n' % (b"[" * 100_000),
    "broken UTF-8 in no JSON": b'{"lead_id": \xe4}\n{"lead_id": 2, "status": "Lost"}\n',
    "no number": b'{"lead_id":1,"status":"X","sale_amount":NaN}\n'
    b'{"lead_id": 2, "status": "Lost"}\n',
    "half a character": b'{"lead_id":1,"status":"\\ud800"}\n{"lead_id": 2, "status": "Lost"}\n',
    "two amounts": b'{"lead_id":1,"status":"X","sale_amount":1,"sale_amount":2}\n'
    b'{"lead_id": 2, "status": "Lost"}\n',
    "no status": b'{"lead_id":1}\n{"lead_id": 2, "status": "Lost"}\n',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_row_holds_up_neither_its_file_nor_the_others(
    account: Settings, folder: Path, content: bytes
) -> None:
    """SPEC R9b: what cannot be read is one quarantined record."""
    suffix = "csv" if content.startswith(b"lead_id") else "jsonl"
    (folder / f"207_a.{suffix}").write_bytes(content)
    drop(folder, "208_b.csv", "lead_id,status", "3,Lost")
    (load,) = sync(dispositions, account)
    landed = {str(event["lead_id"]) for event in live(account, FILE).values()}
    assert landed == {"2", "3"}
    assert (load.status, load.counts.quarantined) == ("partial", 1)


def test_links_pipes_and_bad_names_are_quarantined_unopened(
    account: Settings, folder: Path, tmp_path: Path
) -> None:
    """SPEC R9b: links in a drop folder are not followed."""
    secret = drop(tmp_path, "secret.csv", "lead_id,status", "666,Funded")
    (folder / "207_link.csv").symlink_to(secret)
    (folder / "207_gone.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "207_pipe.csv")
    (folder / "207_folder.csv").mkdir()
    with open(os.fsencode(folder) + b"/207_\xe4.csv", "w") as file:
        file.write("lead_id,status\n667,Funded\n")
    drop(folder, "208_b.csv", "lead_id,status", "3,Lost")
    (load,) = sync(dispositions, account)
    assert live(account, FILE).keys() == {"208_b:1"}
    assert load.counts.quarantined == 4
    reasons = quarantined(account)
    assert sum("a link or a device" in reason for reason in reasons) == 3
    assert any("no UTF-8" in reason for reason in reasons)
    assert not golden.query(
        account, "select 1 from landing.quarantine where strpos(record_text, '666') > 0"
    )


def test_a_file_too_large_is_quarantined_and_one_locked_is_tried_again(
    account: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispositions_files, "MAX_FILE_BYTES", 1000)
    drop(folder, "207_big.csv", "lead_id,status", *["1,Funded"] * 200)
    drop(folder, "207_locked.csv", "lead_id,status", "2,Funded")
    drop(folder, "208_b.csv", "lead_id,status", "3,Lost")
    opened = os.open

    def refuse(path: object, *arguments: int) -> int:
        if "locked" in str(path):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        (load,) = sync(dispositions, account)
    assert live(account, FILE).keys() == {"208_b:1"}
    assert load.counts.quarantined == 2
    sync(dispositions, account, day=1)
    assert live(account, FILE).keys() == {"208_b:1", "207_locked:1"}


odd_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
odd_row = st.dictionaries(
    st.sampled_from(["lead_id", "status", "phone", "sale_amount"]), odd_json
).map(lambda row: json.dumps(row).encode())
odd_line = (
    st.binary(max_size=80)
    | odd_row
    | st.text('",\n\r\0ab;', max_size=30).map(str.encode)
    | st.just(b"9" * 6_000)
)
odd_file = st.tuples(
    st.sampled_from([b"lead_id,status\n", b"", b'a,"b\nc",status,phone,d\n']),
    st.lists(odd_line, max_size=8).map(b"\n".join),
).map(b"".join)


@examples(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=odd_file, suffix=st.sampled_from(["csv", "jsonl"]), day=st.integers(0, 10**6))
def test_no_bytes_hold_up_the_folder(
    content: bytes, suffix: str, day: int, account: Settings, folder: Path
) -> None:
    """Whatever stands in a file, the others land, and counts add up (SPEC R4, R9b)."""
    for path in folder.iterdir():
        path.unlink()
    path = folder / f"207_odd.{suffix}"
    path.write_bytes(content)
    drop(folder, "208_b.csv", "lead_id,status", "3,Lost")
    golden.empty(account, "landing")
    (load,) = sync(dispositions, account)
    assert "208_b:1" in live(account, FILE)
    assert load.status in ("completed", "partial")


def test_a_hostile_event_of_the_feed_is_quarantined_alone(fed: Settings, sandbox: Sandbox) -> None:
    page = (
        b'{"next": "5", "events": [{"event_id": "x1", "status": NaN}, "no event",'
        b' {"event_id": 1.5},'
        b' {"event_id": "x2", "partner_id": {"a": [1]}, "status": "\\udfff"},'
        b' {"event_id": "x3", "partner_id": "206", "status": "Sold", "status": "Lost"},'
        b' {"event_id": "good", "partner_id": "206", "status": "Sold"}]}'
    )
    sandbox.fail("feed", Answer(page))
    (load,) = sync(dispositions, fed)
    assert live(fed, "dispositions__feed_events").keys() == {"good"}
    assert load.counts.quarantined == 5
