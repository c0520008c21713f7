"""An MSP client: its plan, machines, people and hours, by Codex, Freshservice and Datto."""

from datetime import datetime

from tests.simulation.world import Row, World

RATES = {
    "per_user_cost": 20.0,
    "per_workstation_cost": 10.0,
    "per_server_cost": 100.0,
    "per_vm_cost": 50.0,
    "per_switch_cost": 5.0,
    "per_firewall_cost": 8.0,
    "per_hour_ticket_cost": 100.0,
    "backup_base_fee_workstation": 5.0,
    "backup_base_fee_server": 50.0,
    "backup_included_tb": 1.0,
    "backup_per_tb_fee": 100.0,
}
TYPES = (None, "Server", "VM", "Switch", "No Charge", "Custom", "Toaster")


def open_client(world: World) -> None:
    """A company signs for a plan that only it has."""
    world.company = {
        "company": {
            "account_number": world.account,
            "name": f"Client {world.base}",
            "billing_plan": f"Gold {world.base}",
            "contract_term_length": None,
            "contract_start_date": "2025-01-01",
            "contract_end_date": None,
        },
        "assets": [],
        "contacts": [],
        "locations": [],
        "tickets": [],
    }
    world.msp_plans.append(_plan(world))
    for _ in range(3):
        install(world)
        hire(world)


def _plan(world: World) -> Row:
    return {
        "id": world.number(),
        "plan_name": f"Gold {world.base}",
        "term_length": "Month to Month",
        "support_level": "Billed Hourly",
        "features": {"antivirus": "yes"},
    } | RATES


def install(world: World) -> None:
    """A machine arrives; some hosts share a name but for its case."""
    number = world.number()
    name = world.random.choice([f"HOST-{number}", f"DC-{world.base}", f"dc-{world.base}"])
    stored = world.random.choice([0, 0, 3 * 2**40])
    world.company["assets"].append(
        {
            "id": number,
            "hostname": name,
            "device_type": world.random.choice(["Desktop", "Server", "Oven", None]),
            "billing_type": world.random.choice(TYPES),
            "custom_cost": world.random.choice([None, 12.345]),
            "backup_data_bytes": stored,
        }
    )


def hire(world: World) -> None:
    """Somebody joins the client."""
    kind = world.random.choice([None, "Paid", "Free", "Custom", "Ghost"])
    world.company["contacts"].append(
        {"id": world.number(), "name": "A user", "email": "a@b.example", "active": True}
        | {"billing_type": kind, "custom_cost": 9.5}
    )


def change(world: World) -> None:
    """A machine or a person is another, or is gone."""
    rows = world.company[world.random.choice(["assets", "contacts"])]
    if rows and world.random.random() < 0.2:
        rows.pop()
    elif rows:
        place = world.random.randrange(len(rows))
        row = rows[place]
        changed = {"billing_type": world.random.choice(TYPES)} if "hostname" in row else {}
        rows[place] = row | (changed or {"active": not row["active"]})


def change_plan(world: World) -> None:
    """The plan gets dearer, or is sold twice under one name."""
    if world.random.random() < 0.4 and len(world.msp_plans) < 2:
        world.msp_plans.append(_plan(world))
    else:
        row = world.random.choice(world.msp_plans)
        row |= {"per_user_cost": float(world.random.randint(10, 30))}


def ask_for_help(world: World) -> None:
    """A ticket, with or without hours logged in the helpdesk."""
    number = world.number()
    at = f"{world.moment():%Y-%m-%dT%H:%M:%SZ}"
    world.company["tickets"].append(
        {"ticket_id": number, "ticket_number": str(number), "status": "Closed"}
        | {"last_updated_at": at, "total_hours_spent": world.random.choice([0, 0.5, 2.25])}
    )
    world.helpdesk.append(
        {"id": number, "subject": "Help", "status": 5, "department_id": world.base}
        | {"deleted": False, "spam": False, "created_at": at, "updated_at": at}
    )
    world.entries[str(number)] = [
        {"id": number * 10 + place, "time_spent": "01:30", "billable": place < 2}
        | {"timer_running": False, "executed_at": at, "created_at": at, "updated_at": at}
        for place in range(world.random.randint(0, 3))
    ]


def repeat_a_number(world: World) -> None:
    """Codex has a ticket's number twice: whose are the hours?"""
    tickets = world.company["tickets"]
    if tickets:
        twin = world.random.choice(tickets) | {"ticket_id": world.number()}
        tickets.append(twin | {"status": world.random.choice(["Closed", "Open", "spam"])})


def work_late(world: World) -> None:
    """Hours are logged, changed or taken back on a ticket that is there; it shows as updated."""
    if not world.helpdesk:
        return
    ticket = world.random.choice(world.helpdesk)
    at = f"{world.moment(1):%Y-%m-%dT%H:%M:%SZ}"
    ticket |= {"updated_at": at, "spam": world.random.random() < 0.1}
    rows = world.entries[str(ticket["id"])]
    if rows and world.random.random() < 0.4:
        rows.pop()
    else:
        rows.append(
            {"id": world.number() * 10, "time_spent": "00:45", "billable": True}
            | {"timer_running": False, "executed_at": at, "created_at": at, "updated_at": at}
        )


def override(world: World) -> None:
    """Somebody writes an exception for the client; two rows may be in force at once."""
    day = datetime(2026, world.random.randint(1, 7), 1)
    row = {"account_number": world.account, "effective_from": f"{day:%Y-%m-%d}"}
    rows = world.seeds.setdefault("msp_client_overrides", [])
    if all(known["effective_from"] != row["effective_from"] for known in rows):
        rows.append(row | {"override_puc_enabled": "true", "per_user_cost": world.money(50)})


TURNS = {
    install: 2,
    hire: 1,
    change: 2,
    change_plan: 2,
    ask_for_help: 2,
    repeat_a_number: 1,
    work_late: 2,
    override: 1,
}
