"""Leads, who bought them, refunds: what boberdoo says."""

from tests.simulation.world import Row, World, text

STRANGE_AMOUNTS = ("", "abc", "-5.00", "0.00", "1,250.00", "$77.10")
STRANGE_TYPES = ("Void", "Credit", "", "Refund", "Purchase", "purchase")


def arrive(world: World) -> None:
    """A lead comes in, perhaps one that names the call it came from."""
    number = world.number()
    lead = {"src": "search", "sub_id": "s1", "phone": world.phone(number)}
    lead |= {"email": f"Person{number}@Exämple.example", "first_name": "Ann"}
    if world.calls and world.random.random() < 0.3:
        call = world.random.choice(list(world.calls.values()))
        lead["call_id"] = call["complete_call_id"]
    world.leads[str(number)] = {
        "lead_id": str(number),
        "lead_date": text(world.moment()),
        "lead_type": "33",
        "number_of_times_sold": "0",
        "lead_data": lead,
        "matched_partners": [],
    }


def sell(world: World) -> None:
    """A partner buys a lead, of any age."""
    lead, partner = _lead(world), world.random.choice(world.partners)
    if not lead:
        return
    number = world.number()
    _buyer(lead, partner, number)
    world.transactions[f"T{number}"] = {
        "transaction_id": f"T{number}",
        "transaction_date": text(world.moment(3)),
        "transaction_type": "Purchase",
        "partner_id": partner,
        "filter_set_id": world.random.choice(["", "16"]),
        "lead_type": "33",
        "lead_id": lead["lead_id"],
        "amount": world.money(),
    }


def _buyer(lead: Row, partner: str, number: int) -> None:
    if all(buyer["partner_id"] != partner for buyer in lead["matched_partners"]):
        lead["matched_partners"].append(
            {
                "partner_id": partner,
                "partner_name": f"Partner {partner}",
                "buyer_lead_ref": f"R{number}",
            }
        )


def refund(world: World) -> None:
    """A sale is refunded, in part, whole, or by more than it was."""
    sale = _transaction(world)
    if not sale:
        return
    number = world.number()
    amount = world.random.choice([sale["amount"], world.money(20), world.money(400)])
    world.transactions[f"T{number}"] = sale | {
        "transaction_id": f"T{number}",
        "transaction_type": "Refund",
        "transaction_date": text(world.moment(2)),
        "amount": amount,
    }


def change(world: World) -> None:
    """A transaction is another one than it was: amount, type, day, lead or buyer."""
    row = _transaction(world)
    if not row:
        return
    other = _lead(world)
    change = world.random.choice(
        [
            {"amount": world.money()},
            {"amount": world.random.choice(STRANGE_AMOUNTS)},
            {"transaction_type": world.random.choice(STRANGE_TYPES)},
            {"transaction_date": text(world.moment())},
            {"partner_id": world.random.choice(world.partners)},
            {"partner_id": ""},
            {"filter_set_id": world.random.choice(["", "16", "17"])},
            {"lead_id": other["lead_id"] if other else ""},
        ]
    )
    world.transactions[row["transaction_id"]] = row | change


def move_refund(world: World) -> None:
    """A refund was entered for the wrong lead, and is moved to another."""
    refunds = [row for row in world.transactions.values() if row["transaction_type"] == "Refund"]
    others = [row for row in world.transactions.values() if row["transaction_type"] == "Purchase"]
    if refunds and others:
        row, right = world.random.choice(refunds), world.random.choice(others)
        moved = {name: right[name] for name in ("lead_id", "partner_id")}
        world.transactions[row["transaction_id"]] = row | moved


def withdraw(world: World) -> None:
    """A transaction is no longer there."""
    row = _transaction(world)
    if row:
        world.delete(world.transactions, row["transaction_id"])


def correct_lead(world: World) -> None:
    """What is said of a lead changes: its phone, its call, its buyers; or it is aged out."""
    lead = _lead(world)
    if not lead:
        return
    data = lead["lead_data"]
    match world.random.randrange(5):
        case 0:
            data = data | {"phone": "", "email": ""}
        case 1:
            data = data | {"phone": world.phone(world.number())}
        case 2 if world.calls:
            call = world.random.choice(list(world.calls.values()))
            data = data | {"call_id": call["complete_call_id"]}
        case 3:
            data = {name: value for name, value in data.items() if name != "call_id"}
        case _:
            number = world.number()
            buyers = [
                buyer | {"buyer_lead_ref": f"R{number}"} for buyer in lead["matched_partners"]
            ]
            lead = lead | {"matched_partners": buyers}
    world.leads[lead["lead_id"]] = lead | {"lead_data": data}


def name_another_call(world: World) -> None:
    """A lead came from another call than it said."""
    calls = sorted({call["complete_call_id"] for call in world.calls.values()})
    lead = _lead(world)
    if lead and calls:
        call = world.random.choice(calls)
        world.leads[lead["lead_id"]] = lead | {"lead_data": lead["lead_data"] | {"call_id": call}}


def _lead(world: World) -> Row | None:
    return world.random.choice(list(world.leads.values())) if world.leads else None


def _transaction(world: World) -> Row | None:
    rows = list(world.transactions.values())
    return world.random.choice(rows) if rows else None


TURNS = {
    arrive: 6,
    sell: 8,
    refund: 5,
    change: 8,
    move_refund: 2,
    withdraw: 2,
    correct_lead: 4,
    name_another_call: 2,
}
