"""The CSV files of `seeds/`, landed like any source: what the ledger reads has known time (L6a).

A file in the folder `LEDGERHOUSE_SEEDS_DIR` replaces the project's of the same name (O3). Each file
is judged where it is read: one that is wrong is refused, and the others land (R12).
"""

import csv
import logging
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from ingestion import seed_rules
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.personal import NOBODY, NotErased
from ingestion.run import Run
from ingestion.seed_rules import KEYS, NEEDED, Row, filled
from ingestion.settings import PROJECT
from ingestion.streams import EVERYTHING, Stream, make_table
from ingestion.warehouse import connect

log = logging.getLogger(__name__)

NAME = "seeds"
REQUIRES = ()

# Reviewed in git and always complete: a file may lose any share of its rows, or all.
WHOLE_FILE = replace(EVERYTHING, may_be_empty=True)
PEOPLE = {"msp_manual_users": NotErased("seeds are in git, and so is their history")}
STREAMS = [
    Stream(NAME, name, ("row_key",), max_deleted_share=1.0, personal=PEOPLE.get(name, NOBODY))
    for name in KEYS
]

NEVER_LANDED = """
select stream, error
from landing.load_runs as load_runs
where
    source = 'seeds'
    and load_id = (
        select max(latest.load_id) from landing.load_runs as latest
        where latest.source = 'seeds' and latest.stream = load_runs.stream)
    and status = 'failed'
    and not exists (
        select 1 from landing.load_runs as good
        where
            good.source = 'seeds' and good.stream = load_runs.stream
            and good.status in ('completed', 'partial'))
order by stream
"""


def is_configured(run: Run) -> bool:
    """Tell that seeds are always there."""
    return True


def sync(run: Run) -> list[Load]:
    """Land every seed whole, each for itself; rows that are gone from a file are deleted versions.

    Raises LoadFailed, when all are done, with what is wrong with those that were refused: their
    last good version stays in force.
    """
    loads, refused = [], []
    with connect(run.settings) as warehouse:
        for stream in STREAMS:
            try:
                loads.append(_land(run, warehouse, stream))
            except LoadFailed as error:
                refused.append(str(error))
    if refused:
        raise LoadFailed(" ".join(refused))
    return loads


def read_seed(run: Run, name: str) -> list[Row]:
    """Return the rows of a seed's file, blanks as null, with their `row_key`.

    Raises LoadFailed for a bad header, a key that stands twice, or a value that its column does
    not know.
    """
    return list(_read(_path(run, name)).values())


def rows_in_force(run: Run, name: str) -> list[Row]:
    """Return a seed's rows as they are in force: the file's, or the last good version's.

    Raises LoadFailed where the file is wrong and none was ever landed.
    """
    try:
        return read_seed(run, name)
    except LoadFailed:
        with connect(run.settings) as warehouse:
            landed = _landed(warehouse, name)
        if not landed:
            raise
        return landed


def never_landed(connection: psycopg.Connection) -> dict[str, str]:
    """Return why a seed was refused, of those of which there is no good version (SPEC R12)."""
    return dict(connection.execute(NEVER_LANDED).fetchall())


def _land(run: Run, warehouse: psycopg.Connection, stream: Stream) -> Load:
    with open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at) as load:
        rows = _read(_path(run, stream.name))
        if stream.name == "disposition_map":
            _refuse_unknown_statuses(warehouse, rows)
        if stream.name == "disposition_statuses":
            _refuse_lost_statuses(run, warehouse, rows)
        for row in rows.values():
            load.add(row)
        load.complete(scope=WHOLE_FILE)
    for unclear in seed_rules.overlaps(stream.name, rows):
        log.warning("%s", unclear)
    if stream.name == "deal_terms":
        for unclear in seed_rules.idle_bases(rows, _landed(warehouse, "deal_types")):
            log.warning("%s", unclear)
    return load


def _refuse_unknown_statuses(warehouse: psycopg.Connection, rows: dict[int, Row]) -> None:
    known = {filled(row, "status") for row in _landed(warehouse, "disposition_statuses")}
    for line, row in rows.items():
        if row["status"] and row["status"] not in known:
            raise LoadFailed(
                f"disposition_map.csv line {line}: status is {row['status']!r}, which is no row of "
                f"disposition_statuses.csv. There are {', '.join(sorted(known))}."
            )


def _refuse_lost_statuses(run: Run, warehouse: psycopg.Connection, rows: dict[int, Row]) -> None:
    """A status that went while it is in use would unmake what it decided."""
    lost = {filled(row, "status") for row in _landed(warehouse, "disposition_statuses")}
    lost -= {row["status"] for row in rows.values()}
    used = {row["status"] for row in rows_in_force(run, "disposition_map")} if lost else set()
    if lost & used:
        raise LoadFailed(
            f"disposition_statuses.csv: status {', '.join(sorted(lost & used))} is gone, and rows "
            "of disposition_map.csv still lead to it. Put it back, or change these rows first."
        )


def _landed(warehouse: psycopg.Connection, name: str) -> list[Row]:
    """Return the live rows of the newest landed version of a seed."""
    stream = next(stream for stream in STREAMS if stream.name == name)
    make_table(warehouse, stream)
    newest = sql.SQL(
        "select payload from ("
        " select distinct on (source_key) payload, is_deleted from {table}"
        " order by source_key, loaded_at desc) as newest where not is_deleted"
    ).format(table=stream.table)
    return [payload for (payload,) in warehouse.execute(newest)]


def _path(run: Run, name: str) -> Path:
    for folder in (run.settings.seeds_directory, PROJECT / "seeds"):
        if folder and (folder / f"{name}.csv").exists():
            return folder / f"{name}.csv"
    raise LoadFailed(f"The seed {name}.csv is neither in LEDGERHOUSE_SEEDS_DIR nor in seeds/.")


def _read(path: Path) -> dict[int, Row]:
    """Return a file's rows by line; raises LoadFailed for the first that is wrong."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _rows(csv.DictReader(file), path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise LoadFailed(f"{path.name} is no CSV file in UTF-8: {error}.") from error


def _rows(reader: "csv.DictReader[str]", path: Path) -> dict[int, Row]:
    seed, header = path.stem, reader.fieldnames or []
    if missing := [name for name in KEYS[seed] + NEEDED.get(seed, ()) if name not in header]:
        raise LoadFailed(f"{path.name} has no column {', '.join(missing)}.")
    rows: dict[int, Row] = {}
    lines: dict[object, int] = {}
    for row in reader:
        line = reader.line_num
        if None in row or None in row.values():
            raise LoadFailed(
                f"{path.name} line {line} has another number of fields than the header."
            )
        values: Row = {name: value.strip() or None for name, value in row.items()}
        if wrong := seed_rules.wrong_value(seed, values):
            name, what = wrong
            raise LoadFailed(f"{path.name} line {line}: {name} is {what}.")
        row_key = "|".join(values[name] or "" for name in KEYS[seed])
        for identity in (seed_rules.folded_key(seed, values), row_key):
            if identity in lines:
                raise LoadFailed(
                    f"{path.name} line {line} repeats the key {', '.join(KEYS[seed])} of line "
                    f"{lines[identity]}. Give one of them another effective date, or remove it."
                )
            lines[identity] = line
        rows[line] = {"row_key": row_key, **values}
    return rows
