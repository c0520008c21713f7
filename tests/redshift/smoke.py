"""The smoke test of a real Redshift: run once by whoever has one (docs/redshift.md).

    WAREHOUSE_TARGET=redshift python -m tests.redshift.smoke

The warehouse on Postgres must be built and REDSHIFT_* set. Landing goes over through S3, snapshots
are replayed, everything is built from empty with its data tests and published, expressions are
asked for their values, and every mart is compared with Postgres, row by row. Exit code 1: see the
lines.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import redshift_connector
import yaml

from ingestion import lock, redshift, warehouse
from ingestion.settings import Settings, read_settings
from orchestration import pipeline
from orchestration.dbt import Mart, read_marts

FOLDER = Path(__file__).parent
TABLES = """
create temporary table t (a integer, b varchar(10), f boolean, n numeric(18, 2), d date,
    ts timestamp);
create temporary table t2 (a integer, n numeric(18, 2));
create temporary table t3 (a integer, n numeric(18, 2))
"""
OWN_MARTS = ("rpt_publications",)  # each warehouse publishes for itself


def main() -> None:
    """Run every step and say what it found."""
    settings = read_settings()
    if settings.target != "redshift":
        sys.exit("Set WAREHOUSE_TARGET=redshift and REDSHIFT_* (docs/redshift.md).")
    found = []
    for line in check(settings):
        print(line)
        found.append(line)
    print(f"{len(found)} differences" if found else "Redshift says what Postgres says.")
    sys.exit(1 if found else 0)


def check(settings: Settings) -> Iterator[str]:
    """Yield a line for everything that is not as the stand-in has it."""
    pipeline.replay_snapshots(settings)
    pipeline.build(settings, full_refresh=True)
    with lock.run_lock(settings) as connection:
        redshift.replicate(connection, settings)  # the record of that build, too
    with closing(redshift.connect(settings)) as there:
        yield from _values(there)
        yield from _verdicts(there)
        yield from _marts(settings, there, read_marts(settings))


def _values(there: redshift_connector.Connection) -> Iterator[str]:
    for probe in yaml.safe_load((FOLDER / "probes.yml").read_text()):
        value = _ask(there, f"select cast({probe['sql']} as varchar(200))")
        if value != [(probe["value"],)]:
            yield f"{probe['sql']} is {value}, not {probe['value']}"


def _verdicts(there: redshift_connector.Connection) -> Iterator[str]:
    """What the rules let pass must run. What they refuse may have come to Redshift since."""
    for statement in TABLES.split(";"):
        redshift.execute(there, statement)
    there.commit()
    for statement in yaml.safe_load((FOLDER / "corpus.yml").read_text())["fine"]:
        outcome = _ask(there, statement)
        if isinstance(outcome, str):
            yield f"refused: {statement}: {outcome}"


def _marts(
    settings: Settings, there: redshift_connector.Connection, marts: list[Mart]
) -> Iterator[str]:
    with warehouse.connect(settings) as here:
        for mart in marts:
            if mart.name in OWN_MARTS:
                continue
            names = [
                column.name
                for column in here.execute(f"select * from marts.{mart.name} limit 0").description
            ]
            query = f"select {', '.join(names)} from {mart.schema}.{mart.name}"
            rows, others = Counter(here.execute(query).fetchall()), _ask(there, query)
            if isinstance(others, str):
                yield f"{mart.name}: {others}"
            elif rows != Counter(others):
                lost, more = (rows - Counter(others)).total(), (Counter(others) - rows).total()
                yield f"{mart.name}: {lost} rows on Postgres only, {more} on Redshift only"


def _ask(there: redshift_connector.Connection, statement: str) -> list[tuple[Any, ...]] | str:
    """Return the rows of a statement, or the error that it ends in; nothing of it is kept."""
    try:
        cursor = redshift.execute(there, statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    except redshift_connector.Error as error:
        return warehouse.first_line(error)
    finally:
        there.rollback()


if __name__ == "__main__":
    main()
