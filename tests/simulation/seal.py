"""`python -m tests.simulation.seal --seeds 1-100`: changing rules over a changing world (SPEC L18).

The project's own SQL of the ledger, its comparison, restatement and publication live through
landings, deployments, restatements, kills and builds from empty. The states are written by a few
lines of Python, and every publication is judged from the facts alone: what is published never
changes, a reversal repeats its booking, and at any known time the sum of a key is what the rules in
force then made of what was known then.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import psycopg

from ingestion.lock import run_lock
from ingestion.registry import make_stream_tables
from ingestion.settings import Settings
from orchestration import approvals, restatement, seal
from orchestration.dbt import Mart, parsed_project
from orchestration.publish import publish
from orchestration.rules import compiled_whole
from tests.simulation.__main__ import server
from tests.simulation.seal_world import CLOSED_MONTHS, DEALS, OPEN, Rules, World

BEGINNING = datetime(2025, 1, 1)
OPEN_END = datetime(9999, 12, 31)
BUILT, PUBLISHED = "seal_built", "seal_published"
LEDGER = Mart("fct_ledger_entries", BUILT, appended_by="recorded_at")
VIEWS = ("int_ledger_states", "int_ledger_standing", "int_ledger_switches")
VIEWS_OF_TRANSITIONS = ("int_ledger_moments", "int_ledger_restated")
WHOLE_ONLY = re.compile(r"\{%-? if not is_incremental\(\) %\}.*?\{%-? endif %\}", re.DOTALL)
ROWS = """
select entry_key, left(entry_kind, 1), account_id, lead_id, occurred_at, amount, price_version_id,
    reason, recorded_at, entry_id
from {}.fct_ledger_entries order by entry_key, recorded_at, entry_kind desc
"""
STATE = f"""
insert into {BUILT}.int_deals_unioned (entry_key, deal_type, business_unit, component, account_id,
    lead_id, source, source_key, load_id, quantity, list_amount, discount_amount, amount, currency,
    price_version_id, exception_reason, opened_because, closed_because, occurred_at, known_from,
    known_to)
values (%s, 'cpa', 'leads', 'sale', %s, %s, 'simulated', %s, 1, 1, %s, 0, %s, 'USD', %s, %s, %s, %s,
    %s, %s, %s)
"""


class KilledError(Exception):
    """The process died here."""


def moment(number: int) -> datetime:
    """Return the time that a number of the world stands for."""
    return OPEN_END if number == OPEN else BEGINNING + timedelta(hours=number)


def number(at: datetime) -> int:
    """Return the number of the world that stands for a time."""
    return round((at - BEGINNING).total_seconds() / 3600)


class Sql:
    """The ledger's models as dbt compiles them, over a table of states that is written by hand."""

    def __init__(self, settings: Settings) -> None:
        node = parsed_project(settings).nodes["model.ledgerhouse.fct_ledger_entries"]
        self.names = {
            found.relation_name: f"{BUILT}.{found.name}"
            for found in parsed_project(settings).nodes.values()
            if found.relation_name and found.name.startswith(("int_ledger_", "int_deals_unioned"))
        }
        whole = self._compiled(settings)
        self.views, self.whole = whole, whole["fct_ledger_entries"]
        with patch.object(node, "raw_code", WHOLE_ONLY.sub("", node.raw_code)):
            self.added = self._compiled(settings)["fct_ledger_entries"]

    def _compiled(self, settings: Settings) -> dict[str, str]:
        found = {}
        for node_id, statements in compiled_whole(settings).items():
            text = statements[0].replace(f"'{settings.published_schema}'", f"'{PUBLISHED}'")
            for name, ours in self.names.items():
                text = text.replace(name, ours)
            found[node_id.split(".")[-1]] = text
        return found

    def entries(self, after: datetime | None, through: datetime) -> str:
        """Return the entries that a build adds: all of them where it is whole."""
        text = self.whole if after is None else self.added
        never = "cast('0001-01-01' as timestamp)"
        text = text.replace(f"<= {never}", f"<= cast('{through}' as timestamp)")
        return text.replace(f"recorded_at > {never}", f"recorded_at > '{after or datetime.min}'")


