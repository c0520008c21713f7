"""Which views a build makes again: those that changed (macros/materialize_kept_view.sql)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingestion.lock import run_lock
from ingestion.run import Run
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import _identity, _manifest, run_dbt
from orchestration.kept_views import remember_views, views_are_unchanged
from tests.python import golden

NO_TESTS = ("--exclude-resource-type", "test", "unit_test")
COLUMNS = """
select attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod) as type
from pg_attribute inner join pg_class on pg_class.oid = attrelid
where
    relnamespace in ('staging'::regnamespace, 'intermediate'::regnamespace, 'marts'::regnamespace)
    and relkind = 'r' and attnum > 0
order by attrelid::regclass::text, attnum
"""
COLUMNS_OF = """
select attname from pg_attribute where attrelid = '{}'::regclass and attnum > 0 order by attnum
"""
SELECT = ("run", "--select", "ledger_exceptions", "revenue")


@pytest.fixture
def views(built: Settings) -> Settings:
    run_dbt(built, *SELECT)
    return built


def identities(settings: Settings) -> dict[str, str]:
    rows = golden.query(
        settings,
        "select relname, oid::text from pg_class"
        " where oid in ('marts.revenue'::regclass, 'marts.ledger_exceptions'::regclass)",
    )
    return {row["relname"]: row["oid"] for row in rows}


def test_an_unchanged_view_stays_where_it_is(views: Settings) -> None:
    before = identities(views)
    run_dbt(views, *SELECT)
    assert identities(views) == before


def test_a_view_is_made_again_where_its_sql_changed(views: Settings) -> None:
    before = identities(views)
    run_dbt(views, *SELECT, variables={"currency": "EUR"})
    after = identities(views)
    assert after["ledger_exceptions"] != before["ledger_exceptions"]
    assert after["revenue"] == before["revenue"]


def test_a_description_alone_reaches_its_view(
    views: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    comments = (
        "select obj_description('marts.revenue'::regclass) as view,"
        " col_description('marts.revenue'::regclass, 1) as first_column"
    )
    before = identities(views)
    node = _manifest(_identity(views)).nodes["model.ledgerhouse.revenue"]
    assert golden.query(views, comments)[0]["view"] == node.description
    monkeypatch.setattr(next(iter(node.columns.values())), "description", "Whose it is.")
    run_dbt(views, *SELECT)
    assert golden.query(views, comments)[0]["first_column"] == "Whose it is."
    assert identities(views)["ledger_exceptions"] == before["ledger_exceptions"]


@pytest.mark.parametrize(
    "change_by_hand",
    [
        "drop view marts.revenue",
        "create or replace view marts.revenue as select * from ({}) as whole where false",
    ],
)
def test_a_view_that_somebody_dropped_or_replaced_is_made_again(
    views: Settings, change_by_hand: str
) -> None:
    before = identities(views)
    (row,) = golden.query(views, "select pg_get_viewdef('marts.revenue'::regclass) as definition")
    with connect(views) as connection:
        connection.execute(change_by_hand.format(row["definition"].rstrip(";")))
    run_dbt(views, *SELECT)
    after = identities(views)
    assert after["revenue"] != before["revenue"]
    assert after["ledger_exceptions"] == before["ledger_exceptions"]


def test_a_full_refresh_makes_every_view_again(views: Settings) -> None:
    before = identities(views)
    run_dbt(views, *SELECT, "--full-refresh")
    assert not set(identities(views).values()) & set(before.values())


def test_drops_that_reach_the_same_views_by_other_ways_do_not_wait_for_each_other(
    built: Settings,
) -> None:
    """A full refresh drops tables on several threads, each with the views over it."""
    one, other = "staging.stg_boberdoo__transactions", "staging.stg_invoca__transactions"
    # A drop finds the views over a table in the order of the columns that they read.
    columns = [
        [column["attname"] for column in golden.query(built, COLUMNS_OF.format(table))]
        for table in (one, other)
    ]
    reads = {"first": (0, 2), "between": (1, 1), "last": (2, 0)}
    with connect(built) as connection:
        for view, (of_one, of_other) in reads.items():
            connection.execute(
                f"create view staging.{view} as select"
                f" one.{columns[0][of_one]} as one, other.{columns[1][of_other]} as other"
                f" from {one} as one cross join {other} as other"
            )
    with connect(built) as somebody, ThreadPoolExecutor(1) as pool:
        somebody.execute("drop view staging.between")
        names = [table.split(".")[1] for table in (one, other)]
        refresh = pool.submit(run_dbt, built, "run", "--full-refresh", "--select", *names)
        while not refresh.done() and waiting(built) < len(names):
            time.sleep(0.1)
        somebody.rollback()
        refresh.result()
    golden.make_lost_views(built)


def waiting(settings: Settings) -> int:
    (row,) = golden.query(
        settings,
        "select count(*) as backends from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'",
    )
    return int(row["backends"])


def test_a_night_leaves_out_the_views_that_are_as_the_last_one_saw_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, columns = names_of_a_night(settings), golden.query(settings, COLUMNS)
    second = names_of_a_night(settings)
    assert {"revenue", "fct_ledger_entries"} <= first["model"]
    assert "revenue" not in second["model"]
    assert "fct_ledger_entries" in second["model"]
    # A test of a view, of what it reads, and of a table.
    assert second["test"] == first["test"]
    assert any("revenue" in name for name in second["test"])

    # A column that is added to again has the type it began with, else views on it go with it.
    assert golden.query(settings, COLUMNS) == columns

    # What a person drops.
    with connect(settings) as connection:
        connection.execute("drop view marts.revenue")
    assert "revenue" in names_of_a_night(settings, "--select", "revenue")["model"]
    assert identities(settings)

    with connect(settings) as connection:
        assert views_are_unchanged(connection, settings)
        file = _manifest(_identity(settings)).files["ledgerhouse://models/marts/ledger/revenue.sql"]
        monkeypatch.setattr(file.checksum, "checksum", "edited")
        assert not views_are_unchanged(connection, settings)


def test_a_view_that_goes_within_a_night_is_made_again_by_it(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute(
            "alter table intermediate.int_sales_typed"
            " drop column rate_basis cascade, add column rate_basis varchar(5)"
        )
    run_dbt(settings, "run", "--select", "config.materialized:kept_view")
    with connect(settings) as connection:
        remember_views(connection, settings)
        assert views_are_unchanged(connection, settings)
    # dbt finds the column too short, and makes it again: what reads it goes, too.
    assert "revenue" in names_of_a_night(settings, *NO_TESTS)["model"]
    with connect(settings) as connection:
        assert views_are_unchanged(connection, settings)


def test_no_kept_view_rests_on_what_each_build_makes_anew(built: Settings) -> None:
    """A table takes the views on it along each time: those must be plain views, made with it."""
    nodes = _manifest(_identity(built)).nodes
    kinds = {key: node.config.materialized for key, node in nodes.items()}
    taken_along = [
        node.name
        for node in nodes.values()
        if node.config.materialized == "kept_view"
        and {kinds.get(read) for read in node.depends_on.nodes} & {"table", "view"}
    ]
    assert taken_along == []


def names_of_a_night(settings: Settings, *options: str) -> dict[str, set[str]]:
    """Build as a night does; return the names of what dbt ran, by kind."""
    with run_lock(settings) as connection:
        job = pipeline.Job("nightly", connection, Run(settings, settings.clock()), [])
        nodes = pipeline.build_new(job, *options)
    return {kind: {node.name for node in nodes if node.kind == kind} for kind in ("model", "test")}
