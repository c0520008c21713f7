"""The defects of the engine that MSP billing replaces, each as a test of what is right.

One world of small clients, each named after its defect, is landed twice: on 10 April, when January
to March are closed, and on 10 May, after April has closed. Then its bills are read once.
"""

import copy
from dataclasses import dataclass
from decimal import Decimal

import pytest

from ingestion.settings import Settings
from tests.python import golden
from tests.python.msp import msp, night
from tests.python.msp_world import World

FIRST, SECOND = "2025-04-10", "2025-05-10"


@dataclass
class Billed:
    """What was billed: rows of the marts by account and month (and line)."""

    bills: dict
    lines: dict
    exceptions: list
    features: list
    late: list
    ledger: dict

    def total(self, account: str, month: str = "2025-01") -> Decimal:
        return Decimal(self.bills[account, month]["total"])

    def amounts(self, account: str, month: str = "2025-01") -> list[Decimal]:
        of_bill = [row for key, row in self.lines.items() if key[:2] == (account, month)]
        return sorted(Decimal(row["amount"]) for row in of_bill)

    def reasons(self, account: str) -> set[str]:
        return {row["reason"] for row in self.exceptions if row["account_number"] == account}


def first_world() -> World:
    """Everything that is known on 10 April."""
    world = World()
    world.plan("Gold", features={"antivirus": "SentinelOne", "web_filtering": "DNSFilter"})
    world.plan("Gold", "1 Year")
    world.plan("Silver", "1 Year", per_user_cost=15)
    world.plan("Rising")
    world.plan("Care", support_level="All Inclusive")
    world.plan("Cents", per_hour_ticket_cost=100.5, backup_per_tb_fee=40.5)
    _history(world)
    _plans_and_contracts(world)
    _assets_and_users(world)
    _backups(world)
    _hours(world)
    _items(world)
    return world


def _history(world: World) -> None:
    world.client("B01", users=2, billing_plan="Rising")
    world.client("B19")
    world.ticket("B19", "2025-03-10T10:00:00Z", 5)


def _plans_and_contracts(world: World) -> None:
    world.client("B02", users=1, contract_start_date="2024-01-01", contract_end_date="2024-12-31")
    world.client("B03", users=1, billing_plan="Golden")
    world.seed("msp_custom_line_items", line_item_id=3, account_number="B03", monthly_fee=300)
    world.client("B04", users=1)
    world.seed(
        "msp_client_overrides",
        account_number="B04",
        billing_plan="Silver",
        override_billing_plan_enabled="true",
    )
    world.client("B04P", users=1, billing_plan=None)
    world.seed(
        "msp_client_overrides",
        account_number="B04P",
        billing_plan=" Gold ",
        override_billing_plan_enabled="true",
    )
    world.client("B24", users=1)
    world.seed("msp_client_overrides", account_number="B24", override_support_level_enabled="true")
    world.client("B33", contract_start_date="2024-02-29", contract_term_length="1 Year ")
    world.client("B33T", contract_end_date="2025-12-31T00:00:00Z")
    world.client("B33N", contract_end_date="soon")
    world.client("B34")
    world.client("B35", contract_end_date="2025-02-10")
    world.client("B36", billing_plan=None)
    world.client("B40", users=1)
    world.seed(
        "msp_client_overrides",
        account_number="B40",
        override_puc_enabled="true",
        per_user_cost="0.00",
    )


def _override(world: World, account: str, to: str | None, **asset: object) -> None:
    row = world.asset(account, **asset)
    world.seed("msp_asset_overrides", asset_id=row["id"], billing_type=to)


def _assets_and_users(world: World) -> None:
    world.seed("msp_device_types", device_type="Server", billing_type="Server")
    world.seed("msp_device_types", device_type="Network Device", billing_type="Switch")
    world.client("B06")
    world.asset("B06", device_type="Server")
    world.asset("B06", device_type="Network Device")
    world.client("B07")
    _override(world, "B07", "No Charge", billing_type="Server")
    world.client("B12")
    _override(world, "B12", "Sever")
    _override(world, "B12", "Server ")
    world.asset("B12", billing_type="User")
    world.client("B13")
    world.asset("B13", billing_type=None)
    _override(world, "B13", None)
    world.client("B14", users=1)
    for billing_type, cost in (("Custom", 80), ("paid", None), (None, None)):
        user = world.user("B14")
        world.seed(
            "msp_user_overrides",
            account_number="B14",
            user_id=user["id"],
            billing_type=billing_type,
            custom_cost=cost,
        )
    world.client("B15", users=1)
    world.user("B15", active=False)
    world.client("B16")
    world.client("B16S")
    shared = world.user("B16")
    world.companies["B16S"]["contacts"].append(shared)
    world.seed(
        "msp_user_overrides", account_number="B16", user_id=shared["id"], billing_type="Free"
    )
    world.client("B31", users=2)
    world.asset("B31", billing_type="Custom", custom_cost=-50)
    world.client("U07")
    world.user("U07", billing_type="Custom", custom_cost=33)