class House:
    """A warehouse of nothing but states and a ledger, and all that happens to it."""

    def __init__(
        self, connection: psycopg.Connection, settings: Settings, sql: Sql, seed: int
    ) -> None:
        self.connection, self.sql, self.random = connection, sql, Random(seed)
        self.settings = replace(settings, published_schema=PUBLISHED)
        self.world, self.count = World(), Counter[str]()
        self.code = self.in_force = Rules()
        self.clock = self.through = self.watermark = self.restated = self.sealed = 0
        self.built_by: tuple[Rules, int] | None = None
        self.eras: list[tuple[int, int, Rules]] = [(0, 0, self.code)]
        self.published: list[tuple[Any, ...]] = []
        self._make()

    def _make(self) -> None:
        run = self.connection.execute
        run(f"drop schema if exists {BUILT} cascade")
        run(f"drop schema if exists {PUBLISHED} cascade")
        run(f"create schema {BUILT}")
        run(f"create table {BUILT}.fct_ledger_entries (like landing.sealed_entries)")
        run(f"alter table {BUILT}.fct_ledger_entries drop column schema_name")
        run(f"create table {BUILT}.int_deals_unioned (like landing.sealed_entries)")
        run(
            f"alter table {BUILT}.int_deals_unioned drop column schema_name,"
            " drop column entry_id, drop column entry_kind, drop column reason,"
            " drop column recorded_at, alter column amount drop not null,"
            " add column exception_reason varchar(50), add column opened_because varchar(20),"
            " add column closed_because varchar(50), add column known_from timestamp,"
            " add column known_to timestamp"
        )
        for view in VIEWS:
            run(f"create view {BUILT}.{view} as {self.sql.views[view]}")
        transitions = self.sql.views["int_ledger_transitions"]
        run(f"create table {BUILT}.int_ledger_transitions as {transitions}")
        for view in VIEWS_OF_TRANSITIONS:
            run(f"create view {BUILT}.{view} as {self.sql.views[view]}")
        for books in ("publications", "rule_versions", "restatements", "sealed_entries"):
            run(f"delete from landing.{books} where schema_name = '{PUBLISHED}'")
        run("delete from landing.restatement_approvals")
        run("delete from landing.restatement_proposals")
        run("delete from landing.ledger_seals")
        run(f"delete from landing.build_watermarks where schema_name = '{BUILT}'")

    def now(self) -> int:
        """Return the next known time: one clock, always later than the last."""
        self.clock += self.random.randint(1, 9)
        return self.clock

    def maybe_kill(self) -> None:
        """Die here, sometimes."""
        if self.random.random() < 0.12:
            self.count["kills"] += 1
            raise KilledError

    def build(self, *, whole: bool = False) -> None:
        """Add what is new; all again where rules or restatement are not those of the last build."""
        whole = whole or self.built_by != (self.code, self.restated)
        run = self.connection.execute
        through = moment(self.clock)
        with self.connection.transaction():
            run(f"truncate {BUILT}.int_deals_unioned")
            for key in [*DEALS, *CLOSED_MONTHS]:
                for state, opened, closed, start, end in self.world.history(
                    self.code, key, self.clock
                ):
                    run(
                        STATE,
                        (
                            *(key, state.account, state.lead, key, state.amount, state.amount),
                            *(state.version, state.exception, opened, closed),
                            *(moment(state.occurred_at), moment(start), moment(end)),
                        ),
                    )
            if whole:  # a table that is made again has another file
                run(f"truncate {BUILT}.fct_ledger_entries")
                run(f"truncate {BUILT}.int_ledger_transitions")
                run(
                    f"insert into {BUILT}.int_ledger_transitions"
                    f" {self.sql.views['int_ledger_transitions']}"
                )
            entries = self.sql.entries(None if whole else moment(self.watermark), through)
            run(f"insert into {BUILT}.fct_ledger_entries {entries}")
            run(
                "insert into landing.build_watermarks"
                " values ('fct_ledger_entries', %s, %s, '', clock_timestamp())",
                (BUILT, through),
            )
        self.built_by, self.watermark = (self.code, self.restated), self.clock
        self.count["whole builds" if whole else "builds of what is new"] += 1

    def publish(self) -> None:
        """Publish what is built, restating on the way where no money moves."""
        before = self.rows(PUBLISHED) if self.published else []
        try:
            sealing = seal.check(self.connection, self.settings, [LEDGER])
        except seal.PastChangesError as error:
            self.count["nights that wait for a restatement"] += 1
            if not error.change.differences:
                self.carry_out(error.change)
                self.publish()
            return
        is_pending = self.restated > self.through
        built = self.rows(BUILT)
        known = {row[-1]: row for row in built if number(row[8]) <= self.through}
        assert known == {row[-1]: row for row in before}, "published what is not built"
        publish(self.connection, self.settings, [LEDGER], None, sealing)
        if is_pending:
            self.eras.append((self.sealed, self.restated, self.code))
        elif self.code != self.in_force:
            self.count["rules without effect"] += 1
            self.eras.append((self.through, self.through, self.code))
        self.through, self.in_force = self.watermark, self.code
        self.published = self.rows(PUBLISHED)
        assert set(before) <= set(self.published), "a published entry changed"
        assert set(self.published) == set(built)
        self.count["publications"] += 1
        self.check()

    def night(self) -> None:
        """Land, build, publish."""
        self.world.land(self.random, self.now())
        self.maybe_kill()
        self.build()
        self.maybe_kill()
        if self.random.random() < 0.15:
            self.count["held by the guard"] += 1
        else:
            self.publish()

    def deploy(self) -> None:
        """Bring other rules, or those in force again."""
        self.code = self.in_force if self.random.random() < 0.15 else self.code.changed(self.random)

    def restate(self) -> None:
        """Propose, approve and carry out what today's rules move."""
        self.build()
        try:
            seal.check(self.connection, self.settings, [LEDGER])
        except seal.PastChangesError as error:
            change = error.change
        else:
            self.count["nothing to restate"] += 1
            return
        proposal = restatement.propose(self.connection, self.settings, change, "Ann", "simulated")
        approvals.approve(self.connection, self.settings, "restatement_approvals", proposal, "Bob")
        self.maybe_kill()
        self.carry_out(change)
        self.maybe_kill()
        self.publish()

    def carry_out(self, change: seal.Change) -> None:
        """Restate, and build everything again."""
        tonight = replace(self.settings, now=moment(self.now()))
        assert restatement.carry_out(self.connection, tonight, change)
        self.restated, self.sealed = self.clock, self.through
        self.count["restatements"] += 1
        self.maybe_kill()
        self.build()

    def rebuild(self) -> None:
        """Build whole: from empty, or by hand with whatever code is there."""
        self.build(whole=True)

    def rows(self, schema: str) -> list[tuple[Any, ...]]:
        """Return a ledger, key by key in order of known time."""
        return self.connection.execute(ROWS.format(schema)).fetchall()

    def in_force_at(self, key: str, at: int, era: int = -1) -> tuple[Any, ...] | None:
        """Return the figures in force, from the facts.

        An era's rules rule from its restatement on, and for a key that changes under them before,
        from its first change after what was sealed.
        """
        sealed, restated, rules = self.eras[era]

        def figures(moment: int) -> tuple[Any, ...] | None:
            state = self.world.state(rules, key, moment)
            return state.figures if state and state.exception is None else None

        if at <= sealed and len(self.eras) + era > 0:
            return self.in_force_at(key, at, era - 1)
        changes = [
            point
            for point in self.world.points(rules, at)
            if point > sealed and figures(point) != figures(point - 1)
        ]
        if at >= restated or changes:
            return figures(at)
        return self.in_force_at(key, sealed, era - 1)

    def check(self) -> None:
        """Judge what is published from the facts alone."""
        by_key: defaultdict[str, list[Any]] = defaultdict(list)
        for row in self.published:
            key, kind, account, lead, occurred, amount, version, reason, recorded, _ = row
            figures = (account, lead, number(occurred), int(amount))
            by_key[key].append((kind, figures, version, reason, number(recorded)))
        moments = {
            point for _, _, rules in self.eras for point in self.world.points(rules, self.through)
        }
        moments |= {restated for _, restated, _ in self.eras} | {self.through}
        restatements = {restated for _, restated, _ in self.eras}
        for key in [*DEALS, *CLOSED_MONTHS]:
            self._check_entries(by_key[key], restatements)
            for at in moments:
                sums: Counter[Any] = Counter()
                for _, figures, _, _, recorded in by_key[key]:
                    sums[figures[:3]] += figures[3] if recorded <= at else 0
                found = [(*name, amount) for name, amount in sums.items() if amount]
                expected = self.in_force_at(key, at)
                assert found == ([expected] if expected else []), (key, at, found, expected)
                self.count["sums checked"] += 1

    @staticmethod
    def _check_entries(entries: list[Any], restatements: set[int]) -> None:
        stands = None
        for entry in entries:
            kind, figures, version, reason, recorded = entry
            if kind == "r":
                undone = (*figures[:3], -figures[3])
                assert stands and stands[1:3] == (undone, version), "a reversal repeats its booking"
            else:
                assert not stands, "booked twice"
                ended = [(*e[1][:3], -e[1][3]) for e in entries if e[0] == "r" and e[4] == recorded]
                assert figures not in ended, "a correction that corrects nothing"
                right = "corrected" if ended else "new" if entry is entries[0] else "restored"
                assert reason in (right, "rule_changed"), (entry, right)
            assert reason and (reason != "rule_changed" or recorded in restatements)
            stands = entry if kind == "b" else None


