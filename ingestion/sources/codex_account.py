"""Codex: where it is, and how it is reached."""

import os
from dataclasses import dataclass

from ingestion.environment import required


@dataclass(frozen=True)
class Codex:
    """Where Codex is, and Core, which gives the tokens for it."""

    base_url: str
    core_base_url: str


def read_codex() -> Codex | None:
    """Return what the environment says of it; None where it is not configured."""
    base_url = os.environ.get("CODEX_BASE_URL")
    return Codex(base_url, required("CORE_BASE_URL")) if base_url else None
