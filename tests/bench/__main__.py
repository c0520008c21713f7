"""`python -m tests.bench [--leads-per-day 20000] [--days 365] [--folder .bench]`."""

import argparse
import logging
import signal
import sys
from pathlib import Path

from ingestion.settings import PROJECT
from tests.bench import deals, invoices, ledger, msp, server

PARTS = ("ledger", "deals", "msp", "invoices")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--leads-per-day", type=int, default=20_000, help="default 20000")
    parser.add_argument("--invoices", type=int, default=300_000, help="default 300000")
    parser.add_argument("--clients", type=int, default=2_000, help="MSP clients, default 2000")
    parser.add_argument("--days", type=int, default=365, help="days of history, default 365")
    parser.add_argument(
        "--folder",
        type=Path,
        default=PROJECT / ".bench",
        help="where the database is while it runs, 25 GB at the default size (default .bench)",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with server.running(arguments.folder) as settings:
        if "ledger" in arguments.parts:
            ledger.run(settings, arguments.leads_per_day, arguments.days)
        if "deals" in arguments.parts:
            deals.run(settings, arguments.leads_per_day // 10, arguments.days)
        if "msp" in arguments.parts:
            msp.run(settings, arguments.clients)
        if "invoices" in arguments.parts:
            invoices.run(settings, arguments.invoices)


if __name__ == "__main__":
    main()
