"""Which fields a stream's staging model reads, and which of them it cannot do without (SPEC R11).

A declaration stands beside its stream: `need("amount", form=MONEY)`, or `spare("src", why="...")`.
How a form reads a value is how the staging macros read it: a test compares the two.
"""

from dataclasses import dataclass

# Of macro `timestamp_pattern`.
_MOMENT = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?)?"
    "([Zz]| ?[-+][0-9]{2}(:?[0-9]{2})?)?$"
)
_VALID_MOMENT = f"(pg_input_is_valid({{text}}, 'timestamp') and {{text}} ~ '{_MOMENT}')"


@dataclass(frozen=True)
class Form:
    """What a value must be: its JSON types, and what SQL asks of its {text} that staging casts."""

    name: str
    types: tuple[str, ...]
    readable: str = ""

    def reads(self, value: str, text: str) -> str:
        """Return the SQL that tells whether staging can read a value that is not blank."""
        types = ", ".join(f"'{name}'" for name in self.types)
        fits = f"jsonb_typeof({value}) in ({types})" if types else "true"
        return f"({fits} and {self.readable.replace('{text}', text)})" if self.readable else fits


TEXT = Form("text", ("string", "number"))
NUMBER = Form(
    "a number",
    ("number", "string"),
    "(pg_input_is_valid({text}, 'numeric(18,6)') and {text} !~ '[a-zA-Z_]')",
)
WHOLE_NUMBER = Form(
    "a whole number",
    ("number", "string"),
    "(pg_input_is_valid({text}, 'bigint') and {text} !~ '[a-zA-Z_]')",
)
MONEY = Form(
    "money",
    ("string", "number"),
    "(translate({text}, '$€£', '$$$')"
    " ~ '^[-($ ]*([0-9]{0,12}|[0-9]{1,3}(,[0-9]{3}){1,3})([.][0-9]*)?[-)$ ]*$'"
    " and {text} ~ '[0-9]')",
)
TIME = Form("a time", ("string",), _VALID_MOMENT)
# Of macro `json_effective_time`: what a database may hold beside a moment of the calendar.
EFFECTIVE_TIME = Form(
    "a time",
    ("string",),
    f"({_VALID_MOMENT} or ({{text}} ~ '^-?infinity$| BC$|^[0-9]{{5,6}}-'"
    " and pg_input_is_valid({text}, 'timestamp')))",
)
DATE = Form("a date", ("string",), _VALID_MOMENT.replace("{text}", "substring({text}, 1, 10)"))
TRUTH = Form("true or false", ("boolean", "string"), "lower({text}) in ('true', 'false')")
HOURS = Form("hours", ("string",), "{text} ~ '^[0-9]{1,5}:[0-5][0-9](:[0-5][0-9])?$'")
OBJECT = Form("an object", ("object", "array"))  # some vendors send an array of one
LIST = Form("a list", ("array",))
# The loader has checked the column's type at the source: only null can go wrong.
CHECKED = Form("checked", ())


@dataclass(frozen=True)
class Field:
    """One field that a staging model reads; `path` goes into objects, as `lead_data.src`.

    A needed field is missing where its name is, and where it is null or blank too, unless it
    `may_be_blank`. With a reason to be `spare` it is not judged.
    """

    path: str
    form: Form = TEXT
    may_be_blank: bool = False
    spare: str | None = None

    @property
    def parent(self) -> str | None:
        """Return the object that the field is in; None for the record itself."""
        parent, _, _ = self.path.rpartition(".")
        return parent or None

    def value(self) -> str:
        """Return the SQL of the field's JSON value."""
        return "payload" + "".join(f" -> '{name}'" for name in self.path.split("."))

    def is_fine(self) -> str:
        """Return the SQL that is true where the field is there and can be read."""
        if not self.form.types:
            return f"{_text(self.path)} is not null"
        text = f"trim({_text(self.path)})"
        reads = self.form.reads(self.value(), text)
        if self.may_be_blank:
            return f"({self._is_there()} and (coalesce({text}, '') = '' or {reads}))"
        return f"({reads} and {text} <> '')"

    def is_missing(self) -> str:
        """Return the SQL that is true where the field is not there."""
        if self.may_be_blank:
            return f"({self._is_there()}) is not true"
        return f"coalesce(trim({_text(self.path)}), '') = ''"

    def _is_there(self) -> str:
        """An object that is null or blank lacks nothing that may be blank itself."""
        if not self.parent:
            return f"payload ? '{self.path}'"
        is_blank = f"coalesce(trim({_text(self.parent)}), '') = ''"
        return (
            f"({self.value()} is not null or ({is_blank} and {Field(self.parent).value()}"
            " is not null))"
        )


def need(*paths: str, form: Form = TEXT, may_be_blank: bool = False) -> tuple[Field, ...]:
    """Return fields that staging cannot do without."""
    return tuple(Field(path, form, may_be_blank) for path in paths)


def spare(*paths: str, why: str) -> tuple[Field, ...]:
    """Return fields that staging reads and can do without, and why."""
    return tuple(Field(path, spare=why) for path in paths)


def _text(path: str) -> str:
    *parents, name = path.split(".")
    return "payload" + "".join(f" -> '{parent}'" for parent in parents) + f" ->> '{name}'"
