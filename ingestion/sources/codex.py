"""Codex: the MSP's companies with their assets, contacts and tickets, and its billing plans.

One bulk answer holds everything, without paging or a modified-since filter. Codex answers with
empty lists when its own syncs fail, so a list proves an absence only if it is complete (SPEC R3),
and a ticket's absence proves nothing: Codex drops tickets of custom statuses.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from ingestion.environment import configured
from ingestion.fields import NUMBER, TIME, TRUTH, WHOLE_NUMBER, need, spare
from ingestion.http import Client, VendorError, open_client
from ingestion.loads import Load, open_load
from ingestion.personal import NOBODY, NotErased, Personal
from ingestion.run import Run
from ingestion.streams import EVERYTHING, Scope, Stream, children_of
from ingestion.warehouse import connect

NAME = "codex"
REQUIRES = ("CODEX_BASE_URL", "CORE_BASE_URL")

CALLING_SERVICE = "ledger"
TOKEN_SECONDS = 240  # it lives five minutes
PER_MINUTE = 400  # of 500

PLANS = Stream(
    *(NAME, "plans", ("id",)),
    personal=NOBODY,
    fields=(
        *need("plan_name"),
        *need("term_length", "support_level", may_be_blank=True),
        *need("per_user_cost", "per_workstation_cost", form=NUMBER, may_be_blank=True),
        *need("per_server_cost", "per_vm_cost", form=NUMBER, may_be_blank=True),
        *need("per_switch_cost", "per_firewall_cost", form=NUMBER, may_be_blank=True),
        *need("per_hour_ticket_cost", "backup_per_tb_fee", form=NUMBER, may_be_blank=True),
        *need("backup_base_fee_workstation", form=NUMBER, may_be_blank=True),
        *need("backup_base_fee_server", "backup_included_tb", form=NUMBER, may_be_blank=True),
    ),
)
PLAN_FEATURES = Stream(
    *(NAME, "plan_features", ("plan_id", "feature_type")),
    scope_field="plan_id",
    personal=NOBODY,
    fields=need("feature_value", may_be_blank=True),
)
COMPANIES = Stream(
    *(NAME, "companies", ("account_number",)),
    personal=NOBODY,
    fields=(
        *need("billing_plan", "contract_term_length", may_be_blank=True),
        *spare("contract_start_date", "contract_end_date", why="not every company has a contract"),
        *spare("name", why="it only names things"),
    ),
)
ASSETS = Stream(
    *(NAME, "assets", ("id",)),
    personal=NotErased("they name who used a machine last"),
    fields=(
        *need("account_number"),
        *need("hostname", "device_type", may_be_blank=True),
        *need("backup_data_bytes", form=WHOLE_NUMBER, may_be_blank=True),
        *spare("billing_type", "custom_cost", why="few assets have one"),
    ),
)
# A contact can belong to two companies.
CONTACTS = Stream(
    NAME,
    "contacts",
    key=("account_number", "id"),
    personal=Personal(
        ("phone", "mobile_phone_number"),
        ("email",),
        kept=("id", "account_number", "active", "employment_type", "billing_type", "custom_cost"),
    ),
    fields=(
        *need("active", form=TRUTH, may_be_blank=True),
        *spare("name", "full_name", why="one of the two names the user"),
        *spare("billing_type", "custom_cost", why="few contacts have one"),
    ),
)
# Who asked is erased with all that they wrote.
TICKETS = Stream(
    *(NAME, "tickets", ("ticket_id",)),
    personal=Personal(
        (),
        ("requester_email",),
        kept=(
            *("ticket_", "account_number", "status", "priority", "total_hours_spent"),
            *("created_at", "last_updated_at", "closed_at"),
        ),
    ),
    fields=(
        *need("account_number", "ticket_number", "status"),
        *need("total_hours_spent", form=NUMBER, may_be_blank=True),
        *need("last_updated_at", form=TIME, may_be_blank=True),
    ),
)
STREAMS = [PLANS, PLAN_FEATURES, COMPANIES, ASSETS, CONTACTS, TICKETS]


@dataclass
class Codex:
    """A connection to Codex; its service token is asked of Core again before it expires."""

    codex: Client
    core: Client
    asked_at: float | None = None

    def get_json(self, path: str, **parameters: Any) -> Any:
        """Return the parsed answer of Codex; a token that is refused is renewed once."""
        self._renew_token()
        try:
            return self.codex.get_json(path, **parameters)
        except VendorError as error:
            if error.status != 401:
                raise
        self.asked_at = None
        self._renew_token()
        return self.codex.get_json(path, **parameters)

    def _renew_token(self) -> None:
        if self.asked_at is not None and time.monotonic() - self.asked_at < TOKEN_SECONDS:
            return
        services = {"calling_service": CALLING_SERVICE, "target_service": "codex"}
        answer = self.core.parse(self.core.request("POST", "/service-token", json=services))
        if not isinstance(answer, dict) or not answer.get("token"):
            raise VendorError("core: /service-token answered without a token")
        self.codex.session.headers["Authorization"] = f"Bearer {answer['token']}"
        self.asked_at = time.monotonic()


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a Codex."""
    return run.settings.codex is not None


