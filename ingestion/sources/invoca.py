"""Invoca: every row of every call, in the order Invoca made them.

Only the id cursor without dates is in that order: a correction of an old call is a new row there
(SPEC D9), where a moving window of call dates would miss it. The calls of the last days are read
again as a check. The columns are pinned: an account's default set changes.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ingestion.environment import configured
from ingestion.fields import MONEY, TIME, WHOLE_NUMBER, need, spare
from ingestion.http import Client, VendorError, open_client
from ingestion.loads import Load, open_load
from ingestion.personal import Personal
from ingestion.run import Run
from ingestion.sources.invoca_account import Invoca
from ingestion.streams import Stream
from ingestion.warehouse import connect

NAME = "invoca"
REQUIRES = ("INVOCA_BASE_URL", "INVOCA_TOKEN", "INVOCA_NETWORK_ID")

# What the caller is known by goes; what the call is and pays stays.
CALL_FIELDS = (
    *("transaction", "complete_call_id", "correct", "start_time", "duration", "connect_", "ivr_"),
    *("advertiser_", "affiliate_", "lead_id", "dynamic_number_pool_"),
    *("revenue", "sale_", "signal_"),
)
RING_POOL_PARAMETERS = range(1, 26)
TRANSACTIONS = Stream(
    NAME,
    "transactions",
    key=("transaction_id",),
    personal=Personal(("calling_phone_number",), (), kept=CALL_FIELDS),
    # The columns are asked for by name: one that is not answered is gone, a blank one is fine.
    fields=(
        *need("complete_call_id", "transaction_type"),
        *need("start_time_utc", form=WHOLE_NUMBER),
        *need("connect_duration", form=WHOLE_NUMBER, may_be_blank=True),
        *need("advertiser_payin_localized", form=MONEY, may_be_blank=True),
        *need("advertiser_campaign_id", "advertiser_id", may_be_blank=True),
        *need("calling_phone_number", "corrects_transaction_id", may_be_blank=True),
        *need("corrected_at", form=TIME, may_be_blank=True),
        *spare("advertiser_id_from_network", why="advertiser_id stands in for it"),
        *spare("advertiser_name", "advertiser_campaign_name", why="they only name things"),
        *spare("lead_id", "lead_ids", why="not every network has these columns"),
        *spare(
            *(
                f"dynamic_number_pool_referrer_param{number}_{part}"
                for number in RING_POOL_PARAMETERS
                for part in ("name", "value")
            ),
            why="not every call has them",
        ),
    ),
)
STREAMS = [TRANSACTIONS]

PER_MINUTE = 20  # a working pipeline waits 3 seconds between pages
COLUMNS = (
    *("transaction_id", "transaction_type", "complete_call_id"),
    *("corrects_transaction_id", "corrected_at", "start_time_utc", "start_time_xml"),
    *("duration", "ivr_duration", "connect_duration", "hangup_cause"),
    *("calling_phone_number", "destination_phone_number", "mobile", "region", "verified_zip"),
    *("advertiser_id", "advertiser_id_from_network", "advertiser_name"),
    *("advertiser_campaign_id", "advertiser_campaign_id_from_network"),
    *("advertiser_campaign_name", "advertiser_payin_localized", "payin_conditions"),
    *("matching_advertiser_payin_policies", "affiliate_id", "affiliate_id_from_network"),
    *("affiliate_name", "affiliate_payout_localized", "margin_localized", "media_type"),
    *("promo_line_description", "call_result_description_detail", "revenue", "sale_amount"),
    *("signal_name", "signal_value", "signal_occurred_at", "signal_partner_unique_id"),
    "dynamic_number_pool_id",
    *(
        f"dynamic_number_pool_referrer_param{number}_{part}"
        for number in RING_POOL_PARAMETERS
        for part in ("name", "value")
    ),
)


def is_configured(run: Run) -> bool:
    """Tell whether the settings name an Invoca network."""
    return run.settings.invoca is not None


def sync(run: Run) -> list[Load]:
    """Land the rows after the cursor, then those of the last days' calls once more."""
    account = configured(run.settings.invoca, *REQUIRES)
    client = open_client(
        NAME,
        account.base_url,
        run.settings,
        headers={"Authorization": account.token},
        per_minute=PER_MINUTE,
    )
    with (
        connect(run.settings) as warehouse,
        open_load(warehouse, run.settings, TRANSACTIONS, loaded_at=run.loaded_at) as load,
    ):
        start = last = "" if run.full else load.cursor or ""
        for row in extract_transactions(client, account, after=start):
            load.add(row)
            last = _id(row) or last
        if start:
            for row in extract_transactions(client, account, **_recent(run, account)):
                load.add(row)
        load.counts.api_calls = client.calls
        load.complete(cursor=last)
    return [load]


def extract_transactions(
    client: Client, account: Invoca, after: str = "", **dates: str
) -> Iterator[Any]:
    """Yield rows after a transaction id, page by page up to an empty page.

    Raises VendorError for an answer that is no array, or a page that has no id to go on from.
    """
    path = f"/api/2020-10-01/networks/transactions/{account.network_id}.json"
    columns = ",".join((*COLUMNS, *account.custom_columns))
    for _ in client.pages(path):
        page = client.get_json(
            path,
            limit=account.page_size,
            start_after_transaction_id=after,
            include_columns=columns,
            **dates,
        )
        if not isinstance(page, list):
            raise VendorError(f"{NAME}: the answer is no array")
        yield from page
        if not page:
            return
        last = next((_id(row) for row in reversed(page) if _id(row)), None)
        if last is None or last == after:
            raise VendorError(f"{NAME}: a page after {after or 'the start'} does not go on")
        after = last


def _recent(run: Run, account: Invoca) -> dict[str, str]:
    """Return both dates: with one alone Invoca ignores it. The user's zone may be ahead."""
    today = run.loaded_at.date()
    start, end = today - timedelta(days=account.rescan_days), today + timedelta(days=1)
    return {"from": str(start), "to": str(end)}


def _id(row: Any) -> str | None:
    identity = row.get("transaction_id") if isinstance(row, dict) else None
    return identity if isinstance(identity, str) and identity.strip() else None
