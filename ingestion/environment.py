"""Variables of the environment, each read with a clear word for what is wrong with it."""

import os
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

Part = TypeVar("Part")


class SettingsError(Exception):
    """A setting is missing or unusable; the message names it and the cure."""


@dataclass(frozen=True)
class Database:
    """Where a relational database is; `password` is never shown.

    Where it is blank, it is what the embedded server's folder keeps in `password_file`.
    """

    host: str
    port: int
    user: str
    name: str
    password: str = field(repr=False)
    password_file: Path | None = None

    def secret(self) -> str:
        """Return the password."""
        if self.password or not self.password_file:
            return self.password
        # A folder of before there was such a file has the password that was everybody's.
        return self.password_file.read_text() if self.password_file.exists() else "ledgerhouse"

    def parameters(self) -> dict[str, Any]:
        """Return the keyword arguments of `psycopg.connect`."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.secret(),
            "dbname": self.name,
        }


def required(name: str) -> str:
    """Return the variable's value; raises SettingsError where it is missing or blank."""
    value = os.environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set. Set it in the environment or in .env.")
    return value


def configured(part: Part | None, *variables: str) -> Part:
    """Return a source's part of the settings; raises SettingsError where it is not configured."""
    if part is None:
        raise SettingsError(
            f"Not configured: set {', '.join(variables)} in the environment or .env."
        )
    return part


def number(name: str, default: int) -> int:
    """Return the variable as a whole number."""
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise SettingsError(f"{name} is {value!r}. It must be a whole number.") from None


def port(name: str, default: int) -> int:
    """Return the variable as a port."""
    found = number(name, default)
    if not 0 < found < 65_536:
        raise SettingsError(f"{name} is {found}. It must be a port, from 1 to 65535.")
    return found


def names(value: str) -> tuple[str, ...]:
    """Return the names in a list separated by commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


def share(name: str, default: float) -> float:
    """Return the variable as a number from 0 to 1."""
    value = os.environ.get(name, str(default))
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise SettingsError(f"{name} is {value!r}. It must be a number from 0 to 1.")
    return found


def decimal(name: str, default: Decimal) -> Decimal:
    """Return the variable as an exact number of 0 or more."""
    value = os.environ.get(name, str(default))
    try:
        found = Decimal(value)
    except InvalidOperation:
        found = Decimal("NaN")
    # Comparing, a NaN would let everything pass.
    if not found.is_finite() or found < 0:
        raise SettingsError(f"{name} is {value!r}. It must be a number of 0 or more.")
    return found
