"""A town's nights: what goes wrong in each, and what is judged after it.

Whatever goes wrong, the night after it is a good one; what must hold is judged then. In the end the
ledger is built again, by a full refresh and from landing and snapshots alone: the same rows.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ingestion.sandbox.server import Answer
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from tests.simulation import judge, steps
from tests.simulation.town import Town, open_town

log = logging.getLogger(__name__)

DAYS_BETWEEN = (1, 1, 2, 3, 9)
DOWN = [Answer(status=500)] * 50
# Vendor -> what may be wrong with it: the requests that this befalls, and what they are answered.
FAULTS = {
    "boberdoo": {
        "is down": ("getTransactionDetails", DOWN),
        "answers nothing": ("boberdoo", [Answer({"response": {"leads": ""}})] * 50),
    },
    "invoca": {
        "limits": ("invoca", [Answer(status=429, headers={"Retry-After": "0"})] * 50),
    },
    "codex": {
        "answers half a page": ("companies/bulk", [Answer(b'[{"company": {"acc')]),
    },
    "freshservice": {"has no time entries": ("time_entries", DOWN)},
    "billingo": {"is down": ("billingo", DOWN)},
    "datto": {"is down": ("datto", DOWN)},
}
# How each of them sends on to a server that is nobody's vendor.
REDIRECTS = {
    **{"boberdoo": 307, "invoca": 301, "codex": 303},
    **{"freshservice": 308, "billingo": 302, "datto": 307},
}
# A row that a seed cannot have; the next day it is repaired.
MISTAKES = {
    "call_campaigns": {"campaign_id": "9", "kind": "no such kind", "effective_from": "2025-01-01"},
    "deal_terms": {"partner_id": "9", "deal_type": "cpa", "rate_basis": "per_moon", "rate": "1"},
    "disposition_map": {"partner_id": "9", "raw_status": "x", "status": "no such status"},
    "msp_device_types": {"device_type": " desktop ", "billing_type": "Server"},
    "invoice_types": {"document_type": "strange", "is_invoice": "perhaps"},
}
# Steps of a night's landing, of its build, of all of it: where a kill may fall.
FIRST_GUESS_OF_STEPS = 1500
STEPS_OF_A_COMMAND = 200


@dataclass
class Plot:
    """A town's story so far; `told` says what happened, for whoever plays it again."""

    town: Town
    memory: judge.Memory = field(default_factory=judge.Memory)
    told: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    steps_of_a_night: int = FIRST_GUESS_OF_STEPS
    to_come: list["Trouble"] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Write down what happened."""
        self.told.append(f"{self.town.now:%Y-%m-%d %H:%M} {what}")
        log.info("%s", self.told[-1])

    def good_night(self) -> None:
        """Run a night with which nothing is wrong, and judge what is there."""
        self.town.sandbox.heal()
        self.problems += judge.elsewhere(self.town.elsewhere.requests)
        ended = steps.play(steps.night(self.town.tonight()))
        if ended.kind == "MovesTooMuchError":
            self.tell("held, and accepted")
            ended = steps.play(steps.accept(self.town.tonight()))
        if ended.error or ended.was_killed:
            self.problems.append(f"a good night failed: {ended.kind}: {ended.error}")
            with connect(self.town.tonight()) as connection:
                self.problems += judge.completeness(connection)
            return
        self.steps_of_a_night = max(ended.steps, 100)
        self.problems += judge.after_a_night(self.town.tonight(), self.memory)

    def expect_all_landed(self, night: steps.Ended) -> None:
        """Whatever a person does, it is none of the vendors' fault: their facts land."""
        failed = [cause for cause in night.failed_sources if "another shape" not in cause]
        if failed:
            self.problems.append(f"did not land beside a dbt by hand: {failed}")

    def next_trouble(self) -> "Trouble":
        """Return a trouble; none comes a second time before each has come once."""
        if not self.to_come:
            self.to_come = self.town.random.sample(TROUBLES, len(TROUBLES))
        return self.to_come.pop()

    def later(self, **much: int) -> None:
        """Let the clock go on, without anything happening."""
        self.town.now += timedelta(**much)


def kill_a_night(plot: Plot) -> None:
    """A night is killed: its client, its backends, or the server; a person types something."""
    what = plot.town.random.choice(["client", "client", "backends", "server"])
    at = plot.town.random.randrange(plot.steps_of_a_night)
    ended = steps.play(steps.night(plot.town.tonight()), at, what)
    plot.tell(f"a night's {what} ended at step {at}: {ended}")
    if plot.town.random.random() < 0.7:
        type_something(plot)


def type_something(plot: Plot) -> None:
    """A person types a command of dbt."""
    command = plot.town.random.choice(steps.HAND_COMMANDS)
    at = plot.town.random.choice([None, None, plot.town.random.randrange(STEPS_OF_A_COMMAND)])
    ended = steps.play(steps.hand(plot.town.tonight(), command), at)
    plot.tell(f"dbt {' '.join(command)}, killed at {at}: {ended.error or 'done'}")


def break_vendors(plot: Plot) -> None:
    """Vendors fail, lie or send on to somebody else for one night."""
    told = []
    for vendor, faults in FAULTS.items():
        if plot.town.random.random() < 0.8:
            there = {"Location": plot.town.elsewhere.url(vendor)}
            sends_on = (vendor, [Answer(status=REDIRECTS[vendor], headers=there)] * 50)
            known = [*faults.items(), ("sends on", sends_on)]
            name, (part, answers) = plot.town.random.choice(known)
            plot.town.sandbox.fail(part, *answers)
            told.append(f"{vendor} {name}")
    ended = steps.play(steps.night(plot.town.tonight()))
    plot.town.sandbox.heal()
    plot.tell(f"{', '.join(told)}: {ended.error or 'done'}")


