"""A statement as words: what the rules and the rewriting read, safe from comments and strings."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml
from sqlglot.dialects.redshift import Redshift
from sqlglot.tokens import TokenType

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Word:
    """One token: `text` in lower case, its place in the statement, and whether it is in quotes."""

    text: str
    start: int
    stop: int
    is_string: bool = False
    is_quoted: bool = False

    @property
    def is_bare(self) -> bool:
        """Tell whether it may be a key word or a function's name."""
        return not self.is_string and not self.is_quoted


@lru_cache(maxsize=64)
def words(sql: str) -> tuple[Word, ...]:
    """Return the statement's words. Places for parameters ($1) are read as `?`."""
    readable = re.sub(r"\$(?=\d)", "?", sql)
    return tuple(
        Word(
            token.text.lower(),
            token.start,
            token.end + 1,
            is_string=token.token_type == TokenType.STRING,
            is_quoted=readable[token.start] == '"',
        )
        for token in Redshift().tokenize(readable)
    )


def closing(statement: tuple[Word, ...], opening: int) -> int:
    """Return the index of the parenthesis that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(statement)):
        if statement[index].is_bare:
            depth += {"(": 1, ")": -1}.get(statement[index].text, 0)
        if depth == 0:
            return index
    return len(statement) - 1


def arguments(statement: tuple[Word, ...], opening: int) -> list[tuple[int, int]]:
    """Return the spans `[first, last]` of a call's arguments, as indexes of words."""
    end, depth, first, spans = closing(statement, opening), 0, opening + 1, []
    for index in range(opening + 1, end):
        word = statement[index]
        if not word.is_bare:
            continue
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if word.text == "," and depth == 0:
            spans.append((first, index - 1))
            first = index + 1
    return [*spans, (first, end - 1)] if end > opening + 1 else []


@lru_cache(maxsize=1)
def known() -> dict[str, frozenset[str]]:
    """Return the lists of `words.yml`."""
    lists = yaml.safe_load((FOLDER / "words.yml").read_text())
    return {name: frozenset(text.split()) for name, text in lists.items()}
