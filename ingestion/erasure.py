"""Erasing a person: what names them is replaced in every landed version, and stays replaced.

A phone or an e-mail is replaced by a token that is random, but the same wherever it stood: what
was matched by it stays matched, so no figure changes. Everything else that describes the person
goes. `landing.erasures` knows the erased by salted hash alone, so that they are recognised when a
vendor sends them again. It is the one exception from append-only landing (docs/decisions.md).
"""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import simplejson
from psycopg import sql

from ingestion.environment import SettingsError
from ingestion.personal import Personal, email_form, phone_form
from ingestion.settings import Settings
from ingestion.streams import Stream

log = logging.getLogger(__name__)

# One person has a few; more are shared by people who did not ask to be erased.
MAX_IDENTIFIERS = 12
E_MAIL = re.compile(r"[\w.+%-]+@[\w.-]+\.\w+")
PHONE = re.compile(r"\+?\d[\d ().-]{5,}\d")
# What stands for a secret that erasures were made with.
CHECK = "check"


class ErasureError(Exception):
    """A person cannot be erased; the message names the cure."""


@dataclass(frozen=True)
class Erasures:
    """Who was erased: the hash of each phone and e-mail, and what stands in its place."""

    salt: str = field(default="", repr=False)
    tokens: Mapping[str, str] = field(default_factory=dict)

    def token(self, form: str) -> str | None:
        """Return what stands for an erased phone or e-mail; None if it was not erased."""
        return self.tokens.get(hashed(self.salt, form)) if self.tokens else None

    def applied(self, payload: Any, personal: Personal | None) -> Any:
        """Return the payload as it may be kept: the same, unless the person was erased."""
        if not personal or not self.tokens:
            return payload
        found = {name: self.token(form) for name, form in personal.identifiers(payload)}
        if not any(found.values()):
            return payload
        kept = {
            name: found.get(name, value) if name in (*personal.phones, *personal.emails) else value
            for name, value in personal.part(payload).items()
            if name in found or name.startswith(personal.kept)
        }
        return payload | {personal.within: kept} if personal.within else kept

    def holds(self, text: str) -> bool:
        """Tell whether a text names somebody who was erased."""
        forms = [phone_form(found) for found in PHONE.findall(text)] if self.tokens else []
        forms += [email_form(found) for found in E_MAIL.findall(text)] if self.tokens else []
        return any(form and self.token(form) for form in forms)


def hashed(salt: str, form: str) -> str:
    """Return the salted hash by which an erased phone or e-mail is known."""
    return hmac.new(salt.encode(), form.encode(), hashlib.sha256).hexdigest()


def read_erasures(connection: psycopg.Connection, settings: Settings) -> Erasures:
    """Return who was erased; raises SettingsError where the salt is not the one of then."""
    rows = connection.execute("select subject_hash, token from landing.erasures").fetchall()
    tokens: dict[str, str] = dict(rows)
    if tokens and not settings.salt:
        raise SettingsError("LEDGERHOUSE_SALT is not set, but people were erased with it. Set it.")
    if tokens and hashed(settings.salt or "", CHECK) not in tokens:
        raise SettingsError(
            "LEDGERHOUSE_SALT is not the one that people were erased with. Set it back: with"
            " another one they would be landed again."
        )
    return Erasures(settings.salt or "", tokens)


def erase(
    connection: psycopg.Connection,
    settings: Settings,
    streams: Sequence[Stream],
    phones: Sequence[str],
    emails: Sequence[str],
) -> int:
    """Erase a person from every landed version and from quarantine; returns the versions changed.

    Who has the same phone or e-mail in one record is one person. Raises ErasureError where that
    leads to more than MAX_IDENTIFIERS of them, and where nobody is known by any of them: neither
    now nor as erased.
    """
    if not settings.salt:
        raise SettingsError("LEDGERHOUSE_SALT is not set. It is what the erased are known by.")
    read_erasures(connection, settings)
    forms = {form for form in [*map(phone_form, phones), *map(email_form, emails)] if form}
    people = [(stream, personal) for stream in streams if (personal := stream.people)]
    with connection.transaction():
        forms = _all_forms(connection, people, forms)
        known = _known(connection, settings.salt, forms)
        _remember(connection, settings.salt, forms)
        erasures = read_erasures(connection, settings)
        changed = sum(
            _replace(connection, stream, personal, forms, erasures) for stream, personal in people
        )
        changed_texts = _erase_quarantine(connection, erasures)
        if not (known or changed or changed_texts):
            raise ErasureError(
                "Nobody of that phone or e-mail is known. Nothing was erased, and nothing is "
                "remembered of them."
            )
    for stream, _ in people:
        connection.execute(sql.SQL("vacuum {}").format(stream.table))
    log.info("%s landed versions erased, known by %s phones and e-mails", changed, len(forms))
    return changed


