"""The shape of landings: what is refused whole, what is let through, what is listed (SPEC R11)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingestion.books import make_books
from ingestion.fields import MONEY, need, spare
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.personal import NOBODY
from ingestion.settings import AcceptedShape, Settings
from ingestion.streams import EVERYTHING, Scope, Stream
from ingestion.warehouse import connect
from orchestration.__main__ import main
from tests.python import golden

NOW = datetime(2026, 1, 1, 0, 5)
SALES = Stream(
    *("vendor", "sales", ("id",)),
    personal=NOBODY,
    fields=(
        *need("partner"),
        *need("amount", form=MONEY),
        *need("note", "data.code", may_be_blank=True),
        *spare("nickname", why="it only names things"),
    ),
)


@pytest.fixture
def warehouse(server: Settings) -> Settings:
    with connect(server) as connection:
        make_books(connection)
        connection.execute("drop table if exists landing.vendor__sales")
        connection.execute(
            "truncate landing.load_runs, landing.quarantine, landing.build_watermarks,"
            " landing.field_counts,"
            " landing.fields_seen, landing.shape_acceptances"
        )
    return server


@pytest.fixture
def connection(warehouse: Settings) -> Iterator[psycopg.Connection]:
    with connect(warehouse) as connection:
        yield connection


@pytest.fixture
def land(connection: psycopg.Connection, warehouse: Settings) -> Any:
    """A function that lands records on the n-th day and returns the closed load."""

    def land(
        records: Iterable[Any],
        day: int = 0,
        *,
        scope: Scope | None = None,
        tenant: str = "main",
        settings: Settings = warehouse,
    ) -> Load:
        loaded_at = NOW + timedelta(days=day)
        with open_load(connection, settings, SALES, loaded_at=loaded_at, tenant=tenant) as load:
            for record in records:
                load.add(record)
            load.complete(scope=scope, cursor=str(day))
        return load

    return land


def sale(number: int, **change: Any) -> dict[str, Any]:
    row = {"id": number, "partner": "207", "amount": f"{number}.00", "note": ""}
    return row | {"data": {"code": None}} | change


def sales(start: int, end: int, **change: Any) -> list[dict[str, Any]]:
    return [sale(number, **change) for number in range(start, end)]


def without(rows: list[dict[str, Any]], name: str, new_name: str | None = None) -> list[dict]:
    """Return the rows with a field dropped, or renamed."""
    return [
        {name_ if name_ != name else new_name: value for name_, value in row.items()}
        if new_name
        else {name_: value for name_, value in row.items() if name_ != name}
        for row in rows
    ]


def landed(settings: Settings) -> int:
    return int(
        golden.query(settings, "select count(*) as rows from landing.vendor__sales")[0]["rows"]
    )


def accepting(settings: Settings, stream: str = "sales") -> Settings:
    return replace(
        settings, accepted_shape=AcceptedShape("vendor", stream, "Ann", "it is gone for good")
    )


def test_a_renamed_field_is_refused_whole_and_its_new_name_is_said(
    land: Any, warehouse: Settings
) -> None:
    land(sales(0, 30))
    refused = (
        r"^vendor.sales: .* nothing of it was landed. amount: missing in 30 of 30 records, "
        r"against 0.0% before; it may be called price now. .* --accept-shape sales"
    )
    with pytest.raises(LoadFailed, match=refused):
        land(without(sales(0, 30), "amount", "price"), 1)
    assert landed(warehouse) == 30
    (run,) = golden.query(
        warehouse,
        "select status, cursor_after, received from landing.load_runs where load_id ="
        " (select max(load_id) from landing.load_runs)",
    )
    assert run == {"status": "failed", "cursor_after": "0", "received": "0"}
    assert land(sales(20, 40), 2).counts.created == 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": "n/a"}, 'amount: not to be read as money in 30 of 30 .* such as "a/a"'),
        ({"amount": None}, "amount: missing in 30 of 30"),
        ({"amount": " "}, "amount: missing in 30 of 30"),
        ({"partner": {"id": "207"}}, "partner: not to be read as text in 30 of 30"),
        ({"partner": ""}, "partner: missing"),
        ({"data": {}}, "data.code: missing"),
        ({"data": {"kode": 1}}, "data.code: missing .* it may be called data.kode now"),
    ],
)
def test_a_field_is_lost_if_it_is_blank_or_unreadable_too(
    land: Any, change: dict[str, Any], said: str
) -> None:
    land(sales(0, 30))
    with pytest.raises(LoadFailed, match=said):
        land(sales(0, 30, **change), 1)


def test_an_object_that_was_renamed_is_named(land: Any) -> None:
    land(sales(0, 30))
    with pytest.raises(LoadFailed, match="data.code: missing .* may be called details now"):
        land(without(sales(0, 30), "data", "details"), 1)


def test_what_may_be_blank_must_be_there_by_name(land: Any) -> None:
    assert land(sales(0, 30, note=None, data=None)).counts.created == 30
    with pytest.raises(LoadFailed, match="note: missing in 30 of 30"):
        land(without(sales(0, 30), "note"), 1)


def test_a_spare_field_may_come_and_go(land: Any) -> None:
    land(sales(0, 30, nickname="x"))
    assert land(sales(0, 30), 1).counts.updated == 30


def test_a_first_landing_is_judged_against_none_missing(land: Any) -> None:
    with pytest.raises(LoadFailed, match="amount: missing in 51 of 1,000 records"):
        land(sales(0, 949) + without(sales(949, 1000), "amount"))
    land(sales(0, 950) + without(sales(950, 1000), "amount"))


def test_few_bad_records_land_night_after_night_until_they_are_twenty(land: Any) -> None:
    land(sales(0, 400))
    land(without(sales(400, 419), "amount"), 30)
    with pytest.raises(LoadFailed, match="amount: missing in 38 of 38 records"):
        land(without(sales(419, 438), "amount"), 31)
    # A week later it is another matter.
    land(without(sales(419, 438), "amount"), 37)


def test_a_bulk_of_good_records_hides_nothing_for_a_week(land: Any) -> None:
    land(sales(0, 5000))
    with pytest.raises(LoadFailed, match="amount: missing in 20 of 20 records"):
        land(without(sales(5000, 5020), "amount"), 1)


def test_of_a_window_that_is_read_again_the_share_counts(land: Any) -> None:
    land(sales(0, 400))
    land(without(sales(0, 20), "amount") + sales(20, 400), 10)
    land(sales(0, 400), tenant="other")
    with pytest.raises(LoadFailed, match="amount: missing in 21 of 400 records"):
        land(without(sales(0, 21), "amount") + sales(21, 400), 10, tenant="other")


def test_new_records_are_not_hidden_by_the_window_they_come_in(land: Any) -> None:
    land(sales(0, 1000))
    with pytest.raises(LoadFailed, match="amount: missing in 25 of 25 records"):
        land(sales(0, 1000) + without(sales(1000, 1025), "amount"), 1)


def test_a_bad_record_that_stays_as_it_is_counts_once(land: Any) -> None:
    answer = without(sales(0, 19), "amount") + sales(19, 100)
    for day in range(5):
        land([*answer, sale(1000 + day)], day)


def test_a_known_share_goes_on_and_five_points_more_do_not(land: Any) -> None:
    land(without(sales(0, 40), "amount") + sales(40, 1000))
    land(without(sales(1000, 1080), "amount") + sales(1080, 2000), 10)
    with pytest.raises(LoadFailed, match="against 6.0% before"):
        land(without(sales(2000, 2120), "amount") + sales(2120, 3000), 20)


def test_tenants_are_judged_apart(land: Any) -> None:
    land(sales(0, 1000), tenant="first")
    with pytest.raises(LoadFailed, match="20 of 20"):
        land(without(sales(0, 20), "amount"), 1, tenant="second")


def test_of_a_whole_answer_with_few_rows_all_of_them_are_a_shape(
    land: Any, warehouse: Settings
) -> None:
    land(sales(0, 5), scope=EVERYTHING)
    land(sales(0, 4) + sales(4, 5, amount="n/a"), 1, scope=EVERYTHING)
    with pytest.raises(LoadFailed, match="amount: not to be read as money in 5 of 5"):
        land(sales(0, 5, amount="n/a"), 2, scope=EVERYTHING)
    # Rows that were bad when they came, and a part of an answer, are bad rows.
    land(sales(0, 5, amount="n/a"), 2)


def test_an_accepted_shape_lands_is_a_fact_and_is_usual_from_then_on(
    land: Any, warehouse: Settings
) -> None:
    land(sales(0, 1000))
    bare = without(sales(1000, 1030), "amount")
    with pytest.raises(LoadFailed):
        land(bare, 1, settings=accepting(warehouse, "leads"))
    load = land(bare, 1, settings=accepting(warehouse))
    assert (load.is_accepted, load.counts.created) == (True, 30)
    assert golden.query(
        warehouse,
        "select load_id, stream, accepted_by, reason, details from landing.shape_acceptances",
    ) == [
        {
            "load_id": str(load.load_id),
            "stream": "sales",
            "accepted_by": "Ann",
            "reason": "it is gone for good",
            "details": "amount: missing in 30 of 30 records, against 0.0% before",
        }
    ]
    assert land(without(sales(1030, 1060), "amount"), 2).counts.created == 30
    with pytest.raises(LoadFailed, match="partner: missing in 30 of 30"):
        land(without(sales(1060, 1090, amount=None), "partner"), 3)
    assert not land(sales(1060, 1090), 3, settings=accepting(warehouse)).is_accepted


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--accept-shape", "transactions"], "Say who accepts, and why"),
        (["--accept-shape", "calls", "--by", "Ann", "--reason", "x"], "It has partners, filter_"),
    ],
)
def test_who_accepts_says_why_and_names_a_stream(
    options: list[str], said: str, server: Settings, capsys: pytest.CaptureFixture
) -> None:
    assert main(["sync", "boberdoo", *options]) == 2
    assert said in capsys.readouterr().err


def test_records_without_any_key_are_refused_not_quarantined(
    land: Any, warehouse: Settings
) -> None:
    land(sales(0, 30))
    with pytest.raises(LoadFailed, match="none of 25 records has the key id"):
        land(without(sales(30, 55), "id", "sale_id"), 1)
    assert golden.query(warehouse, "select * from landing.quarantine") == []
    # Some bad records among good ones are quarantined as ever (R5).
    load = land(without(sales(30, 55), "id") + sales(55, 56), 1)
    assert (load.status, load.counts.quarantined, load.counts.created) == ("partial", 25, 1)


def test_a_new_field_lands_and_is_listed(
    land: Any, warehouse: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    land(sales(0, 30, first="x"))
    land(sales(0, 30, tip="1.00", data={"code": 1, "shade": "red"}), 1)
    assert "vendor.sales has new fields: data.shade, tip" in caplog.text
    assert golden.query(
        warehouse, "select field, first_seen_at from landing.fields_seen where is_new order by 1"
    ) == [
        {"field": "data.shade", "first_seen_at": "2026-01-02 00:05:00"},
        {"field": "tip", "first_seen_at": "2026-01-02 00:05:00"},
    ]


def test_whom_a_stream_holds_must_be_said() -> None:
    with pytest.raises(TypeError, match="personal"):
        Stream("vendor", "people", key=("id",))
