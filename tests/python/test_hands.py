"""dbt by hand at any moment loses, doubles and moves nothing, and stops beside a run (R8, L5)."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion import embedded, lock
from ingestion.lock import RunLockError, run_lock
from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import WarehouseError, connect
from orchestration import dbt, pipeline
from orchestration.dbt import keep_manifest, read_manifest, run_dbt
from tests.python import golden
from tests.python.deals import SOURCES as LEAD_SOURCES
from tests.python.deals import nights
from tests.python.hands import (
    dbt_by_hand,
    forget_snapshots_and_die,
    land_and_die,
    sync_and_die,
)
from tests.python.msp import MODELS, Msp, moment
from tests.python.msp_world import World
from tests.python.test_deals import ENTRIES, EVERYTHING, WORKED, expected
from tests.python.test_kills import (
    EXCEPTIONS,
    FIRST_NIGHT,
    LEDGER,
    SECOND_NIGHT,
    change_business,
    open_business,
)

NO_TESTS = ("--exclude-resource-type", "test", "unit_test")
UPSTREAM = golden.tables_upstream("int_deals__mortgage_lead")
SNAPSHOTS = "config.materialized:snapshot"
# What a person may type; a whole `dbt run` builds the same and takes longer.
COMMANDS = {
    "run": ("run", "--select", *UPSTREAM, "fct_ledger_entries"),
    "run prices": ("run", "--select", "int_product_prices_timeline"),
    "run deals": ("run", "--select", "int_deals__mortgage_lead", "fct_ledger_entries"),
    "run ledger": ("run", "--select", "fct_ledger_entries"),
    "build": ("build", *NO_TESTS, "--select", SNAPSHOTS, *UPSTREAM, "fct_ledger_entries"),
    "snapshot": ("snapshot",),
    "rebuild": ("run", "--full-refresh", "--select", *UPSTREAM, "fct_ledger_entries"),
    "rebuild deals": ("run", "--full-refresh", "--select", "int_deals__mortgage_lead"),
    "empty": ("run", "--empty", "--select", *UPSTREAM, "fct_ledger_entries"),
    "rebuild empty": ("run", "--empty", "--full-refresh", "--select", *UPSTREAM),
}
MOMENTS: dict[str, Callable] = {
    "before a night": lambda settings, sources: None,
    "landed": land_and_die,
    "landed and snapshotted": sync_and_die,
    "snapshots forgotten": forget_snapshots_and_die,
}
SEVERAL = [
    ("landed", ["run prices", "run deals", "snapshot", "run ledger"]),
    ("snapshots forgotten", ["snapshot", "run", "build"]),
    ("before a night", ["rebuild empty", "run ledger", "run deals", "run ledger"]),
    *(
        pytest.param(*case, marks=pytest.mark.all)
        for case in (
            ("landed", ["run"]),
            ("landed", ["rebuild", "build"]),
            ("landed and snapshotted", ["run ledger", "rebuild deals", "empty", "run"]),
            ("snapshots forgotten", ["run prices", "run deals"]),
        )
    ),
]


@pytest.fixture
def second_day(settings: Settings) -> Settings:
    """Settings of the second night; the source then has new, changed and deleted rows."""
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        open_business(source)
        source.commit()
        golden.night(settings, FIRST_NIGHT)
        change_business(source)
    return replace(settings, now=SECOND_NIGHT)


def ledger_of(settings: Settings) -> list[list[dict[str, str]]]:
    return [golden.query(settings, statement) for statement in (LEDGER, EXCEPTIONS)]


def assert_nothing_was_lost(settings: Settings) -> None:
    """After the night: as many corrections as there are, and what a build from empty gives."""
    golden.make_lost_views(settings)
    golden.night(settings, SECOND_NIGHT + timedelta(hours=1))
    night_by_night = ledger_of(settings)
    corrected = [row for row in night_by_night[0] if row["recorded_at"] > str(FIRST_NIGHT)]
    # All deliveries of brokers 1 and 2 have another discount, those of land another price.
    assert len({row["entry_id"].split(":b:")[0].split(":r:")[0] for row in corrected}) >= 60
    golden.build_from_empty(settings)
    assert ledger_of(settings) == night_by_night


@pytest.mark.parametrize(("died", "commands"), SEVERAL)
def test_dbt_by_hand_at_any_moment_loses_and_doubles_nothing(
    second_day: Settings, died: str, commands: list[str]
) -> None:
    MOMENTS[died](second_day, ["billing_db"])
    for command in commands:
        dbt_by_hand(second_day, *COMMANDS[command])
    if died == "snapshots forgotten":
        pipeline.replay_snapshots(second_day)
    assert_nothing_was_lost(second_day)


@pytest.mark.all
@pytest.mark.parametrize("died", MOMENTS)
@pytest.mark.parametrize("first", COMMANDS)
@pytest.mark.parametrize("second", ["run", "run deals", "rebuild deals", "snapshot"])
def test_any_two_commands_at_any_moment_lose_and_double_nothing(
    second_day: Settings, died: str, first: str, second: str
) -> None:
    MOMENTS[died](second_day, ["billing_db"])
    for command in (first, second):
        dbt_by_hand(second_day, *COMMANDS[command])
    if died == "snapshots forgotten":
        pipeline.replay_snapshots(second_day)
    assert_nothing_was_lost(second_day)


def test_a_killed_night_then_dbt_run_then_a_night_and_a_build_book_every_correction(
    second_day: Settings,
) -> None:
    """As it was found: after a kill between landing and snapshot, `dbt run` by hand (L3)."""
    land_and_die(second_day, ["billing_db"])
    done, said = dbt_by_hand(second_day, "run", "--select", *UPSTREAM, "fct_ledger_entries")
    assert done, said
    assert max(row["recorded_at"] for row in golden.query(second_day, LEDGER)) == str(FIRST_NIGHT)
    assert_nothing_was_lost(second_day)


# Terms, a map, a rate, a deal type, a campaign that become known later.
CHANGED_RULES = [
    pytest.param(path, marks=() if path.name[:2] == "39" else pytest.mark.all)
    for path in WORKED
    if path.name[:2] in ("19", "24", "39", "40", "45")
]


@pytest.mark.parametrize("scenario", CHANGED_RULES, ids=lambda folder: folder.name)
def test_rules_that_change_are_booked_whatever_dbt_ran_before_their_snapshot(
    scenario: Path, settings: Settings, tmp_path: Path
) -> None:
    upstream = golden.tables_upstream(*golden.LEADS_AND_CALLS)
    for number, tonight in enumerate(nights(scenario, settings, tmp_path)):
        if number:
            land_and_die(tonight, LEAD_SOURCES)
            done, said = dbt_by_hand(tonight, "run", "--select", *upstream, "fct_ledger_entries")
            assert done, said
        golden.night(tonight, tonight.now, LEAD_SOURCES, golden.LEADS_AND_CALLS)
    assert golden.by(golden.query(settings, ENTRIES), "entry_id") == golden.by(
        expected(scenario, "ledger"), "entry_id"
    )
    day_by_day = golden.by(golden.query(settings, EVERYTHING), "entry_id")
    golden.build_from_empty(settings, golden.LEADS_AND_CALLS)
    assert golden.by(golden.query(settings, EVERYTHING), "entry_id") == day_by_day


def test_a_list_of_changed_keys_that_dbt_emptied_is_not_taken_for_nothing_changed(
    settings: Settings, tmp_path: Path
) -> None:
    """What was listed and never judged is judged, after `dbt run --empty` by hand, too (L5)."""
    scenario = next(path for path in WORKED if path.name.startswith("39_"))
    for number, tonight in enumerate(nights(scenario, settings, tmp_path)):
        if number:
            sync_and_die(tonight, LEAD_SOURCES)
            for command in (
                ("run", "--select", "+int_sales_changed"),
                ("run", "--empty", "--select", "int_sales_changed"),
                ("run", "--select", "int_sales_typed"),
            ):
                done, said = dbt_by_hand(tonight, *command)
                assert done, said
        golden.night(tonight, tonight.now, LEAD_SOURCES, golden.LEADS_AND_CALLS)
    assert golden.by(golden.query(settings, ENTRIES), "entry_id") == golden.by(
        expected(scenario, "ledger"), "entry_id"
    )


def test_a_month_does_not_close_before_the_snapshots_know_its_clients(
    vendors: Msp, tmp_path: Path
) -> None:
    """The first landing is killed before its snapshot, `dbt run`, then a night (M1, M13)."""
    world = World()
    world.plan("Gold")
    world.client("C1", users=3)
    night = replace(
        vendors.settings, now=moment("2025-04-10"), seeds_directory=world.serve(vendors, tmp_path)
    )
    build = ("--select", *MODELS, "--vars", "{msp_first_month: 2025-01}")
    land_and_die(night, ("seeds", "codex"))
    done, said = dbt_by_hand(night, "run", *build)
    assert done, said
    pipeline.sync(replace(night, now=moment("2025-04-11")), ("seeds", "codex"))
    run_dbt(night, "run", *build)
    booked = golden.query(
        night, "select entry_key, amount from marts.fct_ledger_entries order by 1"
    )
    assert [row["amount"] for row in booked] == ["20.00"] * 9  # three users in three closed months


# The run and the hands: who may write, and when.


def test_dbt_by_hand_is_refused_at_its_next_step_once_a_run_holds_the_warehouse(
    second_day: Settings,
) -> None:
    """Begun before the night: no step of it is written while the night lands (R8, C6)."""
    with ExitStack() as night:
        begin_night = on_first_step(lambda: night.enter_context(run_lock(second_day)))
        done, said = dbt_by_hand(second_day, *COMMANDS["build"], on_event=begin_night)
    assert not done
    assert "A pipeline run holds the warehouse: ledgerhouse pid" in said


def test_dbt_by_hand_begun_before_a_night_writes_nothing_after_it(second_day: Settings) -> None:
    """What it has compiled is of another day than what it would write (R8, C6)."""

    def play_night() -> None:
        with run_lock(second_day):
            pass

    done, said = dbt_by_hand(second_day, *COMMANDS["build"], on_event=on_first_step(play_night))
    assert not done
    assert "another has had the warehouse: ledgerhouse pid" in said


def on_first_step(action: Callable[[], Any]) -> Callable[[Any], None]:
    """Return a callback for dbt that acts once, when the first node begins."""
    actions: Iterator[Callable[[], Any]] = iter([action])

    def act(event: Any) -> None:
        if event.info.name == "NodeStart" and (due := next(actions, None)):
            due()

    return act


def test_a_second_dbt_by_hand_stops_the_first(second_day: Settings) -> None:
    """Two at once would append twice: the newer has the turn (L5)."""

    def start_another() -> None:
        with connect(second_day, autocommit=True) as connection:
            connection.execute("update landing.run_lock set token = 'the other dbt'")

    done, said = dbt_by_hand(second_day, *COMMANDS["build"], on_event=on_first_step(start_another))
    assert not done
    assert "Since this dbt began, another has had the warehouse" in said


def test_a_run_waits_for_a_step_in_flight_and_says_whose_it_is(
    second_day: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "STEP_SECONDS", 1)
    with connect(second_day) as step:
        step.execute(
            "insert into landing.run_lock values ('analytics', 'x', 'dbt run by hand, as me',"
            " now())"
            " on conflict (schema_name) do update set token = 'x', holder = excluded.holder"
        )
        step.commit()
        step.execute("select 1 from landing.run_lock for share")
        with pytest.raises(RunLockError, match="still writing to the warehouse: dbt run by hand"):
            run_lock(second_day).__enter__()
        step.commit()
        with run_lock(second_day):
            pass


def test_a_step_of_a_run_whose_lock_was_lost_is_refused(second_day: Settings) -> None:
    """Another may have begun since: landing, dbt and publishing show that it is their turn."""
    with run_lock(second_day) as connection:
        connection.execute("update landing.run_lock set token = 'of another run'")
        with connect(second_day) as step, pytest.raises(RunLockError, match="was lost"):
            lock.keep_turn(step, second_day)
        with pytest.raises(Exception, match="another has had the warehouse"):
            run_dbt(second_day, *COMMANDS["snapshot"])


def test_an_analyst_can_stop_no_night(second_day: Settings) -> None:
    """No lock that another role may take is the lock of a run (C5)."""
    golden.publish(second_day)
    with connect(second_day, autocommit=True) as owner:
        owner.execute("drop role if exists anna")
        owner.execute("create role anna login password 'anna-reads' in role analyst")
    analyst = replace(second_day.warehouse, user="anna", password="anna-reads")
    with psycopg.connect(**analyst.parameters(), autocommit=True) as reader:
        reader.execute("select pg_advisory_lock(4127001)")
        for mode in ("access share", "share update exclusive", "access exclusive"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
                reader.execute(f"lock table landing.run_lock in {mode} mode")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select 1 from landing.run_lock for share")
        reader.execute("begin; select count(*) from analytics.fct_ledger_entries")
        golden.night(second_day, SECOND_NIGHT)
        golden.publish(second_day)


def test_what_the_ledger_rests_on_remembers_what_it_was_made_from(server: Settings) -> None:
    """A table or snapshot without a watermark would hide what it does not know yet (L5)."""
    nodes = read_manifest(server)["nodes"]
    waiting, upstream = ["model.ledgerhouse.fct_ledger_entries"], set()
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in upstream:
            upstream.add(name)
            waiting += nodes[name]["depends_on"]["nodes"]
    forgetful = {
        name
        for name in upstream
        if nodes[name]["config"]["materialized"] != "kept_view"
        and not nodes[name]["config"]["meta"].get("keeps_watermark")
        # What this holds is of a restatement, and was known for ever when that was made.
        and name != "model.ledgerhouse.int_ledger_transitions"
    }
    assert len(upstream) > 60
    assert not forgetful


# Other schemas, and dbt's other commands.


def test_a_build_in_a_schema_of_ones_own_touches_nothing_of_the_pipeline(
    second_day: Settings,
) -> None:
    """Snapshots are the pipeline's; watermarks are kept per schema (B)."""
    land_and_die(second_day, ["billing_db"])
    state = (
        "select * from snapshots.snap_billing_db__product_prices order by version_hash",
        "select * from landing.build_watermarks where schema_name not like 'dev%%'"
        " order by 1, 2, 3",
    )
    before = [golden.query(second_day, statement) for statement in state]
    mine = replace(second_day, published_schema="dev_me")
    done, said = dbt_by_hand(
        mine,
        *("build", *NO_TESTS, "--select"),
        *("+int_deals__mortgage_lead", "snap_billing_db__product_prices"),
    )
    assert done, said
    assert "READ, NOT RUN" in said
    assert [golden.query(second_day, statement) for statement in state] == before
    known = golden.query(
        second_day,
        "select distinct known_through from landing.build_watermarks where"
        " schema_name like 'dev%%'",
    )
    assert [row["known_through"] for row in known] == [str(FIRST_NIGHT)]
    with connect(second_day) as connection:
        connection.execute("drop schema dev_me_intermediate, dev_me_staging cascade")
    assert_nothing_was_lost(second_day)


