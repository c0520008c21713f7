"""What is declared of each stream is what its staging model reads, and how it reads it (R11)."""

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from ingestion.books import make_books
from ingestion.fields import (
    DATE,
    EFFECTIVE_TIME,
    HOURS,
    MONEY,
    NUMBER,
    TIME,
    TRUTH,
    WHOLE_NUMBER,
    Field,
    Form,
)
from ingestion.registry import SOURCES, make_stream_tables
from ingestion.settings import Settings
from ingestion.streams import Stream
from ingestion.warehouse import connect
from orchestration.dbt import dbt_arguments, run_dbt

# How a compiled staging model reads a field: `payload -> 'summary' ->> 'net_amount'`.
READ = re.compile(r"payload((?: -> (?:'\w+'|\d+))*) ->>? '(\w+)'")
LANDED = re.compile(r'"landing"\."(\w+?)__(\w+)"')
CTE = re.compile(r"\b(\w+) as \(\n")
STREAMS = {
    (stream.source, stream.name): stream
    for module in SOURCES.values()
    for stream in module.STREAMS
    # The columns of seeds are judged where the files are read (R12).
    if stream.source != "seeds"
}


@pytest.fixture(scope="module")
def reads(
    server: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], set[str]]:
    """The fields that the staging models read of each stream."""
    folder = tmp_path_factory.mktemp("target")
    with connect(server) as connection:
        make_books(connection)
        make_stream_tables(connection)
    run_dbt(
        server,
        *("compile", "--select", "path:models/staging", "--exclude", "resource_type:test"),
        *("resource_type:unit_test", "--target-path", str(folder)),
    )
    found: dict[tuple[str, str], set[str]] = {}
    for path in (folder / "compiled").rglob("stg_*.sql"):
        for stream, fields in reads_of(path):
            found.setdefault(stream, set()).update(fields)
    return found


def reads_of(path: Path) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """Yield the fields that a compiled model reads of each stream.

    A part of a CTE that reads no landed table reads the payload of the CTE it selects from, or the
    object that is the payload there.
    """
    text = re.sub(r"--.*", "", path.read_text())
    named = CTE.split(text)
    bodies = [body.split("\n)")[0] for body in named[2::2]] or [text]
    streams: dict[str, set[tuple[str, str]]] = {}
    inside: dict[str, str] = {}
    for name, body in zip(named[1::2] or [""], bodies, strict=True):
        streams[name] = set()
        for part in body.split("union all"):
            earlier = [cte for cte in streams if re.search(rf"\bfrom {cte}\b", part)]
            read = set(LANDED.findall(part)).union(*(streams[cte] for cte in earlier))
            streams[name] |= read
            prefix = "".join(f"{inside[cte]}." for cte in earlier if cte in inside)
            yield from ((stream, {prefix + field for field in paths(part)}) for stream in read)
        if passed := re.search(r"payload -> '(\w+)' as payload", body):
            inside[name] = passed[1]


def paths(sql: str) -> set[str]:
    """Return the paths a text reads: into objects to the end, into lists to the list."""
    sql = re.sub(r"payload -> '\w+' as payload", "", sql)
    found = set()
    for parents, name in READ.findall(sql):
        steps = re.findall(r"'(\w+)'|(\d+)", parents)
        numbered = [place for place, (_, number) in enumerate(steps) if number]
        names = [word for word, _ in steps]
        found.add(".".join(names[: numbered[0]] if numbered else [*names, name]))
    return found


def test_every_field_that_staging_reads_is_declared_and_no_other(
    reads: dict[tuple[str, str], set[str]],
) -> None:
    assert len(reads) > 20
    undeclared, unread = {}, {}
    for key, stream in STREAMS.items():
        declared, read = {field.path for field in stream.fields}, reads.get(key, set())
        undeclared[key] = sorted(read - declared - set(stream.key))
        unread[key] = sorted(
            declared
            - read
            - {field for field in declared if "." in field and field.rpartition(".")[0] in read}
        )
    assert not {key: names for key, names in undeclared.items() if names}
    assert not {key: names for key, names in unread.items() if names}


