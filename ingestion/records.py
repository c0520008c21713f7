"""Records: the key and the text of one, and whether a database can hold it."""

import re
from contextlib import suppress
from typing import Any

import simplejson

from ingestion.readable import MAX_DEPTH, MAX_DIGITS, Unreadable, depth_of, is_number_too_long

MAX_KEY_LENGTH = 500
MAX_RECORD_LENGTH = 1 << 24
BACKSLASH = "\\"
COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
MAYBE_TOO_LONG = re.compile(rf"[0-9][eE][+-]?[0-9]{{4}}|[0-9]{{{MAX_DIGITS}}}|NaN|Infinity")


class NoKey(ValueError):
    """A record has no key."""


def source_key(record: Any, key: tuple[str, ...]) -> str:
    """Return the record's key; raises NoKey where a key field is missing or no key at all."""
    if not isinstance(record, dict):
        raise ValueError(f"the record is no JSON object but {type(record).__name__}")
    parts = []
    for name in key:
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            shown = as_text(value)[:100]
            raise NoKey(f"the key field {name} is {shown}, not a text or whole number")
        part = str(value).replace("\x00", "").strip()
        if not part:
            raise NoKey(f"the key field {name} is blank")
        parts.append(part)
    joined = ":".join(parts)
    joined.encode()  # half a character is none: a ValueError
    if len(joined) > MAX_KEY_LENGTH:
        raise ValueError(f"the key has {len(joined)} characters, more than {MAX_KEY_LENGTH}")
    return joined


def key_or_none(record: Any, key: tuple[str, ...]) -> str | None:
    """Return the record's key, if it has one."""
    try:
        return source_key(record, key)
    except (ValueError, RecursionError):
        return None


def judge_length(value: Any, name: str) -> None:
    """Raise ValueError for a value that is too long for an index."""
    if len(value if isinstance(value, str) else as_text(value)) > MAX_KEY_LENGTH:
        raise ValueError(f"{name} has more than {MAX_KEY_LENGTH} characters")


def as_json(record: Any) -> str:
    """Return the record as JSON text; raises ValueError for one that a database cannot hold."""
    try:
        text = _dumps(record)
        if "\\u0000" in text:
            text = _dumps(_without_nul(record))
        text.encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"the record is no JSON: {error}") from error
    if len(text) > MAX_RECORD_LENGTH:
        raise ValueError(f"the record has {len(text)} characters, more than {MAX_RECORD_LENGTH}")
    if depth_of(text) > MAX_DEPTH:
        raise ValueError(f"the record is nested deeper than {MAX_DEPTH}")
    if MAYBE_TOO_LONG.search(text) and _holds_huge_number(record):
        raise ValueError("the record holds a number that is too large for a database")
    return text


def _dumps(record: Any) -> str:
    return simplejson.dumps(
        record, use_decimal=True, allow_nan=False, ensure_ascii=False, default=_refuse
    )


def _refuse(value: Any) -> Any:
    if isinstance(value, Unreadable):
        raise ValueError(f"it holds {value.what}")
    raise TypeError(f"{type(value).__name__} is no type of JSON")


def copy_line(row: tuple[str, str]) -> bytes:
    """Return a row in COPY's text form."""
    key, payload = row  # JSON text holds no raw tabs and line ends
    return f"{key.translate(COPY_ESCAPES)}\t{payload.replace(BACKSLASH, BACKSLASH * 2)}\n".encode()


def storable(text: str) -> str:
    """Return a text as a database can hold it."""
    return text.replace("\x00", "").encode(errors="backslashreplace").decode()


def _holds_huge_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_huge_number, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_huge_number, value))
    return is_number_too_long(value)


def _without_nul(value: Any) -> Any:
    """Drop NUL characters, which carry no meaning and which Postgres cannot hold."""
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value.replace("\x00", "") if isinstance(value, str) else value


def as_text(record: Any) -> str:
    """Return a record that may not be landable as text, for quarantine."""
    try:
        return simplejson.dumps(record, use_decimal=True, default=_shown)
    except (TypeError, ValueError, RecursionError):
        with suppress(ValueError, RecursionError):
            return repr(record)
    return f"a {type(record).__name__} that cannot be written as text"


def _shown(value: Any) -> str:
    return value.what if isinstance(value, Unreadable) else repr(value)
