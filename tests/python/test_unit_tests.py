"""dbt's unit tests: every rule of `tests/unit/` at its boundary."""

from ingestion.settings import Settings
from orchestration.dbt import run_dbt


def test_every_unit_test_of_the_models_passes(settings: Settings):
    assert len(run_dbt(settings, "test", "--select", "test_type:unit")) >= 6
