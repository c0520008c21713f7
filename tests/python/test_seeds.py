"""The seeds' loader: what is written wrongly is named with its line, and nothing of it counts."""

import logging
from pathlib import Path

import pytest

from ingestion.loads import LoadFailed
from ingestion.run import Run
from ingestion.settings import Settings
from ingestion.sources import billingo_companies, dispositions, seeds
from ingestion.warehouse import connect
from orchestration import __main__ as command_line
from orchestration import holds, pipeline, target_postgres
from tests.python.vendors import NOW, live, quick, sync

TERMS = "partner_id,filter_set_id,deal_type,rate_basis,rate,effective_from,effective_to"
GOOD = "203,,cpa,per_sale,250,2025-01-01,2026-03-01"
ITEMS = "line_item_id,account_number,name,monthly_fee,yearly_bill_month,effective_from"
USERS = "override_puc_enabled,account_number,per_user_cost,effective_from"
CAMPAIGNS = "campaign_id,kind,policy,effective_from"
TYPES = "deal_type,business_unit,label,paid_on"
MAP = "partner_id,raw_status,status,effective_from"
STATUSES = "status,stage,rank,is_contacted,is_converted,is_final"
COLUMNS = "partner_id,column_name,field"
DEVICES = "device_type,billing_type,effective_from"
COMPANIES = "company_id,name,key_variable,is_active,has_payments,has_spendings"


@pytest.fixture
def account(server: Settings, tmp_path: Path) -> Settings:
    return quick(server, seeds_directory=tmp_path)


def write(account: Settings, name: str, *lines: str) -> None:
    (account.seeds_directory / f"{name}.csv").write_text("\n".join((*lines, "")))


def test_dates_numbers_and_truth_values_land_as_they_are_written(account: Settings) -> None:
    write(account, "deal_terms", TERMS, GOOD, "204,,cpa,,-.5,2026-01-01T08:00:00Z,")
    write(account, "msp_client_overrides", USERS, "TRUE,400102,42.50,")
    sync(seeds, account)
    terms = live(account, "seeds__deal_terms")
    assert terms["203||2025-01-01"]["rate"] == "250"
    assert terms["204||2026-01-01T08:00:00Z"]["effective_to"] is None
    assert live(account, "seeds__msp_client_overrides")["400102|"]["per_user_cost"] == "42.50"


BAD = [
    ("deal_terms", (TERMS, "203,,cpa,,250,01/05/2026,"), "effective_from is '01/05/2026'"),
    ("deal_terms", (TERMS, "203,,cpa,,250,,2026-02-30"), "effective_to is '2026-02-30'"),
    ("deal_terms", (TERMS, GOOD, "203,,cpa,,$250,,"), "rate is '$250', not a number"),
    ("deal_terms", (TERMS, "203,,cpa,,600000000000,,"), "not from -1000000 to 1000000"),
    ("deal_terms", (TERMS, GOOD, "203,,cpa"), "another number of fields"),
    ("deal_terms", (TERMS, GOOD, GOOD), "repeats the key"),
    ("msp_custom_line_items", (ITEMS, '1,400101,Web,"25,00",,'), "monthly_fee is '25,00'"),
    ("msp_custom_line_items", (ITEMS, "1,400101,Web,25,March,"), "bill_month is 'March'"),
    ("msp_client_overrides", (USERS, "yes,400102,42.50,"), "'yes', not true or false"),
    # What no model knows would price nothing, or price it wrongly (R12).
    ("call_campaigns", (CAMPAIGNS, "501,cmb,,"), "kind is 'cmb', not one of cbm, lead_call"),
    ("call_campaigns", (CAMPAIGNS, "501,lead_call,halves,"), "policy is 'halves', not one of"),
    ("deal_terms", (TERMS, "203,,cpa,per_lead,250,,"), "rate_basis is 'per_lead', not one of per_"),
    ("deal_terms", (TERMS, ",,cpa,per_sale,250,,"), "partner_id is blank, and names the row"),
    ("deal_types", (TYPES, "cpa,lead,,"), "business_unit is 'lead', not one of leads, calls, msp"),
    ("deal_types", (TYPES, "cpa,leads,,deal"), "paid_on is 'deal', not one of sale, conversion"),
    ("disposition_map", (MAP, "*,Won,won,"), "status is 'won', which is no row of"),
    ("disposition_columns", (COLUMNS, "202,Ref,leadid"), "field is 'leadid', not one of lead_id"),
    ("msp_custom_line_items", (ITEMS, "1,400101,Web,25,13,"), "is '13', not from 1 to 12"),
    ("billingo_companies", (COMPANIES, "1,A Kft.,BILLINGO_KEY_A,,true,true"), "is_active is blank"),
    # Keys are compared as the models fold them (R12).
    ("deal_terms", (TERMS, GOOD, " 203,,cpa,,1,2025-01-01T00:00,"), "of line 2"),
    ("deal_terms", (TERMS, GOOD, "203,,cpa,,1,2025-01-01T02:00:00+02:00,"), "of line 2"),
    ("deal_terms", (TERMS, "203,,cpa,,1,,", "203,,cpa,,1,0001-01-01,"), "of line 2"),
    ("disposition_map", (MAP, "*,Closed  Won,sold,", "*,CLOSED won ,sold,"), "of line 2"),
    ("msp_device_types", (DEVICES, "Desktop,Workstation,", "desktop,VM,"), "of line 2"),
    ("msp_device_types", (DEVICES, "A,VM,2026-01-01", "A,VM,2026-01-01T08:00"), "of line 2"),
    ("disposition_columns", (COLUMNS, "202,Ref,lead_id", "202,REF,call_id"), "of line 2"),
]


