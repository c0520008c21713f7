"""Guard and seal where the target is Redshift (SPEC L18, L19): their SQL, through the gate."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from ingestion import redshift as target
from ingestion.books import make_books
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import guard, seal, target_redshift
from orchestration.dbt import Mart
from orchestration.holds import PublicationHeldError
from orchestration.seal import PastChangesError

LEDGER = Mart("fct_ledger_entries", "guarded_marts", appended_by="recorded_at")
COLUMNS = (
    "entry_key varchar(200), deal_type varchar(50), currency varchar(3), source varchar(50),"
    " occurred_at timestamp, recorded_at timestamp, amount numeric(18, 2), reason varchar(50),"
    " business_unit varchar(20)"
)
# Of the books that are copied there, what the guard reads (SPEC L20).
CLOSES = """
create table if not exists landing.period_closes
    (close_id bigint, schema_name varchar(100), business_unit varchar(20), period_month date);
create table if not exists landing.period_reopens (close_id bigint);
"""


def test_the_ledger_that_is_built_on_redshift_is_compared_whole(
    settings: Settings, redshift: Settings
) -> None:
    there = replace(redshift, published_schema="guarded")
    with closing(target.connect(there)) as client:
        target.execute(client, "create schema if not exists landing")
        for statement in (target.OWN_BOOKS + CLOSES).split(";")[:-1]:
            target.execute(client, statement)
        for schema, amounts in (("guarded", (1000, 3000)), ("guarded_marts", (1000, 1500, 700))):
            target.execute(client, f"create schema {schema}")
            target.execute(client, f"create table {schema}.fct_ledger_entries ({COLUMNS})")
            for number, amount in enumerate(amounts):
                target.execute(
                    client,
                    f"insert into {schema}.fct_ledger_entries values (%s, 'plain_lead', 'USD',"
                    " 'boberdoo', '2025-01-15', '2025-02-01', %s, 'new', 'leads')",
                    f"sale:{number}",
                    amount,
                )
        target.execute(
            client,
            "insert into landing.publications (schema_name, known_through, published_at)"
            " values ('guarded', '2025-02-01', '2025-02-01')",
        )
        client.commit()
    with connect(settings, autocommit=True) as connection:
        make_books(connection)
        with target_redshift.querying(there) as ask:
            attempt = guard.judge(connection, there, [LEDGER], "build", ask)
    (movement,) = attempt.movements
    assert (attempt.decision, movement.moved_amount) == ("held", Decimal("1500.00"))
    assert (movement.published_amount, movement.built_amount) == (Decimal(4000), Decimal(3200))
    assert (movement.new_keys, movement.new_amount) == (1, Decimal(700))


SEALED = Mart("fct_ledger_entries", "sealed_marts", appended_by="recorded_at")
TYPES = {
    **dict.fromkeys(seal.COLUMNS, "varchar(250)"),
    **dict.fromkeys(("list_amount", "discount_amount", "amount"), "numeric(18, 2)"),
    **dict.fromkeys(("occurred_at", "recorded_at"), "timestamp"),
    **{"quantity": "integer", "load_id": "bigint"},
}


def test_what_redshift_publishes_is_only_added_to(
    settings: Settings, redshift: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = replace(redshift, published_schema="sealed")
    monkeypatch.setattr(target_redshift, "rule_hash", lambda _: "of today")
    with closing(target.connect(there)) as client:
        target.execute(client, "create schema if not exists landing")
        for statement in (target.OWN_BOOKS + CLOSES).split(";")[:-1]:
            target.execute(client, statement)
        target.execute(client, "create schema sealed_marts")
        columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        target.execute(client, f"create table sealed_marts.fct_ledger_entries ({columns})")
        client.commit()

    def built(day: str, amount: int) -> None:
        """Build an entry of that day, and say through when the ledger was built."""
        with closing(target.connect(there)) as client:
            target.execute(
                client,
                "insert into sealed_marts.fct_ledger_entries (entry_id, entry_key, deal_type,"
                " account_id, currency, amount, occurred_at, recorded_at)"
                f" values ('sale:{day}', 'sale', 'plain_lead', 'partner:1', 'USD', {amount},"
                f" '2025-01-15', '{day}')",
            )
            target.execute(
                client,
                "insert into landing.build_watermarks (model_name, schema_name, known_through,"
                f" definition, built_at) values ('fct_ledger_entries', 'sealed_marts', '{day}', '',"
                f" '{day}')",
            )
            client.commit()

    def publish() -> None:
        with connect(settings, autocommit=True) as connection:
            make_books(connection)
            target_redshift.check(connection, there, [SEALED])
            target_redshift.publish(connection, there, [SEALED])

    def published() -> list[tuple[str, Decimal]]:
        with closing(target.connect(there)) as client:
            query = "select entry_id, amount from sealed.fct_ledger_entries order by 1"
            return [tuple(row) for row in target.execute(client, query).fetchall()]

    built("2025-02-01", 1000)
    with connect(settings) as connection:
        connection.execute(
            "insert into landing.publications (schema_name, known_through, published_at,"
            " ledger_file) values ('sealed', '2025-02-01', now(), 1)"
        )
        connection.execute(
            "insert into landing.ledger_seals select publication_id, '2025-02-01', 1, 0, 0, 0, 900,"
            " 0, 0 from landing.publications where schema_name = 'sealed'"
        )
    with pytest.raises(PublicationHeldError, match="entries recorded in 2025-02 differ"):
        publish()
    with connect(settings) as connection:
        connection.execute("update landing.ledger_seals set amount = 1000 where amount = 900")
    publish()
    built("2025-02-02", 500)
    publish()
    both = [("sale:2025-02-01", Decimal(1000)), ("sale:2025-02-02", Decimal(500))]
    assert published() == both
    # The same two entries by other rules: one of them has another amount.
    with closing(target.connect(there)) as client:
        target.execute(
            client, "update sealed_marts.fct_ledger_entries set amount = 700 where amount = 500"
        )
        client.commit()
    built("2025-02-03", 50)
    with pytest.raises(PastChangesError, match=r"plain_lead 2025-01: 1,500.00 becomes 1,700.00"):
        publish()
    assert published() == both
    with connect(settings) as connection:
        rules = connection.execute(
            "select target, rule_hash, reason from landing.rule_versions"
            " where schema_name = 'sealed'"
        ).fetchall()
    assert rules == [("redshift", "of today", "first")]
