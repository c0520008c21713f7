"""The published past under changed rules: compared, refused, restated, never changed (L17, L18).

Rules are changed in the parsed project, as an edited file would change it. Two sales of land at
80.00 are published; what a factor of 1.1 makes of them (88.00 each) is written by hand.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg
import pytest

from ingestion import books
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline, rules, seal
from orchestration.__main__ import EXIT_HELD, EXIT_OK, main
from orchestration.approvals import ApprovalError
from orchestration.dbt import DbtError, NodeResult, parsed_project, run_dbt
from orchestration.holds import PublicationHeldError
from orchestration.restatement import RestatementError
from orchestration.seal import PastChangesError
from tests.python import golden
from tests.simulation.seal import play

NIGHTS = [datetime(2025, 2, day, 0, 5) for day in range(10, 20)]
MODEL = "model.ledgerhouse.int_deals__mortgage_lead"
TEST = "test.ledgerhouse.assert_mortgage_leads_are_priced_as_now_known"
MODELS = (
    *("+int_deals__mortgage_lead", "int_deals_unioned", "int_ledger_*", "fct_ledger_entries"),
    "assert_mortgage_leads_are_priced_as_now_known",
)
PUBLISHED = "select * from analytics.fct_ledger_entries order by entry_id"
BUILT = "select * from marts.fct_ledger_entries order by entry_id"
SUMS = """
select entry_kind, reason, count(*)::int as count, sum(amount)::text as amount
from analytics.fct_ledger_entries where recorded_at > '{}' group by 1, 2 order by 1, 2
"""

Edit = Callable[..., None]


@pytest.fixture
def edit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edit]:
    """Return what changes the text of a node, as a changed file would."""
    nodes = parsed_project(settings).nodes
    texts = {key: node.raw_code for key, node in nodes.items()}

    def digest(_: Settings) -> str:
        said = sorted((key, node.raw_code) for key, node in nodes.items())
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def edit(node_id: str, old: str, new: str) -> None:
        assert old in nodes[node_id].raw_code
        nodes[node_id].raw_code = nodes[node_id].raw_code.replace(old, new)

    monkeypatch.setattr(rules, "project_digest", digest)
    yield edit
    for key, text in texts.items():
        nodes[key].raw_code = text


@pytest.fixture
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build what these cases are about, alone; the first test here builds everything."""

    def run_few(
        settings: Settings, *command: str, variables: dict[str, str | bool] | None = None
    ) -> list[NodeResult]:
        if "--select" in command:
            return run_dbt(settings, *command, variables=variables)
        kept = [option for option in command if option == "--full-refresh"]
        options = ["--exclude-resource-type", "unit_test", "--indirect-selection", "empty"]
        nodes = run_dbt(
            settings, "build", *kept, *options, "--select", *MODELS, variables=variables
        )
        golden.make_lost_views(settings)
        return nodes

    monkeypatch.setattr(pipeline, "run_dbt", run_few)


@pytest.fixture
def published(settings: Settings, few_models: None) -> Settings:
    """Two sales of land, published in the first night."""
    source(
        settings,
        "insert into product_price (id, product, price, effective_at)"
        " values (1, 'land', 80, '2025-01-01')",
    )
    deliver(settings, 1, 2)
    pipeline.nightly(at(settings, 0))
    return settings


def source(settings: Settings, query: str) -> None:
    with psycopg.connect(**settings.billing_db.parameters()) as connection:
        connection.execute(query)


def deliver(settings: Settings, *delivery_ids: int) -> None:
    for number in delivery_ids:
        source(
            settings,
            "insert into land_lead_filter_to_land_lead"
            " (id, filter_id, lead_id, mortgage_broker_id, delivered_at)"
            f" values ({number}, 1, {number}, 7, '2025-02-09')",
        )


def at(settings: Settings, night: int) -> Settings:
    return replace(settings, now=NIGHTS[night])


