"""The stand-in for Redshift, asked as Redshift is asked: by its own driver."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing

import boto3
import pytest
import redshift_connector
import yaml

from ingestion.redshift import connect
from ingestion.settings import Settings
from tests.redshift.gate import OBJECTS

PROBES = yaml.safe_load((OBJECTS.parent / "probes.yml").read_text())
ROLE = "iam_role 'arn:aws:iam::000000000000:role/stand-in'"
OPTIONS = f"{ROLE} manifest format csv gzip"


@pytest.fixture
def client(redshift: Settings) -> Iterator[redshift_connector.Connection]:
    with closing(connect(redshift)) as connection:
        yield connection


def ask(client: redshift_connector.Connection, statement: str) -> list[tuple]:
    cursor = client.cursor()
    cursor.execute(statement)
    return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe["sql"])
def test_an_expression_has_redshifts_value(
    client: redshift_connector.Connection, probe: dict[str, str | None]
) -> None:
    ((value,),) = ask(client, f"select cast({probe['sql']} as varchar(200))")
    assert value == probe["value"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("select distinct on (stream) stream from loads", "distinct on"),
        ("create temporary table plain (price numeric)", "unsized numeric"),
        ("select sum(received) over (order by load_id) from loads", "unframed window"),
    ],
)
def test_what_redshift_refuses_is_an_error_and_the_session_goes_on(
    client: redshift_connector.Connection, statement: str, reason: str
) -> None:
    with pytest.raises(redshift_connector.ProgrammingError, match=reason):
        ask(client, statement)
    client.rollback()
    assert ask(client, "select 1") == [(1,)]


def test_keys_and_late_binding_are_understood(client: redshift_connector.Connection) -> None:
    ask(
        client,
        "create temporary table sold (id bigint, day date encode raw, name varchar(max))"
        " diststyle key distkey (id) compound sortkey (day, id)",
    )
    ask(client, "insert into sold values (1, '2026-01-31', 'a'), (2, '2026-02-01', 'b')")
    assert ask(
        client,
        "select listagg(name, '+') within group (order by day desc),"
        " max(datediff(month, day, dateadd(day, 1, day))) from sold",
    ) == [("b+a", 1)]
    ask(client, "create view pg_temp.days as select day from sold with no schema binding")


def staged(rows: bytes) -> str:
    store = boto3.client("s3")
    store.put_object(Bucket="stage", Key="copied/part", Body=gzip.compress(rows))
    manifest = {"entries": [{"url": "s3://stage/copied/part", "mandatory": True}]}
    store.put_object(Bucket="stage", Key="copied/manifest", Body=json.dumps(manifest).encode())
    return "s3://stage/copied/manifest"


def copied(client: redshift_connector.Connection, rows: bytes, options: str) -> list[tuple]:
    ask(client, "create temporary table copied (id bigint, name varchar(4))")
    ask(client, f"copy copied (id, name) from '{staged(rows)}' {options}")
    return ask(client, "select id, name from copied order by id")


def test_copy_reads_csv_with_nulls_quotes_and_line_breaks(
    client: redshift_connector.Connection,
) -> None:
    rows = b'1,"a""\nb"\n2,\\N\n3,""\n'
    assert copied(client, rows, OPTIONS) == [(1, 'a"\nb'), (2, None), (3, "")]


def test_copy_counts_bytes(client: redshift_connector.Connection) -> None:
    rows = "1,éàü\n".encode()
    with pytest.raises(redshift_connector.ProgrammingError, match="exceeds DDL length"):
        copied(client, rows, OPTIONS)
    client.rollback()
    assert copied(client, rows, OPTIONS + " truncatecolumns") == [(1, "éà")]


@pytest.mark.parametrize(
    ("rows", "options", "reason"),
    [
        (b"1,a,b\n", OPTIONS, "3 fields for 2 columns"),
        (b"1,a\n", "manifest format csv gzip", "IAM_ROLE"),
        (b"1,a\n", f"{OPTIONS} fillrecord", "does not know"),
    ],
)
def test_copy_refuses(
    client: redshift_connector.Connection, rows: bytes, options: str, reason: str
) -> None:
    with pytest.raises(redshift_connector.ProgrammingError, match=reason):
        copied(client, rows, options)


def test_copy_of_a_missing_file_is_refused(client: redshift_connector.Connection) -> None:
    ask(client, "create temporary table copied (id bigint, name varchar(4))")
    with pytest.raises(redshift_connector.ProgrammingError, match="cannot be read"):
        ask(client, f"copy copied (id, name) from 's3://stage/nothing/manifest' {OPTIONS}")
