"""Dispositions: what a buyer says became of a lead, from a drop folder and from an HTTP feed.

The folder holds `<partner>_<anything>.csv` or `.jsonl`; its files are read, never changed. An event
is `<file stem>:<row>`; a bad line is quarantined and the rest goes on (SPEC D7, R5). A partner's
own column names are declared in the seed `disposition_columns`; canonical ones need no row there.
The feed is `GET <url>?after=<cursor>&limit=<n>`: `{"events": [...], "next": "<cursor>"}`.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ingestion.environment import configured
from ingestion.fields import need, spare
from ingestion.folding import folded
from ingestion.http import VendorError, open_client
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.personal import Personal
from ingestion.records import as_text
from ingestion.run import Run
from ingestion.seed_rules import DISPOSITION_FIELDS as FIELDS
from ingestion.seed_rules import filled
from ingestion.sources.dispositions_files import BadLine, list_files, read_rows
from ingestion.sources.seeds import rows_in_force
from ingestion.streams import Stream
from ingestion.warehouse import connect

NAME = "dispositions"
REQUIRES = ("DISPOSITIONS_DIR or DISPOSITIONS_FEED_URL",)

# A partner's own columns and the agent's notes may say anything of the person.
PERSONAL = Personal(
    ("phone",),
    ("email",),
    kept=(
        *("event_id", "partner_id", "row_number", "lead_id", "call_id", "buyer_lead_ref"),
        *("status", "sale_amount", "returned", "return_reason"),
    ),
)
# One partner's file may not stop the others': what it lacks is quarantined, parked or excepted.
SPARED = (
    *spare("lead_id", "call_id", "buyer_lead_ref", "phone", "email", why="one of them is enough"),
    *spare("status_date", why="a blank one counts from landing, an unreadable one is excepted"),
    *spare("sale_amount", why="few deals are paid by it"),
)
FILE_EVENTS = Stream(
    *(NAME, "file_events", ("event_id",)),
    personal=PERSONAL,
    fields=(
        *need("partner_id", "row_number"),
        *need("status", may_be_blank=True),
        *SPARED,
    ),
)
FEED_EVENTS = Stream(
    *(NAME, "feed_events", ("event_id",)),
    personal=PERSONAL,
    fields=(*need("partner_id"), *need("status", may_be_blank=True), *SPARED),
)
STREAMS = [FILE_EVENTS, FEED_EVENTS]

IDENTIFIERS = ("lead_id", "call_id", "buyer_lead_ref", "phone", "email")
FIELDS_OF_ONE_LINE = (*IDENTIFIERS, "status", "status_date", "sale_amount", "returned")
FEED_PAGE = 1000

# (partner id or '*', the partner's column, folded) -> field
Columns = dict[tuple[str, str], str]
Event = dict[str, Any]


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a drop folder or a feed."""
    return run.settings.dispositions is not None


def sync(run: Run) -> list[Load]:
    """Land new and changed files, and the feed's new events."""
    wanted, columns = configured(run.settings.dispositions, *REQUIRES), read_columns(run)
    return [
        *([_land_files(run, wanted.folder, columns)] if wanted.folder else []),
        *(
            [_land_feed(run, wanted.feed_url, wanted.feed_token, columns)]
            if wanted.feed_url
            else []
        ),
    ]


def read_columns(run: Run) -> Columns:
    """Return the declared column names of all partners, as they are in force (SPEC R12)."""
    return {
        (filled(row, "partner_id"), folded(filled(row, "column_name"))): filled(row, "field")
        for row in rows_in_force(run, "disposition_columns")
    }


def extract_file(path: Path, columns: Columns) -> Iterator[Event | BadLine]:
    """Yield the events of one file and, in their places, what is wrong with its bad lines.

    Raises OSError where the file cannot be opened.
    """
    partner = path.stem.split("_")[0]
    has_header = path.suffix.lower() == ".csv"
    try:
        for number, row in read_rows(path, partial(_is_of_one_line, partner, columns)):
            if isinstance(row, BadLine):
                yield row
                continue
            named = with_fields(row, partner, columns)
            if "status" not in named or not any(name in named for name in IDENTIFIERS):
                reason = "no column is a status, or none tells the lead"
                yield BadLine(as_text(row), f"{path.name} row {number}: {reason}")
                if has_header:
                    return
                continue
            yield named | {
                "event_id": f"{path.stem}:{number}",
                "partner_id": partner,
                "row_number": number,
            }
    except BadLine as bad:
        yield bad


