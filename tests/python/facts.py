"""Facts of leads and calls in a few words each, landed night by night without their vendors.

`purchase`, `refund`, `lead`, `call` and `status` make the payload a loader would have landed, with
what a case does not care about filled in. `play` lands each night's facts and builds the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.loads import open_load
from ingestion.settings import Settings
from ingestion.sources import boberdoo, dispositions, invoca
from ingestion.streams import Scope, Stream
from ingestion.warehouse import connect
from tests.python import golden


@dataclass(frozen=True)
class Fact:
    """One payload of a stream; `is_gone`: a complete answer no longer has it."""

    stream: Stream
    payload: dict[str, Any]
    is_gone: bool = False


@dataclass(frozen=True)
class Night:
    """What one night lands; `seeds` are whole files by name, from then on."""

    facts: Sequence[Fact] = ()
    seeds: dict[str, str] = field(default_factory=dict)


def purchase(
    key: str,
    lead_id: str,
    partner_id: str,
    amount: str,
    at: str = "2026-07-10 10:00:00",
    **others: str,
) -> Fact:
    """Return a transaction: a purchase, or of the `transaction_type` that is given."""
    payload = {
        "transaction_key": key,
        "transaction_id": key,
        "transaction_type": "Purchase",
        "lead_id": lead_id,
        "lead_type": "33",
        "partner_id": partner_id,
        "filter_set_id": "1500",
        "amount": amount,
        "transaction_date": at,
    }
    return Fact(boberdoo.TRANSACTIONS, payload | others)


def refund(
    key: str, lead_id: str, partner_id: str, amount: str, at: str = "2026-07-12 10:00:00"
) -> Fact:
    """Return a refund."""
    return purchase(key, lead_id, partner_id, amount, at, transaction_type="Refund")


def gone(fact: Fact) -> Fact:
    """Return the fact as one that a complete answer no longer has."""
    return replace(fact, is_gone=True)


def lead(lead_id: str, created_at: str = "2026-07-10 09:00:00", **data: str) -> Fact:
    """Return a lead; `data` is what stands in its `lead_data`: phone, email, call_id."""
    payload = {"lead_id": lead_id, "lead_type": "33", "lead_date": created_at, "lead_data": data}
    return Fact(boberdoo.LEADS, payload)


def call(
    row_id: str,
    call_id: str,
    payin: str,
    campaign_id: str,
    at: str = "2026-07-10 12:00:00",
    **others: Any,
) -> Fact:
    """Return a row of a call, of type Call unless another `transaction_type` is given."""
    started_at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    payload = {
        "transaction_id": row_id,
        "complete_call_id": call_id,
        "transaction_type": "Call",
        "advertiser_payin_localized": payin,
        "advertiser_campaign_id": campaign_id,
        "advertiser_id": "77",
        "calling_phone_number": f"555{row_id[1:]:0>7}",
        "start_time_utc": int(started_at.timestamp()) * 1000,
        "connect_duration": 200,
    }
    return Fact(invoca.TRANSACTIONS, payload | others)


def status(
    event_id: str, partner_id: str, lead_id: str, says: str = "Sold", at: str = "2026-07-14"
) -> Fact:
    """Return what a partner says became of a lead."""
    payload = {
        "event_id": event_id,
        "row_number": 1,
        "partner_id": partner_id,
        "lead_id": lead_id,
        "status": says,
        "status_date": at,
    }
    return Fact(dispositions.FILE_EVENTS, payload)


def play(
    settings: Settings, folder: Path, nights: dict[datetime, Night]
) -> Iterator[tuple[datetime, Settings]]:
    """Land and build each night in turn; yield it once its ledger is built."""
    for now, night in nights.items():
        for name, text in night.seeds.items():
            (folder / f"{name}.csv").write_text(text)
        tonight = replace(settings, now=now, seeds_directory=folder)
        land(tonight, night.facts)
        golden.night(tonight, now, ("seeds",), golden.LEADS_AND_CALLS)
        yield now, tonight


def land(settings: Settings, facts: Sequence[Fact]) -> None:
    """Land facts as the versions known at the settings' clock."""
    with connect(settings) as warehouse:
        for stream in {fact.stream: None for fact in facts}:
            whole = replace(stream, max_deleted_share=1.0)
            with open_load(warehouse, settings, whole, loaded_at=settings.now) as load:
                lost = []
                for fact in (fact for fact in facts if fact.stream == stream):
                    if fact.is_gone:
                        lost.append(":".join(str(fact.payload[name]) for name in stream.key))
                    else:
                        load.add(fact.payload)
                load.complete(scope=_named(lost) if lost else None)


def _named(keys: list[str]) -> Scope:
    return Scope(
        "select key as source_key from unnest(%(keys)s::text[]) as named (key)",
        parameters={"keys": keys},
        may_be_empty=True,
    )
