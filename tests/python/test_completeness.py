"""Completeness finds whatever is lost, doubled or moved between staging and the ledger (L16)."""

from itertools import islice
from pathlib import Path

import psycopg
import pytest

from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import completeness as words
from orchestration.dbt import DbtError, read_manifest, run_dbt
from tests.python import golden
from tests.python.completeness import judge, unaccounted
from tests.python.deals import SOURCES, nights

PROMISE = "assert_every_fact_is_booked_held_or_explained"
PRICES = "assert_mortgage_leads_are_priced_as_now_known"
TERMS = "assert_conversions_are_paid_by_the_terms_now_known"
UNITS = "assert_entries_have_the_business_unit_of_their_deal_type"
WHOLE = {"whole_history": True}
GOLDEN_A = golden.unpacked("deals/golden_a")
STANDING = """
select entry_key from marts.fct_ledger_entries
where component = '{component}' and source = '{source}'
group by entry_key having count(*) = 1 and sum(amount) != 0
order by entry_key offset {offset} limit 1
"""
# What is done to a key of the ledger, or to the fact behind it, and whose key it is.
LEDGER = "marts.fct_ledger_entries"
AGAIN = (
    "select (jsonb_populate_record(entries, jsonb_build_object('entry_id', entry_id || ':again'"
    "{changed}))).* from marts.fct_ledger_entries as entries where entry_key = %(key)s"
)
DAMAGES = {
    "a sale is lost": (
        ("sale", "boberdoo"),
        f"delete from {LEDGER} where entry_key = %(key)s",
    ),
    "a sale is booked twice": (
        ("sale", "boberdoo"),
        f"insert into {LEDGER} {AGAIN.format(changed='')}",
    ),
    "a cent is missing": (
        ("sale", "boberdoo"),
        f"update {LEDGER} set amount = amount - 0.01 where entry_key = %(key)s",
    ),
    "an amount is in another currency": (
        ("sale", "boberdoo"),
        f"update {LEDGER} set currency = 'CAD' where entry_key = %(key)s",
    ),
    "an un-sale is not followed": (
        ("sale", "boberdoo"),
        "update staging.stg_boberdoo__transactions set is_deleted = true"
        " where 'boberdoo:' || transaction_key = %(key)s",
    ),
    "a sale that was voided stands": (
        ("sale", "boberdoo"),
        "update staging.stg_boberdoo__transactions set transaction_type = 'void'"
        " where 'boberdoo:' || transaction_key = %(key)s",
    ),
    "a refund is lost": (
        ("refund", "boberdoo"),
        f"delete from {LEDGER} where entry_key = %(key)s",
    ),
    "a conversion is lost": (
        ("conversion", "dispositions"),
        f"delete from {LEDGER} where entry_key = %(key)s",
    ),
    "a conversion stands without a status": (
        ("conversion", "dispositions"),
        "update staging.stg_dispositions__events set raw_status = 'nothing of the kind' where"
        " 'events:' || event_id = (select max(source_key) from marts.fct_ledger_entries"
        " where entry_key = %(key)s)",
    ),
    "a share of a call is lost": (
        ("call", "invoca"),
        f"delete from {LEDGER} where entry_key = %(key)s",
    ),
    "a call that is none any more stands": (
        ("call", "invoca"),
        "update staging.stg_invoca__transactions set transaction_type = 'Signal' where call_id ="
        " (select max(call_id) from marts.fct_ledger_entries where entry_key = %(key)s)",
    ),
    "something stands that nobody landed": (
        ("sale", "boberdoo"),
        f"insert into {LEDGER} " + AGAIN.format(changed=", 'entry_key', 'boberdoo:nobody'"),
    ),
}