def _all_forms(
    connection: psycopg.Connection, people: Sequence[tuple[Stream, Personal]], forms: set[str]
) -> set[str]:
    """Return every phone and e-mail of the person: those that stand beside one already known."""
    known, new = set(forms), set(forms)
    while new:
        found = {
            form
            for stream, personal in people
            for _, payload in _versions(connection, stream, personal, new)
            for _, form in personal.identifiers(payload)
        }
        new = found - known
        known |= found
        if len(known) > MAX_IDENTIFIERS:
            raise ErasureError(
                f"More than {MAX_IDENTIFIERS} phones and e-mails stand beside each other: they are"
                " shared by several people. Nothing was erased. Name one that is the person's own."
            )
    return known


def _versions(
    connection: psycopg.Connection, stream: Stream, personal: Personal, forms: set[str]
) -> list[tuple[str, Any]]:
    """Return the place and payload of the versions that hold one of the phones or e-mails.

    SQL finds those that may; what folding says of other letters than ASCII is looked at here.
    """
    wanted = list(forms)
    places = [(name, True) for name in personal.phones] + [
        (name, False) for name in personal.emails
    ]
    tests = [_matches(personal.within, name, is_phone) for name, is_phone in places]
    rows = connection.execute(
        sql.SQL("select cast(ctid as text), payload::text from {} where {}").format(
            stream.table, sql.SQL(" or ").join(tests)
        ),
        {"forms": wanted, "with_one": [f"1{form}" for form in wanted]},
    )
    found = [(place, simplejson.loads(text, use_decimal=True)) for place, text in rows]
    return [
        (place, payload)
        for place, payload in found
        if any(form in forms for _, form in personal.identifiers(payload))
    ]


def _matches(within: str | None, name: str, is_phone: bool) -> sql.Composed:
    path = sql.Literal([within, name] if within else [name])
    form = (
        "regexp_replace(split_part(lower(payload #>> {path}), 'x', 1), '[^0-9]', '', 'g')"
        " = any(%(forms)s::text[] || %(with_one)s::text[])"
        if is_phone
        else '(trim(regexp_replace(lower((payload #>> {path}) collate "C"),'
        " '[[:space:]]+', ' ', 'g')) = any(%(forms)s::text[])"
        " or octet_length(payload #>> {path}) != length(payload #>> {path}))"
    )
    return sql.SQL(form).format(path=path)


def _remember(connection: psycopg.Connection, salt: str, forms: Iterable[str]) -> None:
    tokens = {CHECK: CHECK} | {form: _token(form) for form in forms}
    for form, token in tokens.items():
        connection.execute(
            "insert into landing.erasures values (%s, %s, clock_timestamp())"
            " on conflict (subject_hash) do nothing",
            (hashed(salt, form), token),
        )


def _token(form: str) -> str:
    """Return a token of the same kind; no North American phone begins with 0."""
    if "@" in form:
        return f"erased-{secrets.token_hex(8)}@erased.invalid"
    return f"0{secrets.randbelow(10**9):09}"


def _replace(
    connection: psycopg.Connection,
    stream: Stream,
    personal: Personal,
    forms: set[str],
    erasures: Erasures,
) -> int:
    versions = _versions(connection, stream, personal, forms)
    for place, payload in versions:
        erased = simplejson.dumps(
            erasures.applied(payload, personal), use_decimal=True, ensure_ascii=False
        )
        connection.execute(
            sql.SQL(
                "update {} set payload = %(erased)s::jsonb,"
                " payload_hash = md5((%(erased)s::jsonb)::text)"
                " where ctid = cast(%(place)s as tid)"
            ).format(stream.table),
            {"erased": erased, "place": place},
        )
    return len(versions)


def _known(connection: psycopg.Connection, salt: str, forms: Iterable[str]) -> bool:
    """Tell whether one of the phones and e-mails was erased before."""
    row = connection.execute(
        "select exists (select 1 from landing.erasures where subject_hash = any(%s))",
        ([hashed(salt, form) for form in forms],),
    ).fetchone()
    return bool(row and row[0])


def _erase_quarantine(connection: psycopg.Connection, erasures: Erasures) -> int:
    """Erase what names somebody, whichever source it came from; returns how many texts did."""
    rows = connection.execute("select cast(ctid as text), record_text from landing.quarantine")
    found = [place for place, text in rows.fetchall() if erasures.holds(text)]
    for place in found:
        connection.execute(
            "update landing.quarantine set record_text = 'erased' where ctid = cast(%s as tid)",
            (place,),
        )
    return len(found)