def _backups(world: World) -> None:
    for account, billing_type in (("B08", None), ("B08K", "Server")):
        world.client(account)
        _override(world, account, "Server", tb=0.5, billing_type=billing_type)
    world.client("B09")
    world.asset("B09", billing_type="server", tb=1)
    world.asset("B09", billing_type="Custom", tb=1)
    world.client("B10")
    world.asset("B10", billing_type="Server", tb=3)
    world.seed(
        "msp_client_overrides",
        account_number="B10",
        override_bit_enabled="true",
        backup_included_tb="0.00",
    )
    world.client("B11")
    world.asset("B11", billing_type="Server", backup_data_bytes=3_000_000_000_000)


def _prepaid(world: World, account: str, monthly: object = "", yearly: object = "") -> None:
    world.client(account)
    world.seed(
        "msp_client_overrides",
        account_number=account,
        override_prepaid_hours_monthly_enabled="true",
        prepaid_hours_monthly=monthly,
        override_prepaid_hours_yearly_enabled="true",
        prepaid_hours_yearly=yearly,
    )


def _hours(world: World) -> None:
    _prepaid(world, "B17", 10, 20)
    for month, hours in (("01", 10), ("02", 10), ("03", 15)):
        world.ticket("B17", f"2025-{month}-10T10:00:00Z", hours)
    _prepaid(world, "B18", "", 20)
    world.ticket("B18", "2024-11-10T10:00:00Z", 30)
    world.ticket("B18", "2025-01-10T10:00:00Z", 5)
    _prepaid(world, "B20", "", 3)
    world.ticket("B20", "2025-01-31T23:59:59.500Z", 4)
    world.ticket("B20", "2025-02-10T10:00:00Z", 1)
    world.client("B21")
    world.ticket("B21", "2025-01-31T20:00:00-05:00", 1)
    world.client("B22", users=1)
    for at in ("2025-03-10T09:00:00", "2025-02-10", None):
        world.ticket("B22", at, 1)
    world.client("B23", billing_plan="Care")
    world.ticket("B23", "2025-01-10T10:00:00Z", 2)
    _prepaid(world, "B25", -5)
    world.client("B26")
    world.ticket("B26", "2024-01-10T10:00:00Z", 7)
    world.ticket("B26", "2025-01-10T10:00:00Z", 3)
    world.client("B29", billing_plan="Cents")
    world.ticket("B29", "2025-01-10T10:00:00Z", 0.25)
    world.asset("B29", billing_type="No Charge", tb=0.25)
    _prepaid(world, "B30", "0.30")
    world.ticket("B30", "2025-01-10T10:00:00Z", 0.1)
    world.ticket("B30", "2025-01-11T10:00:00Z", 0.2)
    world.client("B39")
    world.ticket("B39", "2025-01-10T10:00:00Z", 2, status="spam")
    world.ticket("B39", "2025-01-10T10:00:00Z", 3, status="Open")


def _items(world: World) -> None:
    def item(account: str, **row: object) -> None:
        world.seed(
            "msp_custom_line_items",
            line_item_id=world.number(),
            account_number=account,
            name="An item",
            **row,
        )

    world.client("B27")
    item("B27", monthly_fee=25, one_off_fee=500, one_off_year=2025, one_off_month=1)
    item("B27", one_off_year=2025, one_off_month=1, yearly_fee=300, yearly_bill_month=1)
    world.client("B28")
    item("B28", yearly_fee=900, yearly_bill_month=3, effective_from="2025-06-01")
    item("B28", monthly_fee="0.00")
    world.client("B32")
    item("B32", monthly_fee=300)
    world.client("B41")
    item("B41", one_off_fee=1200, one_off_year=2026, one_off_month=1)
    item("B41", one_off_fee=7, one_off_year=2025, one_off_month=1)


def second_world(first: World) -> World:
    """What is known on 10 May: a dearer plan, a third user, an old ticket touched."""
    world = copy.deepcopy(first)
    next(plan for plan in world.plans if plan["plan_name"] == "Rising")["per_user_cost"] = 25
    world.user("B01")
    world.companies["B19"]["tickets"][0].update(
        last_updated_at="2025-05-03T10:00:00Z", total_hours_spent=6
    )
    return world


