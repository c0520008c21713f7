"""JSON with values that cannot be read: each spoils its own record, never the page (SPEC R9b)."""

from decimal import Decimal

import pytest
import simplejson
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ingestion.readable import MAX_DEPTH, Unreadable, depth_of, is_number_too_long, read_json

UNREADABLE = {
    "no number": "NaN",
    "infinite": "-Infinity",
    "5,000 digits": "9" * 5_000,
    "200,000 digits": "0." + "1" * 200_000,
    "an exponent of 30 digits": "1e" + "9" * 30,
    "100,000 deep": "[" * 100_000 + "]" * 100_000,
    "101 objects deep": '{"a":' * MAX_DEPTH * 20 + "1" + "}" * MAX_DEPTH * 20,
    "two values of a name": '{"amount": 1, "amount": 2}',
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_the_record_beside_an_unreadable_value_is_whole(value: str) -> None:
    good = '{"id": 2, "amount": 0.10, "note": "[[[[ \\" NaN"}'
    page = read_json(f'{{"data": [{good}, {{"id": 1, "value": {value}}}, {good}]}}')
    first, bad, last = page["data"]
    assert first == last == {"id": 2, "amount": Decimal("0.10"), "note": '[[[[ " NaN'}
    assert bad["id"] == 1
    assert _cannot_be_landed(bad)


def _cannot_be_landed(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_cannot_be_landed, value.values()))
    if isinstance(value, list):
        return any(map(_cannot_be_landed, value))
    return isinstance(value, Unreadable) or is_number_too_long(value)


def test_a_name_twice_with_one_value_is_read(value: str = '{"a": 1, "a": 1}') -> None:
    assert read_json(value) == {"a": 1}


def test_a_line_break_inside_a_text_and_broken_utf8_spoil_no_page() -> None:
    assert read_json(b'["a\tb\n", "\xff"]') == ["a\tb\n", "\udcff"]


@pytest.mark.parametrize("text", ["", "<html>", '{"a": 1', "[" * 100_000, "[1,]", "NaN5"])
def test_what_is_no_json_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_json(text)


def test_depth_counts_brackets_outside_of_texts() -> None:
    assert depth_of("[" * 150 + "]" * 150) == 150
    assert depth_of(simplejson.dumps(["[" * 150])) == 1
    assert depth_of("[[]]") == 0  # not worth counting


def test_numbers_up_to_a_thousand_digits_are_numbers() -> None:
    assert not is_number_too_long(int("9" * 1000))
    assert is_number_too_long(int("9" * 1002))
    assert is_number_too_long(Decimal("1e-1001"))


@examples(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.decimals(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_what_simplejson_writes_is_read_the_same(value: object) -> None:
    text = simplejson.dumps(value, use_decimal=True)
    assert read_json(text) == simplejson.loads(text, use_decimal=True)
