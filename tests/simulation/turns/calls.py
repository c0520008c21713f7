"""Calls, their corrections and events: what Invoca says, in the order it made the rows."""

from datetime import UTC

from tests.simulation.world import Row, World, text


def ring(world: World) -> None:
    """A call comes in by a campaign; it may carry the ids of leads."""
    number = world.number()
    row = {
        "transaction_type": "Call",
        "complete_call_id": f"C{number}",
        "advertiser_campaign_id": world.random.choice([*world.campaigns, "0"]),
        "advertiser_campaign_name": "A campaign",
        "advertiser_id": str(world.base),
        "advertiser_id_from_network": "",
        "advertiser_name": "An advertiser",
        "advertiser_payin_localized": f"${world.money()}",
        "calling_phone_number": world.phone(world.random.randint(1, world.last)),
        "connect_duration": world.random.choice([0, 20, 95, 300]),
        "start_time_utc": int(world.moment(3).replace(tzinfo=UTC).timestamp() * 1000),
        "corrects_transaction_id": "",
        "corrected_at": "",
    }
    if world.leads and world.random.random() < 0.6:
        named = world.random.sample(list(world.leads), k=min(len(world.leads), 3))
        row |= {"lead_ids": ",".join(named[: world.random.randint(1, 3)])}
    _add(world, row)


def correct(world: World) -> None:
    """Invoca corrects a call, or a correction: a new row that replaces the one it names."""
    row = _call(world)
    if row:
        changed = {
            "advertiser_payin_localized": world.random.choice(["$0.00", "", f"${world.money()}"]),
            "corrects_transaction_id": row["transaction_id"],
            "corrected_at": f"{text(world.now)}",
        }
        _add(world, row | changed)


def change_in_place(world: World) -> None:
    """A row of the last days is another one than it was: type, payin, call or campaign."""
    row = _call(world)
    if row:
        others = [
            {"transaction_type": world.random.choice(["Call", "Signal"])},
            {"advertiser_payin_localized": f"(${world.money()})"},
            {"advertiser_payin_localized": "n/a"},
            {"complete_call_id": f"C{world.number()}"},
            {"advertiser_campaign_id": world.random.choice(world.campaigns)},
            {"connect_duration": world.random.choice([0, 95])},
        ]
        world.calls[row["transaction_id"]] = row | world.random.choice(others)


def add_event(world: World) -> None:
    """The advertiser reports its own money for a call; it is none of ours."""
    row = _call(world)
    if row:
        _add(world, row | {"transaction_type": "Signal", "sale_amount": world.money()})


def _add(world: World, row: Row) -> None:
    identity = f"{world.base:07}-{world.number():09}"
    world.calls[identity] = row | {"transaction_id": identity}


def _call(world: World) -> Row | None:
    return world.random.choice(list(world.calls.values())) if world.calls else None


TURNS = {ring: 6, correct: 3, change_in_place: 3, add_event: 1}
