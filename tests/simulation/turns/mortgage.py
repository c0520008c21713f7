"""Mortgage leads delivered to brokers, and the brokers' plans: what billing_db holds."""

from datetime import datetime, timedelta

from tests.simulation.world import PRODUCTS, World


def deliver(world: World) -> None:
    """A lead is delivered, perhaps long ago and found only now."""
    number = world.number()
    product = world.random.choice(PRODUCTS)
    long_ago = world.now - timedelta(days=world.random.choice([30, 200, 369, 372]))
    moment = world.random.choice([world.moment(), world.moment(), long_ago])
    world.deliveries[product, number] = {
        "id": number,
        "filter_id": 1,
        "lead_id": number,
        "mortgage_broker_id": world.random.choice(world.brokers),
        "delivered_at": moment,
    }


def change(world: World) -> None:
    """A delivery is another one than it was."""
    if world.deliveries:
        key = world.random.choice(list(world.deliveries))
        changes = (
            {"mortgage_broker_id": world.random.choice([*world.brokers, None])},
            {"delivered_at": world.moment(40)},
            {"delivered_at": world.random.choice([None, datetime(2024, 12, 31, 23)])},
            {"filter_id": world.random.randint(2, 9)},
        )
        world.deliveries[key] = world.deliveries[key] | world.random.choice(changes)


def remove(world: World) -> None:
    """A delivery is no longer there."""
    if world.deliveries:
        world.delete(world.deliveries, world.random.choice(list(world.deliveries)))


def grant_plan(world: World) -> None:
    """A broker gets a plan, from some day on, perhaps to some other."""
    number = world.number()
    starts = world.now - timedelta(days=world.random.randint(0, 60))
    ends = starts + timedelta(days=world.random.randint(-5, 50))
    world.plans[number] = {
        "id": number,
        "mortgage_broker_id": world.random.choice(world.brokers),
        "plan_name": "plan",
        "discount_type": world.random.choice(["percent", "amount", "percent ", "Percent", None]),
        "discount_value": world.random.choice(["12.5", "7.77", "33.333333", "250", "-3", None]),
        "started_at": starts,
        "ended_at": world.random.choice([None, ends]),
    }


def change_plan(world: World) -> None:
    """A plan is corrected, or was never granted."""
    if world.plans:
        key = world.random.choice(list(world.plans))
        if world.random.random() < 0.3:
            world.delete(world.plans, key)
        else:
            value = world.random.choice(["10", "0.005", "100", "600000000000"])
            world.plans[key] = world.plans[key] | {"discount_value": value}


TURNS = {deliver: 8, change: 4, remove: 2, grant_plan: 3, change_plan: 2}
