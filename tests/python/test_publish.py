"""The publish gate: what analysts read, when it changes, and what they may not see (SPEC O4)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import psycopg
import pytest

from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline, status
from orchestration.dbt import DbtError, Mart, read_marts
from orchestration.publish import publish, published_through
from orchestration.seal import Sealing
from tests.python import golden

FIRST, SECOND, THIRD = (datetime(2025, 2, day, 0, 5) for day in (10, 11, 12))
# Nothing of these marts is sealed.
NO_LEDGER = Sealing(None, "", {})
LEDGER = "select count(*), sum(amount) from {}.fct_ledger_entries"


@contextmanager
def analyst(settings: Settings) -> Iterator[psycopg.Connection]:
    with connect(settings, autocommit=True) as connection:
        connection.execute("set role analyst")
        yield connection


def deliver(settings: Settings, delivery_id: int, day: int) -> None:
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        if delivery_id == 1:
            source.execute(
                "insert into product_price (id, product, price, effective_at)"
                " values (1, 'land', 80, '2025-01-01')"
            )
        source.execute(
            "insert into land_lead_filter_to_land_lead"
            " (id, filter_id, lead_id, mortgage_broker_id, delivered_at)"
            " values (%s, 1, %s, 7, %s)",
            (delivery_id, delivery_id, datetime(2025, 2, day)),
        )


def figures(settings: Settings) -> tuple[int, str]:
    with analyst(settings) as connection:
        count, amount = connection.execute(LEDGER.format("analytics")).fetchone()
        net = connection.execute("select sum(net) from analytics.revenue").fetchone()[0]
    assert net == amount
    return count, f"{amount}"


def at(settings: Settings, now: datetime) -> Settings:
    return replace(settings, now=now)


def test_a_failing_test_leaves_what_analysts_read_and_its_repair_publishes_it(
    settings: Settings,
) -> None:
    deliver(settings, 1, day=9)
    golden.night(settings, FIRST)
    golden.publish(settings)
    assert figures(settings) == (1, "80.00")

    deliver(settings, 2, day=10)
    with connect(settings) as connection:
        connection.execute("update marts.fct_ledger_entries set amount = 81")
    with pytest.raises(DbtError, match="assert_amount_is_list_price_less_discount"):
        pipeline.nightly(at(settings, SECOND))
    with connect(settings) as connection:
        assert connection.execute(LEDGER.format("marts")).fetchone()[0] == 2
        assert published_through(connection, settings) == FIRST
    assert figures(settings) == (1, "80.00")

    with connect(settings) as connection:
        connection.execute("update marts.fct_ledger_entries set amount = 80")
    pipeline.nightly(at(settings, THIRD))
    assert figures(settings) == (2, "160.00")


def test_what_is_not_published_is_tested_however_old_it_grows(settings: Settings) -> None:
    deliver(settings, 1, day=9)
    golden.night(settings, FIRST)
    with connect(settings) as connection:
        connection.execute("update marts.fct_ledger_entries set amount = 81")
    deliver(settings, 2, day=10)
    with pytest.raises(DbtError, match="assert_amount_is_list_price_less_discount"):
        pipeline.nightly(at(settings, datetime(2025, 3, 10)))


def test_a_ledger_built_again_is_published_whole(settings: Settings) -> None:
    deliver(settings, 1, day=9)
    golden.night(settings, FIRST)
    golden.publish(settings)
    golden.build_from_empty(settings)
    golden.publish(settings)
    assert figures(settings) == (1, "80.00")


@pytest.mark.parametrize("schema", ["landing", "snapshots", "staging", "intermediate", "marts"])
def test_analysts_reach_nothing_but_what_is_published(settings: Settings, schema: str) -> None:
    with connect(settings) as connection:
        publish(connection, settings, read_marts(settings))
        relation = connection.execute(
            "select format('%%I.%%I', %s::text, min(relname)) from pg_class"
            " where relnamespace = to_regnamespace(%s) and relkind in ('r', 'v')",
            (schema, schema),
        ).fetchone()[0]
    with analyst(settings) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"select * from {relation}")


@pytest.mark.parametrize(
    "statement",
    [
        "update analytics.fct_ledger_entries set amount = 0",
        "delete from analytics.fct_ledger_entries",
        "truncate analytics.fct_ledger_entries",
        "insert into analytics.fct_ledger_entries (entry_id) values ('x')",
        "drop table analytics.fct_ledger_entries",
        "create table analytics.mine (id integer)",
    ],
)
def test_analysts_change_nothing(settings: Settings, statement: str) -> None:
    golden.publish(settings)
    with analyst(settings) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_personal_data_is_published_and_not_for_analysts(settings: Settings) -> None:
    people = [
        Mart("dim_people", "people", personal=frozenset({"phone"})),
        Mart("rpt_people", "people", personal=frozenset({"phone"})),
    ]
    elsewhere = replace(settings, published_schema="people_published")
    with connect(settings) as connection:
        connection.execute("create schema people")
        connection.execute("create table people.dim_people (lead_id integer, phone varchar(20))")
        connection.execute("insert into people.dim_people values (1, '555-0100')")
        connection.execute(
            "create view people.rpt_people as select lead_id, phone from people.dim_people"
        )
        publish(connection, elsewhere, people, sealing=NO_LEDGER)
    for relation in ("people_published.dim_people", "people_published.rpt_people"):
        with analyst(settings) as connection:
            assert connection.execute(f"select lead_id from {relation}").fetchall() == [(1,)]
            for columns in ("phone", "*", "lead_id, md5(phone)"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"select {columns} from {relation}")


COMMENTS = """
select relname || coalesce('.' || attname, '') as name, description, pg_description.xmin::text
from pg_description
inner join pg_class on objoid = pg_class.oid and classoid = 'pg_class'::regclass
left join pg_attribute on attrelid = objoid and attnum = objsubid
where relnamespace = 'described_published'::regnamespace
"""


def test_what_a_column_means_is_published_and_written_again_only_where_it_changed(
    settings: Settings,
) -> None:
    people = [Mart("dim_people", "described"), Mart("rpt_people", "described")]
    elsewhere = replace(settings, published_schema="described_published")
    with connect(settings) as connection:
        connection.execute(
            "create schema described;"
            "create table described.dim_people (lead_id integer);"
            "create view described.rpt_people as select lead_id from described.dim_people;"
            "comment on table described.dim_people is 'One row per person.';"
            "comment on view described.rpt_people is 'One row per lead.';"
            "comment on column described.rpt_people.lead_id is 'Whose it is.'"
        )
        publish(connection, elsewhere, people, sealing=NO_LEDGER)
    said = {row["name"]: row for row in golden.query(settings, COMMENTS)}
    assert {name: row["description"] for name, row in said.items()} == {
        "dim_people": "One row per person.",
        "rpt_people": "One row per lead.",
        "rpt_people.lead_id": "Whose it is.",
    }
    with connect(settings) as connection:
        connection.execute(
            "comment on column described.rpt_people.lead_id is null;"
            "comment on column described.dim_people.lead_id is 'The lead''s number.'"
        )
        publish(connection, elsewhere, people, sealing=NO_LEDGER)
    then = {row["name"]: row for row in golden.query(settings, COMMENTS)}
    assert then.pop("dim_people.lead_id")["description"] == "The lead's number."
    del said["rpt_people.lead_id"]
    assert then == said


def test_readers_see_all_of_the_old_figures_until_all_of_the_new(settings: Settings) -> None:
    deliver(settings, 1, day=9)
    golden.night(settings, FIRST)
    marts = read_marts(settings)
    with connect(settings) as connection:
        publish(connection, settings, marts)
    deliver(settings, 2, day=10)
    golden.night(settings, SECOND)
    with connect(settings) as publisher:
        publisher.execute("begin")
        publish(publisher, settings, marts)
        with analyst(settings) as reader:
            reader.execute("set lock_timeout = '1s'")
            for mart in marts:
                reader.execute(f"select count(*) from analytics.{mart.name}")
        assert figures(settings) == (1, "80.00")
    assert figures(settings) == (2, "160.00")


def test_status_says_what_is_published_and_why_no_more_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(settings, 1, day=9)
    golden.night(settings, FIRST)
    golden.publish(settings)

    def broken(*_: object, **__: object) -> None:
        raise DbtError("dbt build: 1 of the nodes failed\n  test assert_money")

    monkeypatch.setattr(pipeline, "run_dbt", broken)
    with pytest.raises(DbtError):
        pipeline.build(at(settings, SECOND))
    status.show(settings)
    said = capsys.readouterr().out
    assert "what was known at 2025-02-10 00:05:00 UTC" in said
    assert "It was left as it was: build failed since: dbt build: 1 of the nodes failed" in said
    assert "Sources: " in said
    assert "billing_db" not in said.partition("Last jobs")[0]
    status.show(settings, verbose=True)
    assert "billing_db" in capsys.readouterr().out


def test_status_says_what_is_wrong_before_what_is_well(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures stood behind 55 lines of sources that were well."""
    golden.night(settings, FIRST)
    with connect(settings) as connection:
        connection.execute(
            "insert into landing.load_runs (source, stream, tenant, status, loaded_at, started_at,"
            " finished_at, error) values ('datto', 'devices', 'default', 'failed', now(), now(),"
            " now(), E'The key was refused.\\nMore.')"
        )
        connection.execute(
            "insert into landing.schedules values ('tickets', '0 3 * * *', 8,"
            " now() - interval '9 h')"
        )
    status.show(settings)
    said = capsys.readouterr().out
    order = [
        said.index(words)
        for words in ("Late jobs", "The key was refused.", "are well", "Last jobs", "Quarantined")
    ]
    assert order == sorted(order)
    assert "Landed before, and not configured here: datto (DATTO_BASE_URL; last" in said
    assert said.partition("are well")[0].count("completed") == 0


def test_status_speaks_after_a_full_refresh_that_was_interrupted(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any relation it reads may be missing then; what it can say, it says."""
    golden.night(settings, FIRST)
    golden.publish(settings)
    for name in (
        *("ledger_exceptions", "rpt_parked_dispositions", "rpt_unmapped_dispositions"),
        *("rpt_sources", "rpt_missed_jobs", "rpt_job_runs", "rpt_msp_exceptions"),
    ):
        with connect(settings) as connection:
            kind = connection.execute(
                "select case relkind when 'v' then 'view' else 'table' end from pg_class"
                " where oid = to_regclass(%s)",
                (f"marts.{name}",),
            ).fetchone()[0]
            connection.execute(f"drop {kind} marts.{name} cascade")
        status.show(settings)
        assert "Analysts read analytics" in capsys.readouterr().out
