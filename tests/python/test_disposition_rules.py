"""What is made of dispositions: whose lead, which day, which word (SPEC D7, D7a)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.loads import open_load
from ingestion.settings import Settings
from ingestion.sources.boberdoo import LEAD_PARTNERS, LEADS, TRANSACTIONS
from ingestion.sources.dispositions_account import Dispositions
from ingestion.streams import Stream
from ingestion.warehouse import connect
from tests.python import golden
from tests.python.completeness import assert_complete

FIRST_NIGHT = datetime(2026, 7, 15, 0, 5)
HEADER = "lead_id,buyer_lead_ref,email,status,status_date"
SEEDS = {
    "deal_terms": (
        "partner_id,filter_set_id,deal_type,rate_basis,rate,min_seconds,expected_conversion_rate,"
        "effective_from,effective_to\n203,,cpa,per_sale,100,,,,\n"
    ),
    "disposition_map": (
        "partner_id,raw_status,status,effective_from\n*,New,new,\n*,Sold,sold,\n"
        "*,Rescinded,rescinded,\n203,Geschäft abgeschlossen,sold,\n203,Abschluß,sold,\n"
        "203,SATILDI,sold,\n203,ΠΩΛΗΘΗΚΕ ΣΑΣ,sold,\n"
    ),
}
ENTRIES = (
    "select entry_id, amount, occurred_at from marts.fct_ledger_entries"
    " where component = 'conversion'"
)
PARKED = "select event_id, reason, status, status_date from marts.rpt_parked_dispositions"
EXCEPTIONS = "select entry_key, reason from marts.ledger_exceptions"
EVERYTHING = "select * from marts.fct_ledger_entries"


@dataclass
class Market:
    """A partner that pays 100.00 for each lead it converts, and its drop folder."""

    settings: Settings
    folder: Path

    def night(self, number: int, *, sold: tuple[str, ...] = (), **files: list[str]) -> None:
        """Sell leads to partner 203 and drop its files, then run that night."""
        now = FIRST_NIGHT + timedelta(days=number)
        self.land(LEADS, now, [lead(lead_id) for lead_id in sold])
        self.land(TRANSACTIONS, now, [purchase(lead_id) for lead_id in sold])
        for name, lines in files.items():
            (self.folder / f"203_{name}.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        golden.night(self.settings, now, ("seeds", "dispositions"), golden.LEADS_AND_CALLS)

    def land(self, stream: Stream, now: datetime, records: list[dict[str, Any]]) -> None:
        """Land records of a vendor that is not asked here."""
        with (
            connect(self.settings) as connection,
            open_load(connection, self.settings, stream, loaded_at=now) as load,
        ):
            for record in records:
                load.add(record)
            load.complete()

    def rows(self, statement: str) -> set[tuple[str, ...]]:
        """Return the rows of a query as texts."""
        return {tuple(row.values()) for row in golden.query(self.settings, statement)}

    def is_the_same_built_at_once(self) -> bool:
        """Build everything again from what is landed, and compare the ledger and what is parked."""
        kept = EVERYTHING, PARKED, EXCEPTIONS
        before = [self.rows(statement) for statement in kept]
        golden.build_from_empty(self.settings, golden.LEADS_AND_CALLS)
        return before == [self.rows(statement) for statement in kept]


@pytest.fixture
def market(settings: Settings, tmp_path: Path) -> Market:
    folder, seeds = tmp_path / "drop", tmp_path / "seeds"
    folder.mkdir()
    seeds.mkdir()
    for name, text in SEEDS.items():
        (seeds / f"{name}.csv").write_text(text)
    return Market(
        replace(settings, seeds_directory=seeds, dispositions=Dispositions(folder, None)), folder
    )


def lead(lead_id: str, email: str = "") -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "lead_type": "33",
        "lead_date": "2026-06-20 10:00:00",
        "lead_data": {"email": email},
    }


def purchase(lead_id: str) -> dict[str, Any]:
    return {
        "transaction_key": f"T{lead_id}",
        "transaction_type": "Purchase",
        "lead_id": lead_id,
        "partner_id": "203",
        "lead_type": "33",
        "amount": "1.00",
        "transaction_date": "2026-07-01 10:00:00",
    }


def booked(
    lead_id: str, night: int, day: str, kind: str = "b", amount: str = "100.00"
) -> tuple[str, str, str]:
    """Return a conversion's entry as the ledger must hold it."""
    known = f"{FIRST_NIGHT + timedelta(days=night):%Y%m%dT%H%M%SZ}"
    return f"conversion:{lead_id}:203:{kind}:{known}", amount, day


