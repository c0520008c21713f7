"""The guard of publications where the target is Redshift (SPEC L19): its SQL, through the gate."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal

from ingestion import redshift as target
from ingestion.books import make_books
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import guard, target_redshift
from orchestration.dbt import Mart

LEDGER = Mart("fct_ledger_entries", "guarded_marts", appended_by="recorded_at")
COLUMNS = (
    "entry_key varchar(200), deal_type varchar(50), currency varchar(3), source varchar(50),"
    " occurred_at timestamp, recorded_at timestamp, amount numeric(18, 2), reason varchar(50)"
)


def test_the_ledger_that_is_built_on_redshift_is_compared_whole(
    settings: Settings, redshift: Settings
) -> None:
    there = replace(redshift, published_schema="guarded")
    with closing(target.connect(there)) as client:
        target.execute(client, "create schema if not exists landing")
        for statement in target.OWN_BOOKS.split(";")[:-1]:
            target.execute(client, statement)
        for schema, amounts in (("guarded", (1000, 3000)), ("guarded_marts", (1000, 1500, 700))):
            target.execute(client, f"create schema {schema}")
            target.execute(client, f"create table {schema}.fct_ledger_entries ({COLUMNS})")
            for number, amount in enumerate(amounts):
                target.execute(
                    client,
                    f"insert into {schema}.fct_ledger_entries values (%s, 'plain_lead', 'USD',"
                    " 'boberdoo', '2025-01-15', '2025-02-01', %s, 'new')",
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
