"""The guard of publications: what they move, when they are held, and who lets them through (L19).

The rows of the ledger are put there by hand, and published by the real commands; the last tests
land what a vendor broke, past every check of landings, and let the guard alone find it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ingestion.environment import SettingsError
from ingestion.settings import NoticeChannel, Settings, read_settings
from ingestion.sources.datto_account import Datto
from ingestion.warehouse import connect
from orchestration import pipeline, status, target_postgres
from orchestration.__main__ import EXIT_FAILED, EXIT_HELD, EXIT_OK, EXIT_USAGE, main
from orchestration.dashboard import write_dashboard
from orchestration.dbt import read_marts
from orchestration.guard import Attempt, GuardError, MovesTooMuchError
from orchestration.publish import publish as publish_marts
from orchestration.seal import PastChangesError
from tests.python import golden
from tests.python.deals import SOURCES, nights
from tests.python.webhook import Webhook

NIGHT = datetime(2025, 3, 10, 0, 5)
PUBLISHED = "select sum(amount) as amount, count(*) from analytics.fct_ledger_entries"
ENTRY = """
insert into marts.fct_ledger_entries (entry_id, entry_key, entry_kind, deal_type, business_unit,
    component, account_id, source, source_key, quantity, list_amount, discount_amount, amount,
    currency, reason, occurred_at, recorded_at)
values (%(key)s || ':' || %(number)s, %(key)s, 'booking', %(deal_type)s, 'leads', 'sale',
    'broker:1', %(source)s, 'x', 1, %(amount)s, 0, %(amount)s, %(currency)s, 'new',
    %(occurred_at)s, %(recorded_at)s)
"""
# How many entries were put in, for an id of its own for each.
NUMBERS = iter(range(1, 1_000_000))


@pytest.fixture
def unbuilt(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a warehouse whose ledger is written by hand: no dbt node is run."""
    monkeypatch.setattr(pipeline, "run_dbt", lambda *_, **__: [])
    return replace(settings, now=NIGHT)


def write(
    settings: Settings,
    key: str,
    amount: str,
    *,
    deal_type: str = "plain_lead",
    month: str = "2025-01",
    night: datetime = NIGHT,
    currency: str = "USD",
    source: str = "boberdoo",
) -> None:
    """Append an entry to the ledger that is built, known in that night."""
    with connect(settings) as connection:
        connection.execute(
            ENTRY,
            {
                "key": key,
                "number": next(NUMBERS),
                "amount": amount,
                "deal_type": deal_type,
                "occurred_at": f"{month}-15",
                "recorded_at": night,
                "currency": currency,
                "source": source,
            },
        )
        connection.execute(
            "insert into landing.build_watermarks values"
            " ('fct_ledger_entries', 'marts', %s, 'vars', clock_timestamp())",
            (night,),
        )