def test_a_reference_counts_only_from_when_its_lead_is_known(market: Market) -> None:
    """SPEC D7a: lead 999 is nobody's, so X9 is no key, for others nor for the event itself."""
    market.night(
        0,
        sold=("1001",),
        a=[
            "999,X9,,Sold,2026-07-05",
            ",X9,,New,2026-07-06",
            "1001,Y1,,New,2026-07-03",
            ",Y1,,Sold,2026-07-04",
            "888,Y1,,New,2026-07-05",
        ],
    )
    assert market.rows(ENTRIES) == {booked("1001", 0, "2026-07-04 00:00:00")}
    assert market.rows(PARKED) == {
        ("203_a:1", "no_match", "sold", ""),
        ("203_a:2", "no_match", "new", ""),
    }

    # Later the lead is known, and sold: its event counts, and so does its reference.
    market.night(1, sold=("999",), b=[",X9,,Rescinded,2026-07-09"])
    assert market.rows(PARKED) == set()
    assert market.rows(ENTRIES) == {booked("1001", 0, "2026-07-04 00:00:00")}
    market.night(2, sold=("888",), b=[",X9,,Quoted,2026-07-09"])
    assert market.rows(ENTRIES) == {
        booked("1001", 0, "2026-07-04 00:00:00"),
        booked("999", 2, "2026-07-05 00:00:00"),
        booked("1001", 2, "2026-07-04 00:00:00", "r", "-100.00"),
    }
    # Now Y1 stands for two leads, both bought: which of them was sold?
    assert market.rows(PARKED) == {("203_a:4", "ambiguous_match", "sold", "")}
    assert market.is_the_same_built_at_once()


def test_a_reference_that_another_partner_gave_undoes_nothing(market: Market) -> None:
    buyer = {"lead_id": "1001", "lead_type": "33", "position": 1, "partner_id": "204"}
    market.land(LEADS, FIRST_NIGHT, [lead("1001")])
    market.land(LEAD_PARTNERS, FIRST_NIGHT, [buyer | {"buyer_lead_ref": "Z1"}])
    market.night(0, a=["1001,,,Sold,2026-07-05", ",Z1,,Rescinded,2026-07-09"])
    assert market.rows(EXCEPTIONS) == {("conversion:1001:203", "conversion_without_sale")}
    assert market.rows(PARKED) == {("203_a:2", "no_match", "rescinded", "")}
    assert_complete(market.settings)


def test_a_reference_that_a_lead_has_no_more_names_it_no_more(market: Market) -> None:
    buyer = {"lead_id": "1001", "lead_type": "33", "position": 1, "partner_id": "203"}
    market.land(LEAD_PARTNERS, FIRST_NIGHT, [buyer | {"buyer_lead_ref": "Z1"}])
    market.night(0, sold=("1001",), a=[",Z1,,Sold,2026-07-05"])
    standing = booked("1001", 0, "2026-07-05 00:00:00")
    assert (market.rows(ENTRIES), market.rows(PARKED)) == ({standing}, set())
    market.land(LEAD_PARTNERS, FIRST_NIGHT + timedelta(days=1), [buyer | {"buyer_lead_ref": "Z2"}])
    market.night(1)
    undone = booked("1001", 1, "2026-07-05 00:00:00", "r", "-100.00")
    assert market.rows(ENTRIES) == {standing, undone}
    assert market.rows(PARKED) == {("203_a:1", "no_match", "sold", "")}
    assert_complete(market.settings)
    assert market.is_the_same_built_at_once()


# What the partner wrote -> what it is; None cannot be read.
DATES = {
    "2026-07-05": "2026-07-05 00:00:00",
    "07/05/2026": "2026-07-05 00:00:00",
    "7/5/2026 22:00": "2026-07-05 22:00:00",
    "2026-07-05\u00a0": "2026-07-05 00:00:00",
    "2026-07-05T23:30:00-04:00": "2026-07-06 03:30:00",
    "": str(FIRST_NIGHT),
    "\u00a0": str(FIRST_NIGHT),
    "07/05/2026 10:00 PM": None,
    "07/05/2026 10:00PM": None,
    "2026-07-05 6 PM": None,
    "July 5, 2026": None,
    "05.07.2026": None,
    "13/07/2026": None,
    "20260705": None,
    "2026-02-29": None,
    "N/A": None,
    "0001-01-01": None,
    "9999-12-31": None,
}


