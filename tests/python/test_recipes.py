"""The recipes of `docs/recipes.md`, followed with the rows and the code that stand there."""

import csv
import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from ingestion import erasure
from ingestion.books import make_books
from ingestion.loads import LoadFailed
from ingestion.run import Run
from ingestion.sandbox.server import Answer, Sandbox
from ingestion.settings import PROJECT, Settings
from ingestion.streams import make_table
from ingestion.warehouse import connect
from tests.python import golden
from tests.python.deals import SOURCES, nights
from tests.python.test_erasure import SALT

# Of golden case 01: partner 207 buys lead 100 on 14 July 2026, on no terms.
CASE = golden.GOLDEN / "deals/worked/01_plain_sale"
BUYER, LEAD = "207", "100"
FILE = f"Ref,Result,Result Date\n{LEAD},signed,2026-07-14\n{LEAD},Moved Away,2026-07-14\n"
ENTRIES = "select entry_key, deal_type, amount from marts.fct_ledger_entries"


def section(title: str) -> str:
    text = (PROJECT / "docs/recipes.md").read_text()
    return next(part for part in text.split("\n## ") if part.startswith(title))


def rows(title: str, seed: str) -> list[str]:
    """Return the lines of a seed that a recipe gives, without their header, for our buyer."""
    block = re.search(rf"```csv {seed}\n(.*?)```", section(title), re.DOTALL)[1]
    header, *lines = block.replace("211,", f"{BUYER},").splitlines()
    assert header == (PROJECT / f"seeds/{seed}.csv").read_text().splitlines()[0]
    return lines


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A copy of the case, all seeds of the project beside its own."""
    folder = Path(shutil.copytree(CASE, tmp_path / "case"))
    shutil.copy(PROJECT / "seeds/disposition_columns.csv", folder / "day_01/seeds")
    return folder


def follow(case: Path, title: str, *seeds: str) -> None:
    """Add the recipe's rows to the case's seeds, which may lack columns of the project's."""
    for seed in seeds:
        path = case / f"day_01/seeds/{seed}.csv"
        header = (PROJECT / f"seeds/{seed}.csv").read_text().splitlines()[0]
        there = csv.DictReader(path.read_text().splitlines() if path.exists() else [header])
        added = csv.DictReader([header, *rows(title, seed)])
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, header.split(","), restval="")
            writer.writeheader()
            writer.writerows([*there, *added])


def first_night(case: Path, settings: Settings, folder: Path) -> list[dict[str, str]]:
    days = nights(case, settings, folder)
    tonight = next(days)
    golden.night(tonight, tonight.now, SOURCES, golden.LEADS_AND_CALLS)
    return golden.query(settings, ENTRIES + " order by entry_key")


def test_a_cpa_broker_and_its_vocabulary_are_rows(
    case: Path, settings: Settings, tmp_path: Path
) -> None:
    follow(case, "Add a CPA broker", "deal_terms")
    follow(case, "Add a partner's disposition", "disposition_columns", "disposition_map")
    (case / "day_01/dispositions").mkdir()
    (case / f"day_01/dispositions/{BUYER}_20260714.csv").write_text(FILE)
    assert first_night(case, settings, tmp_path) == [
        {"entry_key": "boberdoo:T1", "deal_type": "cpa", "amount": "48.00"},
        {"entry_key": f"conversion:{LEAD}:{BUYER}", "deal_type": "cpa", "amount": "240.00"},
    ]
    assert golden.query(
        settings, "select partner_id, raw_status from marts.rpt_unmapped_dispositions"
    ) == [{"partner_id": BUYER, "raw_status": "moved away"}]


def test_a_deal_type_is_a_row(case: Path, settings: Settings, tmp_path: Path) -> None:
    follow(case, "Add a deal type", "deal_types", "deal_terms")
    terms = case / "day_01/seeds/deal_terms.csv"
    terms.write_text(terms.read_text().replace(",1700,", ",,"))
    assert first_night(case, settings, tmp_path) == [
        {"entry_key": "boberdoo:T1", "deal_type": "exclusive_lead", "amount": "48.00"}
    ]


def test_what_a_type_of_transaction_means_is_a_row(
    case: Path, settings: Settings, tmp_path: Path
) -> None:
    path = case / "day_01/boberdoo_getTransactionDetails.json"
    path.write_text(path.read_text().replace('"Purchase"', '"Void"'))
    assert first_night(case, settings, tmp_path) == []
    assert golden.query(settings, "select entry_key, reason from marts.ledger_exceptions") == [
        {"entry_key": "boberdoo:T1", "reason": "unknown_type"}
    ]
    (listed,) = [
        line for line in rows("Say what a type", "transaction_types") if line.startswith("void,")
    ]
    assert listed == "void,nothing"


def form(number: int, topic: str | None, **more: str) -> dict[str, object]:
    return {"form_id": number, "topic": topic, "sent_at": "2026-06-30T10:00:00Z"} | more


@dataclass(frozen=True)
class SettingsWithForms(Settings):
    web_forms_base_url: str | None = None


def test_a_source_is_a_module(settings: Settings) -> None:
    web_forms = ModuleType("web_forms")
    exec(re.search(r"```python\n(.*?)```", section("Add a source"), re.DOTALL)[1], vars(web_forms))
    answers = [
        {"forms": [form(1, "refinance", email="Ann@example.com"), form(2, "purchase")]},
        {"forms": [form(1, "refinance", email="Ann@example.com"), form(2, "land")]},
        {"forms": [form(number, None) for number in range(1, 31)]},
    ]
    with (
        Sandbox({"web_forms": lambda _: Answer(answers.pop(0))}) as sandbox,
        connect(settings, autocommit=True) as connection,
    ):
        make_books(connection)
        make_table(connection, web_forms.FORMS)
        with_forms = SettingsWithForms(
            **vars(settings) | {"web_forms_base_url": sandbox.url("web_forms")}
        )
        counts = []
        for day in (1, 2):
            run = Run(with_forms, datetime(2026, 7, day))
            assert web_forms.is_configured(run)
            (load,) = web_forms.sync(run)
            counts.append((load.counts.created, load.counts.updated, load.counts.unchanged))
        # Whom it holds is erased, and stays so; a landing that lost a field is refused.
        erased = erasure.erase(
            connection, replace(settings, salt=SALT), [web_forms.FORMS], [], ["ann@example.com"]
        )
        (kept,) = connection.execute(
            "select payload from landing.web_forms__forms where source_key = '1'"
        ).fetchone()
        salted = replace(with_forms, salt=SALT)
        with pytest.raises(LoadFailed, match="web_forms.forms: .* topic: missing in 30 of 30"):
            web_forms.sync(Run(salted, datetime(2026, 7, 3)))
        connection.execute("drop table landing.web_forms__forms")
    assert erased == 1
    assert "@erased.invalid" in kept["email"]
    assert counts == [(2, 0, 0), (0, 1, 1)]
    assert not web_forms.is_configured(
        Run(SettingsWithForms(**vars(settings)), datetime(2026, 7, 3))
    )
