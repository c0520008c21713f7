"""Invoca, simulated: a bare array by transaction id or by call date, 401 and 403 as it has them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import simplejson

from ingestion.sandbox.server import Answer, Request

TOKEN = "sandbox-invoca-token"
NETWORK_ID = "1847"
MAX_ROWS = 4000

Row = dict[str, Any]


@dataclass
class Invoca:
    """The network's rows in the order they were made, and its API: call it with a request."""

    token: str = TOKEN
    network_id: str = NETWORK_ID
    rows: list[Row] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        """Answer a request for transactions."""
        query = request.query
        if request.headers.get("authorization") != self.token:
            return _refused(401, "Unauthorized", "token")
        if not request.path.endswith(f"/networks/transactions/{self.network_id}.json"):
            return _refused(404, "RecordNotFound", "network")
        try:
            rows = self._between(query)
        except ValueError:
            return _refused(403, "InvalidArgument", "from must be a date in YYYY-MM-DD form")
        ids = [row["transaction_id"] for row in rows]
        after = query.get("start_after_transaction_id")
        first = ids.index(after) + 1 if after in ids else 0
        limit = min(int(query.get("limit", 1000)), MAX_ROWS)
        wanted = set(query.get("include_columns", "").split(",")) - {""}
        return Answer(
            [
                {name: value for name, value in row.items() if not wanted or name in wanted}
                for row in rows[first : first + limit]
            ]
        )

    def load_day(self, folder: Path) -> None:
        """Take the rows that are new on one golden day; one that was there is changed in place."""
        path = folder / "invoca_transactions.json"
        if path.exists():
            new = simplejson.loads(path.read_text(), use_decimal=True)
            rows = {row["transaction_id"]: row for row in (*self.rows, *new)}
            self.rows = list(rows.values())

    def _between(self, query: dict[str, str]) -> list[Row]:
        """Return the rows of calls that started on these days; one date alone is ignored."""
        if "from" not in query or "to" not in query:
            return self.rows
        start, end = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
        found = [row for row in self.rows if start <= started_at(row).date() <= end]
        return sorted(found, key=started_at)


def started_at(row: Row) -> datetime:
    """Return when the row's call started (UTC)."""
    return datetime.fromtimestamp(row["start_time_utc"] // 1000, UTC)


def _refused(status: int, name: str, detail: str) -> Answer:
    return Answer({"errors": {"class": name, "invalid_data": detail}}, status=status)