def make_a_mistake(plot: Plot) -> None:
    """Somebody saves a seed that cannot be right, for one night."""
    name = plot.town.random.choice(list(MISTAKES))
    plot.town.mistakes[name] = MISTAKES[name]
    plot.town.show()
    ended = steps.play(steps.night(plot.town.tonight()))
    plot.tell(f"a mistake in {name}: {ended.error or 'done'}")
    plot.town.mistakes.clear()
    plot.town.show()


def run_two_at_once(plot: Plot) -> None:
    """A night and something else begin at the same time."""
    other = plot.town.random.choice([("run",), ("snapshot",), None])
    tonight = plot.town.tonight()
    action = steps.hand(tonight, other) if other else steps.night(tonight)
    ended = steps.play_together(steps.night(tonight), action)
    plot.tell(f"a night and {other or 'a night'} at once: {[one.error for one in ended]}")


def type_within_a_night(plot: Plot) -> None:
    """A person types a command of dbt in the middle of a night; the night lands all the same."""
    at = plot.town.random.randrange(plot.steps_of_a_night)
    command = plot.town.random.choice(steps.HAND_COMMANDS)
    tonight = plot.town.tonight()
    night, typed = steps.play_within(steps.night(tonight), at, steps.hand(tonight, command))
    plot.tell(f"dbt {' '.join(command)} at step {at} of a night: {typed.error}; {night.error}")
    plot.expect_all_landed(night)


def run_within_a_command(plot: Plot) -> None:
    """A night begins while a person's dbt is asleep in the middle of its work, and wakes."""
    at = plot.town.random.randrange(STEPS_OF_A_COMMAND)
    command = plot.town.random.choice(steps.HAND_COMMANDS)
    # Mostly while it lands, which it does first.
    at_night = plot.town.random.randrange(plot.steps_of_a_night // 3)
    tonight = plot.town.tonight()
    typed, night = steps.play_crossed(
        *(steps.hand(tonight, command), at),
        *(steps.night(tonight), at_night),
    )
    plot.tell(f"a night at step {at} of dbt {' '.join(command)}: {night.error}; {typed.error}")
    plot.expect_all_landed(night)


def land_without_building(plot: Plot) -> None:
    """A night lands and dbt does not start; a person repairs that, and types `dbt run`."""
    ended = steps.play(steps.night_without_build(plot.town.tonight()))
    plot.tell(f"a night without its build: {ended.error}")
    typed = steps.play(steps.hand(plot.town.tonight(), ("run",)))
    plot.tell(f"dbt run: {typed.error or 'done'}")


def turn_the_clock_back(plot: Plot) -> None:
    """A night runs with a clock that is behind."""
    plot.later(days=-3)
    ended = steps.play(steps.night(plot.town.tonight()))
    plot.tell(f"the clock was three days behind: {ended.error or 'done'}")
    plot.later(days=3)


Trouble = Callable[[Plot], None]
TROUBLES: list[Trouble] = [
    kill_a_night,
    type_something,
    break_vendors,
    make_a_mistake,
    run_two_at_once,
    type_within_a_night,
    run_within_a_command,
    land_without_building,
    turn_the_clock_back,
]


def simulate(
    seeds: Sequence[int],
    settings: Settings,
    *,
    nights: int = 6,
    troubles: int = 2,
    replay: bool = True,
) -> Plot:
    """Play the worlds of these seeds in one warehouse; the plot names what did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="ledgerhouse-simulation-"))
    try:
        with open_town(seeds, settings, folder) as town:
            plot = Plot(town)
            for _ in range(nights):
                _play_a_night(plot, troubles)
                if plot.problems:
                    return plot
            _build_again(plot, replay)
            return plot
    finally:
        shutil.rmtree(folder)


def _play_a_night(plot: Plot, troubles: int) -> None:
    plot.town.live(plot.town.random.choice(DAYS_BETWEEN))
    for _ in range(troubles):
        trouble = plot.next_trouble()
        plot.tell(f"{trouble.__name__}")
        trouble(plot)
        plot.later(hours=1)
    plot.good_night()


def _build_again(plot: Plot, replay: bool) -> None:
    """The ledger is a pure function of landing and snapshots (SPEC L5)."""
    settings = plot.town.tonight()
    with connect(settings) as connection:
        ledger, exceptions = judge.ledger(connection), judge.exceptions(connection)
        snapshots = judge.snapshots(connection)
    ways: dict[str, Callable[[], object]] = {
        "by a full refresh": lambda: pipeline.build(settings, full_refresh=True),
    }
    if replay:
        ways["from landing alone"] = lambda: _from_landing(settings)
    for name, way in ways.items():
        ended = steps.play(way)
        if ended.error:
            plot.problems.append(f"building again {name} failed: {ended.error}")
            continue
        with connect(settings) as connection:
            plot.problems += [
                *judge.same(name, ledger, judge.ledger(connection)),
                *judge.same(name, exceptions, judge.exceptions(connection)),
                *judge.same(name, snapshots, judge.snapshots(connection)),
                *judge.completeness(connection),
            ]


def _from_landing(settings: Settings) -> None:
    """Forget everything that is built, snapshots too, and make it again in one go."""
    with connect(settings) as connection:
        for schema in ("staging", "intermediate", "marts"):
            connection.execute(f"drop schema {schema} cascade")
    pipeline.replay_snapshots(settings)
    pipeline.build(settings)
