"""The story's leads and sales: who asks, who buys, what is taken back, edited, refunded.

What has not happened is not to be seen at a vendor, what was taken back is gone (`stage.py`).
"""

import random
from datetime import datetime, timedelta

from ingestion.sandbox.story.calls import call_in, make_call, transfer
from ingestion.sandbox.story.cast import (
    CALL_BUYER,
    CALL_BUYER_CAMPAIGNS,
    DRIP_FILTER_SET,
    DRIP_PARTNER,
    DRIP_PRICE,
    FIRST_NAMES,
    LAST_NAMES,
    LEAD_TYPE_WEIGHTS,
    LEAD_TYPES,
    LOAN_AMOUNTS,
    PARTNERS,
    REFUND_REASONS,
    SOURCES,
    STATES,
    Partner,
)
from ingestion.sandbox.story.plot import DAY, Row, Story, dollars, text_of
from ingestion.sandbox.story.reports import report

FIRST_LEAD = 8_800_001


def tell(until: datetime, *, leads: int = 3000, months: int = 12, seed: int = 1) -> Story:
    """Return the story of the `months` before `until` (UTC); the same arguments, the same story."""
    story = Story(random.Random(seed))
    start = until - timedelta(days=30 * months)
    moments = sorted(_moment(story, start, 30 * months) for _ in range(leads))
    previous: Row | None = None
    for number, at in enumerate(moments):
        lead = _make_lead(story, str(FIRST_LEAD + 2 * number), at, previous)
        _sell(story, lead, at)
        call_in(story, lead, previous, at)
        if story.in_thousand(60):
            _buyer_call(story, str(FIRST_LEAD + 2 * number + 1), at)
        previous = lead
    story.happenings.sort(key=lambda happening: happening.seen_from)
    return story


def _moment(story: Story, start: datetime, days: int) -> datetime:
    """Return a moment, by day rather than by night."""
    hour = min(23, max(0, round(story.dice.gauss(18, 3.5))))  # UTC: the middle of the day in the US
    day = story.dice.randrange(days - 1)
    midnight = start.replace(hour=0, minute=0, second=0) + timedelta(days=day + 1)
    return midnight + timedelta(hours=hour, seconds=story.dice.randrange(3600))


def _make_lead(story: Story, lead_id: str, at: datetime, previous: Row | None) -> Row:
    dice = story.dice
    lead_type = dice.choices(list(LEAD_TYPES), LEAD_TYPE_WEIGHTS)[0]
    state, (zip_code, area) = dice.choice(list(STATES.items()))
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    data = {
        "src": dice.choices(list(SOURCES), list(SOURCES.values()))[0],
        "sub_id": f"fb-{dice.randint(1, 9)}",
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}{lead_id[-4:]}@example.com".lower(),
        "phone": f"{area}555{dice.randrange(10_000):04}",
        "state": state,
        "zip": zip_code,
        "loan_purpose": LEAD_TYPES[lead_type],
        "loan_amount": str(dice.randint(*LOAN_AMOUNTS[lead_type]) * 1000),
    }
    if previous and story.in_thousand(40):  # the same person asks again
        same = ("first_name", "last_name", "email", "phone", "state", "zip")
        data |= {name: previous["lead_data"][name] for name in same}
    return {
        "lead_id": lead_id,
        "lead_type": lead_type,
        "lead_date": text_of(at),
        "lead_status": "Unmatched",
        "number_of_times_sold": "0",
        "lead_data": data,
        "matched_partners": [],
    }


def _sell(story: Story, lead: Row, at: datetime) -> None:
    buyers = _buyers(story)
    for partner in buyers:
        price = partner.price
        if price > 100:  # symbolic prices are the same for every type of lead
            price = price * {"33": 100, "34": 115, "35": 80}[lead["lead_type"]] // 100
        _sale(story, lead, partner, partner.filter_set_id, price, story.later(at, 1, 40))
    _show_lead(story, lead, at)
    if not buyers and story.in_thousand(250):
        sold_at = story.later(at, 30 * DAY, 90 * DAY)
        _sale(story, lead, DRIP_PARTNER, DRIP_FILTER_SET, DRIP_PRICE, sold_at)
        _show_lead(story, lead, sold_at)


