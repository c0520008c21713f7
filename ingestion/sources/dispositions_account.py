"""Dispositions: where it is, and how it is reached."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.environment import required


@dataclass(frozen=True)
class Dispositions:
    """Where dispositions come from: `DISPOSITIONS_DIR` (drop folder), `DISPOSITIONS_FEED_URL`.

    One of them is enough. `DISPOSITIONS_FEED_TOKEN` is the feed's bearer token.
    """

    folder: Path | None
    feed_url: str | None
    feed_token: str | None = field(default=None, repr=False)


def read_dispositions() -> Dispositions | None:
    """Return what the environment says of it; None where it is not configured."""
    folder = os.environ.get("DISPOSITIONS_DIR")
    feed_url = os.environ.get("DISPOSITIONS_FEED_URL")
    if not folder and not feed_url:
        return None
    return Dispositions(
        folder=Path(folder) if folder else None,
        feed_url=feed_url or None,
        feed_token=required("DISPOSITIONS_FEED_TOKEN") if feed_url else None,
    )
