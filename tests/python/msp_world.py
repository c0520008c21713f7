"""A small MSP world, made client by client: what the vendors show, and the hand-kept seeds."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingestion.settings import PROJECT
from tests.python.msp import Msp

Row = dict[str, Any]
TIB = 2**40
RATES = {
    "per_user_cost": 20,
    "per_workstation_cost": 10,
    "per_server_cost": 100,
    "per_vm_cost": 50,
    "per_switch_cost": 5,
    "per_firewall_cost": 8,
    "per_hour_ticket_cost": 100,
    "backup_base_fee_workstation": 5,
    "backup_base_fee_server": 50,
    "backup_included_tb": 1,
    "backup_per_tb_fee": 100,
}
SEEDS = [path.stem for path in sorted((PROJECT / "seeds").glob("msp_*.csv"))]


@dataclass
class World:
    """Plans, companies and seeds; ids are given in the order things are added."""

    plans: list[Row] = field(default_factory=list)
    companies: dict[str, Row] = field(default_factory=dict)
    seeds: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in SEEDS})
    helpdesk: list[Row] = field(default_factory=list)
    entries: dict[str, list[Row]] = field(default_factory=dict)
    last_id: int = 0

    def number(self) -> int:
        """Return an id that nothing has yet."""
        self.last_id += 1
        return self.last_id

    def plan(self, name: str, term: str = "Month to Month", **given: Any) -> Row:
        """Sell a plan; `given` replaces rates, support level or features."""
        row = {"id": self.number(), "plan_name": name, "term_length": term, "features": {}}
        self.plans.append(row | {"support_level": "Billed Hourly"} | RATES | given)
        return self.plans[-1]

    def client(self, account: str, *, users: int = 0, **company: Any) -> Row:
        """Add a company on the plan Gold, with that many plain users."""
        entry = {
            "company": {"account_number": account, "name": account, "billing_plan": "Gold"}
            | {"contract_term_length": None}
            | company,
            "assets": [],
            "contacts": [],
            "locations": [],
            "tickets": [],
        }
        self.companies[account] = entry
        for _ in range(users):
            self.user(account)
        return entry

    def user(self, account: str, **given: Any) -> Row:
        """Add a user to a company."""
        row = {"id": self.number(), "name": "A user", "email": "a@b.example", "active": True}
        self.companies[account]["contacts"].append(row | given)
        return self.companies[account]["contacts"][-1]

    def asset(self, account: str, *, tb: float = 0, **given: Any) -> Row:
        """Add an asset to a company; `tb` of backup."""
        row = {"id": self.number(), "hostname": f"HOST-{self.last_id}", "device_type": None}
        row |= {"backup_data_bytes": int(tb * TIB)}
        self.companies[account]["assets"].append(row | given)
        return self.companies[account]["assets"][-1]

    def ticket(self, account: str, at: str | None, hours: float, **given: Any) -> Row:
        """Add a ticket without time entries."""
        row = {"ticket_id": self.number(), "ticket_number": str(self.last_id), "status": "Closed"}
        row |= {"last_updated_at": at, "total_hours_spent": hours}
        self.companies[account]["tickets"].append(row | given)
        return self.companies[account]["tickets"][-1]

    def seed(self, name: str, /, **row: Any) -> None:
        """Add a row to a hand-kept seed; overrides of rates are switched on by being named."""
        self.seeds[name].append(row)

    def serve(self, vendors: Msp, folder: Path) -> Path:
        """Make the vendors hold this world, and write its seeds; returns their folder."""
        vendors.stores.codex.plans = self.plans
        vendors.stores.codex.companies = list(self.companies.values())
        vendors.stores.freshservice.tickets = self.helpdesk
        vendors.stores.freshservice.time_entries = self.entries
        folder.mkdir(exist_ok=True)
        for name, rows in self.seeds.items():
            with (PROJECT / "seeds" / f"{name}.csv").open() as file:
                header = next(csv.reader(file))
            with (folder / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, header, restval="")
                writer.writeheader()
                writer.writerows(rows)
        return folder
