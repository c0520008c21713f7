"""Golden days of leads and calls: played on the simulated vendors, landed by the real loaders."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ingestion.sandbox.boberdoo import KEY, Boberdoo, envelope
from ingestion.sandbox.invoca import NETWORK_ID, TOKEN, Invoca
from ingestion.sandbox.server import Answer, Request, Sandbox, Vendor
from ingestion.settings import Settings
from ingestion.sources.boberdoo_account import Boberdoo as BoberdooAccount
from ingestion.sources.dispositions_account import Dispositions
from ingestion.sources.invoca_account import Invoca as InvocaAccount

SOURCES = ("seeds", "boberdoo", "invoca", "dispositions")
# A lead of another type, bought by nobody: an empty answer is believed while it is there.
CANARY = {
    "lead_id": "1",
    "lead_type": "0",
    "lead_date": "2020-01-01 00:00:00",
    "lead_data": {},
    "matched_partners": [],
}


def nights(scenario: Path, settings: Settings, folder: Path) -> Iterator[Settings]:
    """Bring the vendors and the seeds to each day of a scenario; yield that night's settings."""
    portal, network = Boberdoo(leads={CANARY["lead_id"]: CANARY}), Invoca()
    drop, seeds = folder / "drop", folder / "seeds"
    drop.mkdir()
    seeds.mkdir()
    with Sandbox({"boberdoo": _without_crm(portal), "invoca": network}) as sandbox:
        account = BoberdooAccount(
            sandbox.url("boberdoo"),
            canary_lead_id=CANARY["lead_id"],
            lead_types=("0", "33"),
            key=KEY,
            history_days=100,
            lead_days=100,
            transaction_days=100,
        )
        for day in json.loads((scenario / "scenario.json").read_text())["days"]:
            source = scenario / f"day_{day['day']:02}"
            portal.load_day(source, day["transactions_window"])
            network.load_day(source)
            for kind, target in (("dispositions", drop), ("seeds", seeds)):
                for path in sorted(source.glob(f"{kind}/*.csv")):
                    shutil.copy(path, target)
            yield replace(
                settings,
                now=datetime.fromisoformat(day["now"]).replace(tzinfo=None),
                seeds_directory=seeds,
                requests_per_minute=600_000,
                boberdoo=account,
                invoca=InvocaAccount(sandbox.url("invoca"), NETWORK_ID, TOKEN),
                dispositions=Dispositions(drop, None),
            )


def _without_crm(portal: Boberdoo) -> Vendor:
    """Return the portal without CRM statuses, which the oracles leave out."""

    def answer(request: Request) -> Answer:
        if request.form().get("API_Action") == "getLeadsCRMStatus":
            return Answer(envelope("lead", []))
        return portal(request)

    return answer
