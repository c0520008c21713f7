"""The rules of Redshift's SQL against a corpus of statements that its manual refuses or allows."""

from pathlib import Path

import pytest
import yaml

from tests.redshift.rules import violations

CORPUS = yaml.safe_load((Path(__file__).parent.parent / "redshift/corpus.yml").read_text())
REFUSED = [(rule, sql) for rule, statements in CORPUS["refused"].items() for sql in statements]


@pytest.mark.parametrize(("rule", "sql"), REFUSED)
def test_what_redshift_refuses_is_refused_by_its_rule(rule: str, sql: str) -> None:
    assert rule in {violation.rule for violation in violations(sql)}


@pytest.mark.parametrize("sql", CORPUS["fine"])
def test_what_both_understand_passes(sql: str) -> None:
    assert violations(sql) == []


def test_words_in_comments_and_strings_are_no_sql() -> None:
    sql = "select 'string_agg(b) is distinct from' as a -- generate_series(1, 2)\nfrom t /* -> */"
    assert violations(sql) == []


def test_what_does_not_parse_is_refused() -> None:
    assert [violation.rule for violation in violations("select from from where")] == ["syntax"]
