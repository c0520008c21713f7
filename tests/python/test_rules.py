"""The rules of `docs/rules.md`: every id that is cited anywhere in the project stands there."""

import re
import subprocess
from pathlib import Path

from ingestion.settings import PROJECT

RULE = re.compile(r"^- \*\*([A-Z]\d+[a-z]?)\*\* \S", re.MULTILINE)
SECTION = re.compile(r"^## (\d)\. ", re.MULTILINE)
NOTE = re.compile(r"^- \*\*([A-Z]\d+)", re.MULTILINE)
ONE_ID = r"[A-Z]\d+[a-z]?"
CITED_RULES = re.compile(rf"SPEC ((?:{ONE_ID}|\d)(?:(?:, | and |-|/){ONE_ID})*)")
CITED_NOTES = re.compile(r"NOTES ([A-Z]\d+(?:(?:, | and |-|/)[A-Z]\d+)*)")
# Ids alone in brackets are rules too: "(L12)", "(L14, C13)" names a note beside a rule.
CITED_IN_BRACKETS = re.compile(rf"\(({ONE_ID}(?:(?:, |/){ONE_ID})*)\)")
READ = (".py", ".sql", ".yml", ".md", ".csv", ".toml")


def ids(citation: str) -> set[str]:
    """Return the ids of a citation; of a range, its two ends."""
    return set(re.findall(rf"{ONE_ID}|\b\d\b", citation))


def rules() -> set[str]:
    page = (PROJECT / "docs" / "rules.md").read_text()
    found = RULE.findall(page)
    assert len(found) == len(set(found)), "a rule stands twice"
    return set(found) | set(SECTION.findall(page))


def notes() -> set[str]:
    pages = (PROJECT / "tests" / "golden").glob("*/NOTES.md")
    return {name for page in pages for name in NOTE.findall(page.read_text())}


def cited(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return every (file, id) that the pattern finds in the project's own texts."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    own = [Path(name) for name in listed if name.endswith(READ) and "golden" not in name]
    return [
        (str(name), identity)
        for name in own
        if (PROJECT / name).exists()
        for citation in pattern.findall((PROJECT / name).read_text())
        for identity in sorted(ids(citation))
    ]


def test_every_rule_that_is_cited_stands_in_the_rules() -> None:
    known, found = rules(), cited(CITED_RULES)
    assert len(found) > 100
    assert [item for item in found if item[1] not in known] == []


def test_every_id_in_brackets_is_a_rule_or_a_note() -> None:
    known, found = rules() | notes(), cited(CITED_IN_BRACKETS)
    assert len(found) > 30
    assert [item for item in found if item[1] not in known] == []


def test_every_note_that_is_cited_stands_in_the_notes() -> None:
    known, found = notes(), cited(CITED_NOTES)
    assert found
    assert [item for item in found if item[1] not in known] == []


def test_the_rules_hold_every_section_whole() -> None:
    page = (PROJECT / "docs" / "rules.md").read_text()
    assert SECTION.findall(page) == ["0", "1", "2", "3", "4", "5"]
    for letter, last in {"R": 14, "L": 22, "D": 13, "M": 13, "I": 8, "O": 6}.items():
        numbers = {int(name) for name in re.findall(rf"^- \*\*{letter}(\d+)", page, re.MULTILINE)}
        assert numbers == set(range(1, last + 1)), letter
