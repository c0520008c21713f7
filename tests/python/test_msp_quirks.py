"""What a vendor or a seed says twice concerns its client alone, and is told."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.settings import Settings
from orchestration import pipeline
from orchestration.dbt import run_dbt
from tests.python import golden
from tests.python.msp import Msp, build, moment, msp, night
from tests.python.msp_world import RATES, TIB, World

FIRST, CLOSED, REPAIRED = "2025-01-10", "2025-02-10", "2025-03-10"
MONTH = "to_char(bill_month, 'YYYY-MM')"


@pytest.fixture(scope="module")
def vendors(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Msp:
    """Nights around the close of January: the first one lands every twin there is."""
    golden.empty(built, "landing", "snapshots", "intermediate", "marts")
    world = quirks()
    with msp(built) as vendors:
        folder = tmp_path_factory.mktemp("seeds")
        for day in (FIRST, CLOSED):
            night(vendors, day, world.serve(vendors, folder), "2025-01")
        yield vendors


def quirks() -> World:
    world = World()
    world.plan("Gold")
    _overlaps(world)
    _plans(world)
    _tickets(world)
    world.client("PLAIN", users=2)
    return world


def _overlaps(world: World) -> None:
    """Overlapping rows of every kind (R12): the one that is effective later rules."""
    later = {"effective_from": "2024-06-01"}
    world.client("SEEDS", users=1)
    for cost, since in (("30", {}), ("31", later)):
        world.seed(
            "msp_client_overrides",
            account_number="SEEDS",
            override_puc_enabled="true",
            per_user_cost=cost,
            **since,
        )
    asset = world.asset("SEEDS")
    world.asset("SEEDS", device_type="Desktop")
    user = world.user("SEEDS")
    for to, since in (("Server", later), ("VM", {})):
        world.seed("msp_asset_overrides", asset_id=asset["id"], billing_type=to, **since)
    for name, to, since in (("Desktop", "VM", {}), ("desktop", "Switch", later)):
        world.seed("msp_device_types", device_type=name, billing_type=to, **since)
    for cost, since in (("1", {}), ("2", later)):
        world.seed(
            "msp_user_overrides",
            account_number="SEEDS",
            user_id=user["id"],
            billing_type="Custom",
            custom_cost=cost,
            **since,
        )
        kept = {"account_number": "SEEDS", "billing_type": "Custom", "custom_cost": f"{cost}00"}
        world.seed("msp_manual_assets", manual_asset_id=1, **kept, **since)
        world.seed("msp_manual_users", manual_user_id=1, **kept, **since)
        world.seed(
            "msp_custom_line_items",
            line_item_id=1,
            account_number="SEEDS",
            monthly_fee=f"{cost}000",
            **since,
        )
        world.seed(
            "msp_feature_overrides",
            account_number="SEEDS",
            feature_type="mdm",
            override_enabled="true",
            value=cost,
            **since,
        )


def _plans(world: World) -> None:
    """Two plans of one name and term."""
    world.plan("Twice", per_user_cost=5)
    world.plan("Twice", per_user_cost=7)
    world.plan("Alike", per_user_cost=5)
    world.plan("Alike", per_user_cost=5)
    world.client("TWICE", users=1, billing_plan="Twice")
    world.seed("msp_custom_line_items", line_item_id=2, account_number="TWICE", monthly_fee=9)
    world.client("ALIKE", users=1, billing_plan="Alike")
    world.client("OVERRIDE", users=1)
    world.seed(
        "msp_client_overrides",
        account_number="OVERRIDE",
        override_billing_plan_enabled="true",
        billing_plan="Twice",
    )


def _tickets(world: World) -> None:
    """Two tickets of one number; entries of January."""
    at = "2025-01-15T10:00:00Z"
    entry = {"time_spent": "01:00", "billable": True, "timer_running": False, "executed_at": at}
    world.client("ONE")
    world.client("OTHER")
    for account, number in (("ONE", "7001"), ("OTHER", "7001"), ("ONE", "7002")):
        world.ticket(account, at, 1, ticket_number=number)
    known = {"created_at": at, "updated_at": at, "spam": False, "deleted": False}
    world.helpdesk.append({"id": 7001, "department_id": None} | known)
    world.entries["7001"] = [entry | {"id": 1}]
    world.client("SPAM")
    world.ticket("SPAM", at, 2, ticket_number="7003")
    world.ticket("SPAM", at, 4, ticket_number="7003", status="spam")
    world.client("NUMBER")
    world.ticket("NUMBER", at, 3, ticket_number=None, status=None)


def total(vendors: Msp, account: str, month: str = "2025-01") -> Decimal:
    ((found,),) = vendors.rows(
        f"select total from marts.rpt_msp_bills where account_number = %s and {MONTH} = %s",
        *(account, month),
    )
    return found


def reasons(vendors: Msp, account: str) -> list[tuple]:
    return vendors.rows(
        f"select reason, detail, {MONTH} from marts.rpt_msp_exceptions where account_number = %s"
        " and bill_month < date '2025-02-01' order by 1, 2",
        account,
    )


def test_of_two_rows_that_overlap_the_later_effective_one_rules(vendors: Msp) -> None:
    """Users of 31 and 2, a Server, a Switch, a manual asset and user of 200, an item of 2000."""
    assert total(vendors, "SEEDS") == 31 + 2 + 100 + 5 + 200 + 200 + 2000
    assert vendors.rows(
        f"select feature_value from marts.rpt_msp_features where {MONTH} = '2025-01'"
    ) == [("2",)]
    assert total(vendors, "PLAIN") == 40


def test_plans_of_one_name_are_an_exception_of_their_clients(vendors: Msp) -> None:
    assert total(vendors, "TWICE") == 9  # line items are billed all the same (M2)
    assert reasons(vendors, "TWICE") == [("ambiguous_plan", "Twice / Month to Month", "2025-01")]
    assert total(vendors, "OVERRIDE") == 0
    assert reasons(vendors, "OVERRIDE") == [("ambiguous_plan", "Twice / Month to Month", "2025-01")]
    assert total(vendors, "ALIKE") == 5
    assert reasons(vendors, "ALIKE") == []


def test_tickets_of_one_number_are_exceptions_and_their_hours_nobodys(vendors: Msp) -> None:
    assert total(vendors, "ONE") == 100  # ticket 7002 alone
    assert total(vendors, "OTHER") == 0
    for account in ("ONE", "OTHER"):
        assert reasons(vendors, account) == [("ambiguous_ticket", "7001", "2025-01")]
    assert total(vendors, "SPAM") == 200
    assert reasons(vendors, "SPAM") == []


def test_a_ticket_without_number_or_status_is_billed(vendors: Msp) -> None:
    assert total(vendors, "NUMBER") == 300


def test_no_test_stops_the_night_and_the_overlaps_are_warnings(vendors: Msp) -> None:
    overlap = "assert_msp_configuration_rows_do_not_overlap"
    results = run_dbt(
        vendors.settings, "test", "--select", "tag:msp", overlap, "source:seeds+1", "snap_seeds__*"
    )
    assert {node.name for node in results if node.status == "warn"} == {overlap}


def test_a_history_with_overlapping_rows_is_built_again_and_repaired(
    vendors: Msp, tmp_path: Path
) -> None:
    """Built from empty, the snapshots played again, and the seed's repair all work."""
    ledger = "select * from marts.fct_ledger_entries order by entry_id"
    before = vendors.rows(ledger)
    tonight = replace(vendors.settings, now=moment(CLOSED))
    assert pipeline.replay_snapshots(tonight) == [moment(FIRST)]
    golden.empty(vendors.settings, "intermediate", "marts")
    vendors.connection.execute(
        "delete from landing.build_watermarks where schema_name <> 'snapshots'"
    )
    build(vendors.settings, "2025-01")
    assert vendors.rows(ledger) == before
    repaired = quirks()
    for name, rows in repaired.seeds.items():
        repaired.seeds[name] = [row for row in rows if not row.get("effective_from")]
    night(vendors, REPAIRED, repaired.serve(vendors, tmp_path / "seeds"), "2025-01")
    assert set(before) <= set(vendors.rows(ledger))