@pytest.mark.parametrize(("name", "lines", "message"), BAD)
def test_what_is_written_wrongly_is_named_and_what_was_known_stays(
    name: str, lines: tuple[str, ...], message: str, account: Settings
) -> None:
    sync(seeds, account)
    before = live(account, f"seeds__{name}")
    write(account, name, *lines)
    # R12: the file alone is refused; another that changed the same night lands.
    write(account, "lead_types", "lead_type,label,delivery_table", "land,Land,a_table")
    with pytest.raises(LoadFailed) as failure:
        sync(seeds, account, day=1)
    assert message in str(failure.value)
    assert f"{name}.csv line {len(lines)}" in str(failure.value)
    assert live(account, f"seeds__{name}") == before
    assert live(account, "seeds__lead_types").keys() == {"land"}


def test_a_seed_that_is_nowhere_is_named(
    account: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "PROJECT", account.seeds_directory)
    with pytest.raises(LoadFailed, match="billingo_companies.csv is neither in"):
        sync(seeds, account)


def test_a_file_without_the_column_that_says_what_its_rows_are_is_refused(
    account: Settings,
) -> None:
    write(account, "deal_terms", "partner_id,filter_set_id,dealtype,effective_from", "203,,cpa,")
    with pytest.raises(LoadFailed, match="deal_terms.csv has no column deal_type"):
        sync(seeds, account)


def test_what_only_leaves_facts_unpriced_lands(account: Settings) -> None:
    """SPEC R12: a deal type that is in no other file, and an unknown billing type."""
    write(account, "deal_terms", TERMS, "203,,cpx,per_sale,250,,")
    write(account, "msp_device_types", DEVICES, "Desktop,Toaster,")
    sync(seeds, account)
    assert live(account, "seeds__deal_terms")["203||"]["deal_type"] == "cpx"
    assert live(account, "seeds__msp_device_types")["Desktop|"]["billing_type"] == "Toaster"


