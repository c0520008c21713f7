"""What sqlfluff's templater needs of dbt's cross-database macros."""


def dateadd(part: str, interval: object, moment: str) -> str:
    """Return a moment moved by an interval, as SQL that parses."""
    return f"({moment} + interval '1 {part}')"


def current_timestamp() -> str:
    """Return the current moment, as SQL that parses."""
    return "current_timestamp"


def date_trunc(part: str, moment: str) -> str:
    """Return the start of a moment's part, as SQL that parses."""
    return f"date_trunc('{part}', {moment})"


def datediff(first: str, second: str, part: str) -> str:
    """Return the distance of two moments, as SQL that parses."""
    return f"extract({part} from {second} - {first})"


def listagg(measure: str, delimiter: str, order: str = "") -> str:
    """Return the texts of a group in one, as SQL that parses."""
    return f"string_agg({measure}, {delimiter})"


def last_day(moment: str, part: str) -> str:
    """Return the last day of a moment's part, as SQL that parses."""
    return f"(date_trunc('{part}', {moment}) + interval '1 {part}')"
