"""boberdoo, simulated: always status 200, object or array, a rejected key answers with nothing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import simplejson

from ingestion.sandbox.server import Answer, Request

KEY = "sandbox-boberdoo-key"
LEAD_TYPE = "33"
PAGE_ROWS = 100
REFUSED = {"response": {"errors": {"error": ["Lead_Type is required"]}}}

Row = dict[str, Any]


@dataclass
class Boberdoo:
    """The portal's data, which may be changed at any time, and its API: call it with a request.

    Leads are kept by id, as answered, with their buyers as a list; `crm_statuses` by lead and
    partner. Date listings lose the rows of their first hour, as the real one does near midnight;
    with `By_Transaction_Date` they are of the leads that were sold or refunded in them.
    """

    key: str = KEY
    leads: dict[str, Row] = field(default_factory=dict)
    transactions: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    partners: list[Row] = field(default_factory=list)
    filter_sets: list[Row] = field(default_factory=list)
    crm_statuses: dict[tuple[str, str], Row] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        """Answer an API request."""
        form = request.form()
        action = form.get("API_Action", "")
        lists = {
            "getLeadDetails": ("lead", self._lead_details),
            "getLeadsCRMStatus": ("lead", self._lead_statuses),
            "getTransactionDetails": ("transaction", self._transactions),
            "getAllRefunds": ("refund", self._refunds),
            "getPartnerList": ("partner", lambda form: self.partners),
            "getFilterSetsAll": ("filter_set", lambda form: self.filter_sets),
        }
        if action not in lists:
            return Answer({"response": {"errors": {"error": f"Unknown API_Action {action}"}}})
        item, rows = lists[action]
        if item == "lead" and not form.get("Lead_Type"):
            return Answer(REFUSED)
        return Answer(envelope(item, rows(form) if form.get("Key") == self.key else []))

    def load_day(self, folder: Path, window: tuple[str, str]) -> None:
        """Take the answers of one golden day: `window` is what its transactions replace."""
        for lead in _rows_of(folder, "getLeadDetails", "lead"):
            partners = lead.get("matched_partners") or {"partner": []}
            buyers = partners["partner"]
            lead["matched_partners"] = buyers if isinstance(buyers, list) else [buyers]
            self.leads[lead["lead_id"]] = {"lead_type": LEAD_TYPE} | lead
        if (folder / "boberdoo_getTransactionDetails.json").exists():
            start, end = window
            self.transactions = [
                row for row in self.transactions if not start <= row["transaction_date"] < end
            ] + _rows_of(folder, "getTransactionDetails", "transaction")
        for refund in _rows_of(folder, "getAllRefunds", "refund"):
            if refund not in self.refunds:
                self.refunds.append(refund)

    def _lead_details(self, form: dict[str, str]) -> list[Row]:
        return [
            {name: value for name, value in lead.items() if name != "lead_type"}
            | {
                "lead_data": _wrapped(lead),
                "matched_partners": _collection("partner", lead["matched_partners"]),
            }
            for lead in self._page(form)
        ]

    def _lead_statuses(self, form: dict[str, str]) -> list[Row]:
        return [
            {name: lead.get(name, "") for name in ("lead_id", "lead_date", "number_of_times_sold")}
            | {"matched_partners": _collection("partner", self._with_statuses(lead))}
            for lead in self._page(form)
        ]

    def _with_statuses(self, lead: Row) -> list[Row]:
        new = {"crm_lead_status": "New", "revenue": ""}
        return [
            {"partner_id": buyer["partner_id"], "partner_name": buyer["partner_name"]}
            | self.crm_statuses.get((lead["lead_id"], buyer["partner_id"]), new)
            for buyer in lead["matched_partners"]
        ]

    def _page(self, form: dict[str, str]) -> list[Row]:
        after, wanted = int(form.get("Last_Lead_ID") or 0), form.get("Lead_ID")
        found = (
            lead
            for lead in self.leads.values()
            if lead["lead_type"] == form["Lead_Type"]
            and int(lead["lead_id"]) > after
            and wanted in (None, lead["lead_id"])
        )
        if form.get("By_Transaction_Date"):
            sold = {row["lead_id"] for row in self._transactions(form)}
            listed = [lead for lead in found if lead["lead_id"] in sold]
        else:
            listed = _listed(found, "lead_date", form)
        return sorted(listed, key=lambda lead: int(lead["lead_id"]))[:PAGE_ROWS]

    def _transactions(self, form: dict[str, str]) -> list[Row]:
        return _listed(self.transactions, "transaction_date", form)

    def _refunds(self, form: dict[str, str]) -> list[Row]:
        return _listed(self.refunds, "refund_date", form)


def envelope(item: str, rows: list[Row]) -> Row:
    """Return the answer's body: one row as an object, many as an array, none as ""."""
    return {"response": {f"{item}s": _collection(item, rows)}}


def _collection(item: str, rows: list[Row]) -> Any:
    if not rows:
        return ""
    return {item: rows[0] if len(rows) == 1 else rows}


def _wrapped(lead: Row) -> Any:
    """Return `lead_data` now as an object, now as an array of one."""
    data = lead["lead_data"]
    data = data[0] if isinstance(data, list) else data
    return [data] if int(lead["lead_id"]) % 3 else data


def _listed(rows: Any, time: str, form: dict[str, str]) -> list[Row]:
    if not form.get("Date_Start"):
        return list(rows)
    start, end = f"{form['Date_Start']} 01:00:00", f"{form['Date_End']} 23:59:59"
    return [row for row in rows if start <= row[time] <= end]


def _rows_of(folder: Path, action: str, item: str) -> list[Row]:
    path = folder / f"boberdoo_{action}.json"
    if not path.exists():
        return []
    collection = simplejson.loads(path.read_text(), use_decimal=True)["response"][f"{item}s"]
    rows = collection[item] if collection else []
    return rows if isinstance(rows, list) else [rows]