def _buyers(story: Story) -> list[Partner]:
    wanted = story.dice.choices((0, 1, 2, 3), (34, 42, 18, 6))[0]
    chosen: list[Partner] = []
    while len(chosen) < wanted:
        partner = story.dice.choices(PARTNERS, [partner.weight for partner in PARTNERS])[0]
        if partner not in chosen:
            chosen.append(partner)
    return chosen


def _show_lead(story: Story, lead: Row, at: datetime) -> None:
    sold = len(lead["matched_partners"])
    lead |= {
        "number_of_times_sold": str(sold),
        "lead_status": "Matched" if sold else "Unmatched",
    }
    shown = lead | {"matched_partners": list(lead["matched_partners"])}
    story.happens(at + timedelta(seconds=45), "lead", shown)


def _sale(
    story: Story, lead: Row, partner: Partner, filter_set: str, cents: int, at: datetime
) -> None:
    """Sell the lead; some sales are taken back, or their price is corrected, or refunded."""
    buyer = {
        "partner_id": partner.partner_id,
        "partner_name": partner.name,
        "filter_set_id": filter_set,
        "buyer_lead_ref": f"{partner.name[:2].upper()}-{lead['lead_id']}",
    }
    lead["matched_partners"].append(buyer)
    row = _transaction(story, "Purchase", lead, partner, filter_set, cents, at)
    if story.in_thousand(8):
        story.happens(at, "transaction", row, until=story.later(at, DAY, 20 * DAY))
    elif cents > 100 and story.in_thousand(6):
        edited_at = story.later(at, DAY, 10 * DAY)
        story.happens(at, "transaction", row, until=edited_at)
        story.happens(edited_at, "transaction", row | {"amount": dollars(cents - 125)})
    else:
        story.happens(at, "transaction", row)
        if cents > 100 and story.in_thousand(partner.refunded):
            _refund(story, lead, partner, filter_set, cents, story.later(at, DAY, 14 * DAY))
        if partner.is_transfer and story.in_thousand(550):
            transfer(story, lead, partner, story.later(at, 900, 10_000))
        report(story, lead, partner, at)


def _transaction(
    story: Story,
    kind: str,
    lead: Row,
    partner: Partner,
    filter_set: str,
    cents: int,
    at: datetime,
) -> Row:
    story.transactions += 1
    return {
        "transaction_id": f"B{500_000 + story.transactions}",
        "transaction_date": text_of(at),
        "transaction_type": kind,
        "partner_id": partner.partner_id,
        "partner_name": partner.name,
        "filter_set_id": filter_set,
        "lead_type": lead["lead_type"],
        "lead_id": lead["lead_id"],
        "amount": dollars(cents),
    }


def _refund(
    story: Story, lead: Row, partner: Partner, filter_set: str, cents: int, at: datetime
) -> None:
    cents = cents if story.in_thousand(800) else cents // 2
    refund = _transaction(story, "Refund", lead, partner, filter_set, -cents, at)
    story.happens(at, "transaction", refund)
    reason = {
        "lead_id": lead["lead_id"],
        "partner_id": partner.partner_id,
        "partner_name": partner.name,
        "refund_reason": story.dice.choice(REFUND_REASONS),
        "refund_date": text_of(at),
        "refund_amount": dollars(cents),
        "status": "Approved",
    }
    story.happens(at, "refund", reason)


def _buyer_call(story: Story, lead_id: str, at: datetime) -> None:
    """Sell a call as a call: paid by Invoca's payin, or through boberdoo."""
    campaign = story.dice.choice(CALL_BUYER_CAMPAIGNS)
    phone = f"602555{story.dice.randrange(10_000):04}"
    if campaign.payin != "0.00":
        make_call(story, CALL_BUYER, campaign, at, phone=phone, leads=[])
        return
    lead = _make_lead(story, lead_id, at, None)
    lead["lead_data"] |= {"src": "live_calls", "phone": phone}
    lead["lead_data"]["call_id"] = make_call(story, CALL_BUYER, campaign, at, phone=phone, leads=[])
    filter_set, sold_at = CALL_BUYER.filter_set_id, story.later(at, 5, 60)
    row = _transaction(story, "Purchase", lead, CALL_BUYER, filter_set, CALL_BUYER.price, sold_at)
    story.happens(sold_at, "transaction", row)
    names = {"partner_id": CALL_BUYER.partner_id, "partner_name": CALL_BUYER.name}
    lead["matched_partners"].append(names | {"filter_set_id": filter_set})
    _show_lead(story, lead, sold_at)
