"""Erasing a person: no figure changes, nothing names them any more, and they stay erased."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ingestion import erasure
from ingestion.books import make_books
from ingestion.environment import SettingsError
from ingestion.erasure import MAX_IDENTIFIERS, ErasureError
from ingestion.loads import LoadFailed, open_load
from ingestion.lock import run_lock
from ingestion.registry import make_stream_tables
from ingestion.settings import Settings
from ingestion.sources.boberdoo import LEADS
from ingestion.sources.codex import TICKETS
from ingestion.sources.dispositions import FEED_EVENTS
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.__main__ import main
from tests.python import golden
from tests.python.deals import SOURCES, nights
from tests.python.test_publish import analyst

SALT = "sixteen letters!"
LEDGER = "select * from marts.fct_ledger_entries"
NOW = datetime(2025, 7, 1, 0, 5)
SCHEMAS = ["landing", "snapshots", "staging", "intermediate", "marts", "analytics"]


def naming(settings: Settings, *words: str) -> list[str]:
    """Return the tables of the warehouse that hold one of the words in any column."""
    found = []
    with connect(settings) as connection:
        tables = connection.execute(
            "select format('%%I.%%I', schemaname, tablename) from pg_tables"
            " where schemaname = any(%s)",
            (SCHEMAS,),
        ).fetchall()
        for (table,) in tables:
            for word in words:
                count = connection.execute(
                    f"select count(*) from {table} as rows where lower(rows::text) like %s",
                    (f"%{word.lower()}%",),
                ).fetchone()[0]
                found += [f"{table}: {word}"] if count else []
    return found


def people(settings: Settings) -> list[dict[str, str]]:
    return golden.query(
        settings,
        "select source_key, payload #>> '{lead_data,phone}' as phone,"
        " payload #>> '{lead_data,email}' as email from landing.boberdoo__leads order by 1",
    )


@pytest.mark.parametrize(
    "name",
    ["20_match_order", pytest.param("35_multi_lead_corrected", marks=pytest.mark.all)],
)
def test_an_erased_person_is_nowhere_and_money_is_as_before(
    name: str, settings: Settings, tmp_path: Path
) -> None:
    scenario = golden.GOLDEN / "deals/worked" / name
    last = len(list(scenario.glob("day_*")))
    for number, tonight in enumerate(nights(scenario, settings, tmp_path), start=1):
        tonight = replace(tonight, salt=SALT)
        golden.night(tonight, tonight.now, SOURCES, golden.LEADS_AND_CALLS)
        if number < last:
            continue
        before = golden.by(golden.query(settings, LEDGER), "entry_id")
        person = next(row for row in people(settings) if row["phone"] or row["email"])
        words = [word for word in (person["phone"], person["email"]) if word]
        assert before and naming(settings, *words)

        assert pipeline.erase(tonight, [person["phone"]], [person["email"]]) > 0
        assert golden.by(golden.query(settings, LEDGER), "entry_id") == before
        assert naming(settings, *words) == []

        # The vendors send the person again, and everything else as well.
        tomorrow = replace(tonight, now=tonight.now + timedelta(days=1))
        with run_lock(tomorrow) as connection:
            connection.execute("update landing.load_runs set cursor_after = null")
        golden.night(tomorrow, tomorrow.now, SOURCES, golden.LEADS_AND_CALLS)
        assert golden.by(golden.query(settings, LEDGER), "entry_id") == before
        assert naming(settings, *words) == []


def land(settings: Settings, leads: list[dict[str, str]], now: datetime = NOW) -> None:
    with (
        connect(settings) as connection,
        open_load(connection, settings, LEADS, loaded_at=now) as load,
    ):
        for number, data in enumerate(leads, start=1):
            load.add({"lead_id": str(number), "lead_type": "33", "lead_data": data})
        load.complete()


def erase_at_landing(settings: Settings, *phones: str) -> None:
    """Erase from what is landed; what is built of it is not looked at here."""
    with connect(settings, autocommit=True) as connection:
        erasure.erase(connection, settings, [LEADS, FEED_EVENTS], phones, [])


def test_what_describes_the_person_goes_and_others_stay(settings: Settings) -> None:
    salted = replace(settings, salt=SALT)
    one = {"phone": "(404) 555-0142", "email": "Ann@Example.com", "last_name": "Archer", "src": "a"}
    other = {"phone": "404-555-0143", "last_name": "Brown", "zip": "30301", "src": "b"}
    land(salted, [one, other])
    erase_at_landing(salted, "+1 404 555 0142 x9")
    first, second = golden.query(
        settings,
        "select payload #>> '{lead_data}' as data from landing.boberdoo__leads order by source_key",
    )
    assert "Brown" in second["data"] and "30301" in second["data"]
    assert "Archer" not in first["data"] and "a" in first["data"]
    # By phone alone, the e-mail beside it is known too.
    land(salted, [{"email": "ann@example.com ", "last_name": "Archer"}], NOW + timedelta(days=1))
    assert naming(settings, "archer", "ann@example", "555-0142") == []
    with connect(settings) as connection:
        connection.execute(
            "insert into landing.quarantine values ('boberdoo', 'leads', 'main',"
            " 'call 404.555.0142',"
            " md5('x'), 'no key', 1, now())"
        )
    erase_at_landing(salted, "404-555-0142")
    assert naming(settings, "404.555.0142") == []


def test_nobody_is_erased_where_nobody_is_known(settings: Settings) -> None:
    salted = replace(settings, salt=SALT)
    land(salted, [{"phone": "404-555-0142", "last_name": "Archer"}])
    for unknown in ("404-555-0199", "none"):
        with pytest.raises(ErasureError, match="Nobody of that phone or e-mail is known"):
            erase_at_landing(salted, unknown)
    assert golden.query(settings, "select * from landing.erasures") == []
    # Who was erased is known: an erasure that was killed before its build can be run again.
    erase_at_landing(salted, "404-555-0142")
    erase_at_landing(salted, "404-555-0142")


def test_the_command_says_that_nobody_is_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("LEDGERHOUSE_SALT", SALT)
    with connect(settings) as connection:
        make_books(connection)
        make_stream_tables(connection)
    assert main(["erase", "--email", "nobody@example.com"]) == 1
    shown = capsys.readouterr()
    assert "Nobody of that phone or e-mail is known" in shown.err
    assert "erased;" not in shown.out


def test_who_asked_is_erased_from_their_tickets(settings: Settings) -> None:
    salted = replace(settings, salt=SALT)
    ticket = {
        "ticket_id": 1,
        "account_number": "4001",
        "subject": "Ann's laptop",
        "requester_email": "Ann@example.com",
        "requester_name": "Ann Archer",
        "total_hours_spent": 2,
    }
    with (
        connect(salted) as connection,
        open_load(connection, salted, TICKETS, loaded_at=NOW) as load,
    ):
        load.add(ticket)
        load.complete()
    with connect(salted, autocommit=True) as connection:
        assert erasure.erase(connection, salted, [TICKETS], [], ["ann@example.com"]) == 1
        ((payload,),) = connection.execute("select payload from landing.codex__tickets").fetchall()
    assert payload.pop("requester_email").endswith("@erased.invalid")
    assert payload == {"ticket_id": 1, "account_number": "4001", "total_hours_spent": 2}


def test_a_phone_shared_by_many_is_refused(settings: Settings) -> None:
    salted = replace(settings, salt=SALT)
    shared = [{"phone": "404-555-0142", "email": f"{n}@x.example"} for n in range(MAX_IDENTIFIERS)]
    land(salted, shared)
    with pytest.raises(ErasureError, match="shared by several people"):
        erase_at_landing(salted, "404-555-0142")
    assert naming(settings, "404-555-0142")
    assert golden.query(settings, "select * from landing.erasures") == []


def test_without_the_salt_of_then_nobody_is_landed_again(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="LEDGERHOUSE_SALT is not set"):
        erase_at_landing(settings, "404-555-0142")
    salted = replace(settings, salt=SALT)
    land(salted, [{"phone": "404-555-0142", "last_name": "Archer"}])
    erase_at_landing(salted, "404-555-0142")
    for wrong in (settings, replace(settings, salt="another sixteen!!")):
        with pytest.raises(LoadFailed, match="LEDGERHOUSE_SALT"):
            land(wrong, [{"phone": "404-555-0142"}], NOW + timedelta(days=1))


def test_analysts_join_callers_by_hash_and_see_no_phone(settings: Settings, tmp_path: Path) -> None:
    scenario = golden.GOLDEN / "deals/worked/34_phone_variants"
    for tonight in nights(scenario, settings, tmp_path):
        golden.night(replace(tonight, salt=SALT), tonight.now, SOURCES, golden.LEADS_AND_CALLS)
    pipeline.build(replace(settings, salt=SALT))
    calls = golden.query(settings, "select phone from marts.invoca_raw where phone is not null")
    expected = {hashlib.sha256((SALT + call["phone"]).encode()).hexdigest() for call in calls}
    with analyst(settings) as connection:
        rows = connection.execute("select distinct phone_hash from analytics.invoca_raw").fetchall()
        shown = connection.execute(
            "select count(*) from pg_views where definition like %s", (f"%{SALT}%",)
        ).fetchone()[0]
    assert calls and {hash_ for (hash_,) in rows if hash_} == expected
    assert shown == 0
    for column in (
        "analytics.invoca_raw.phone",
        "landing.hash_salts.salt",
        "landing.erasures.token",
    ):
        relation, _, name = column.rpartition(".")
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with analyst(settings) as connection, refused:
            connection.execute(f"select {name} from {relation}")
