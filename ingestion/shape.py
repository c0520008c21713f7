"""The shape of a landing: refused whole where a needed field went missing or changed (SPEC R11).

What each load brought is counted per field in `landing.field_counts`, so no history is read to know
what was usual. Counted are new and changed versions: what is read again unchanged was counted once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ingestion.fields import Field
from ingestion.new_names import list_new_fields, new_name
from ingestion.warehouse import one_row

if TYPE_CHECKING:
    from ingestion.loads import Load

log = logging.getLogger(__name__)

LEAST_RECORDS = 20  # fewer are bad records, and no other shape
LEAST_OF_FEW = 3  # of a whole answer that has fewer than LEAST_RECORDS
REMEMBERED = timedelta(days=7)


class ShapeRefused(Exception):
    """A landing has another shape; the message names stream, fields, counts and the cures."""


@dataclass(frozen=True)
class Counts:
    """Of one field in one load: its versions, those without it, and the same of new keys.

    An accepted load says how things are from then on.
    """

    field: str
    loaded_at: datetime
    records: int
    missing: int
    wrong_type: int
    new_records: int
    new_lacking: int
    is_accepted: bool = False

    @property
    def lacking(self) -> int:
        """Return how many versions miss the field, or have it in a way that staging cannot read."""
        return self.missing + self.wrong_type


@dataclass(frozen=True)
class Drift:
    """So many of so many records lack a field, more than `share_before` of them did earlier."""

    lacking: int
    records: int
    share_before: float


def judge(load: "Load", versions: str, *, is_first: bool, is_whole: bool) -> None:
    """Count what a load's new versions lack; raises ShapeRefused where they have another shape.

    `versions` is the temporary table that holds them; at a stream's first landing all are new.
    An answer `is_whole` if it holds all that the source has.
    """
    fields = [field for field in load.stream.fields if not field.spare]
    records, tonight = _count(load, versions, fields, "true" if is_first else "is_new")
    if not records:
        return
    drifts = {
        field: (counts, drift)
        for field, counts in zip(fields, tonight, strict=True)
        if counts.lacking and (drift := _drift(load, field, counts, is_whole))
    }
    if drifts:
        _refuse_unless_accepted(load, _said(load, versions, drifts))
    _keep(load, tonight)
    list_new_fields(load, versions, records)


def judge_keys(load: "Load", without_key: int) -> None:
    """Raise ShapeRefused where not one of many records has its key: they are not bad records."""
    if LEAST_RECORDS <= without_key == load.counts.received:
        key = ", ".join(load.stream.key)
        _refuse_unless_accepted(load, f"none of {without_key:,} records has the key {key}")


def judge_lists(load: "Load", *, lacking: int, parents: int) -> None:
    """Raise ShapeRefused where parents do not bring the list that the records come in."""
    is_shape = lacking >= LEAST_RECORDS and lacking > load.settings.max_missing_share * parents
    if is_shape or LEAST_OF_FEW <= lacking == parents:
        _refuse_unless_accepted(
            load, f"{lacking:,} of {parents:,} records do not bring their list of them"
        )


def find_drift(
    tonight: Counts, earlier: Sequence[Counts], received: int, most: float
) -> Drift | None:
    """Return how far a field went missing, None where it did not; `earlier` is newest first.

    Tonight is judged alone, and together with each run of loads before it that began in the last
    seven days: among all records received, and among the new ones, since a window that is read
    again says mostly how records were written before.
    """
    since = tonight.loaded_at - REMEMBERED
    recent = takewhile(lambda load: load.loaded_at > since and not load.is_accepted, earlier)
    for number in range(len(list(recent)) + 1):
        window, before = [tonight, *earlier[:number]], earlier[number:]
        share_before = _share(sum(c.lacking for c in before), sum(c.records for c in before))
        read_again = received - tonight.records
        among_all = sum(c.lacking for c in window), sum(c.records for c in window) + read_again
        among_new = sum(c.new_lacking for c in window), sum(c.new_records for c in window)
        for lacking, records in (among_all, among_new):
            if lacking >= LEAST_RECORDS and _share(lacking, records) - share_before > most:
                return Drift(lacking, records, share_before)
    return None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _drift(load: "Load", field: Field, tonight: Counts, is_whole: bool) -> Drift | None:
    received = _value(load, "select count(*) from incoming")
    earlier, most = _earlier(load, field), load.settings.max_missing_share
    drift = find_drift(tonight, earlier, received, most)
    if drift or not (is_whole and earlier and LEAST_OF_FEW <= received < LEAST_RECORDS):
        return drift
    # Of a source that has only a few rows, all of them are a shape.
    lacking = _value(load, f"select count(*) from incoming where ({field.is_fine()}) is not true")
    share_before = _share(sum(c.lacking for c in earlier), sum(c.records for c in earlier))
    if lacking == received and 1 - share_before > most:
        return Drift(lacking, received, share_before)
    return None


def _count(
    load: "Load", versions: str, fields: list[Field], is_new: str
) -> tuple[int, list[Counts]]:
    """Return how many versions there are, and the counts of each field.

    One pass tells that all is fine; a second looks at what is not.
    """
    all_fine = " and ".join(field.is_fine() for field in fields) or "true"
    records, new_records, odd = one_row(
        load.connection.execute(
            f"select count(*), count(*) filter (where {is_new}),"
            f" count(*) filter (where ({all_fine}) is not true) from {versions}"
        )
    )
    fine = Counts("", load.loaded_at, records, 0, 0, new_records, 0)
    if not odd:
        return records, [replace(fine, field=field.path) for field in fields]
    counted = []
    for field in fields:
        lacks, missing = f"({field.is_fine()}) is not true", field.is_missing()
        counted += [
            f"count(*) filter (where {missing})",
            f"count(*) filter (where {lacks} and not {missing})",
            f"count(*) filter (where {lacks} and {is_new})",
        ]
    found = one_row(
        load.connection.execute(
            f"select {', '.join(counted)} from {versions} where ({all_fine}) is not true"
        )
    )
    return records, [
        replace(fine, field=field.path, missing=missing, wrong_type=wrong, new_lacking=new)
        for field, missing, wrong, new in zip(
            fields, found[::3], found[1::3], found[2::3], strict=True
        )
    ]


def _earlier(load: "Load", field: Field) -> list[Counts]:
    """Return the counts of earlier loads, newest first, from the last accepted one on."""
    rows = load.connection.execute(
        "with accepted as ("
        "  select max(load_id) as load_id from landing.shape_acceptances"
        "  where source = %(source)s and stream = %(stream)s and tenant = %(tenant)s)"
        " select field, loaded_at, records, missing, wrong_type, new_records, new_lacking,"
        "   coalesce(field_counts.load_id = accepted.load_id, false)"
        " from landing.field_counts cross join accepted"
        " where source = %(source)s and stream = %(stream)s and tenant = %(tenant)s"
        "   and field = %(field)s"
        "   and (accepted.load_id is null or field_counts.load_id >= accepted.load_id)"
        " order by field_counts.load_id desc",
        _place(load) | {"field": field.path},
    )
    return [Counts(*row) for row in rows]


def _refuse_unless_accepted(load: "Load", said: str) -> None:
    source, stream, accepted = load.stream.source, load.stream.name, load.settings.accepted_shape
    if accepted and (accepted.source, accepted.stream) == (source, stream):
        load.connection.execute(
            "insert into landing.shape_acceptances"
            " (load_id, source, stream, tenant, loaded_at, accepted_by, reason, details)"
            " values (%(load_id)s, %(source)s, %(stream)s, %(tenant)s, %(loaded_at)s,"
            " %(by)s, %(reason)s, %(details)s)",
            _place(load)
            | {"load_id": load.load_id, "loaded_at": load.loaded_at}
            | {"by": accepted.by, "reason": accepted.reason, "details": said},
        )
        load.is_accepted = True
        log.warning("%s.%s: accepted by %s: %s", source, stream, accepted.by, said)
        return
    raise ShapeRefused(
        f"{source}.{stream}: the answer has another shape than before, and nothing of it was "
        f"landed. {said}. It lands again once the source is repaired; if it stays so, change the "
        "declaration of the stream and its staging model, or let it through as it is: ledgerhouse "
        f"sync {source} --accept-shape {stream} --by NAME --reason TEXT"
    )


def _said(load: "Load", versions: str, drifts: dict[Field, tuple[Counts, Drift]]) -> str:
    """Return one sentence for the fields that share their fate."""
    sentences: dict[str, list[str]] = {}
    for field, (counts, drift) in drifts.items():
        if counts.missing >= counts.wrong_type:
            what, name = "missing", new_name(load, versions, field)
            hint = f"; it may be called {name} now" if name else ""
        else:
            what = f"not to be read as {field.form.name}"
            hint = f", such as {_example(load, versions, field)}"
        sentence = (
            f"{what} in {drift.lacking:,} of {drift.records:,} records, "
            f"against {drift.share_before:.1%} before{hint}"
        )
        sentences.setdefault(sentence, []).append(field.path)
    return ". ".join(f"{', '.join(paths)}: {said}" for said, paths in sentences.items())


def _example(load: "Load", versions: str, field: Field) -> str:
    """Return how an unreadable value is written, without saying what it is."""
    example: str = _value(
        load,
        "select regexp_replace(regexp_replace("
        f"   left(({field.value()})::text, 40), '[[:alpha:]]', 'a', 'g'), '[0-9]', '9', 'g')"
        f" from {versions} where ({field.is_fine()}) is not true and not {field.is_missing()}"
        " limit 1",
    )
    return example


def _keep(load: "Load", tonight: list[Counts]) -> None:
    with load.connection.cursor() as cursor:
        cursor.executemany(
            "insert into landing.field_counts"
            " (load_id, source, stream, tenant, loaded_at, field, records, missing, wrong_type,"
            "  new_records, new_lacking)"
            " values (%(load_id)s, %(source)s, %(stream)s, %(tenant)s, %(loaded_at)s, %(field)s,"
            "  %(records)s, %(missing)s, %(wrong_type)s, %(new_records)s, %(new_lacking)s)",
            [_place(load) | {"load_id": load.load_id} | vars(counts) for counts in tonight],
        )


def _place(load: "Load") -> dict[str, Any]:
    return {"source": load.stream.source, "stream": load.stream.name, "tenant": load.tenant}


def _value(load: "Load", query: str) -> Any:
    row = load.connection.execute(query).fetchone()
    return row[0] if row else None