def test_what_is_only_unclear_lands_and_is_a_warning_that_names_the_rows(
    account: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """SPEC R12, D4a: rows of one key that overlap in time, a rate basis that counts for nothing."""
    write(account, "deal_terms", TERMS, GOOD, "203,,cpa,,9,2026-02-01,", "202,,drip,per_sale,1,,")
    write(account, "msp_device_types", DEVICES, "Desktop,Workstation,", "desktop,VM,2026-01-01")
    with caplog.at_level(logging.WARNING, "ingestion"):
        sync(seeds, account)
    assert len(live(account, "seeds__deal_terms")) == 3
    assert "deal_terms.csv line 2 and line 3 are effective at once: line 3 rules" in caplog.text
    assert "deal_terms.csv line 4: rate_basis per_sale counts for nothing, drip" in caplog.text
    assert len(caplog.records) == 2  # this seed of MSP has no effective_to


def test_terms_that_follow_each_other_are_no_warning(
    account: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    write(account, "deal_terms", TERMS, GOOD, "203,,cpa,,9,2026-03-01,", "203,7,cpa,,9,2026-01-01,")
    with caplog.at_level(logging.WARNING, "ingestion"):
        sync(seeds, account)
    assert not caplog.records


def test_a_status_in_use_does_not_go(account: Settings) -> None:
    """A typing error in the statuses would undo every conversion: it is refused, the map lands."""
    statuses = ("lost,lost,70,true,false,true", "sold,won,100,true,true,true")
    write(account, "disposition_statuses", STATUSES, *statuses)
    write(account, "disposition_map", MAP, "*,Won,sold,")
    sync(seeds, account)
    write(account, "disposition_statuses", STATUSES, statuses[1].replace("sold", "solid"))
    write(account, "disposition_map", MAP, "*,Won,sold,", "*,Dead,lost,")
    with pytest.raises(LoadFailed, match="status lost, sold is gone, and rows of disposition_map"):
        sync(seeds, account, day=1)
    assert live(account, "seeds__disposition_statuses").keys() == {"lost", "sold"}
    assert live(account, "seeds__disposition_map").keys() == {"*|Won|", "*|Dead|"}
    # Renamed in both files, it lands.
    write(account, "disposition_statuses", STATUSES, statuses[1].replace("sold", "solid"))
    write(account, "disposition_map", MAP, "*,Won,solid,")
    sync(seeds, account, day=2)
    assert live(account, "seeds__disposition_map")["*|Won|"]["status"] == "solid"


def test_a_source_goes_by_the_last_good_version_of_a_seed_that_is_refused(
    account: Settings,
) -> None:
    run = Run(account, NOW)
    write(account, "billingo_companies", COMPANIES, "1,A Kft.,BILLINGO_KEY_A,TRUE,true,false")
    write(account, "disposition_columns", COLUMNS, "202,Ref,lead_id")
    sync(seeds, account)
    write(account, "billingo_companies", COMPANIES, "1,A Kft.,BILLINGO_KEY_A,yes,true,false")
    write(account, "disposition_columns", COLUMNS, "202,Ref,leadid")
    assert [company.company_id for company in billingo_companies.companies(run)] == ["1"]
    assert dispositions.read_columns(run) == {("202", "ref"): "lead_id"}


def test_without_a_good_version_nothing_is_published(
    account: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SPEC R12: the night lands and builds all the rest, and says which file holds it."""
    published = []
    monkeypatch.setattr(target_postgres, "publish", lambda *_: published.append(True))
    monkeypatch.setattr(pipeline, "_build", lambda *_, **__: [])
    monkeypatch.setattr(pipeline, "_snapshot", lambda *_: [])
    write(account, "call_campaigns", CAMPAIGNS, "501,cmb,,")
    with pytest.raises(LoadFailed):
        sync(seeds, account)
    monkeypatch.setattr(command_line, "read_settings", lambda: account)
    assert command_line.main(["build"]) == command_line.EXIT_HELD
    assert not published

    write(account, "call_campaigns", CAMPAIGNS, "501,cbm,,")
    sync(seeds, account, day=1)
    write(account, "call_campaigns", CAMPAIGNS, "501,cmb,,")
    with pytest.raises(LoadFailed):
        sync(seeds, account, day=2)
    with connect(account) as connection:
        holds.refuse_without_configuration(connection)
        assert (
            connection.execute("select error from landing.job_runs where status = 'held'")
            .fetchall()[0][0]
            .startswith("Nothing is published: no good version of these seeds")
        )
