"""What runs when, as data: Prefect, cron and the report of missed jobs all read it (SPEC O1)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A job: its cron expression (UTC), how old its last success may be, and what it lands.

    Without sources it lands all that are configured.
    """

    job: str
    cron: str
    allowed_hours: int
    what: str
    sources: tuple[str, ...] = ()


# No two begin together: one run at a time holds the warehouse (SPEC R8).
SCHEDULES = {
    schedule.job: schedule
    for schedule in (
        Schedule("nightly", "5 0 * * *", 26, "the ledger, from every source"),
        Schedule(
            "invoices-and-backup",
            "0 2 * * *",
            26,
            "invoices and backup sizes",
            ("billingo", "datto"),
        ),
        Schedule("tickets", "0 3-21/6 * * *", 8, "tickets and their hours", ("freshservice",)),
    )
}

# What looks after the jobs, by cron expression (UTC).
UPKEEP = {
    "build": "0 5 * * 0",
    "check": "30 * * * *",
}