@pytest.mark.parametrize("names", [("DC-01", "dc-01"), ("DC-01", "DC-01")])
def test_the_bytes_of_a_host_are_counted_once(
    built: Settings, tmp_path: Path, names: tuple[str, str]
) -> None:
    """Two servers are billed, each with its base fee; the terabytes of Datto once."""
    golden.empty(built, "landing", "snapshots", "intermediate", "marts")
    world = World()
    world.plan("Gold")
    world.client("BYTES")
    for name in names:
        world.asset("BYTES", hostname=name, billing_type="Server", tb=9)
    with msp(built) as vendors:
        seeds = world.serve(vendors, tmp_path / "seeds")
        _devices(vendors, {"DC-01": 3 * TIB, "dc-01": 2 * TIB + 1})
        vendors.sync("datto", "2025-01-10")
        night(vendors, "2025-01-10", seeds, "2025-01")
        ((found,),) = vendors.rows("select backup_bytes from marts.rpt_msp_bills")
        assert found == 5 * TIB + 1
        # Two servers at 100, two base fees at 50, and 3 TB over the two that are included.
        assert total(vendors, "BYTES") == 200 + 100 + 300
    assert RATES["backup_included_tb"] == 1


def _devices(vendors: Msp, devices: dict[str, int]) -> None:
    site = {"uid": "site-1", "id": 1, "name": "A site"}
    vendors.stores.datto.sites = [site]
    vendors.stores.datto.variables = {"site-1": [{"name": "AccountNumber", "value": "BYTES"}]}
    vendors.stores.datto.devices = [
        {"uid": name, "siteUid": "site-1", "hostname": name, "udf": {"udf6": str(size)}}
        for name, size in devices.items()
    ]
