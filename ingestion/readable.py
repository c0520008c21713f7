"""Reading JSON so that a value which cannot be read spoils its own record only (SPEC R9b).

A value that no database holds, or that two readers would take differently, is read as `Unreadable`
wherever it stands; landing then quarantines the record that holds it, and takes the others.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import simplejson

MAX_DEPTH = 100
MAX_DIGITS = 1_000  # of a number, before or after its point
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_BITS_PER_DIGIT = 3.3219


@dataclass(frozen=True)
class Unreadable:
    """Stands where a value stood that cannot be landed; says what was wrong with it."""

    what: str


def read_json(text: str | bytes) -> Any:
    """Return what the text says, decimals exact; raises ValueError where it is no JSON at all."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", errors="surrogateescape")
    try:
        return simplejson.loads(
            text,
            cls=simplejson.JSONDecoder,
            strict=False,
            use_decimal=True,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except simplejson.JSONDecodeError:
        raise
    except (ValueError, ArithmeticError, RecursionError):
        return _read_slowly(text)


def depth_of(text: str) -> int:
    """Return how deep a JSON text nests."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in ("]", "}"):
            depth -= 1
    return deepest


def is_number_too_long(value: Any) -> bool:
    """Tell whether a number is more than any database holds, or none."""
    if isinstance(value, int):
        return value.bit_length() > MAX_DIGITS * _BITS_PER_DIGIT + 1
    if not isinstance(value, Decimal):
        return False
    if not value.is_finite():
        return True
    _, digits, exponent = value.as_tuple()
    return max(len(digits), abs(value.adjusted()), abs(int(exponent))) > MAX_DIGITS


def _read_slowly(text: str) -> Any:
    """Read a text with numbers or depths that the quick reader refuses."""
    cut = f"0.{secrets.randbelow(10**18)}"  # a number that nobody sends
    try:
        return simplejson.loads(
            _without_depths(text, cut),
            cls=simplejson.JSONDecoder,
            strict=False,
            parse_int=_whole_number,
            parse_float=_decimal_unless(cut),
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("nested without end") from None


def _without_depths(text: str, stand_in: str) -> str:
    """Return the text with everything nested deeper than MAX_DEPTH replaced."""
    parts, kept_to, cut_from, depth = [], 0, 0, 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                cut_from = token.start()
        elif token[0] in ("]", "}"):
            if depth == MAX_DEPTH + 1:
                parts += [text[kept_to:cut_from], stand_in]
                kept_to = token.end()
            depth -= 1
    return "".join([*parts, text[kept_to:]])


def _constant(name: str) -> Unreadable:
    return Unreadable(f"{name}, which is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if found[name] != value:
                found[name] = Unreadable(f"two values of {name[:100]!r}")
    return found


def _whole_number(digits: str) -> Any:
    return _too_long(digits) if len(digits) > MAX_DIGITS + 1 else int(digits)


def _decimal_unless(cut: str) -> Callable[[str], Any]:
    def decimal(digits: str) -> Any:
        if digits == cut:
            return Unreadable(f"something nested deeper than {MAX_DEPTH}")
        try:
            return _too_long(digits) if len(digits) > 3 * MAX_DIGITS else Decimal(digits)
        except ArithmeticError:
            return _too_long(digits)

    return decimal


def _too_long(digits: str) -> Unreadable:
    return Unreadable(f"a number of {len(digits)} characters, {digits[:20]}...")
