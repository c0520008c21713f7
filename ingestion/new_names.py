"""Fields that a stream never had before: listed as they come, and asked whether one was renamed."""

import logging
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from ingestion.fields import OBJECT, Field

if TYPE_CHECKING:
    from ingestion.loads import Load

log = logging.getLogger(__name__)

SAMPLE = 2_000  # records of a load that are looked through
MOST_NEW_FIELDS = 200
SAME_NUMBER = 0.9  # of the records that miss the old name
LIKE_ENOUGH = 0.5  # of two names, where it is not known which fields are new


def list_new_fields(load: "Load", versions: str, records: int) -> None:
    """Keep the names of fields that the stream never had in `landing.fields_seen`, and log them.

    Those of its first landing are not new.
    """
    seen, stream = _seen(load), load.stream
    found: set[str] = set()
    for parent in {field.parent for field in stream.fields} | {None}:
        rows = load.connection.execute(
            f"select distinct jsonb_object_keys({_object(parent)}) from {versions}"
            " tablesample bernoulli (%s) repeatable (0)",
            (100 * min(1.0, SAMPLE / max(records, 1)),),
        )
        found |= {f"{parent}.{name}" if parent else name for (name,) in rows}
    new = sorted(found - seen)[:MOST_NEW_FIELDS]
    with load.connection.cursor() as cursor:
        cursor.executemany(
            "insert into landing.fields_seen (source, stream, field, is_new, load_id,"
            " first_seen_at)"
            " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
            [
                (stream.source, stream.name, name[:500], bool(seen), load.load_id, load.loaded_at)
                for name in new
            ],
        )
    if seen and new:
        log.warning("%s.%s has new fields: %s", stream.source, stream.name, ", ".join(new))


def new_name(load: "Load", versions: str, field: Field) -> str | None:
    """Return what a missing field may be called now: new, as often there, of its form, alike."""
    parent = field.parent
    if parent and not _value(load, f"bool_or({Field(parent).value()} is not null)", versions):
        return new_name(load, versions, Field(parent, OBJECT))
    value = f"({_object(parent)} -> name)"
    text = f"trim({_object(parent)} ->> name)"
    rows = load.connection.execute(
        f"select name, count(*), count(*) filter (where {field.form.reads(value, text)})"
        f" from {versions}, jsonb_object_keys({_object(parent)}) as name"
        f" where {field.is_missing()} group by name"
    ).fetchall()
    missing = _value(load, f"count(*) filter (where {field.is_missing()})", versions)
    seen, old = _seen(load), field.path.rpartition(".")[2]
    declared = {declared.path for declared in load.stream.fields} | set(load.stream.key)
    likeness = {
        path: SequenceMatcher(None, name, old).ratio()
        for name, count, readable in rows
        if (path := f"{parent}.{name}" if parent else name) not in seen | declared
        and SAME_NUMBER * missing <= readable <= count <= missing
    }
    best = max(likeness, key=likeness.__getitem__, default=None)
    return best if best and (seen or likeness[best] >= LIKE_ENOUGH) else None


def _seen(load: "Load") -> set[str]:
    rows = load.connection.execute(
        "select field from landing.fields_seen where source = %s and stream = %s",
        (load.stream.source, load.stream.name),
    )
    return {name for (name,) in rows}


def _object(parent: str | None) -> str:
    if not parent:
        return "payload"
    value = Field(parent).value()
    return f"(case when jsonb_typeof({value}) = 'object' then {value} else '{{}}' end)"


def _value(load: "Load", figure: str, versions: str) -> Any:
    row = load.connection.execute(f"select {figure} from {versions}").fetchone()
    return row[0] if row else None
