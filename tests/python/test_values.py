"""How staging reads what sources write: words, numbers, money; in SQL as in Python, exactly."""

import hashlib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext

import psycopg
import pytest
import simplejson
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from psycopg import sql

from ingestion.erasure import email_form
from ingestion.folding import REPLACEMENTS, folded
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration.dbt import run_dbt
from tests.python import golden

MANY = examples(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CENT = Decimal("0.01")
# What jsonb holds: no NUL, no half of a pair; and what this Python's Unicode knows.
WRITTEN = st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\x00")
LETTERS = st.characters(categories=("Lu", "Ll", "Lt", "Zs", "Mn", "Cf"), max_codepoint=0x2FFF)


@pytest.fixture(scope="module")
def warehouse(built: Settings) -> Iterator[psycopg.Connection]:
    with connect(built) as connection:
        yield connection


def staged(warehouse: psycopg.Connection, table: str, model: str, field: str, value: object) -> str:
    """Return what the staging model makes of one field of one landed record."""
    warehouse.execute(sql.SQL("delete from {}").format(sql.Identifier("landing", table)))
    warehouse.execute(
        sql.SQL("insert into {} values ('main', '1', %s, 'hash', false, '2026-01-01', 1)").format(
            sql.Identifier("landing", table)
        ),
        [simplejson.dumps({field: value}, use_decimal=True)],
    )
    found = warehouse.execute(
        sql.SQL("select {} from staging.{}").format(sql.Identifier(field), sql.Identifier(model))
    ).fetchone()[0]
    warehouse.rollback()
    return found


@MANY
@given(text=st.text(LETTERS, max_size=40) | st.text(WRITTEN, max_size=40))
@example("Straße İI ΟΔΟΣ")
@example("\u2028a\x1cb\x85c ")
@example("E\u200b\u0301")
@example("A" * 500)
def test_sql_folds_a_text_as_python_does(warehouse: psycopg.Connection, text: str) -> None:
    """SPEC D7a: erasure, the seeds' rules and the models compare alike."""
    found = staged(
        warehouse, "seeds__disposition_map", "stg_seeds__disposition_map", "raw_status", text
    )
    assert found == (folded(text) or None) == email_form(text)


def test_an_update_of_python_does_not_change_what_is_folded() -> None:
    """Which letters are one is part of the ledger's rules: a new one is a decision."""
    listed = repr(sorted(REPLACEMENTS.items())).encode()
    assert hashlib.sha256(listed).hexdigest().startswith("5f96fc95bb22fd5a")


@given(text=st.text("aäÄßẞSsıİiI éÉσςΣжЖ\u00a0", max_size=20))
def test_folding_does_not_see_capitals_and_is_done_once(text: str) -> None:
    assert folded(text.upper()) == folded(text) == folded(folded(text))


@MANY
@given(number=st.decimals(-(10**12) + 1, 10**12 - 1, places=12) | st.decimals(-1, 1, places=30))
@example(Decimal("10.00499999"))
@example(Decimal("-0.0000001"))
@example(Decimal("-1e-700"))
@example(Decimal("0.005"))
def test_a_number_is_rounded_once_and_keeps_its_sign(
    warehouse: psycopg.Connection, number: Decimal
) -> None:
    """SPEC 0: what staging holds gives the same cents as what was sent."""
    price = staged(
        warehouse, "billing_db__product_prices", "stg_billing_db__product_prices", "price", number
    )
    with localcontext(prec=800):
        assert price.quantize(CENT, ROUND_HALF_UP) == number.quantize(CENT, ROUND_HALF_UP)
    assert (price < 0) == (number < 0)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e400", "0x1F", "1_000", ".", "-", "", "9" * 700]
)
def test_what_is_no_number_is_null(warehouse: psycopg.Connection, text: str) -> None:
    model = "stg_billing_db__product_prices"
    assert staged(warehouse, "billing_db__product_prices", model, "price", text) is None


MONEY = {
    "$4,200.00": "4200.00",
    "(1,234.50)": "-1234.50",
    "-$0.005": "-0.01",
    "10.00499999": "10.00",
    ".5": "0.50",
    "€ 12": "12.00",
    "12 €": "12.00",
    "999,999,999,999.99": "999999999999.99",
    "12,50": "",
    "1,2,3": "",
    "1.234,50": "",
    "5$5": "",
    "5-3": "",
    "1e400": "",
    "9999999999999": "",
    "$": "",
}
STARTS = {
    1783245600000: "2026-07-05 10:00:00",
    -62135596800000: "0001-01-01 00:00:00",
    253370764800000: "",
    9223372036854775807: "",
    -9223372036854775807: "",
}


def test_money_and_times_have_one_reading_or_none(settings: Settings) -> None:
    """NOTES E4: a decimal comma is no thousands comma. No moment is out of every range."""
    with connect(settings) as connection:
        for table, field, values in (
            ("dispositions__file_events", "sale_amount", MONEY),
            ("invoca__transactions", "start_time_utc", STARTS),
        ):
            for number, value in enumerate(values):
                connection.execute(
                    sql.SQL(
                        "insert into {} values ('main', %s, %s, 'hash', false, '2026-01-01', 1)"
                    ).format(sql.Identifier("landing", table)),
                    [str(number), simplejson.dumps({field: value, "row_number": number})],
                )
    models = "stg_dispositions__events", "stg_invoca__transactions"
    run_dbt(settings, "run", "--select", *models)
    read = golden.query(
        settings, "select sale_amount from staging.stg_dispositions__events order by row_number"
    )
    assert [row["sale_amount"] for row in read] == list(MONEY.values())
    read = golden.query(
        settings,
        "select started_at from staging.stg_invoca__transactions"
        " order by cast(transaction_id as integer)",
    )
    assert [row["started_at"] for row in read] == list(STARTS.values())
