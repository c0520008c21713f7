"""One embedded Postgres for the whole session, on a free port, away from the user's own."""

import gc
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered
from xdist.scheduler import LoadScopeScheduling

from ingestion import embedded
from ingestion.lock import run_lock
from ingestion.registry import make_stream_tables
from ingestion.settings import Settings, read_settings
from ingestion.warehouse import connect, ensure_database
from orchestration.dbt import run_dbt
from tests.python import golden
from tests.python.msp import Msp, msp
from tests.python.redshift import stand_in
from tests.python.webhook import Webhook

# How the names of our settings begin (README, Settings).
SETTINGS = (
    *("WAREHOUSE_", "REDSHIFT_", "LEDGERHOUSE_", "PG", "INTERNAL_API_", "NOTICE_"),
    *("BILLING_DB_", "BILLINGO_", "BOBERDOO_", "INVOCA_", "DISPOSITIONS_"),
    *("CODEX_", "CORE_", "FRESHSERVICE_", "DATTO_"),
)
# Tests of these files stay together, for they share a fixture that takes long to make.
TOGETHER = {
    f"test_{name}.py"
    for name in (
        *("billingo_contract", "declarations", "docs", "flows", "landing", "msp_quirks"),
        *("msp_rules", "questions", "values"),
    )
}
# These begin first: at the end, one worker would do them while the other waits.
LONGEST = ("test_simulation.py", "test_msp_bills.py", "test_deals.py")


class ByFixture(LoadScopeScheduling):
    """Give a worker one test at a time, or one file that stays together."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return path if Path(path).name in TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return ByFixture(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def flags_without_source() -> Iterator[None]:
    """Spare dbt the search for where each of its flags is defined.

    It walks the whole stack through all modules for each, in every command: in a test worker, with
    frames that no module has, that takes longer than the builds.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt"))
        yield


@pytest.fixture(scope="session", autouse=True)
def seldom_collected() -> None:
    """A night in dbt makes millions of objects that go by themselves: looking for rings costs."""
    gc.set_threshold(100_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def listening_to_ctrl_c() -> None:
    """A shell's background job ignores Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server() -> Iterator[Settings]:
    """The settings of a running embedded server; nothing of the environment leaks in."""
    for name in list(os.environ):
        if name.startswith(SETTINGS):
            del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="ledgerhouse-tests-"))
    folder.chmod(0o755)
    os.environ["LEDGERHOUSE_EMBEDDED_DIR"] = str(folder / "warehouse")
    os.environ["WAREHOUSE_PORT"] = str(free_port())
    os.environ["DO_NOT_TRACK"] = "1"
    settings = read_settings()
    embedded.start(settings)
    yield settings
    embedded.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redshift(server: Settings) -> Iterator[Settings]:
    """The settings of a stand-in for Redshift, its database empty."""
    with stand_in(server, free_port()) as settings:
        yield settings


@pytest.fixture(scope="session")
def built(server: Settings) -> Settings:
    """The settings of a warehouse in which every model is built and published, without a row."""
    with run_lock(server) as connection:
        make_stream_tables(connection)
    golden.empty(server, "landing")  # of what tests have landed that need no models
    with run_lock(server):
        run_dbt(server, "build", "--exclude-resource-type", "test", "unit_test")
    golden.publish(server)
    golden.remember_views(server)
    with connect(server, database="postgres", autocommit=True) as connection:
        ensure_database(connection, "billing_db")
    return server


@pytest.fixture
def settings(built: Settings) -> Settings:
    """Settings of an empty warehouse, its models built, and of an empty billing_db."""
    golden.empty(built, "landing", "snapshots", "staging", "intermediate", "marts")
    source = replace(built.warehouse, name="billing_db")
    with psycopg.connect(**source.parameters()) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
        connection.execute(
            (Path(__file__).parent.parent / "golden/lead_ledger/schema.sql").read_text()
        )
    return replace(built, billing_db=source)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook that is heard by nobody else."""
    webhook = Webhook()
    yield webhook
    webhook.server.shutdown()


@pytest.fixture
def vendors(settings: Settings) -> Iterator[Msp]:
    """The simulated Codex, Freshservice and Datto, empty, and a warehouse for what they say."""
    with msp(settings) as running:
        yield running


def book(
    settings: Settings,
    list_amount: str = "80",
    amount: str = "80",
    *,
    number: int = 1,
    day: str = "2025-02-09",
    known_at: str = "2025-02-10 00:05",
    reversed_at: str | None = None,
) -> None:
    """Put an entry into the ledger, as no pipeline would where the amounts differ."""
    known_at = reversed_at or known_at
    sign = "-" if reversed_at else ""
    with connect(settings) as connection:
        connection.execute(
            "insert into marts.fct_ledger_entries (entry_id, entry_key, entry_kind, deal_type,"
            " business_unit, component, account_id, source, source_key, quantity, list_amount,"
            " discount_amount, amount, currency, reason, occurred_at, recorded_at)"
            " values (%(entry_id)s, %(key)s, %(kind)s, 'mortgage_lead',"
            " 'leads', 'sale', 'broker:1', 'billing_db', %(source_key)s, %(quantity)s,"
            " %(list_amount)s, 0, %(amount)s, 'USD', 'new', %(day)s, %(known_at)s)",
            {
                "entry_id": f"mortgage:land:{number}:{known_at}",
                "key": f"mortgage:land:{number}",
                "source_key": f"land:{number}",
                "kind": "reversal" if reversed_at else "booking",
                "quantity": -1 if reversed_at else 1,
                "list_amount": sign + list_amount,
                "amount": sign + amount,
                "day": day,
                "known_at": known_at,
            },
        )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
