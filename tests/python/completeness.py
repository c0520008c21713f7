"""Completeness of a warehouse that a test has filled (SPEC L16)."""

from ingestion.settings import Settings
from orchestration.dbt import run_dbt
from tests.python import golden

MODELS = "path:models/intermediate/completeness"
UNACCOUNTED = """
select source, stream, fact_key, currency, landed, booked, excepted, parked, no_money,
    no_money_reason, difference
from intermediate.int_facts_accounted where not is_accounted order by 1, 2, 3
"""
JUDGED = "select * from intermediate.int_facts_accounted where is_live or not is_accounted"


def judge(settings: Settings, *, whole: bool = False, **variables: str) -> None:
    """Account for the facts that are new, or for all there are."""
    run_dbt(settings, "run", "--select", MODELS, variables=variables | {"whole_history": whole})


def unaccounted(settings: Settings) -> list[dict[str, str]]:
    """Return the facts that are not booked, held or explained, as last judged."""
    return golden.query(settings, UNACCOUNTED)


def assert_complete(settings: Settings, **variables: str) -> None:
    """Every fact is accounted for, as judged night by night and at once, and both agree."""
    judge(settings, **variables)
    assert not unaccounted(settings)
    by_night = by_fact(settings)
    assert by_night
    judge(settings, whole=True, **variables)
    assert by_fact(settings) == by_night


def by_fact(settings: Settings) -> dict[tuple[str, ...], dict[str, str]]:
    """Return what is judged of every fact, without those that are gone for good."""
    return golden.by(golden.query(settings, JUDGED), "source", "stream", "fact_key", "currency")
