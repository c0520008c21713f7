"""What is published is sealed (SPEC L17, L18): every publication is compared with those before it.

A publication writes down, for each month of `recorded_at` it adds to, the count, the sums and two
hashes of all that is published of the month: of the figures (SPEC L2a), and of whole rows. What is
built is published only where it gives these again; then its later entries are added.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from ingestion.settings import Settings
from ingestion.warehouse import one_row
from orchestration.dbt import Mart, parsed_project
from orchestration.holds import PublicationHeldError
from orchestration.rules import (
    FIRST,
    LEDGER,
    NO_EFFECT,
    RuleVersion,
    rule_hash,
    rules_in_force,
)

log = logging.getLogger(__name__)

# Queries a target that is another database than the warehouse, in the SQL that all targets read.
Ask = Callable[[sql.Composed], list[tuple[Any, ...]]]

# What makes two entries the same money (SPEC L2a), and all that an entry says.
FIGURES = (
    *("entry_id", "entry_key", "entry_kind", "deal_type", "business_unit", "component"),
    *("account_id", "lead_id", "call_id", "linked_entry_key", "quantity", "list_amount"),
    *("discount_amount", "amount", "currency", "occurred_at", "recorded_at"),
)
COLUMNS = (
    *FIGURES,
    *("lead_type", "campaign_id", "source", "source_key", "load_id"),
    *("price_version_id", "terms_version_id", "reason"),
)
TOP_ACCOUNTS = 5

MONTHS = """
select
    cast(date_trunc('month', recorded_at) as date), count(*), coalesce(sum(quantity), 0),
    coalesce(sum(list_amount), 0), coalesce(sum(discount_amount), 0), sum(amount),
    {figures_hash}, {rows_hash}
from {relation}
where recorded_at {side} {through}
group by 1
"""
HASH = "sum(cast(cast('x' || left(md5(cast(row({}) as text)), 15) as bit(60)) as bigint))"
COUNTS = """
select cast(date_trunc('month', recorded_at) as date), count(*) from {relation}
where recorded_at <= {through} group by 1
"""
LAST = """
select publication_id, known_through, ledger_file from landing.publications
where schema_name = %s order by publication_id desc limit 1
"""
SEALS = """
select distinct on (recorded_month)
    recorded_month, entries, quantity, list_amount, discount_amount, amount, figures_hash, rows_hash
from landing.ledger_seals
inner join landing.publications using (publication_id)
where schema_name = %s
order by recorded_month, publication_id desc
"""
# In the SQL that every target reads.
OTHERWISE_BUILT = """
select 1 from (
    select *,
        row_number() over (
            partition by schema_name, model_name order by built_at desc
        ) as recency
    from landing.build_watermarks
    where schema_name || '.' || model_name in ({names})
) as builds
where recency = 1 and (
    coalesce(rules, '') <> {rules} or (model_name = {ledger} and coalesce(restatement_id, 0) <> (
        select coalesce(max(restatement_id), 0) from landing.restatements
        where schema_name = {schema}
    ))
)
"""
UNPUBLISHED = """
select restatements.rule_hash, restatements.restated_at,
    coalesce(proposals.reason, 'nothing but versions and reasons of entries differed'),
    coalesce(proposals.proposed_by, session_user)
from landing.restatements as restatements
left join landing.restatement_proposals as proposals using (proposal_id)
where restatements.schema_name = %s and restatements.restated_at > %s
order by restatement_id desc limit 1
"""
# Loads, restatements and closes, and what was built of them, all end before the next known time.
KNOWN = """
select greatest(
    (select max(loaded_at) from landing.load_runs),
    (select max(restated_at) from landing.restatements),
    (select max(closed_at) from landing.period_closes),
    (select max(reopened_at) from landing.period_reopens),
    (select max(known_through) from landing.build_watermarks),
    (select max(known_through) from landing.publications)
)
"""
NOTHING_NEW = """
insert into landing.publications (schema_name, known_through, published_at, ledger_file, attempt_id,
    rule_version_id)