def test_whatever_is_lost_doubled_or_kept_is_a_difference(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L16: both ways; each damage names the fact it was done to, and nothing else does."""
    for tonight in islice(nights(GOLDEN_A, settings, tmp_path), 6):
        golden.night(tonight, tonight.now, SOURCES, golden.LEADS_AND_CALLS)
        judge(tonight)
    run_dbt(settings, "test", "--select", PROMISE, TERMS, UNITS, variables=WHOLE)
    words.show(settings)
    assert "all accounted for" in capsys.readouterr().out

    with connect(settings) as connection:
        damaged = {}
        for number, (damage, ((component, source), _)) in enumerate(DAMAGES.items()):
            found = connection.execute(
                STANDING.format(component=component, source=source, offset=number)
            ).fetchone()
            assert found, damage
            damaged[damage] = found[0]
        for damage, (_, statement) in DAMAGES.items():
            assert connection.execute(statement, {"key": damaged[damage]}).rowcount, damage
    judge(settings, whole=True)
    found = {row["fact_key"] for row in unaccounted(settings)}
    for damage, key in damaged.items():
        kind, _, rest = key.partition(":")
        if "nobody" in damage:
            assert "nobody" in found, damage
        elif "conversion" in damage:
            assert found & {key, *events_of(settings, key)}, damage
        else:
            assert rest.split(":")[0] in found or rest in found, damage
    with pytest.raises(DbtError, match=PROMISE):
        run_dbt(settings, "test", "--select", PROMISE)
    words.show(settings)
    assert "not accounted for" in capsys.readouterr().out


WRONG_FIGURES = {
    TERMS: "update marts.fct_ledger_entries set amount = amount + 1 where entry_key = (select"
    " max(entry_key) from marts.fct_ledger_entries where component = 'conversion')",
    UNITS: "update marts.fct_ledger_entries set business_unit = null where component = 'sale'",
}


def test_a_wrong_rate_or_business_unit_is_found_by_a_second_reading(
    settings: Settings, tmp_path: Path
) -> None:
    """D4, L2a: presence does not see an amount that is wrong, nor whose it is."""
    scenario = golden.GOLDEN / "deals/worked/11_cpa_symbolic_and_conversion"
    for tonight in nights(scenario, settings, tmp_path):
        golden.night(tonight, tonight.now, SOURCES, golden.LEADS_AND_CALLS)
    judge(settings)
    run_dbt(settings, "test", "--select", *WRONG_FIGURES, variables=WHOLE)
    for promise, statement in WRONG_FIGURES.items():
        with connect(settings) as connection:
            assert connection.execute(statement).rowcount, promise
        with pytest.raises(DbtError, match=promise):
            run_dbt(settings, "test", "--select", promise, variables=WHOLE)


def test_a_price_correction_that_is_lost_is_found_by_a_second_reading(settings: Settings) -> None:
    """L12, L13: what stands is what prices and plans known now give, read from staging."""
    scenario = golden.GOLDEN / "lead_ledger/worked/18_equal_states_merge"
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        for day, now in golden.days(scenario):
            golden.load_day(source, day)
            golden.night(settings, now)
            run_dbt(settings, "test", "--select", PRICES, variables=WHOLE)
    with connect(settings) as connection:
        connection.execute(
            "update landing.billing_db__product_prices set payload = jsonb_set(payload, '{price}',"
            " to_jsonb(cast(payload ->> 'price' as numeric) + 1))"
        )
    with pytest.raises(DbtError, match=PRICES):
        run_dbt(settings, "test", "--select", PRICES, variables=WHOLE)


def events_of(settings: Settings, key: str) -> set[str]:
    """Return the dispositions that are about the lead and partner of a conversion."""
    rows = golden.query(
        settings,
        "select unit_key from intermediate.int_conversions_accounted where pair_key = %s",
        key,
    )
    return {row["unit_key"] for row in rows}


def test_completeness_reads_staging_and_the_ledger_and_nothing_between(built: Settings) -> None:
    """L16: a check that reads the state models would share what it checks."""
    nodes = read_manifest(built)["nodes"]
    ours = {
        key
        for key, node in nodes.items()
        if node["resource_type"] == "model" and "/completeness/" in node["path"]
    }
    allowed = ("stg_", "fct_ledger_entries", "ledger_exceptions", "rpt_parked_dispositions")
    between = {
        f"{nodes[key]['name']} reads {nodes[read]['name']}"
        for key in ours
        for read in nodes[key]["depends_on"]["nodes"]
        if read in nodes and read not in ours and not nodes[read]["name"].startswith(allowed)
    }
    assert ours
    assert not between