@pytest.fixture(scope="module")
def billed(built: Settings, tmp_path_factory) -> Billed:
    golden.empty(built, "landing", "snapshots", "intermediate", "marts")
    first = first_world()
    with msp(built) as vendors:
        for day, world in ((FIRST, first), (SECOND, second_world(first))):
            seeds = world.serve(vendors, tmp_path_factory.mktemp("seeds"))
            night(vendors, day, seeds, "2024-11")
    month = "to_char(bill_month, 'YYYY-MM') as month"
    return Billed(
        golden.by(
            golden.query(built, f"select *, {month} from marts.rpt_msp_bills"),
            *("account_number", "month"),
        ),
        golden.by(
            golden.query(built, f"select *, {month} from marts.fct_msp_charges"),
            *("account_number", "month", "line_key"),
        ),
        golden.query(built, f"select *, {month} from marts.rpt_msp_exceptions"),
        golden.query(built, f"select *, {month} from marts.rpt_msp_features"),
        golden.query(built, f"select *, {month} from marts.rpt_msp_late_changes"),
        golden.by(golden.query(built, "select * from marts.fct_ledger_entries"), "entry_key"),
    )


def test_b01_a_closed_month_keeps_its_prices_and_inventory(billed: Billed) -> None:
    assert billed.total("B01", "2025-03") == billed.total("B01", "2025-04") == 40
    assert billed.total("B01", "2025-05") == 75


def test_b02_an_ended_contract_is_flagged_and_still_billed(billed: Billed) -> None:
    assert billed.bills["B02", "2025-01"]["is_contract_expired"] == "True"
    assert billed.total("B02") == 20


def test_b03_a_client_without_a_plan_is_listed_and_pays_its_items(billed: Billed) -> None:
    assert billed.bills["B03", "2025-01"]["status"] == "no_plan"
    assert billed.total("B03") == 300
    assert billed.reasons("B03") == {"no_plan"}


def test_b04_an_override_plan_not_sold_for_the_term_gives_way(billed: Billed) -> None:
    assert billed.total("B04") == billed.total("B04P") == 20


def test_b06_a_device_type_says_what_a_device_is_billed_as(billed: Billed) -> None:
    assert billed.amounts("B06") == [5, 100]


def test_b07_an_override_wins_over_the_payload(billed: Billed) -> None:
    assert billed.total("B07") == 0


def test_b08_the_billed_type_decides_the_backup_fees(billed: Billed) -> None:
    for account in ("B08", "B08K"):
        assert Decimal(billed.bills[account, "2025-01"]["backup_charges"]) == 50


def test_b09_types_are_counted_whatever_their_case(billed: Billed) -> None:
    assert Decimal(billed.bills["B09", "2025-01"]["backup_charges"]) == 150


def test_b10_no_included_terabytes_are_none(billed: Billed) -> None:
    assert billed.lines["B10", "2025-01", "backup:overage"]["amount"] == "300.00"


def test_b11_a_terabyte_is_two_to_the_fortieth(billed: Billed) -> None:
    assert billed.lines["B11", "2025-01", "backup:overage"]["amount"] == "172.85"


def test_b12_an_unknown_type_is_an_exception_and_blanks_do_not_matter(billed: Billed) -> None:
    assert billed.total("B12") == 100
    assert {row["detail"] for row in billed.exceptions if row["account_number"] == "B12"} == {
        "Sever",
        "User",
    }


def test_b13_a_missing_type_falls_to_the_next_level(billed: Billed) -> None:
    assert billed.amounts("B13") == [10, 10]


def test_b14_custom_users_are_counted_apart_and_paid_in_any_case(billed: Billed) -> None:
    bill = billed.bills["B14", "2025-01"]
    assert billed.total("B14") == 140
    assert [bill[f"qty_{kind}"] for kind in ("users", "custom_users", "free_users")] == [
        *("3", "1", "0")
    ]


def test_b15_a_deactivated_user_is_not_billed(billed: Billed) -> None:
    assert billed.total("B15") == 20


def test_b16_a_user_is_overridden_at_one_client_only(billed: Billed) -> None:
    assert (billed.total("B16"), billed.total("B16S")) == (0, 20)


def test_b17_the_yearly_pool_pays_only_what_the_monthly_one_does_not(billed: Billed) -> None:
    march = billed.bills["B17", "2025-03"]
    assert billed.total("B17", "2025-03") == 0
    assert Decimal(march["prepaid_yearly_left"]) == 15


def test_b18_the_yearly_pool_fills_up_in_january(billed: Billed) -> None:
    assert billed.total("B18", "2024-11") == 1000
    assert billed.total("B18", "2025-01") == 0


def test_b19_a_touched_ticket_bills_only_what_is_new(billed: Billed) -> None:
    assert billed.total("B19", "2025-03") == 500
    assert billed.total("B19", "2025-05") == 100
    assert [(row["month"], row["difference"]) for row in billed.late] == [("2025-03", "-500.00")]