def sync(run: Run) -> list[Load]:
    """Land plans first, then the parts of one bulk answer."""
    place = configured(run.settings.codex, *REQUIRES)
    codex = Codex(
        open_client(NAME, place.base_url, run.settings, per_minute=PER_MINUTE),
        open_client("core", place.core_base_url, run.settings, per_minute=PER_MINUTE),
    )
    plans = fetch_plans(codex)
    companies = fetch_companies(codex)
    with connect(run.settings) as warehouse:
        loads = [
            _land(run, warehouse, PLANS, iter(plans), EVERYTHING),
            _land(run, warehouse, PLAN_FEATURES, extract_features(plans), _features_of(plans)),
        ]
        calls = codex.codex.calls + codex.core.calls
        rows = extract_companies(companies)
        loads.append(_land(run, warehouse, COMPANIES, rows, EVERYTHING, calls))
        for stream in (ASSETS, CONTACTS, TICKETS):
            scope = EVERYTHING if stream is not TICKETS and has_all(companies, stream) else None
            rows = extract_children(companies, stream)
            loads.append(_land(run, warehouse, stream, rows, scope, parents=companies))
    return loads


def fetch_plans(codex: Codex) -> list[Any]:
    """Return the billing plans; raises VendorError unless Codex says that they are all there."""
    answer = codex.get_json("/billing-plans/api/plans")
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise VendorError("codex: the plans' answer does not say success")
    plans = answer.get("plans")
    if not isinstance(plans, list) or answer.get("count", len(plans)) != len(plans):
        raise VendorError("codex: the plans' answer does not hold as many plans as it counts")
    return plans


def fetch_companies(codex: Codex) -> list[Any]:
    """Return the bulk answer; raises VendorError where it is no list."""
    # Without `year`: Codex compares it as text and would lose tickets without a time.
    answer = codex.get_json("/api/companies/bulk", include_tickets="true")
    if not isinstance(answer, list):
        raise VendorError("codex: the bulk answer is no list of companies")
    return answer


def extract_companies(companies: list[Any]) -> Iterator[Any]:
    """Yield the company of each entry of the bulk answer."""
    for entry in companies:
        yield entry.get("company") if isinstance(entry, dict) else entry


def extract_children(companies: list[Any], stream: Stream) -> Iterator[Any]:
    """Yield the assets, contacts or tickets of each company, with its account number."""
    for entry in companies:
        if isinstance(entry, dict) and isinstance(entry.get("company"), dict):
            account = {"account_number": entry["company"].get("account_number")}
            rows = entry.get(stream.name) or []
            for row in rows if isinstance(rows, list) else [rows]:
                yield account | row if isinstance(row, dict) else row


def extract_features(plans: list[Any]) -> Iterator[Any]:
    """Yield one row per plan and feature, whatever the feature is called (SPEC M12)."""
    for plan in plans:
        features = plan.get("features") if isinstance(plan, dict) else None
        if features and not isinstance(features, dict):
            yield features  # it is quarantined
            continue
        for name, value in (features or {}).items():
            yield {"plan_id": plan.get("id"), "feature_type": name, "feature_value": value}


def has_all(companies: list[Any], stream: Stream) -> bool:
    """Tell whether every company brings its list: only then an absence can be concluded."""
    return all(
        isinstance(entry, dict)
        and isinstance(entry.get("company"), dict)
        and isinstance(entry.get(stream.name), list)
        for entry in companies
    )


def _features_of(plans: list[Any]) -> Scope:
    return children_of(
        [str(plan["id"]) for plan in plans if isinstance(plan, dict) and "id" in plan]
    )


def _land(
    run: Run,
    warehouse: Connection,
    stream: Stream,
    rows: Iterator[Any],
    scope: Scope | None,
    api_calls: int = 0,
    parents: Sequence[Any] = (),
) -> Load:
    with open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at) as load:
        load.counts.api_calls = api_calls
        for parent in parents:
            load.saw_parent(parent, stream.name)
        for row in rows:
            load.add(row)
        # A record that could not be read may be any of those that are missing.
        load.complete(scope=None if load.counts.quarantined else scope)
    return load
