"""The worked scenarios of leads and calls as one: each keeps its days, under names of its own.

One warehouse then has them all in as many nights as the longest has, and each must come out as if
it were alone. A scenario's number is made part of every id, phone and e-mail in it; within a
scenario the order of ids stays, so ties fall as before.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simplejson

from ingestion.sandbox.boberdoo import Boberdoo
from ingestion.sandbox.invoca import Invoca
from tests.python.golden import read_csv

Row = dict[str, Any]
WINDOW_STARTS = "2026-06-01 00:00:00"


class Names:
    """How the names in one scenario read where it is one of many."""

    def __init__(self, scenario: Path) -> None:
        self.number = int(scenario.name[:2])

    def digits(self, text: str) -> str:
        """Of leads, partners and campaigns; of several, each."""
        return re.sub(r"\d+", lambda found: f"{self.number + 50}{found[0]:0>6}", text)

    def letters(self, text: str) -> str:
        """Of transactions, calls (`C-1`) and advertisers (`BRK-0007`): after their letters."""
        return re.sub(r"^([A-Z]+)", rf"\g<1>{self.number:02}", text)

    def phone(self, text: str) -> str:
        return re.sub(r"404(?=\D{0,3}555)", f"4{self.number:02}", text)

    def email(self, text: str) -> str:
        return re.sub(r"(?i)@example", f"@example{self.number:02}", text)

    def account(self, text: str) -> str:
        kind, _, name = text.partition(":")
        return f"{kind}:{self.id(name)}" if name else text

    def id(self, text: str) -> str:
        return self.letters(text) if text[:1].isalpha() else self.digits(text)

    def key(self, text: str) -> str:
        """Of entries: `boberdoo:100:207:purchase:...`, `conversion:100:207`, `call:C-1:b:...`."""
        kind, *parts = text.split(":")
        ids = 2 if parts and (parts[0].isdigit() or kind == "call") else 1
        mapped = [
            self.id(part) if place < ids and re.search(r"^(\d+|[A-Z]+-?\d+)$", part) else part
            for place, part in enumerate(parts)
        ]
        return ":".join([kind, *mapped])

    def event(self, text: str) -> str:
        """Of a row of a file named after its partner: `207_20260714:1`."""
        partner, rest = text.split("_", 1)
        return f"{self.digits(partner)}_{rest}"

    def renamed(self, value: Any) -> Any:
        """Return rows, however nested, under the scenario's own names."""
        if isinstance(value, list):
            return [self.renamed(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._field(name)(item) if isinstance(item, str) else self.renamed(item)
            for name, item in value.items()
        }

    def _field(self, name: str) -> Callable[[str], str]:
        of = {
            **dict.fromkeys(("lead_id", "lead_ids", "partner_id", "campaign_id"), self.digits),
            "advertiser_campaign_id": self.digits,
            "dynamic_number_pool_referrer_param1_value": self.digits,
            **dict.fromkeys(("transaction_id", "corrects_transaction_id"), self.letters),
            **dict.fromkeys(("call_id", "complete_call_id"), self.letters),
            "advertiser_id_from_network": self.letters,
            **dict.fromkeys(("phone", "calling_phone_number"), self.phone),
            "email": self.email,
            "account_id": self.account,
            **dict.fromkeys(("entry_id", "entry_key", "linked_key"), self.key),
            "event_id": self.event,
        }
        return of.get(name, str)


def together(scenarios: list[Path], folder: Path) -> Path:
    """Write the scenarios as one to `folder`, in the form of each; return where it is."""
    whole = folder / "together"
    clocks = sorted({clock for scenario in scenarios for clock in _clocks(scenario)})
    vendors = {scenario: (Boberdoo(), Invoca()) for scenario in scenarios}
    seeds: dict[tuple[str, Path], list[Row]] = {}
    days = []
    for number, now in enumerate(clocks, 1):
        night = whole / f"day_{number:02}"
        (night / "dispositions").mkdir(parents=True)
        (night / "seeds").mkdir()
        answers: dict[str, list[Row]] = {"lead": [], "refund": [], "transaction": [], "call": []}
        for scenario, (portal, network) in vendors.items():
            names = Names(scenario)
            for day in (day for day in _days(scenario) if day["now"] == now):
                source = scenario / f"day_{day['day']:02}"
                portal.load_day(source, day["transactions_window"])
                network.load_day(source)
                for path in sorted(source.glob("dispositions/*.csv")):
                    rows = names.renamed(read_csv(path))
                    _write_csv(night / "dispositions" / names.event(path.name), rows)
                for path in source.glob("seeds/*.csv"):
                    seeds[path.name, scenario] = names.renamed(read_csv(path))
            for lead in names.renamed(list(portal.leads.values())):
                buyers = {"partner": lead["matched_partners"]}
                answers["lead"].append(lead | {"matched_partners": buyers})
            answers["refund"] += names.renamed(portal.refunds)
            answers["transaction"] += names.renamed(portal.transactions)
            answers["call"] += names.renamed(network.rows)
        for action, entity in (
            ("getLeadDetails", "lead"),
            ("getAllRefunds", "refund"),
            ("getTransactionDetails", "transaction"),
        ):
            answer = {"response": {f"{entity}s": {entity: answers[entity]}}}
            _write_json(night / f"boberdoo_{action}.json", answer)
        _write_json(night / "invoca_transactions.json", answers["call"])
        for name in sorted({name for name, _ in seeds}):
            rows = [row for (file, _), rows in seeds.items() if file == name for row in rows]
            _write_csv(night / "seeds" / name, rows)
        window = [WINDOW_STARTS, now.replace("T", " ").rstrip("Z")]
        days.append({"day": number, "now": now, "transactions_window": window})
    _write_json(whole / "scenario.json", {"days": days})
    _expect(scenarios, clocks, whole / "expected")
    return whole


def _expect(scenarios: list[Path], clocks: list[str], folder: Path) -> None:
    folder.mkdir()
    for name in ("ledger", "exceptions", "parked", "lead_partner", "calls", "revenue"):
        rows = [
            row
            for scenario in scenarios
            for row in Names(scenario).renamed(read_csv(scenario / f"expected/{name}.csv"))
        ]
        _write_csv(folder / f"{name}.csv", rows)
    _write_csv(
        folder / "unmapped.csv",
        [
            row | {"as_of": now}
            for scenario in scenarios
            for now in clocks
            for row in Names(scenario).renamed(read_csv(scenario / "expected/unmapped.csv"))
            # A scenario that has ended stays as it was on its last day.
            if row["as_of"] == max((day for day in _clocks(scenario) if day <= now), default="")
        ],
    )


def _days(scenario: Path) -> list[Row]:
    days: list[Row] = simplejson.loads((scenario / "scenario.json").read_text())["days"]
    return days


def _clocks(scenario: Path) -> list[str]:
    return [day["now"] for day in _days(scenario)]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(simplejson.dumps(value, use_decimal=True))


def _write_csv(path: Path, rows: list[Row]) -> None:
    """Write each row once."""
    unique = list({tuple(row.items()): row for row in rows}.values())
    columns = list(dict.fromkeys(name for row in unique for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or ["none"])
        writer.writeheader()
        writer.writerows(unique)
