"""The simulated vendors as they are at a moment of the story; the drop folder's files as well."""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingestion.sandbox.boberdoo import Boberdoo, Row
from ingestion.sandbox.dispositions import DispositionFeed
from ingestion.sandbox.invoca import Invoca
from ingestion.sandbox.server import Vendor
from ingestion.sandbox.story.cast import (
    CALL_BUYER,
    DRIP_FILTER_SET,
    DRIP_PARTNER,
    LEAD_TYPES,
    PARTNERS,
)
from ingestion.sandbox.story.plot import Happening, Story


@dataclass
class Stage:
    """The vendors that play the story, and the drop folder; `show` moves them through time."""

    story: Story
    folder: Path
    boberdoo: Boberdoo = field(default_factory=Boberdoo)
    invoca: Invoca = field(default_factory=Invoca)
    feed: DispositionFeed = field(default_factory=DispositionFeed)

    def vendors(self) -> dict[str, Vendor]:
        """Return the vendors by the name they are served under."""
        return {"boberdoo": self.boberdoo, "invoca": self.invoca, "dispositions": self.feed}

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings for the loaders; `url` is the sandbox's, without a vendor."""
        lead_types = sorted(LEAD_TYPES)
        leads = (happening.row for happening in self.story.happenings if happening.kind == "lead")
        canary = next(lead for lead in leads if lead["lead_type"] == lead_types[0])
        return {
            "BOBERDOO_BASE_URL": f"{url}/boberdoo",
            "BOBERDOO_KEY": self.boberdoo.key,
            "BOBERDOO_CANARY_LEAD_ID": canary["lead_id"],
            "BOBERDOO_LEAD_TYPES": ",".join(lead_types),
            "INVOCA_BASE_URL": f"{url}/invoca",
            "INVOCA_TOKEN": self.invoca.token,
            "INVOCA_NETWORK_ID": self.invoca.network_id,
            "DISPOSITIONS_DIR": str(self.folder),
            "DISPOSITIONS_FEED_URL": f"{url}/dispositions/events",
            "DISPOSITIONS_FEED_TOKEN": self.feed.token,
        }

    def show(self, moment: datetime) -> None:
        """Make everything as it is at `moment` (UTC). Files once dropped are never touched."""
        seen = defaultdict(list)
        for happening in self.story.happenings:
            if happening.seen_from <= moment < happening.seen_until:
                seen[happening.kind].append(happening)
        self.boberdoo.leads = {
            happening.row["lead_id"]: happening.row for happening in seen["lead"]
        }
        self.boberdoo.transactions = _rows(seen["transaction"])
        self.boberdoo.refunds = _rows(seen["refund"])
        self.boberdoo.crm_statuses = {
            (happening.row["lead_id"], happening.row["partner_id"]): {
                name: happening.row[name] for name in ("crm_lead_status", "revenue")
            }
            for happening in seen["crm"]
        }
        self.boberdoo.partners, self.boberdoo.filter_sets = _partners(), _filter_sets()
        self.invoca.rows = _rows(seen["call"])
        self.feed.events = [
            happening.row["event"]
            | {"event_id": f"feed-{number}", "partner_id": happening.row["partner"]}
            for number, happening in enumerate(seen["feed"], start=1)
        ]
        self._drop_files([*seen["csv"], *seen["jsonl"]], moment)

    def _drop_files(self, events: list[Happening], moment: datetime) -> None:
        """Each buyer drops a day's file when the day is over."""
        self.folder.mkdir(parents=True, exist_ok=True)
        files = defaultdict(list)
        for happening in events:
            if happening.seen_from.date() < moment.date():
                name = f"{happening.row['partner']}_{happening.seen_from:%Y%m%d}.{happening.kind}"
                files[name].append(happening.row["event"])
        for name, rows in files.items():
            path = self.folder / name
            if not path.exists():
                _write(path, rows)


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if path.suffix == ".csv":
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def _rows(happenings: list[Happening]) -> list[Row]:
    return [happening.row for happening in happenings]


def _partners() -> list[Row]:
    return [
        {"partner_id": partner.partner_id, "partner_name": partner.name, "status": "Active"}
        for partner in (*PARTNERS, CALL_BUYER)
    ]


def _filter_sets() -> list[Row]:
    fresh = [(partner.filter_set_id, partner, "Fresh") for partner in (*PARTNERS, CALL_BUYER)]
    return [
        {
            "filter_set_id": filter_set,
            "filter_set_name": f"{partner.name} {name}",
            "partner_id": partner.partner_id,
            "lead_price": f"{partner.price // 100}.{partner.price % 100:02}",
        }
        for filter_set, partner, name in (*fresh, (DRIP_FILTER_SET, DRIP_PARTNER, "Aged"))
    ]