select schema_name, %s, clock_timestamp(), ledger_file, attempt_id, rule_version_id
from landing.publications where schema_name = %s order by publication_id desc limit 1
"""
# Every key of which one side has an entry that the other has not, or has otherwise, whole; where a
# restatement is not published, also what it would book.
CHANGES = """
with published as (select {figures} from {published} where recorded_at <= {through}),
built as (select {figures} from {built} where recorded_at <= {through}),
changed as (
    select entry_key from (select * from published except select * from built) as gone
    union
    select entry_key from (select * from built except select * from published) as come
    union
    select entry_key from {built}
    where recorded_at > {through} and recorded_at <= {built_through} and reason = 'rule_changed'
),
sides as (
    select published.*, amount as published_amount, 0 * amount as built_amount from published
    union all
    select {figures}, 0 * amount as published_amount, amount as built_amount from {built}
    where recorded_at <= {built_through}
),
keys as (
    select
        deal_type, cast(date_trunc('month', occurred_at) as date) as occurred_month, currency,
        account_id, entry_key,
        sum(published_amount) as published_amount, sum(built_amount) as built_amount
    from sides where entry_key in (select entry_key from changed) group by 1, 2, 3, 4, 5
)
"""
# The same on a target of its own, whose catalogue does not join with tables.
IS_THERE = """
select 1 from information_schema.tables where table_schema = {schema} and table_name = {ledger}
"""
SUMS = """
select cast(date_trunc('month', recorded_at) as date), count(*), coalesce(sum(quantity), 0),
    coalesce(sum(list_amount), 0), coalesce(sum(discount_amount), 0), sum(amount)
from {relation} where recorded_at <= {through} group by 1
"""
PUBLISHED_THERE = """
select max(known_through) from landing.publications where schema_name = {schema}
"""
BY_MONTH = """
select deal_type, occurred_month, currency, count(*), sum(published_amount), sum(built_amount),
    sum(abs(built_amount - published_amount))
from keys group by 1, 2, 3 order by 1, 3, 2
"""
BY_ACCOUNT = """
select account_id, currency, sum(built_amount - published_amount)
from keys group by 1, 2 having sum(abs(built_amount - published_amount)) > 0
order by sum(abs(built_amount - published_amount)) desc, 1 limit {limit}
"""


@dataclass(frozen=True)
class Publication:
    """A publication: the known time that it goes through, and the file of the ledger's table."""

    publication_id: int
    known_through: datetime
    ledger_file: int


