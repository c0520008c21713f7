"""Dispositions: what partners say became of their leads, in files they drop and change."""

from tests.simulation.world import Row, World, text

COLUMNS = ("lead_id", "call_id", "buyer_lead_ref", "phone", "email", "status", "status_date")
STATUSES = ("Sold", "sold ", "Spoke", "No Thanks", "Rescinded", "Geschäft  Abgeschlossen", "???")
STRANGE_DATES = ("07/05/2026 10:00 PM", "July 5, 2026", "05.07.2026", "13/07/2026", "20260705", "")


def report(world: World) -> None:
    """A partner says of a lead what became of it; it names the lead in one of several ways."""
    partner = world.random.choice(world.partners)
    _drop(world, partner, _event(world, partner))


def refer(world: World) -> None:
    """A partner names a lead that nobody knows by a reference, and later by that alone."""
    partner, reference = world.random.choice(world.partners), f"X{world.number()}"
    unknown = {"lead_id": f"99{world.number()}", "buyer_lead_ref": reference}
    for way in (unknown, {"buyer_lead_ref": reference}):
        _drop(world, partner, _said(world) | way)


def _drop(world: World, partner: str, event: Row) -> None:
    world.files.setdefault(f"{partner}_{world.now:%Y%m%d}.csv", []).append(event)


def _said(world: World) -> Row:
    """Return an event that does not say yet which lead it is about."""
    event = dict.fromkeys(COLUMNS, "")
    event |= {"status": world.random.choice(STATUSES), "status_date": text(world.moment(4))}
    if world.random.random() < 0.2:
        event["status_date"] = world.random.choice(STRANGE_DATES)
    if world.random.random() < 0.3:
        event["sale_amount"] = world.money(5000)
    return event


def _event(world: World, partner: str) -> Row:
    event = _said(world)
    leads = list(world.leads.values())
    if not leads:
        return event | {"lead_id": "999999999"}
    # Partners speak mostly of what they bought.
    bought = [
        lead
        for lead in leads
        if any(buyer["partner_id"] == partner for buyer in lead["matched_partners"])
    ]
    lead = world.random.choice(bought if bought and world.random.random() < 0.8 else leads)
    references = [
        buyer["buyer_lead_ref"]
        for buyer in lead["matched_partners"]
        if buyer["partner_id"] == partner or world.random.random() < 0.1
    ]
    ways = [
        {"lead_id": lead["lead_id"]},
        {"lead_id": lead["lead_id"], "buyer_lead_ref": f"X{world.number()}"},
        {"buyer_lead_ref": references[0]} if references else {"lead_id": lead["lead_id"]},
        {"phone": f"+1 {world.phone(int(lead['lead_id']))}"},
        {"email": lead["lead_data"]["email"].upper()},
        {"lead_id": "999999999", "buyer_lead_ref": references[0] if references else "R0"},
    ]
    return event | world.random.choices(ways, [6, 2, 3, 2, 2, 1])[0]


def change(world: World) -> None:
    """A row of a file that was dropped before is another one now, or is gone with the last row."""
    if not world.files:
        return
    rows = world.random.choice(list(world.files.values()))
    place = world.random.randrange(len(rows))
    if world.random.random() < 0.2 and len(rows) > 1:
        rows.pop()
        return
    changes = (
        {"status": world.random.choice(STATUSES)},
        {"status_date": text(world.moment())},
        {"status_date": world.random.choice(STRANGE_DATES)},
        {"sale_amount": world.random.choice([world.money(5000), "", "n/a"])},
    )
    rows[place] = rows[place] | world.random.choice(changes)


TURNS = {report: 10, refer: 1, change: 3}