def test_b20_the_last_second_belongs_to_its_month(billed: Billed) -> None:
    assert (billed.total("B20", "2025-01"), billed.total("B20", "2025-02")) == (100, 100)


def test_b21_months_are_cut_in_utc(billed: Billed) -> None:
    assert (billed.total("B21", "2025-01"), billed.total("B21", "2025-02")) == (0, 100)


def test_b22_a_time_without_zone_is_utc_and_none_is_an_exception(billed: Billed) -> None:
    assert (billed.total("B22", "2025-02"), billed.total("B22", "2025-03")) == (120, 120)
    assert billed.reasons("B22") == {"missing_time"}


def test_b23_all_inclusive_hours_are_not_billed(billed: Billed) -> None:
    assert billed.total("B23") == 0
    assert Decimal(billed.bills["B23", "2025-01"]["hours"]) == 2


def test_b24_a_blank_support_level_falls_back_to_the_plan(billed: Billed) -> None:
    assert billed.bills["B24", "2025-01"]["support_level"] == "Billed Hourly"


def test_b25_negative_prepaid_counts_as_none_and_is_an_exception(billed: Billed) -> None:
    assert billed.total("B25") == 0
    assert billed.reasons("B25") == {"negative_prepaid"}


def test_b26_hours_are_those_of_the_month_and_year(billed: Billed) -> None:
    assert Decimal(billed.bills["B26", "2025-01"]["hours"]) == 3


def test_b27_every_fee_of_an_item_is_billed(billed: Billed) -> None:
    assert billed.amounts("B27") == [25, 300, 500]


def test_b28_items_begin_on_their_day_and_nothing_makes_no_line(billed: Billed) -> None:
    assert billed.amounts("B28", "2025-03") == []


def test_b29_lines_round_half_up_and_add_up_to_the_bill(billed: Billed) -> None:
    assert billed.amounts("B29") == [Decimal("10.13"), Decimal("25.13")]
    assert billed.total("B29") == Decimal("35.26")


def test_b30_prepaid_used_exactly_leaves_no_line(billed: Billed) -> None:
    assert billed.amounts("B30") == []


def test_b31_a_credit_is_a_line_and_in_the_total(billed: Billed) -> None:
    assert billed.amounts("B31") == [-50, 20, 20]
    assert billed.total("B31") == -10


def test_b32_every_closed_line_is_in_the_ledger(billed: Billed) -> None:
    booked = [key for (key,) in billed.ledger if key.startswith("msp:B32:")]
    assert len(booked) == 6  # November to April
    closed = [row for row in billed.lines.values() if row["is_closed"] == "True"]
    assert {(row["charge_id"],) for row in closed} == set(billed.ledger)


def test_b33_contract_ends_survive_leap_days_blanks_and_times(billed: Billed) -> None:
    assert billed.bills["B33", "2025-01"]["contract_ends_on"] == "2025-02-27"
    assert billed.bills["B33T", "2025-01"]["contract_ends_on"] == "2025-12-31"
    assert billed.bills["B33N", "2025-01"]["contract_ends_on"] == ""
    assert billed.reasons("B33N") == {"bad_contract_date"}


def test_b34_a_feature_of_any_name_is_shown(billed: Billed) -> None:
    assert {
        row["feature_type"]
        for row in billed.features
        if (row["account_number"], row["month"]) == ("B34", "2025-01")
    } == {"antivirus", "web_filtering"}


def test_b35_expiry_is_judged_at_the_month_that_is_billed(billed: Billed) -> None:
    flags = [billed.bills["B35", f"2025-0{month}"]["is_contract_expired"] for month in (1, 2, 3)]
    assert flags == ["False", "True", "True"]


def test_b36_a_client_without_a_plan_does_not_hide_the_others(billed: Billed) -> None:
    assert billed.reasons("B36") == {"no_plan"}
    assert len({account for account, month in billed.bills if month == "2025-01"}) == len(
        first_world().companies
    )


def test_b39_spam_is_not_billed_and_open_tickets_are(billed: Billed) -> None:
    assert billed.total("B39") == 300


def test_b40_a_rate_of_zero_is_a_rate(billed: Billed) -> None:
    assert Decimal(billed.bills["B40", "2025-01"]["rate_per_user_cost"]) == 0
    assert billed.total("B40") == 0


def test_b41_a_one_off_is_billed_in_its_own_year(billed: Billed) -> None:
    assert billed.amounts("B41") == [7]


def test_u07_a_user_is_billed_by_its_own_type(billed: Billed) -> None:
    assert billed.amounts("U07") == [33]
