"""`python -m tests.simulation`: play towns of worlds until something does not hold.

--seeds 1-50     these worlds, in one town
--seed 17        this world alone
--towns 20       so many towns of --size worlds, from --first on
--seconds 120    as many towns as that time allows
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ingestion import embedded
from ingestion.settings import Settings, read_settings
from orchestration.dbt import read_marts
from tests import databases
from tests.simulation.plot import Plot, simulate


def main() -> int:
    """Play, and return how many towns had something that did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", help="such as 1-50")
    parser.add_argument("--towns", type=int, default=1)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--nights", type=int, default=6)
    parser.add_argument("--troubles", type=int, default=2, help="of a night")
    parser.add_argument("--without-replay", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("tests.simulation").setLevel(logging.INFO)
    for noisy in ("ingestion", "orchestration", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    failed = 0
    with server() as settings:
        for seeds in towns(options):
            started = time.monotonic()
            plot = simulate(
                seeds,
                empty(settings),
                nights=options.nights,
                troubles=options.troubles,
                replay=not options.without_replay,
            )
            failed += bool(plot.problems)
            show(seeds, plot, time.monotonic() - started)
    return failed


def towns(options: argparse.Namespace) -> Iterator[range]:
    """Yield the seeds of each town that is asked for."""
    if options.seed:
        yield range(options.seed, options.seed + 1)
        return
    if options.seeds:
        first, last = map(int, options.seeds.split("-"))
        yield range(first, last + 1)
        return
    until = time.monotonic() + (options.seconds or 0)
    number = 0
    while time.monotonic() < until if options.seconds else number < options.towns:
        first = options.first + number * options.size
        yield range(first, first + options.size)
        number += 1


def show(seeds: range, plot: Plot, seconds: float) -> None:
    """Print what a town came to, and how to play it again."""
    name = f"{seeds[0]}-{seeds[-1]}"
    entries = len(plot.memory.entries)
    if not plot.problems:
        print(f"seeds {name}: all holds, {entries} entries, {seconds:.0f} s", flush=True)
        return
    print(f"seeds {name}: {len(plot.problems)} things do not hold, {seconds:.0f} s")
    for problem in plot.problems[:20]:
        print(f"  {problem}")
    print(f"again: python -m tests.simulation --seeds {name}", flush=True)


@contextmanager
def server() -> Iterator[Settings]:
    """Run a server of its own, on a free port, with data that nobody wants afterwards."""
    from tests.python.conftest import free_port

    folder = Path(tempfile.mkdtemp(prefix="ledgerhouse-simulation-"))
    folder.chmod(0o755)
    os.environ |= {
        # Children that are killed leave semaphores behind; nobody needs to know.
        "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker",
        "LEDGERHOUSE_EMBEDDED_DIR": str(folder / "warehouse"),
        "WAREHOUSE_PORT": str(free_port()),
        "DO_NOT_TRACK": "1",
        # dbt's static parser works in threads, which a forked child has not.
        "DBT_STATIC_PARSER": "false",
        "DBT_TARGET_PATH": str(folder / "target"),
    }
    settings = read_settings()
    embedded.start(settings)
    try:
        yield settings
    finally:
        embedded.stop("immediate")
        shutil.rmtree(folder)


def empty(settings: Settings) -> Settings:
    """Return settings of an empty warehouse and an empty billing_db; dbt's project is parsed."""
    source = replace(settings.warehouse, name="billing_db")
    for name in (settings.warehouse.name, source.name):
        databases.make(settings, name)
    settings = replace(settings, billing_db=source)
    read_marts(settings)
    return settings


if __name__ == "__main__":
    sys.exit(main())