@dataclass(frozen=True)
class Seal:
    """Count, sums and hashes of what is published of a month of `recorded_at`."""

    entries: int
    quantity: int
    list_amount: Decimal
    discount_amount: Decimal
    amount: Decimal
    figures_hash: Decimal
    rows_hash: Decimal

    def __add__(self, other: "Seal") -> "Seal":
        """Return the seal of both together."""
        return Seal(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def figures(self) -> tuple[Decimal | int, ...]:
        """Return all of it but the hash of whole rows."""
        return astuple(self)[:-1]


NOTHING = Seal(0, 0, *[Decimal(0)] * 5)
Months = dict[date, Seal]


@dataclass(frozen=True)
class Difference:
    """What changed rules move of one deal type, month of occurrence and currency.

    The amounts are those of the keys that have other entries, `moved_amount` the sum of
    |built - published| over them.
    """

    deal_type: str | None
    occurred_month: date | None
    currency: str | None
    keys: int
    published_amount: Decimal
    built_amount: Decimal
    moved_amount: Decimal

    @property
    def words(self) -> str:
        """Say it in a line."""
        month = f"{self.occurred_month:%Y-%m}" if self.occurred_month else "without a date"
        return (
            f"{self.deal_type} {month}: {self.published_amount:,} becomes {self.built_amount:,}"
            f" {self.currency}, {self.keys:,} keys move by {self.moved_amount:,}"
        )


@dataclass(frozen=True)
class Sealing:
    """A publication that may go on: what is published (None: nothing), and what it adds.

    It is of what is known through `known_through`. `months` are the seals of all months that it
    adds to; `version` is why its rules are noted, with who brought them and from when on, or None
    where they are in force.
    """

    published_through: datetime | None
    rules: str
    months: Months
    version: tuple[str, str, datetime] | None = None
    known_through: datetime = datetime.min


@dataclass
class Change:
    """How what is built differs from what is published through `published_through`.

    `differences` is empty where the same money is in other words: versions or reasons. `waiting`
    are the rules of a restatement that is not published yet.
    """

    rules: str
    published_through: datetime
    in_force: RuleVersion | None
    differences: Sequence[Difference] = field(default_factory=list)
    accounts: Sequence[tuple[str | None, str | None, Decimal]] = field(default_factory=list)
    waiting: str | None = None

    def table(self) -> list[dict[str, str | int]]:
        """Return the differences as people read them; amounts keep every digit."""
        return [
            {
                "deal type": difference.deal_type or "",
                "month": f"{difference.occurred_month:%Y-%m}" if difference.occurred_month else "",
                "currency": difference.currency or "",
                "published": f"{difference.published_amount:,}",
                "built": f"{difference.built_amount:,}",
                "keys": difference.keys,
                "moved by": f"{difference.moved_amount:,}",
            }
            for difference in self.differences
        ]


class PastChangesError(PublicationHeldError):
    """What is built would change what is published; nothing was (SPEC L18)."""

    def __init__(self, change: Change) -> None:
        super().__init__(_explain(change))
        self.change = change


def asking(connection: psycopg.Connection) -> Ask:
    """Return how to query the warehouse itself."""
    return lambda query: connection.execute(query).fetchall()


def check(connection: psycopg.Connection, settings: Settings, marts: Sequence[Mart]) -> Sealing:
    """Return what a publication would add; raises PastChangesError where it would change any.

    The caller holds the run lock.
    """
    schema, ledger = settings.published_schema, ledger_of(marts)
    rules, in_force = rule_hash(settings), rules_in_force(connection, settings)
    last = last_publication(connection, schema)
    through = _known_through(connection, ledger)
    if not last:
        months = months_of(connection, _name(ledger), through)
        return Sealing(None, rules, months, (FIRST, "", through), through)
    published_through = last.known_through
    through = max(through, published_through)  # a close is a publication of nothing
    built, published = _name(ledger), sql.Identifier(schema, ledger.name)
    seals = seals_of(connection, settings)
    is_adopted = not seals
    if is_adopted:
        seals = months_of(connection, published, published_through)
    waiting = unpublished_restatement(connection, schema, published_through)
    if waiting and rules not in (waiting[0], in_force.rule_hash if in_force else ""):
        change = Change(rules, published_through, in_force, waiting=waiting[0])
        _find_differences(connection, settings, ledger, change, waiting[1])
        raise PastChangesError(change)
    if not _is_same_table(connection, ledger, last, seals):
        found = months_of(connection, built, published_through)
        if found != seals:
            change = Change(rules, published_through, in_force)
            if _figures(found) != _figures(seals):
                _find_differences(connection, settings, ledger, change, published_through)
            raise PastChangesError(change)
    added = months_of(connection, built, published_through, ">")
    months = {month: seals.get(month, NOTHING) + seal for month, seal in added.items()}
    if is_adopted:
        months = seals | months
    version = None
    if not in_force or in_force.rule_hash != rules:
        version = (FIRST if not in_force else NO_EFFECT, "", through)
    if waiting and waiting[0] == rules:
        version = (waiting[2], waiting[3], waiting[1])
    return Sealing(published_through, rules, months, version, through)


def note(connection: psycopg.Connection, sealing: Sealing, publication_id: int) -> None:
    """Write down what a publication has sealed, in its transaction."""
    for month, seal in sealing.months.items():
        connection.execute(
            "insert into landing.ledger_seals values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (publication_id, month, *astuple(seal)),
        )


def last_publication(connection: psycopg.Connection, schema: str) -> Publication | None:
    """Return the newest publication of a schema; None where nothing is published."""
    row = connection.execute(LAST, (schema,)).fetchone()
    return Publication(*row) if row else None


def file_of(connection: psycopg.Connection, mart: Mart) -> int:
    """Return the number of a table's file: one that was made again, or emptied, has another."""
    query = "select pg_relation_filenode(%s)::bigint"
    number: int = one_row(connection.execute(query, (f"{mart.schema}.{mart.name}",)))[0]
    return number


def seals_of(connection: psycopg.Connection, settings: Settings) -> Months:
    """Return the seals of all that is published, by month of `recorded_at`."""
    rows = connection.execute(SEALS, (settings.published_schema,)).fetchall()
    return {row[0]: Seal(*row[1:]) for row in rows}


def ledger_of(marts: Sequence[Mart]) -> Mart:
    """Return the ledger among the marts."""
    return next(mart for mart in marts if mart.name == LEDGER)


def is_built(connection: psycopg.Connection, settings: Settings, ask: Ask | None = None) -> bool:
    """Tell whether all that the ledger rests on was built by today's rules, and nothing by others.

    Where it was not, a night builds everything again. `ask` queries a target of its own.
    """
    ask = ask or asking(connection)
    nodes = parsed_project(settings).nodes.values()
    names = [
        f"{node.schema}.{node.alias}"
        for node in nodes
        if node.resource_type == "model"
        and (node.config.meta.get("keeps_watermark") or node.config.meta.get("remembers_rules"))
    ]
    query = sql.SQL(OTHERWISE_BUILT).format(
        names=sql.SQL(", ").join(map(sql.Literal, names)),
        rules=sql.Literal(rule_hash(settings)),
        ledger=sql.Literal(LEDGER),
        schema=sql.Literal(settings.published_schema),
    )
    return not ask(query)


def _is_same_table(
    connection: psycopg.Connection, ledger: Mart, last: Publication, seals: Months
) -> bool:
    """Tell whether the table is still the one that was published, and has the same entries.

    It was only added to, then, and its entries are counted.
    """
    if file_of(connection, ledger) != last.ledger_file:
        return False
    rows = connection.execute(
        sql.SQL(COUNTS).format(relation=_name(ledger), through=sql.Literal(last.known_through))
    ).fetchall()
    return dict(rows) == {month: seal.entries for month, seal in seals.items() if seal.entries}


def months_of(
    connection: psycopg.Connection, relation: sql.Composable, through: datetime, side: str = "<="
) -> Months:
    """Return the seals of a ledger's entries recorded through a moment, or (">") after it."""
    query = sql.SQL(MONTHS).format(
        figures_hash=hash_of(FIGURES),
        rows_hash=hash_of(COLUMNS),
        relation=relation,
        side=sql.SQL(side),
        through=sql.Literal(through),
    )
    return {row[0]: Seal(*row[1:]) for row in connection.execute(query)}


def hash_of(columns: Sequence[str]) -> sql.Composed:
    """Return the SQL of a hash of entries: the sum of the hashes of each one's columns."""
    return sql.SQL(HASH).format(_columns(columns))


def unpublished_restatement(
    connection: psycopg.Connection, schema: str, published_through: datetime
) -> tuple[str, datetime, str, str] | None:
    """Return a restatement that is not published: its rules, its time, why, and who proposed it."""
    return connection.execute(UNPUBLISHED, (schema, published_through)).fetchone()


def next_known_time(connection: psycopg.Connection, settings: Settings) -> datetime:
    """Return a known time for a fact of today: later than all that is known so far."""
    known: datetime | None = one_row(connection.execute(KNOWN))[0]
    clock = settings.clock()
    return max(clock, known + timedelta(seconds=1)) if known else clock


def publish_nothing(connection: psycopg.Connection, settings: Settings, moment: datetime) -> None:
    """Let what is published be all that is known through a later moment (SPEC L18)."""
    connection.execute(NOTHING_NEW, (moment, settings.published_schema))


def _figures(months: Months) -> dict[date, tuple[Decimal | int, ...]]:
    return {month: seal.figures for month, seal in months.items()}


def _find_differences(
    connection: psycopg.Connection,
    settings: Settings,
    ledger: Mart,
    change: Change,
    built_through: datetime,
) -> None:
    """Find by how much what is built differs from what is published, by month and account."""
    published = sql.Identifier(settings.published_schema, ledger.name)
    if not _exists(connection, settings.published_schema, ledger.name):
        commit = change.in_force.words if change.in_force else "an earlier ledgerhouse"
        raise PublicationHeldError(
            f"{settings.published_schema}.{ledger.name} is gone, and what is built is not what it"
            f" was: it was published by the rules {commit}. Bring the project to those and run"
            " `ledgerhouse build --full-refresh`."
        )
    _compare(asking(connection), published, _name(ledger), change, built_through)


def find_differences(
    ask: Ask, settings: Settings, ledger: Mart, rules: str, in_force: RuleVersion | None
) -> Change | None:
    """Compare every entry of a ledger that `ask` queries with what is published there.

    Returns None where nothing is published, or all of it is as it was.
    """
    schema = settings.published_schema
    names = {"schema": sql.Literal(schema), "ledger": sql.Literal(ledger.name)}
    through = ask(sql.SQL(PUBLISHED_THERE).format(**names))[0][0]
    if through is None or not ask(sql.SQL(IS_THERE).format(**names)):
        return None
    change = Change(rules, through, in_force)
    _compare(ask, sql.Identifier(schema, ledger.name), _name(ledger), change, through)
    return change if change.differences else None


def refuse_other_than_sealed(
    connection: psycopg.Connection, ask: Ask, settings: Settings, ledger: Mart
) -> None:
    """Compare the first ledger of a new target with what the warehouse has published, by month.

    Raises PublicationHeldError where a month of `recorded_at` has other entries or sums (SPEC L18).
    """
    last = last_publication(connection, settings.published_schema)
    sealed = {month: astuple(seal)[:5] for month, seal in seals_of(connection, settings).items()}
    if not last or not sealed:
        return
    query = sql.SQL(SUMS).format(relation=_name(ledger), through=sql.Literal(last.known_through))
    found = {row[0]: row[1:] for row in ask(query)}
    if months := sorted(
        month for month in {*found, *sealed} if found.get(month) != sealed.get(month)
    ):
        raise PublicationHeldError(
            "The ledger of this target is not what the warehouse has published: entries recorded in"
            f" {', '.join(f'{month:%Y-%m}' for month in months)} differ. Build both by the same"
            " rules, from the same landings (docs/redshift.md)."
        )


def _compare(
    ask: Ask,
    published: sql.Identifier,
    built: sql.Identifier,
    change: Change,
    built_through: datetime,
) -> None:
    changes = sql.SQL(CHANGES).format(
        figures=_columns(FIGURES),
        published=published,
        built=built,
        through=sql.Literal(change.published_through),
        built_through=sql.Literal(built_through),
    )
    change.differences = [Difference(*row) for row in ask(changes + sql.SQL(BY_MONTH))]
    by_account = sql.SQL(BY_ACCOUNT).format(limit=sql.Literal(TOP_ACCOUNTS))
    change.accounts = ask(changes + by_account)


def _explain(change: Change) -> str:
    """Say what would change, by how much, and what can be done about it."""
    through = f"what is published through {change.published_through} UTC"
    if not change.differences:
        return f"The rules give {through} with other versions or reasons; no money moves."
    before = change.in_force.words if change.in_force else "those of an earlier ledgerhouse"
    cause = "The rules have changed"
    if change.in_force and change.in_force.rule_hash == change.rules:
        cause = "The same rules give something else now"
    if change.waiting:
        cause = f"A restatement by the rules {change.waiting[:12]} is not published yet"
    return "\n".join(
        [
            f"{cause}: built by {change.rules[:12]}, {through} would change, so nothing is"
            f" published. It was made by {before}.",
            *(f"  {difference.words}" for difference in change.differences),
            *(
                f"  {account or 'no account'} by {amount:+,} {currency}"
                for account, currency, amount in change.accounts
            ),
            "Take the change of the rules back and run the job again; if it is right,"
            " `ledgerhouse restate --by NAME --reason TEXT` proposes to book the difference from"
            " now on, and a second person approves it. What is published stays as it is.",
        ]
    )


def _known_through(connection: psycopg.Connection, ledger: Mart) -> datetime:
    """Return the known time through which the ledger was built: no entry is later."""
    query = sql.SQL(
        "select greatest(coalesce(max(known_through), '0001-01-01'),"
        " (select max(recorded_at) from {})) from landing.build_watermarks"
        " where model_name = %s and schema_name = %s"
    ).format(_name(ledger))
    through: datetime = one_row(connection.execute(query, (ledger.name, ledger.schema)))[0]
    return through


def _exists(connection: psycopg.Connection, schema: str, name: str) -> bool:
    row = connection.execute("select to_regclass(%s)", (f"{schema}.{name}",)).fetchone()
    return bool(row and row[0])


def _name(mart: Mart) -> sql.Identifier:
    return sql.Identifier(mart.schema, mart.name)


def _columns(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