def dearer(edit: Edit) -> None:
    """Change the rule, and the test that prices a second way, to a tenth more."""
    edit(MODEL, "round(price, 2)", "round(price * 1.1, 2)")
    edit(TEST, "round(price_spans.price, 2)", "round(price_spans.price * 1.1, 2)")


def restate(settings: Settings, reason: str = "a tenth more") -> Any:
    return pipeline.restate(settings, "Ann", reason, "Bob")


@pytest.mark.parametrize("full_refresh", [False, True], ids=["night", "full refresh"])
def test_a_changed_rule_changes_nothing_that_is_published(
    published: Settings, edit: Edit, full_refresh: bool
) -> None:
    before = golden.query(published, PUBLISHED)
    dearer(edit)
    deliver(published, 3)
    with pytest.raises(PastChangesError) as refused:
        if full_refresh:
            pipeline.build(at(published, 1), full_refresh=True)
        else:
            pipeline.nightly(at(published, 1))
    assert golden.query(published, PUBLISHED) == before
    said = str(refused.value)
    assert "mortgage_lead 2025-02: 160.00 becomes 176.00 USD, 2 keys move by 16.00" in said
    assert "broker:7 by +16.00 USD" in said


def test_a_failing_test_says_what_the_rule_would_move(published: Settings, edit: Edit) -> None:
    edit(MODEL, "round(price, 2)", "round(price * 1.1, 2)")
    with pytest.raises(DbtError) as failed:
        pipeline.nightly(at(published, 1))
    said = str(failed.value)
    assert "assert_mortgage_leads_are_priced_as_now_known" in said
    assert "160.00 becomes 176.00 USD" in said


def test_what_makes_no_difference_passes_and_is_noted(published: Settings, edit: Edit) -> None:
    before, hash_before = golden.query(published, PUBLISHED), rules.rule_hash(published)
    edit(MODEL, "round(price, 2)", "round(\n  price, 2)  -- of the list\n")
    assert rules.rule_hash(published) == hash_before
    edit(MODEL, "round(\n  price, 2)  -- of the list\n", "round(price + 0, 2)")
    assert rules.rule_hash(published) != hash_before
    pipeline.nightly(at(published, 1))
    assert golden.query(published, PUBLISHED) == before
    with connect(published) as connection:
        in_force = rules.rules_in_force(connection, published)
    assert in_force.reason == rules.NO_EFFECT and in_force.rule_hash == rules.rule_hash(published)


def test_a_restatement_books_the_difference_from_now_on(published: Settings, edit: Edit) -> None:
    before = golden.query(published, PUBLISHED)
    dearer(edit)
    deliver(published, 3)  # landed before the restatement, published by it
    with pytest.raises(PastChangesError):
        pipeline.nightly(at(published, 1))
    restate(at(published, 1))
    after = golden.query(published, PUBLISHED)
    assert [row for row in after if row in before] == before
    assert golden.query(published, SUMS.format(NIGHTS[0])) == [
        {"entry_kind": "booking", "reason": "new", "count": "1", "amount": "88.00"},
        {"entry_kind": "booking", "reason": "rule_changed", "count": "2", "amount": "176.00"},
        {"entry_kind": "reversal", "reason": "rule_changed", "count": "2", "amount": "-160.00"},
    ]
    # A correction of what stands, a restatement back, and everything once more from landing.
    source(
        published, "update land_lead_filter_to_land_lead set mortgage_broker_id = 8 where id = 1"
    )
    pipeline.nightly(at(published, 2))
    edit(MODEL, "price * 1.1", "price")
    edit(TEST, "price_spans.price * 1.1", "price_spans.price")
    restate(at(published, 3), "back again")
    last = golden.query(published, PUBLISHED)
    assert [row for row in last if row in after] == after
    assert sum(float(row["amount"]) for row in last) == 240
    golden.empty(published, "staging", "intermediate", "marts")
    with connect(published) as connection:
        connection.execute("delete from landing.build_watermarks where schema_name <> 'snapshots'")
    pipeline.build(at(published, 4), full_refresh=True)
    assert golden.query(published, BUILT) == last == golden.query(published, PUBLISHED)
    pipeline.nightly(at(published, 5))
    assert golden.query(published, PUBLISHED) == last