def test_a_date_that_cannot_be_read_parks_the_event_until_it_comes_corrected(
    market: Market,
) -> None:
    """SPEC D7a, NOTES E6: only a date that is not there is the landing's."""
    leads = [str(2000 + number) for number in range(len(DATES))]
    written = dict(zip(leads, DATES, strict=True))
    sold = [f'{lead_id},,,Sold,"{date}"' for lead_id, date in written.items()]
    undone = ["3000,,,Sold,2026-07-02", '3000,,,Rescinded,"July 9, 2026"']
    market.night(0, sold=(*leads, "3000"), a=[*sold, *undone])

    readable = {booked(lead_id, 0, DATES[date]) for lead_id, date in written.items() if DATES[date]}
    at_first = readable | {booked("3000", 0, "2026-07-02 00:00:00")}
    assert market.rows(ENTRIES) == at_first
    assert market.rows(PARKED) == {
        *(
            (f"203_a:{number}", "bad_status_date", "sold", date)
            for number, date in enumerate(DATES, start=1)
            if DATES[date] is None
        ),
        (f"203_a:{len(DATES) + 2}", "bad_status_date", "rescinded", "July 9, 2026"),
    }

    corrected = [
        line if DATES[date] else f"{lead_id},,,Sold,2026-07-06"
        for line, (lead_id, date) in zip(sold, written.items(), strict=True)
    ]
    market.night(1, a=[*corrected, undone[0], "3000,,,Rescinded,2026-07-09"])
    assert market.rows(PARKED) == set()
    assert market.rows(ENTRIES) == {
        *at_first,
        *(
            booked(lead_id, 1, "2026-07-06 00:00:00")
            for lead_id, date in written.items()
            if DATES[date] is None
        ),
        booked("3000", 1, "2026-07-02 00:00:00", "r", "-100.00"),
    }
    assert market.is_the_same_built_at_once()


def test_a_date_that_changes_moves_the_window_from_then_on(market: Market) -> None:
    """SPEC D7, L2: what was known under the day before stays as it was; bought on July 1."""
    market.night(0, sold=("4000",))
    who = {**lead("4000", email="who@example.com"), "lead_date": "2026-06-20 11:00:00"}
    market.land(LEADS, FIRST_NIGHT + timedelta(hours=1), [who])
    found = (
        booked("4000", 2, "2026-07-01 00:00:00"),
        booked("4000", 3, "2026-07-01 00:00:00", "r", "-100.00"),
    )
    parked = ("203_a:1", "no_match", "sold")
    market.night(1, a=[",,who@example.com,Sold,2026-06-30"])
    assert (market.rows(ENTRIES), {row[:3] for row in market.rows(PARKED)}) == (set(), {parked})
    market.night(2, a=[",,who@example.com,Sold,2026-07-01"])
    assert (market.rows(ENTRIES), market.rows(PARKED)) == ({found[0]}, set())
    market.night(3, a=[",,who@example.com,Sold,2026-06-30"])
    assert (market.rows(ENTRIES), {row[:3] for row in market.rows(PARKED)}) == (
        set(found),
        {parked},
    )
    assert_complete(market.settings)
    assert market.is_the_same_built_at_once()


WORDS = (
    "Geschäft Abgeschlossen",
    "GESCHÄFT ABGESCHLOSSEN",
    "\u00a0Gescha\u0308ft\u2003 \tabgeschlossen\ufeff",
    "ABSCHLUSS",
    "abschluß",
    "satıldı",
    "Satildi",
    "πωληθηκε σας",
)
E_MAILS = {"JÜRGEN@Example.com\u00a0": "jürgen@example.com", "jo@x.org": "\u200eJo@X.org"}


def test_words_and_e_mails_are_compared_alike_in_any_script(market: Market) -> None:
    """SPEC D7a: capitals, blanks and composed letters make no difference, on no server."""
    words = {str(4000 + number): word for number, word in enumerate(WORDS)}
    people = {str(5000 + number): email for number, email in enumerate(E_MAILS)}
    market.land(LEADS, FIRST_NIGHT, [lead(*person) for person in people.items()])
    market.land(TRANSACTIONS, FIRST_NIGHT, [purchase(lead_id) for lead_id in people])
    market.night(
        1,
        sold=tuple(words),
        a=[
            *(f"{lead_id},,,{word},2026-07-05" for lead_id, word in words.items()),
            *(f",,{email},Sold,2026-07-05" for email in E_MAILS.values()),
        ],
    )
    assert market.rows(ENTRIES) == {
        booked(lead_id, 1, "2026-07-05 00:00:00") for lead_id in [*words, *people]
    }
    assert market.rows(PARKED) == set()
    assert market.rows("select * from marts.rpt_unmapped_dispositions") == set()
