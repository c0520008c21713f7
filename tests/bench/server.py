"""An embedded Postgres of the benchmark's own, removed afterwards, and what the machine is."""

import os
import platform
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields, replace
from pathlib import Path

import psycopg
from rich.console import Console

from ingestion import embedded
from ingestion.settings import Settings, read_settings
from ingestion.warehouse import connect
from tests import databases

SOURCE_NAME = "billing_db"

console = Console(highlight=False, width=100)


@contextmanager
def running(folder: Path) -> Iterator[Settings]:
    """Yield the settings of a new server in `folder`, with billing_db as its second database."""
    data, port = folder.resolve() / "warehouse", _free_port()
    for name in [
        name for name in os.environ if name.startswith(("WAREHOUSE_", "BILLING_DB_", "PG"))
    ]:
        del os.environ[name]
    os.environ.update(
        LEDGERHOUSE_EMBEDDED_DIR=str(data),
        WAREHOUSE_PORT=port,
        WAREHOUSE_PASSWORD="ledgerhouse",
        BILLING_DB_HOST="127.0.0.1",
        BILLING_DB_PORT=port,
        BILLING_DB_USER="ledgerhouse",
        BILLING_DB_PASSWORD="ledgerhouse",
        BILLING_DB_NAME=SOURCE_NAME,
    )
    settings = _alone(read_settings())
    _remove(data)
    embedded.start(settings)
    try:
        yield settings
    finally:
        _remove(data)


def _alone(settings: Settings) -> Settings:
    """Return the settings without any source or heartbeat of the user's own `.env`."""
    optional = {item.name: item.default for item in fields(settings) if item.default is not MISSING}
    return replace(settings, **optional | {"billing_db": settings.billing_db})


def _remove(data: Path) -> None:
    """Stop the server and remove its data, also those of a benchmark that was killed."""
    embedded.stop("immediate")
    if data.exists():
        shutil.rmtree(data.resolve())
        data.unlink(missing_ok=True)
        with suppress(OSError):  # the folder holds something of the user's
            data.parent.rmdir()


def empty_databases(settings: Settings) -> None:
    """Make the warehouse and the source new."""
    for name in (settings.warehouse.name, SOURCE_NAME):
        databases.make(settings, name)


def source(settings: Settings) -> psycopg.Connection:
    """Connect to the source database."""
    return connect(settings, database=SOURCE_NAME)


def machine() -> str:
    """Return what the timings depend on: processor, cores, memory, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def show(what: str, seconds: float, rows: int = 0, goal: float | None = None) -> None:
    """Print one timing, with its rate where it is of so many rows."""
    rate = f"{rows / seconds:12,.0f} rows/s" if rows else ""
    console.print(f"{what:45}{seconds:9.1f} s{rate}{_verdict(seconds, goal, ' s')}")


def show_ratio(what: str, seconds: float, against: float, goal: float | None = None) -> None:
    """Print how many times as long one took as the other."""
    ratio = seconds / against
    console.print(f"{what:45}{ratio:9.2f} x{_verdict(ratio, goal, '')}", style="bold")


def _verdict(value: float, goal: float | None, unit: str) -> str:
    if goal is None:
        return ""
    return f"   goal {goal}{unit}: {'met' if value <= goal else 'MISSED'}"