def test_a_restatement_that_is_killed_is_finished_by_the_next_night(
    published: Settings, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = golden.query(published, PUBLISHED)
    dearer(edit)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pipeline.restatement, "carry_out", _and_die(pipeline.restatement.carry_out))
        restate(at(published, 1))
    assert golden.query(published, PUBLISHED) == before
    # Other rules than the restatement's are not let through meanwhile.
    edit(MODEL, "price * 1.1", "price * 1.2")
    edit(TEST, "price_spans.price * 1.1", "price_spans.price * 1.2")
    with pytest.raises(PastChangesError, match="not published yet") as refused:
        pipeline.nightly(at(published, 2))
    assert "160.00 becomes 192.00 USD, 2 keys move by 32.00" in str(refused.value)
    edit(MODEL, "price * 1.2", "price * 1.1")
    edit(TEST, "price_spans.price * 1.2", "price_spans.price * 1.1")
    pipeline.nightly(at(published, 3))
    after = golden.query(published, PUBLISHED)
    assert [row for row in after if row in before] == before
    assert sum(float(row["amount"]) for row in after) == 176


@pytest.mark.all
@pytest.mark.parametrize("part", range(10))
def test_a_restatement_killed_at_any_moment_books_once(
    published: Settings, edit: Edit, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """One of ten moments, from the approval to the publication: what came before it is not lost."""
    before = golden.query(published, PUBLISHED)
    dearer(edit)
    deliver(published, 3)
    with pytest.raises(PastChangesError):
        pipeline.nightly(at(published, 1))
    statements = _counted(monkeypatch, lambda: restate(at(published, 2)))
    after = golden.query(published, PUBLISHED)
    # Back to before, and once more, killed.
    with connect(published) as connection:
        connection.execute("truncate landing.restatements, landing.sealed_entries")
        for table, key in (
            ("publications", "publication_id"),
            ("ledger_seals", "publication_id"),
            ("rule_versions", "rule_version_id"),
        ):
            connection.execute(
                f"delete from landing.{table}"
                f" where {key} > (select min({key}) from landing.{table})"
            )
        connection.execute(
            "delete from analytics.fct_ledger_entries where recorded_at > %s", (NIGHTS[0],)
        )
        connection.execute("truncate landing.restatement_approvals, landing.restatement_proposals")
    with pytest.raises(KeyboardInterrupt):
        _counted(monkeypatch, lambda: restate(at(published, 2)), last=statements * part // 10)
    monkeypatch.undo()
    assert [row for row in golden.query(published, PUBLISHED) if row in before] == before
    waits = golden.query(published, "select * from landing.restatement_approvals") == []
    if waits:
        restate(at(published, 2))
    pipeline.build(at(published, 3))
    restated = golden.query(published, PUBLISHED)
    booked = ("entry_key", "entry_kind", "reason", "account_id", "amount")
    assert sorted([[row[name] for name in booked] for row in restated]) == sorted(
        [[row[name] for name in booked] for row in after]
    )
    pipeline.build(at(published, 4), full_refresh=True)
    assert golden.query(published, PUBLISHED) == restated


def _counted(monkeypatch: pytest.MonkeyPatch, run: Callable[[], Any], last: int = -1) -> int:
    """Return how many statements a run sends from its proposal on; kill it at the last."""
    sent = [0]
    execute = psycopg.Connection.execute

    def counting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if sent[0] or "insert into landing.restatement_proposals" in str(query):
            if sent[0] == last:
                raise KeyboardInterrupt
            sent[0] += 1
        return execute(self, query, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", counting)
        run()
    return sent[0]


def _and_die(carry_out: Callable[..., bool]) -> Callable[..., bool]:
    def carry_out_and_die(*arguments: Any) -> bool:
        assert carry_out(*arguments)
        raise KeyboardInterrupt

    return carry_out_and_die


def test_other_versions_alone_are_sealed_anew_without_an_entry(
    published: Settings, edit: Edit
) -> None:
    before = golden.query(published, PUBLISHED)
    edit(
        MODEL,
        "        price_version_id,\n",
        "        price_version_id || 'x' as price_version_id,\n",
    )
    pipeline.nightly(at(published, 1))
    assert golden.query(published, PUBLISHED) == before
    # What is reversed later is what was booked, and only then the new version is named.
    source(
        published, "update land_lead_filter_to_land_lead set mortgage_broker_id = 8 where id = 2"
    )
    pipeline.nightly(at(published, 2))
    added = [row for row in golden.query(published, PUBLISHED) if row not in before]
    said = {row["entry_kind"]: row["price_version_id"] for row in added}
    assert said == {
        "reversal": before[0]["price_version_id"],
        "booking": before[0]["price_version_id"] + "x",
    }


def test_a_published_ledger_that_is_gone_is_published_again_as_it_was(
    published: Settings, edit: Edit
) -> None:
    before = golden.query(published, PUBLISHED)
    with connect(published) as connection:
        connection.execute("drop table analytics.fct_ledger_entries cascade")
    dearer(edit)
    with pytest.raises(PublicationHeldError, match="is gone"):
        pipeline.nightly(at(published, 1))
    edit(MODEL, "price * 1.1", "price")
    edit(TEST, "price_spans.price * 1.1", "price_spans.price")
    pipeline.nightly(at(published, 2))
    assert golden.query(published, PUBLISHED) == before


def test_a_second_person_approves(
    published: Settings,
    edit: Edit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tonight = at(published, 1)
    monkeypatch.setattr("orchestration.__main__.read_settings", lambda: tonight)
    with pytest.raises(RestatementError, match="nothing to restate"):
        restate(tonight)
    dearer(edit)
    assert main(["restate", "--by", "Ann", "--reason", "a tenth more"]) == EXIT_HELD
    with pytest.raises(ApprovalError, match="ann proposed it"):
        pipeline.approve(tonight, "ann")
    with pytest.raises(ApprovalError, match="under the database role"):
        pipeline.approve(replace(tonight, warehouse_is_embedded=False), "Bob")
    assert main(["status"]) == EXIT_OK
    assert "nobody yet" in capsys.readouterr().out
    assert main(["approve", "--by", "Bob"]) == EXIT_OK
    pipeline.nightly(tonight)
    assert golden.query(tonight, "select is_declared from landing.restatement_approvals") == [
        {"is_declared": "True"}
    ]
    row = golden.query(tonight, SUMS.format(NIGHTS[0]))[0]
    assert row["amount"] == "176.00"
    assert main(["explain", "mortgage:land:1"]) == EXIT_OK
    assert "a tenth more" in capsys.readouterr().out


def test_rules_change_over_a_changing_world(settings: Settings) -> None:
    played = play(settings, range(1, 13))
    assert played["publications"] > 100 and played["restatements"] > 10


@pytest.mark.all
def test_rules_change_over_many_worlds(settings: Settings) -> None:
    play(settings, range(1_001, 1_101))


def test_what_is_sealed_is_every_column_and_what_is_money_is_said_once(server: Settings) -> None:
    """The ledger's contract, the books and the comparison have the same columns (SPEC L2a, L18)."""
    ledger = parsed_project(server).nodes["model.ledgerhouse.fct_ledger_entries"]
    table = books.BOOKS.partition("landing.sealed_entries (")[2].partition(");")[0]
    sealed = re.findall(r"^    (\w+) (?:varchar|bigint|integer|numeric|timestamp)", table, re.M)
    assert sealed == ["schema_name", *ledger.columns]
    assert sorted(seal.COLUMNS) == sorted(ledger.columns)
    macro = parsed_project(server).macros["macro.ledgerhouse.figure_columns"].macro_sql
    of_an_entry = {"entry_id", "entry_key", "entry_kind", "recorded_at"}
    assert set(seal.FIGURES) - of_an_entry == set(re.findall(r"'(\w+)'", macro))