def publish(settings: Settings, night: datetime = NIGHT) -> Attempt:
    """Run `build`, whose models are built already; returns what its publication moved."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "run_dbt", lambda *_, **__: [])
        published = pipeline.build(replace(settings, now=night)).published
    assert published
    return published


def figures(settings: Settings) -> tuple[str, str]:
    (row,) = golden.query(settings, PUBLISHED)
    return row["amount"], row["count"]


def later(nights_later: int = 1) -> datetime:
    return NIGHT + timedelta(days=nights_later)


@pytest.fixture
def published(unbuilt: Settings) -> Settings:
    """Twenty sales of January of 1,000.00 each, published: 5 % of them is 1,000.00."""
    for number in range(20):
        write(unbuilt, f"sale:{number}", "1000")
    assert publish(unbuilt).decision == "passed"
    assert figures(unbuilt) == ("20000.00", "20")
    return replace(unbuilt, now=later())


def move(settings: Settings, amount: str, **where: str) -> None:
    """Correct the first sale by that amount, on the next night."""
    write(settings, "sale:0", amount, night=later(), **where)


def test_the_first_publication_is_all_new_and_passes(published: Settings) -> None:
    rows = golden.query(
        published,
        "select decision, deal_type, occurred_month, currency, published_amount, built_amount,"
        " moved_keys, moved_amount, new_keys, new_amount from marts.rpt_publication_movements",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("passed", "plain_lead", "2025-01-01", "USD", "0.00", "20000.00")
        + ("0", "0.00", "20", "20000.00")
    ]


@pytest.mark.parametrize(
    ("amount", "decision"),
    [("-1000.00", "passed"), ("-1000.01", "held"), ("1000.01", "held")],
)
def test_what_moves_more_than_share_and_amount_is_held_to_the_cent(
    published: Settings, amount: str, decision: str
) -> None:
    move(published, amount)
    if decision == "held":
        with pytest.raises(MovesTooMuchError, match=r"plain_lead moves by 1,000.01 of 20,000.00"):
            publish(published, later())
        assert figures(published) == ("20000.00", "20")
    else:
        assert publish(published, later()).totals[0].moved_amount == Decimal("1000.00")
        assert figures(published) == ("19000.00", "21")


def test_a_small_share_of_much_and_a_large_share_of_little_pass(published: Settings) -> None:
    write(published, "sale:large", "30000", night=later())
    write(published, "sale:little", "10", night=later(), deal_type="drip")
    assert publish(published, later()).decision == "passed"
    write(published, "sale:large", "-2500", night=later(2))  # exactly 5 % of 50,000.00
    write(published, "sale:little", "-10", night=later(2), deal_type="drip")
    attempt = publish(published, later(2))
    assert {total.deal_type: total.closed_amount for total in attempt.totals} == {
        "plain_lead": Decimal("50000.00"),
        "drip": Decimal("10.00"),
    }
    assert figures(published)[0] == "47500.00"


def test_ups_and_downs_do_not_cancel_out(published: Settings) -> None:
    """Sums would show nothing where half the sales rise and the other half fall."""
    write(published, "sale:0", "-600", night=later())
    write(published, "sale:1", "600", night=later())
    with pytest.raises(MovesTooMuchError, match=r"1,200.00 of 20,000.00 USD \(6.0 %\), in 2 sales"):
        publish(published, later())


def test_a_reversal_booked_again_as_it_was_moves_nothing(published: Settings) -> None:
    write(published, "sale:0", "-1000", night=later())
    write(published, "sale:0", "1000", night=later())
    attempt = publish(published, later())
    assert (attempt.decision, attempt.totals) == ("passed", [])


def test_the_open_month_and_new_sales_of_old_months_are_shown_and_do_not_count(
    published: Settings,
) -> None:
    write(published, "sale:march", "5000", night=later(), month="2025-03")
    write(published, "sale:forgotten", "9000", night=later(), month="2025-01")
    assert publish(published, later()).totals == []
    write(published, "sale:march", "-5000", night=later(2), month="2025-03")
    attempt = publish(published, later(2))
    assert (attempt.decision, attempt.totals) == ("passed", [])
    shown = {
        (row["occurred_month"], row["moved_amount"], row["new_amount"])
        for row in golden.query(published, "select * from marts.rpt_publication_movements")
    }
    assert {("2025-03-01", "5000.00", "0.00"), ("2025-01-01", "0.00", "9000.00")} <= shown


def test_the_month_that_was_open_counts_when_the_clock_is_past_it(published: Settings) -> None:
    write(published, "sale:march", "5000", night=later(), month="2025-03")
    publish(published, later())
    april = datetime(2025, 4, 2, 0, 5)
    write(published, "sale:march", "-5000", night=april, month="2025-03")
    with pytest.raises(MovesTooMuchError, match=r"5,000.00 of 25,000.00"):
        publish(published, april)


def test_a_sale_that_changes_its_deal_type_moves_both(published: Settings) -> None:
    write(published, "sale:0", "-1000", night=later())
    write(published, "sale:1", "-1000", night=later())
    write(published, "sale:0", "1000", night=later(), deal_type="cpa")
    write(published, "sale:1", "1000", night=later(), deal_type="cpa")
    with pytest.raises(MovesTooMuchError) as held:
        publish(published, later())
    assert {total.deal_type: total.moved_amount for total in held.value.attempt.held} == {
        "plain_lead": Decimal("2000.00"),
        "cpa": Decimal("2000.00"),
    }


def test_each_currency_is_judged_by_itself(published: Settings) -> None:
    write(published, "sale:forint", "30000", night=later(), currency="HUF")
    publish(published, later())
    write(published, "sale:forint", "-2000", night=later(2), currency="HUF")
    with pytest.raises(MovesTooMuchError, match=r"2,000.00 of 30,000.00 HUF \(6.7 %\)"):
        publish(published, later(2))


def rebuild(settings: Settings, change: str) -> None:
    """Build the ledger again, into another file, with other rows."""
    with connect(settings) as connection:
        connection.execute("create temporary table kept as select * from marts.fct_ledger_entries")
        connection.execute("truncate marts.fct_ledger_entries")
        connection.execute(f"update kept set amount = {change}")
        connection.execute("insert into marts.fct_ledger_entries select * from kept")


def test_a_ledger_built_again_is_compared_whole(published: Settings) -> None:
    """An entry of the same id and time may have another amount: no new row shows it."""
    rebuild(published, "amount * 1.1")
    with pytest.raises(PastChangesError, match=r"20,000.00 becomes 22,000.00 USD, 20 keys"):
        publish(published, later())
    assert figures(published) == ("20000.00", "20")
    rebuild(published, "amount / 1.1")
    assert publish(published, later()).decision == "passed"


def test_sales_that_are_gone_from_a_ledger_built_again_stay_published(published: Settings) -> None:
    with connect(published) as connection:
        connection.execute("truncate marts.fct_ledger_entries")
    with pytest.raises(PastChangesError, match=r"20,000.00 becomes 0.00 USD, 20 keys"):
        publish(published, later())
    assert figures(published) == ("20000.00", "20")


def test_the_totals_in_the_books_are_those_of_what_is_published(published: Settings) -> None:
    """Nights add what they append; a whole comparison begins anew, as after publishing past it."""
    write(published, "sale:0", "-200", night=later())
    publish(published, later())
    write(published, "sale:1", "-300", night=later(2))
    with connect(published) as connection:
        publish_marts(connection, published, read_marts(published))
    write(published, "sale:2", "-400", night=later(3))
    publish(published, later(3))
    write(published, "sale:3", "-100", night=later(4), month="2025-02")
    publish(published, later(4))
    write(published, "sale:4", "-100", night=later(5))
    attempt = publish(published, later(5))
    assert attempt.totals[0].closed_amount == Decimal("19000.00")
    assert [(row.occurred_month, row.published_amount) for row in attempt.movements] == [
        (date(2025, 1, 1), Decimal("19100.00"))
    ]
    whole = golden.query(
        published, "select count(*) from landing.publication_attempts where is_whole"
    )
    assert whole == [{"count": "2"}]


def cli(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line at the settings' clock."""
    assert settings.now
    monkeypatch.setenv("LEDGERHOUSE_NOW", settings.now.isoformat())
    if settings.notices:
        monkeypatch.setenv("NOTICE_URL", settings.notices.url)
    return main(list(arguments))


