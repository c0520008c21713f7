"""The rows of the managed service provider's story in the shapes of Codex, Freshservice and Datto.

The facts are those of `msp_story`; true shapes and bad habits of the vendors are kept here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

FIRST_ACCOUNT = 400101
TIB = 2**40
TERMS = ("Month to Month", "1 Year", "2 Year")
# Name, support level, and what a user, a workstation, a server and an hour cost.
PLANS = (
    ("Break Fix", "Billed Hourly", 0, 0, 0, 165),
    ("Managed Core", "Billed Hourly", 45, 20, 110, 140),
    ("Managed Plus", "Billed Hourly", 75, 30, 125, 120),
    ("Managed Complete", "All Inclusive", 130, 35, 150, 0),
)
NAMES = ("Northwind", "Bluebird", "Cedar", "Harbor", "Juniper", "Keystone", "Lakeside", "Summit")
TRADES = ("Dental", "Law", "Logistics", "Bakery", "Architects", "Clinic")

Row = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """One company of the story. Days are counted from the story's beginning."""

    number: int
    plan: str
    term: str
    joins_on: int
    leaves_on: int

    @property
    def account(self) -> str:
        """Return the account number."""
        return str(FIRST_ACCOUNT + self.number)

    @property
    def name(self) -> str:
        """Return the company's name."""
        return f"{NAMES[self.number % len(NAMES)]} {TRADES[self.number % len(TRADES)]}"

    def random(self, what: str, seed: int) -> Random:
        """Return the numbers that decide one side of this client, the same on every day."""
        return Random(f"{seed}:{self.number}:{what}")


def plans(day: int) -> Iterator[Row]:
    """Yield the billing plans of that day; one of them gets dearer in the second half-year."""
    rows = [(plan, term) for plan in PLANS for term in range(len(TERMS))]
    for number, ((name, support, user, workstation, server, hour), term) in enumerate(rows, 1):
        dearer = 4 if name == "Managed Plus" and day >= 181 else 0
        yield {
            "id": number,
            "plan_name": name,
            "term_length": TERMS[term],
            "support_level": support,
            "per_user_cost": float(user + dearer - 2 * term if user else 0),
            "per_workstation_cost": float(workstation),
            "per_server_cost": float(server),
            "per_vm_cost": float(server) / 2,
            "per_switch_cost": 15.0 if workstation else 0.0,
            "per_firewall_cost": 25.0 if workstation else 0.0,
            "per_hour_ticket_cost": float(hour),
            "backup_base_fee_workstation": 12.5,
            "backup_base_fee_server": 50.0,
            "backup_included_tb": 1.0,
            "backup_per_tb_fee": 45.0,
            "features": {"antivirus": "SentinelOne", "email_security": "Proofpoint"}
            if user
            else {"antivirus": "Not Included"},
            "feature_display_names": {"antivirus": "Antivirus", "email_security": "Email"},
        }


def company(client: Client, begins: date) -> Row:
    """Return the company as Codex shows it."""
    starts = begins + timedelta(days=max(client.joins_on, -200))
    return {
        "account_number": client.account,
        "name": client.name,
        "billing_plan": client.plan,
        "contract_term_length": client.term,
        "contract_start_date": starts.isoformat(),
        "contract_end_date": None,
        "support_level": None,
        "domains": f'["{client.account}.example"]',
    }


def asset_at(client: Client, place: int, category: str, backed_up: int) -> Row:
    """Return the client's asset of that place; only servers are backed up, in bytes."""
    return {
        "id": client.number * 100 + place + 1,
        "hostname": f"{client.account}-{category[:3].upper()}{place:02}",
        "device_type": category,
        "bytes": backed_up if category == "Server" else 0,
    }


def contact_at(client: Client, place: int, *, is_active: bool = True) -> Row:
    """Return the client's user of that place, as Codex shows it."""
    number = client.number * 100 + place + 1
    return {
        "id": number,
        "name": f"User {number}",
        "email": f"u{number}@{client.account}.example",
        "employment_type": "Full Time",
        "active": is_active,
        "secondary_emails": "[]",
    }


def codex_asset(asset: Row) -> Row:
    """Return the asset as Codex shows it."""
    # Codex keeps terabytes with two decimals and makes bytes of them again.
    terabytes = f"{asset['bytes'] / TIB:.2f}"
    return {
        "id": asset["id"],
        "hostname": asset["hostname"],
        "hardware_type": asset["device_type"],
        "device_type": asset["device_type"],
        "online": True,
        "backup_usage_tb": terabytes,
        "backup_data_bytes": int(float(terabytes) * TIB),
    }


def entry(number: int, worked: datetime, logged: datetime, minutes: int, billable: bool) -> Row:
    """Return a time entry as Freshservice shows it."""
    return {
        "id": number,
        "created_at": utc(logged),
        "updated_at": utc(logged),
        "start_time": utc(worked),
        "timer_running": False,
        "billable": billable,
        "time_spent": f"{minutes // 60:02}:{minutes % 60:02}",
        "executed_at": utc(worked),
        "task_id": None,
        "note": "",
    }


def codex_ticket(ticket: Row) -> Row:
    """Return the ticket as Codex shows it: every hour logged, billable or not."""
    row = ticket["ticket"]
    return {
        "ticket_id": row["id"] - 30_000,
        "ticket_number": str(row["id"]),
        "subject": row["subject"],
        "status": "Closed" if row["status"] == 5 else "Open",
        "created_at": row["created_at"],
        "last_updated_at": row["updated_at"],
        "total_hours_spent": round(ticket["hours"], 2),
        "conversations": [],
        "notes": [],
    }


def department(client: Client) -> Row:
    """Return the company as a Freshservice department."""
    return {
        "id": 21_000_000_000 + client.number,
        "name": client.name,
        "custom_fields": {"account_number": client.account},
    }


def site(client: Client) -> str:
    """Return the uid of the client's Datto site."""
    return f"1b2c3d4e-5f60-4718-8293-{client.number:012}"


def variables(client: Client) -> list[Row]:
    """Return the variables of the client's Datto site, one of them a secret."""
    return [
        {"id": client.number * 10, "name": "AccountNumber", "value": client.account},
        {"id": client.number * 10 + 1, "name": "LocalAdmin", "value": "a site's secret"},
    ]


def device(client: Client, asset: Row) -> Row:
    """Return the asset as a Datto device, a secret among its fields."""
    fields: dict[str, str | None] = {f"udf{number}": None for number in range(1, 31)}
    fields |= {"udf1": "a device's secret", "udf6": str(asset["bytes"])}
    return {
        "id": 5_000_000 + asset["id"],
        "uid": f"8f1d2c3b-4a59-4687-9a0b-{asset['id']:012}",
        "siteUid": site(client),
        "siteName": client.name,
        "deviceType": {"category": asset["device_type"], "type": asset["device_type"]},
        "hostname": asset["hostname"],
        "udf": fields,
        "lastSeen": 1_784_112_000_000,
        "deleted": False,
    }


def utc(moment: datetime) -> str:
    """Return the moment as the vendors write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
