"""The seeds' loader: what is written wrongly is named with its line, and nothing of it counts."""

from pathlib import Path

import pytest

from ingestion.landing import LoadFailed
from ingestion.settings import Settings
from ingestion.sources import seeds
from tests.python.vendors import live, quick, sync

TERMS = "partner_id,filter_set_id,deal_type,rate_basis,rate,effective_from,effective_to"
GOOD = "203,,cpa,per_sale,250,2025-01-01,2026-03-01"
ITEMS = "line_item_id,account_number,name,monthly_fee,yearly_bill_month,effective_from"
USERS = "override_puc_enabled,account_number,per_user_cost,effective_from"


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
    ("deal_terms", (TERMS, GOOD, "203,,cpa"), "another number of fields"),
    ("deal_terms", (TERMS, GOOD, GOOD), "repeats the key"),
    ("msp_custom_line_items", (ITEMS, '1,400101,Web,"25,00",,'), "monthly_fee is '25,00'"),
    ("msp_custom_line_items", (ITEMS, "1,400101,Web,25,March,"), "bill_month is 'March'"),
    ("msp_client_overrides", (USERS, "yes,400102,42.50,"), "'yes', not true or false"),
]


@pytest.mark.parametrize(("name", "lines", "message"), BAD)
def test_what_is_written_wrongly_is_named_and_what_was_known_stays(
    name: str, lines: tuple[str, ...], message: str, account: Settings
) -> None:
    sync(seeds, account)
    before = live(account, f"seeds__{name}")
    write(account, name, *lines)
    with pytest.raises(LoadFailed) as failure:
        sync(seeds, account, day=1)
    assert message in str(failure.value)
    assert f"{name}.csv line {len(lines)}" in str(failure.value)
    assert live(account, f"seeds__{name}") == before


def test_a_seed_that_is_nowhere_is_named(
    account: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "PROJECT", account.seeds_directory)
    with pytest.raises(LoadFailed, match="billingo_companies.csv is neither in"):
        sync(seeds, account)
