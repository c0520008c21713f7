"""`ledgerhouse docs`: the dbt docs site as one page that needs no network."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from ingestion.settings import Settings
from orchestration.dbt import DbtError, dbt_arguments, target_folder


def write_docs(settings: Settings, target: Path | None = None) -> Path:
    """Write the docs site with what is built now and return its place; raises DbtError."""
    from dbt.cli.main import dbtRunner

    target = target or target_folder()
    generate = dbt_arguments(settings, "docs", "generate", "--static", "--target-path", str(target))
    with redirect_stdout(StringIO()):
        outcome = dbtRunner().invoke(generate)
    if not outcome.success:
        raise DbtError(f"dbt docs generate failed: {outcome.exception or 'see dbt docs generate'}")
    return target / "static_index.html"
