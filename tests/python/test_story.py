"""The story of the lead business: told twice the same, landed by the real loaders, believable."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ingestion.sandbox.server import Sandbox
from ingestion.sandbox.story import Stage, tell
from ingestion.settings import Settings, read_settings
from ingestion.sources import boberdoo, dispositions, invoca, seeds
from tests.python import golden
from tests.python.vendors import NOW, live, quarantined, quick, sync

LEADS = 600


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tell(NOW, leads=LEADS), tmp_path / "drop")


@pytest.fixture
def account(server: Settings, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings that point at the staged vendors, read as a user's are."""
    with Sandbox(stage.vendors()) as sandbox:
        for name, value in stage.environment(sandbox.url("").rstrip("/")).items():
            monkeypatch.setenv(name, value)
        yield quick(read_settings())


def test_the_same_story_is_told_again() -> None:
    assert tell(NOW, leads=50).happenings == tell(NOW, leads=50).happenings
    assert tell(NOW, leads=50).happenings != tell(NOW, leads=50, seed=2).happenings


def test_the_vendors_move_through_time_and_nothing_is_lost(account: Settings, stage: Stage) -> None:
    for day in (-40, -1, 0):
        stage.show(NOW + timedelta(days=day))
        dropped = {path: path.read_bytes() for path in stage.folder.iterdir()}
        for source in (seeds, boberdoo, invoca, dispositions):
            sync(source, account, day)
    assert all(path.read_bytes() == content for path, content in dropped.items())
    assert not quarantined(account)
    portal = stage.boberdoo
    assert live(account, "boberdoo__leads").keys() == portal.leads.keys()
    assert live(account, "boberdoo__transactions").keys() == {
        row["transaction_id"] for row in portal.transactions
    }
    assert live(account, "invoca__transactions").keys() == {
        row["transaction_id"] for row in stage.invoca.rows
    }
    assert len(live(account, "dispositions__feed_events")) == len(stage.feed.events)
    rows = sum(content.count(b"\n") - (path.suffix == ".csv") for path, content in dropped.items())
    assert len(live(account, "dispositions__file_events")) == rows


def test_the_business_has_everything_the_ledger_must_bear(stage: Stage) -> None:
    rows = {kind: [] for kind in ("lead", "transaction", "call", "csv", "jsonl", "feed", "crm")}
    for happening in stage.story.happenings:
        rows.setdefault(happening.kind, []).append(happening.row)
    assert all(rows.values())
    kinds = Counter(row["transaction_type"] for row in rows["transaction"])
    assert kinds["Refund"] * 4 < kinds["Purchase"] < LEADS * 2
    assert any(row["filter_set_id"] == "1620" for row in rows["transaction"])  # drip
    assert any("call_id" in row["lead_data"] for row in rows["lead"])  # a call paid by boberdoo
    campaigns = {row["advertiser_campaign_id"] for row in rows["call"]}
    seeded = golden.read_csv(Path(__file__).parents[2] / "seeds/call_campaigns.csv")
    assert campaigns == {row["campaign_id"] for row in seeded}
    carried = [row["dynamic_number_pool_referrer_param1_value"] for row in rows["call"]]
    assert any(";" in ids for ids in carried)
    assert "" in carried
    assert any(row["corrects_transaction_id"] for row in rows["call"])
    assert any(happening.seen_until.year < 9999 for happening in stage.story.happenings)


def test_the_seeds_know_the_buyers_words(stage: Stage) -> None:
    mapped = {
        (row["partner_id"], row["raw_status"].lower())
        for row in golden.read_csv(Path(__file__).parents[2] / "seeds/disposition_map.csv")
    }
    words = Counter()
    for happening in stage.story.happenings:
        if happening.kind in ("csv", "jsonl", "feed"):
            partner, event = happening.row["partner"], happening.row["event"]
            status = next(
                event[name] for name in ("status", "Outcome", "statusName") if name in event
            )
            words[(partner, status.lower()) in mapped] += 1
        elif happening.kind == "crm":
            words[("*", happening.row["crm_lead_status"].lower()) in mapped] += 1
    assert 0 < words[False] < words[True] / 50