VALUES = [
    *("12", "12.5", "-0.5", " 7.005 ", "12,50", "1,250.00", "$4,200.00", "(8.00)", "1.250,00"),
    *("1e3", "NaN", "Infinity", "-", ".", "1_000", "99999999999999999999", "0x1F", "abc", "n/a"),
    *("2026-07-14", "2026-07-14T10:00:00Z", "2026-07-14 10:00:00.5 -04:00", "2026-02-30"),
    *("14.07.2026", "07/14/2026", "infinity", "2026-07-14T25:00:00", "2026-07-14x", "0044-03-15"),
    *("-infinity", "0044-03-15T00:00:00 BC", "294276-12-31T00:00:00", "999999-01-01", "5$5", "1,2"),
    *("true", "False", "yes", "1", "00:40", "1:05:30", "40", "00:70"),
]
# How staging reads each form; a truth value is compared with both of its defaults.
READERS: dict[str, tuple[Form, str]] = {
    "a number": (NUMBER, "{{ json_number('v') }} is not null"),
    "cents": (NUMBER, "{{ json_number('v', 'numeric(18,2)') }} is not null"),
    "a whole number": (WHOLE_NUMBER, "{{ json_number('v', 'bigint') }} is not null"),
    "money": (MONEY, "{{ localized_amount(json_text('v', 100)) }} is not null"),
    "a time": (TIME, "{{ json_timestamp('v') }} is not null"),
    "a time of a zone": (TIME, "{{ json_timestamp('v', 'America/New_York') }} is not null"),
    "an effective time": (EFFECTIVE_TIME, "{{ json_effective_time('v') }} is not null"),
    "a date": (DATE, "{{ json_date('v') }} is not null"),
    "true or false": (
        TRUTH,
        "{{ json_boolean('v') }} or not {{ json_boolean('v', otherwise=true) }}",
    ),
}


@pytest.fixture(scope="module")
def readings(server: Settings) -> list[str]:
    """The compiled SQL of each of READERS."""
    inline = " union all select ".join(f"{reader}" for _, reader in READERS.values())
    with redirect_stdout(StringIO()):
        outcome = dbtRunner().invoke(
            [*dbt_arguments(server, "compile", "--inline", f"select {inline}"), "--no-write-json"]
        )
    compiled = outcome.result.results[0].node.compiled_code
    return compiled.removeprefix("select ").split(" union all select ")


def test_a_value_is_readable_where_staging_reads_it(server: Settings, readings: list[str]) -> None:
    field = Field("v")
    with connect(server) as connection:
        connection.execute("create temporary table odd (payload jsonb)")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into odd values (jsonb_build_object('v', %s::text))",
                [(value,) for value in VALUES],
            )
        for (name, (form, _)), staging in zip(READERS.items(), readings, strict=True):
            judged = form.reads(field.value(), "trim(payload ->> 'v')")
            differing = connection.execute(
                f"select payload ->> 'v' from odd where ({judged}) is distinct from ({staging})"
            ).fetchall()
            assert not differing, name


def test_hours_are_read_as_the_model_of_time_entries_reads_them() -> None:
    model = Path("models/intermediate/msp/work/int_msp_time_entries.sql").read_text()
    (pattern,) = re.findall(r"time_spent ~ '([^']+)'", model)
    assert f"'{pattern}'" in HOURS.readable


def test_what_ages_out_is_never_needed() -> None:
    """Fields that a vendor blanks after a while are among the spare ones (R10)."""
    personal = {
        f"{stream.people.within}.{name}" if stream.people.within else name: stream
        for stream in STREAMS.values()
        if isinstance(stream, Stream) and stream.people
        for name in (*stream.people.phones, *stream.people.emails)
    }
    assert len(personal) >= 5
    for path, stream in personal.items():
        assert all(
            field.spare or field.may_be_blank for field in stream.fields if field.path == path
        ), path