def test_dbt_by_hand_says_that_it_publishes_nothing(second_day: Settings) -> None:
    done, said = dbt_by_hand(second_day, *COMMANDS["run ledger"])
    assert done, said
    assert "not published" in said
    assert "ledgerhouse build" in said


def test_the_project_as_published_is_kept_for_dbts_state(
    server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--select state:modified --state target/published` has something to compare with (B)."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    began = time.monotonic()
    keep_manifest(server)
    assert time.monotonic() - began < 5  # a quiet machine needs half a second
    state = ("--select", "state:modified", "--state", str(tmp_path / "published"))
    done, said = dbt_by_hand(server, "ls", "--resource-type", "model", *state)
    assert done, said
    assert "model." not in said
    assert "fct_ledger_entries" not in said


def test_a_shell_without_this_checkouts_port_is_told_whose_server_it_found(
    server: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two checkouts on one machine never read each other's warehouse (B)."""
    monkeypatch.setenv("LEDGERHOUSE_EMBEDDED_DIR", "/another/checkout/.warehouse")
    with pytest.raises(WarehouseError, match="the embedded Postgres of another checkout"):
        connect(server)
    monkeypatch.setenv("WAREHOUSE_IS_EMBEDDED", "yes")
    done, said = dbt_by_hand(server, "run", "--select", "dim_dates")
    assert not done
    assert "the embedded Postgres of another checkout" in said


def test_dbt_in_a_shell_knows_this_checkouts_server_without_a_setting(
    server: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain `dbt run` after `make demo` is not refused as another checkout's (B)."""
    for name in ("LEDGERHOUSE_EMBEDDED_DIR", "WAREHOUSE_HOST", "WAREHOUSE_IS_EMBEDDED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(PROJECT / "models")
    asked = ("--inline", "{{ server_mark() }}", "--no-populate-cache", "--no-introspect")
    profiles = ("--profiles-dir", str(dbt._profiles_directory()))
    monkeypatch.setattr(dbt, "dbt_arguments", lambda _, *command: (*command, *profiles))
    done, said = dbt_by_hand(server, "compile", *asked)
    assert done, said
    assert embedded.server_mark() in said


def test_dbt_seed_says_how_seeds_are_landed(server: Settings) -> None:
    """`Nothing to do` alone leaves one searching: seeds/ holds files (B)."""
    done, said = dbt_by_hand(server, "seed")
    assert done, said
    assert "ledgerhouse sync seeds" in said
