"""`python -m tests.simulation.kills --kills 200`: end a night anywhere, run it again, compare.

The night of a small town is ended before a random step of all it does: its client, the backends
that serve it, or the server. The night after it must leave the ledger, the exceptions, what is
landed, the snapshots, the cursors and the analysts' figures as an undisturbed night does (SPEC R6).
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from ingestion import embedded
from ingestion.registry import SOURCES
from ingestion.settings import Settings
from ingestion.warehouse import connect
from tests import databases
from tests.simulation import judge, steps
from tests.simulation.__main__ import empty, server
from tests.simulation.town import Town, open_town

WORLDS = range(1, 13)
KINDS = ("client", "backends", "server")
ENTRIES = """
select entry_id, entry_kind, deal_type, business_unit, account_id, lead_id, call_id, occurred_at,
    recorded_at, quantity, list_amount, discount_amount, amount, currency, price_version_id,
    terms_version_id, reason from {}.fct_ledger_entries order by entry_id
"""
STANDING = """
select entry_key, account_id, occurred_at, sum(quantity), sum(amount) from marts.fct_ledger_entries
group by 1, 2, 3 having sum(quantity) != 0 order by 1, 2, 3
"""
CURSORS = """
select distinct on (source, stream, tenant) source, stream, tenant, status, cursor_after
from landing.load_runs where status in ('completed', 'partial')
order by source, stream, tenant, load_id desc
"""
LEFT_RUNNING = """
select 'load', source || '.' || stream from landing.load_runs where status = 'running'
union all select 'job', job from landing.job_runs where status = 'running'
"""
REFUSED = "select 1 from landing.load_runs where error like '%already landed and built%' limit 1"
QUARANTINE = "select source, stream, tenant, record_hash, reason from landing.quarantine order by 4"
EXCEPTIONS = "select entry_key, reason, amount from marts.ledger_exceptions order by 1, 2"
BEFORE = "after_the_first_night"


def main() -> int:
    """Kill so many nights; return how many were not the same afterwards."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.kills")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random, failed = Random(options.seed), 0
    with server() as settings, second_night(empty(settings)) as town:
        undisturbed, number_of_steps = _undisturbed(town)
        print(f"a night has {number_of_steps} steps", flush=True)
        for number in range(1, options.kills + 1):
            kind, at = random.choice(KINDS), random.randrange(number_of_steps)
            started = time.monotonic()
            wrong = differences(town, kind, at, undisturbed)
            failed += bool(wrong)
            seconds = time.monotonic() - started
            print(
                f"{number}: {kind} at step {at}: {wrong or 'the same'}, {seconds:.0f} s", flush=True
            )
    print(f"{options.kills - failed} of {options.kills} are the same")
    return failed


@contextmanager
def second_night(settings: Settings) -> Iterator[Town]:
    """Yield a town whose first night is kept as a database, and whose second is to be run."""
    folder = Path(tempfile.mkdtemp(prefix="ledgerhouse-kills-"))
    try:
        with open_town(WORLDS, settings, folder) as town:
            town.live(1)
            first = steps.play(steps.night(town.tonight()))
            assert not first.error, first.error
            town.live(1)
            _copy(settings, settings.warehouse.name, BEFORE)
            yield town
    finally:
        shutil.rmtree(folder)


def differences(town: Town, kind: str, at: int, undisturbed: dict[str, Any]) -> list[str]:
    """End the second night there, run it again, and name what is not as it should be."""
    settings = town.tonight()
    _copy(settings, BEFORE, settings.warehouse.name)
    steps.play(steps.night(settings), at, kind)
    again = _run_again(settings)
    found = outcome(settings)
    if found["refused"]:
        # The night went on without what was ended, and built: what is new must be known later.
        settings = replace(settings, now=settings.now + timedelta(hours=1))
        again = _run_again(settings)
        found = outcome(settings)
    names = [*ALL, "the snapshots"] if settings.now == town.now else AS_NOW_KNOWN
    if again.error or again.was_killed:
        return [f"the next night failed: {again.kind}: {again.error}"]
    return [name for name in names if found[name] != undisturbed[name]]


def _undisturbed(town: Town) -> tuple[dict[str, Any], int]:
    ended = steps.play(steps.night(town.tonight()))
    assert not ended.error, ended.error
    return outcome(town.tonight()), ended.steps


def _run_again(settings: Settings, attempts: int = 100) -> steps.Ended:
    """Run the night; what is left of the killed one may take a moment to be gone."""
    for _ in range(attempts):
        ended = steps.play(steps.night(settings))
        if ended.kind not in ("RunLockError", "WarehouseError"):
            break
        time.sleep(0.2)
    return ended


def outcome(settings: Settings) -> dict[str, Any]:
    """Return what must be the same, whatever was killed; ids of loads are not."""
    with connect(settings) as connection:
        return {
            name: connection.execute(query).fetchall()
            for name, query in (ALL | AS_NOW_KNOWN | {"refused": REFUSED}).items()
        } | {"the snapshots": judge.snapshots(connection)}


def _landed(columns: str) -> str:
    """Return the query of every stream's versions."""
    streams = [stream for module in SOURCES.values() for stream in module.STREAMS]
    return " union all ".join(
        f"select '{stream.source}.{stream.name}', tenant, source_key, {columns}"
        f" from landing.{stream.source}__{stream.name}"
        for stream in streams
    )


def _copy(settings: Settings, old: str, new: str) -> None:
    databases.make(settings, new, template=old)
    with connect(embedded.administrator(settings), database="postgres") as administrator:
        # A copied sequence is ahead of its log until the next checkpoint.
        administrator.execute("checkpoint")


# What is known in the end, whenever it was learned.
AS_NOW_KNOWN = {
    "what stands": STANDING,
    "the exceptions": EXCEPTIONS,
    "the quarantine": QUARANTINE,
    "left running": LEFT_RUNNING,
    "what is there now": (
        "select distinct on (1, 2, 3) stream, tenant, source_key, payload_hash, is_deleted"
        f" from ({_landed('payload_hash, is_deleted, loaded_at')}) as versions (stream)"
        " order by 1, 2, 3, loaded_at desc"
    ),
}
ALL = AS_NOW_KNOWN | {
    "the ledger": ENTRIES.format("marts"),
    "what is published": ENTRIES.format("analytics"),
    "the cursors": CURSORS,
    "what is landed": f"{_landed('payload_hash, is_deleted, loaded_at')} order by 1, 2, 3, 6",
}


if __name__ == "__main__":
    sys.exit(main())