@contextmanager
def rules_of(house: House) -> Iterator[None]:
    """Let the house's rules be those that are compared."""

    def rule_hash(_: Settings) -> str:
        return str(house.code)[:60]

    with patch.object(seal, "rule_hash", rule_hash):
        yield


def play(settings: Settings, seeds: range, steps: int = 45) -> Counter[str]:
    """Play seeds; raises AssertionError naming the seed. Nothing needs to be built."""
    total, sql = Counter[str](), Sql(settings)
    with run_lock(replace(settings, published_schema=PUBLISHED)) as connection:
        make_stream_tables(connection)
        for seed in seeds:
            house = House(connection, settings, sql, seed)
            happens = [house.night] * 8 + [house.deploy] * 2 + [house.restate] * 3 + [house.rebuild]
            with rules_of(house):
                for step in range(steps):
                    try:
                        house.random.choice(happens)()
                    except KilledError:
                        connection.rollback()
                    except Exception as error:
                        error.add_note(f"seed {seed}, step {step}")
                        raise
            total += house.count
        connection.rollback()
    return total


def main() -> int:
    """Play the seeds that are asked for on a server of our own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1-100", help="such as 1-100")
    first, last = map(int, parser.parse_args().seeds.split("-"))
    with server() as settings:
        total = play(settings, range(first, last + 1))
    for name, count in sorted(total.items()):
        sys.stdout.write(f"{name}: {count:,}\n")
    sys.stdout.write(f"seeds {first}-{last} hold\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