def with_fields(row: Event, partner: str, columns: Columns) -> Event:
    """Return the row under the canonical names, as declared for the partner, then for `*`."""
    named: Event = {}
    for column, value in row.items():
        field = _field(column, partner, columns)
        if named.get(field) in (None, ""):
            named[field] = value
    return named


def _field(column: str, partner: str, columns: Columns) -> str:
    name = folded(column)
    declared = columns.get((partner, name)) or columns.get(("*", name))
    return declared or (name if name in FIELDS else column)


def _is_of_one_line(partner: str, columns: Columns, column: str) -> bool:
    return _field(column, partner, columns) in FIELDS_OF_ONE_LINE


def _land_files(run: Run, folder: Path, columns: Columns) -> Load:
    """Land the files that came or changed since the last landing.

    After a new declaration of columns all files are read again; one that could not be opened is
    tried again the next time.
    """
    with (
        connect(run.settings) as warehouse,
        open_load(warehouse, run.settings, FILE_EVENTS, loaded_at=run.loaded_at) as load,
    ):
        if not folder.is_dir():
            raise LoadFailed(f"The folder {folder} is not there. Check DISPOSITIONS_DIR.")
        since, declaration = _cursor(load.cursor)
        now = _fingerprint(columns)
        is_all = run.full or declaration != now
        files = list_files(folder)
        by_stem = {path.stem: path for path, _ in reversed(files)}
        reached = max([changed for _, changed in files], default=since)
        for path, changed in files:
            if is_all or changed >= since:
                try:
                    _add_file(load, path, by_stem[path.stem], columns)
                except OSError as error:
                    load.reject(path.name, f"{path.name} cannot be opened: {error.strerror}")
                    reached = min(reached, changed)
        load.complete(cursor=f"{reached} {now}")
    return load


def _add_file(load: Load, path: Path, first: Path, columns: Columns) -> None:
    """Feed the load with a file's events; `first` is the first file that would name them so."""
    if path != first:
        load.reject(
            path.name, f"{path.name} has the name of {first.name}: their events would be mixed"
        )
        return
    for event in extract_file(path, columns):
        if isinstance(event, BadLine):
            load.reject(event.text, str(event))
        else:
            load.add(event)


def _land_feed(run: Run, url: str, token: str | None, columns: Columns) -> Load:
    client = open_client(NAME, url, run.settings, headers={"Authorization": f"Bearer {token}"})
    with (
        connect(run.settings) as warehouse,
        open_load(warehouse, run.settings, FEED_EVENTS, loaded_at=run.loaded_at) as load,
    ):
        cursor = "" if run.full else load.cursor or ""
        for _ in client.pages("the feed"):
            page = client.get_json("", after=cursor, limit=FEED_PAGE)
            events = page.get("events") if isinstance(page, dict) else None
            if not isinstance(events, list):
                raise VendorError(f"{NAME}: the feed answered without events")
            for event in events:
                partner = str(event.get("partner_id")) if isinstance(event, dict) else ""
                load.add(with_fields(event, partner, columns) if partner else event)
            if not events:
                break
            following = page.get("next")
            if not isinstance(following, str) or following in ("", cursor):
                raise VendorError(f"{NAME}: the feed does not go on after {cursor or 'the start'}")
            cursor = following
        load.counts.api_calls = client.calls
        load.complete(cursor=cursor)
    return load


def _cursor(text: str | None) -> tuple[int, str]:
    since, _, declaration = (text or "0 ").partition(" ")
    return int(since), declaration


def _fingerprint(columns: Columns) -> str:
    return hashlib.sha256(repr(sorted(columns.items())).encode()).hexdigest()[:12]