def test_a_held_publication_is_told_everywhere_and_accept_lets_it_through(
    published: Settings,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    published = replace(published, notices=NoticeChannel(webhook.url + "/hook"))
    move(published, "-1500")
    assert cli(published, monkeypatch, "build") == EXIT_HELD
    said = "plain_lead 2025-01: 20,000.00 becomes 18,500.00 USD, 1 sales move by 1,500.00"
    assert said in capsys.readouterr().err
    assert figures(published) == ("20000.00", "20")
    assert said in webhook.posts[-1]["text"]
    runs = golden.query(published, "select job, status, error from analytics.rpt_job_runs")
    assert (runs[-1]["job"], runs[-1]["status"]) == ("build", "held")
    assert said in runs[-1]["error"]

    assert cli(published, monkeypatch, "status") == EXIT_OK
    shown = capsys.readouterr().out
    assert "It was left as it was: build held since: Publication is held" in shown
    assert "ledgerhouse accept --by NAME --reason TEXT" in shown
    assert "1,500.00" in shown.partition("Held: what publishing would move")[2]
    page = write_dashboard(published, tmp_path / "page.html").read_text()
    assert "These figures were left as they were: build held on" in page
    assert "1,500.00" in page

    assert cli(published, monkeypatch, "accept", "--by", "Ann", "--reason", " ") == EXIT_USAGE
    accepting = ("accept", "--by", "Ann", "--reason", "a refund of the year before")
    assert cli(published, monkeypatch, *accepting) == EXIT_OK
    assert figures(published) == ("18500.00", "21")
    facts = golden.query(
        published, "select accepted_by, reason from landing.publication_acceptances"
    )
    assert facts == [{"accepted_by": "Ann", "reason": "a refund of the year before"}]
    capsys.readouterr()
    assert cli(published, monkeypatch, *accepting) == EXIT_FAILED
    assert "No publication is held" in capsys.readouterr().err
    status.show(published)
    shown = capsys.readouterr().out
    assert "Held: what publishing would move" not in shown
    assert "left as it was" not in shown
    assert publish(published, later(2)).decision == "passed"


def test_a_held_night_does_not_beat_and_is_late_until_it_is_accepted(
    published: Settings,
    webhook: Webhook,
) -> None:
    told = replace(
        published,
        notices=NoticeChannel(webhook.url + "/hook"),
        heartbeat_url=webhook.url,
        datto=Datto("http://127.0.0.1:1", "a-key", "a-secret"),
        backoff_seconds=0.001,
    )
    move(told, "-1500")
    with pytest.raises(MovesTooMuchError):
        pipeline.run_job(told, "invoices-and-backup")
    assert "/heartbeat" not in {post["path"] for post in webhook.posts}
    text = webhook.posts[-1]["text"]
    assert "Publication is held" in text
    assert "datto: datto: no answer (ConnectionError)" in text
    late = "select job from marts.rpt_missed_jobs where job = 'invoices-and-backup'"
    with connect(told) as connection:
        connection.execute(
            "update landing.schedules set registered_at = now() - interval '30 hours'"
        )
    assert golden.query(told, late) == [{"job": "invoices-and-backup"}]
    pipeline.accept(told, "Ann", "seen")
    assert golden.query(told, late) == []


def test_accept_names_the_movement_shown_and_no_other(published: Settings) -> None:
    move(published, "-1500")
    with pytest.raises(MovesTooMuchError):
        publish(published, later())
    write(published, "sale:1", "-1", night=later(2))
    with pytest.raises(GuardError, match="was landed, built or published since"):
        pipeline.accept(published, "Ann", "it is right")
    assert figures(published) == ("20000.00", "20")
    with pytest.raises(MovesTooMuchError, match=r"1,501.00 of 20,000.00"):
        publish(published, later(2))
    pipeline.accept(replace(published, now=later(2)), "Ann", "it is right")
    assert figures(published) == ("18499.00", "22")


def test_accept_refuses_what_was_landed_since_and_not_built(published: Settings) -> None:
    """Views of what is landed would be published untested."""
    move(published, "-1500")
    with pytest.raises(MovesTooMuchError):
        publish(published, later())
    load(published, "boberdoo", later(2))
    with pytest.raises(GuardError, match="was landed, built or published since"):
        pipeline.accept(published, "Ann", "it is right")


def test_an_accept_that_was_killed_before_it_published_holds_for_that_movement_only(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(published, "-1500")
    with pytest.raises(MovesTooMuchError):
        publish(published, later())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(target_postgres, "publish", killed)
        pipeline.accept(published, "Ann", "it is right")
    assert figures(published) == ("20000.00", "20")
    assert publish(published, later()).decision == "accepted"
    assert figures(published) == ("18500.00", "21")
    write(published, "sale:1", "-1500", night=later(2))
    with pytest.raises(MovesTooMuchError):
        publish(published, later(2))


def test_what_is_repaired_is_published_by_the_next_run(published: Settings) -> None:
    move(published, "-1500")
    with pytest.raises(MovesTooMuchError):
        publish(published, later())
    write(published, "sale:0", "1500", night=later(2))
    attempt = publish(published, later(2))
    assert (attempt.decision, attempt.totals) == ("passed", [])
    assert figures(published) == ("20000.00", "22")


def load(settings: Settings, source: str, at: datetime, updated: int = 0) -> int:
    """Write down a load; returns its number."""
    with connect(settings) as connection:
        return connection.execute(
            "insert into landing.load_runs (source, stream, tenant, status, loaded_at, started_at,"
            " finished_at, received, created, updated)"
            " values (%s, 'things', 'default', 'completed', %s, now(), now(), 9, %s, %s)"
            " returning load_id",
            (source, at, 0 if updated else 9, updated),
        ).fetchone()[0]


def test_the_first_load_of_a_source_is_not_held_and_excuses_no_other(published: Settings) -> None:
    """Seeds may give every sale another deal type; dispositions do nothing to mortgage leads."""
    write(published, "sale:mortgage", "9000", night=later(), source="billing_db")
    publish(published, later())
    load(published, "dispositions", later(2))
    write(published, "sale:0", "-5000", night=later(2))
    assert publish(published, later(2)).totals == []
    write(published, "sale:0", "-5000", night=later(3))
    with pytest.raises(MovesTooMuchError):
        publish(published, later(3))
    write(published, "sale:0", "5000", night=later(3))
    publish(published, later(3))
    load(published, "invoca", later(4))
    write(published, "sale:mortgage", "-9000", night=later(4), source="billing_db")
    with pytest.raises(MovesTooMuchError):
        publish(published, later(4))


def test_the_limits_are_settings(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    move(published, "-1500")
    wide = replace(published, guard_share=Decimal("0.08"))
    assert publish(wide, later()).decision == "passed"
    monkeypatch.setenv("LEDGERHOUSE_GUARD_SHARE", "0.01")
    monkeypatch.setenv("LEDGERHOUSE_GUARD_AMOUNT", "250.50")
    narrow = read_settings()
    assert (narrow.guard_share, narrow.guard_amount) == (Decimal("0.01"), Decimal("250.50"))
    for wrong in ("a lot", "-1", "NaN", "Infinity"):
        monkeypatch.setenv("LEDGERHOUSE_GUARD_AMOUNT", wrong)
        with pytest.raises(SettingsError, match="LEDGERHOUSE_GUARD_AMOUNT"):
            read_settings()


# What a vendor broke: landed past every check, in a closed month's next one.
LAST_NIGHT = datetime.fromisoformat("2026-07-11T00:05:00")
BROKEN = datetime(2026, 8, 15, 0, 5)


@pytest.fixture(scope="module")
def deals() -> Iterator[Path]:
    yield golden.unpacked("deals/golden_a")


def land_again(settings: Settings, source: str, stream: str, payload: str) -> None:
    """Land every record of a stream again, its payload changed by an SQL expression."""
    table = sql.Identifier("landing", f"{source}__{stream}")
    load_id = load(settings, source, BROKEN, updated=9)
    with connect(settings) as connection:
        connection.execute(
            sql.SQL(
                "insert into {table} select tenant, source_key, payload, md5(payload::text), false,"
                " %s, %s from (select tenant, source_key, {payload} as payload, is_deleted,"
                "   row_number() over (partition by tenant, source_key order by load_id desc) as r"
                "   from {table}) as newest where r = 1 and not is_deleted"
            ).format(table=table, payload=sql.SQL(payload)),  # type: ignore[arg-type]
            (BROKEN, load_id),
        )


@pytest.mark.parametrize(
    ("stream", "payload", "deal_types"),
    [
        (
            "boberdoo.transactions",
            "payload - 'amount' || jsonb_build_object('total', payload -> 'amount')",
            {"plain_lead"},
        ),
        (
            "boberdoo.transactions",
            "payload - 'partner_id' || jsonb_build_object('buyer_id', payload -> 'partner_id')",
            {"plain_lead"},
        ),
        (
            "invoca.transactions",
            "payload - 'advertiser_payin_localized'"
            " || jsonb_build_object('payin', payload -> 'advertiser_payin_localized')",
            {"cbm_call"},
        ),
    ],
    ids=["amount renamed", "partner_id renamed", "payin renamed"],
)
def test_a_vendor_that_renames_a_field_of_leads_or_calls_is_held(
    settings: Settings,
    deals: Path,
    tmp_path: Path,
    stream: str,
    payload: str,
    deal_types: set[str],
) -> None:
    """SPEC L19: a year of revenue reversed in one night, and all tests pass."""
    for tonight in nights(deals, settings, tmp_path):
        if tonight.now == LAST_NIGHT:
            golden.night(tonight, LAST_NIGHT, SOURCES, golden.LEADS_AND_CALLS)
    assert publish(settings, LAST_NIGHT).decision == "passed"
    is_held(settings, stream, payload, golden.LEADS_AND_CALLS, deal_types)


@pytest.mark.parametrize(
    ("stream", "payload"),
    [
        ("billing_db.product_prices", "jsonb_set(payload, '{price}', to_jsonb(%s * 100))"),
        ("billing_db.product_prices", "payload || jsonb_build_object('product', 'renamed')"),
        ("billing_db.product_prices", "payload - 'price' || jsonb_build_object('cost', 1)"),
        ("billing_db.subscription_plans", """payload || '{"discount_type": "rebate"}'"""),
    ],
    ids=["prices x 100", "product renamed", "price renamed", "unknown discount_type"],
)
def test_a_database_that_changes_what_its_prices_mean_is_held(
    settings: Settings, stream: str, payload: str
) -> None:
    """SPEC L19: prices times 100, a renamed product, an unknown kind of discount."""
    scenario = golden.unpacked("lead_ledger/golden_a")
    days = golden.days(scenario)
    last = days[-1][1]
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        for day, _ in days:
            golden.load_day(source, day)
    golden.night(settings, last)
    assert publish(settings, last).decision == "passed"
    payload = payload.replace("%s", "cast(payload ->> 'price' as numeric)")
    is_held(settings, stream, payload, golden.MORTGAGE_LEADS, {"mortgage_lead"})


def is_held(
    settings: Settings, stream: str, payload: str, deals: tuple[str, ...], deal_types: set[str]
) -> None:
    before = figures(settings)
    land_again(settings, *stream.split("."), payload)
    golden.night(settings, BROKEN + timedelta(hours=1), (), deals)
    with pytest.raises(MovesTooMuchError) as held:
        publish(settings, BROKEN + timedelta(hours=1))
    assert deal_types <= {total.deal_type for total in held.value.attempt.held}
    assert figures(settings) == before


def test_what_a_night_moves_is_found_by_what_it_appends(published: Settings) -> None:
    """SPEC L9: a night reads no more of what is published than the keys that it appends to."""
    plans: list[str] = []
    with connect(published) as connection:
        connection.execute(
            "insert into analytics.fct_ledger_entries select (jsonb_populate_record(entries,"
            " jsonb_build_object('entry_id', 'old:' || n, 'entry_key', 'old:' || n))).*"
            " from analytics.fct_ledger_entries as entries, generate_series(1, 3000) as n"
            " where entry_key = 'sale:0'"
        )
        connection.execute("analyze analytics.fct_ledger_entries")
        connection.commit()
    move(published, "-10")
    import orchestration.movements as movements

    original: Callable = movements._compare

    def explained(ask: Callable, *rest: object) -> object:
        def ask_and_explain(query: sql.Composable) -> list:
            plans.extend(row[0] for row in ask(sql.SQL("explain ") + query))
            return ask(query)

        return original(ask_and_explain, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movements, "_compare", explained)
        publish(published, later())
    assert plans
    assert not [line for line in plans if "Seq Scan" in line and "published" in line], plans
