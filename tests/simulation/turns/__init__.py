"""What may happen in a world on one day: a function a turn, each with its weight."""

from collections.abc import Callable

from tests.simulation.turns import calls, configuration, invoices, leads, mortgage, msp, reports
from tests.simulation.world import World

TURNS: dict[Callable[[World], object], int] = {
    **leads.TURNS,
    **reports.TURNS,
    **calls.TURNS,
    **mortgage.TURNS,
    **configuration.TURNS,
    **msp.TURNS,
    **invoices.TURNS,
    World.bring_back: 3,
}
FEWEST_TURNS, MOST_TURNS = 5, 20


def open_world(world: World) -> None:
    """Give a world its first facts."""
    configuration.open_books(world)
    msp.open_client(world)
    for _ in range(world.random.randint(2, 5)):
        leads.arrive(world)
        leads.sell(world)
        mortgage.deliver(world)
        reports.report(world)


def live_a_day(world: World) -> None:
    """Let a few things happen."""
    turns = world.random.choices(
        list(TURNS), list(TURNS.values()), k=world.random.randint(FEWEST_TURNS, MOST_TURNS)
    )
    for turn in turns:
        turn(world)
