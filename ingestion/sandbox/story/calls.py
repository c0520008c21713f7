"""The calls of the story: transfers, leads that call in, and calls that are sold as calls."""

from datetime import datetime, timedelta

from ingestion.sandbox.story.cast import PARTNERS, Campaign, Partner
from ingestion.sandbox.story.plot import DAY, Row, Story


def transfer(story: Story, lead: Row, partner: Partner, at: datetime) -> None:
    """Connect the lead to its buyer by phone."""
    phone = lead["lead_data"]["phone"]
    if partner.campaign:
        make_call(story, partner, partner.campaign, at, phone=phone, leads=[lead])


def call_in(story: Story, lead: Row, previous: Row | None, at: datetime) -> None:
    """Some leads call; two of one household call together, and some calls carry no lead at all."""
    lines = [
        (partner, partner.campaign)
        for partner in PARTNERS
        if partner.campaign and not partner.is_transfer
    ]
    if not story.in_thousand(90):
        return
    (partner, campaign), called_at = story.dice.choice(lines), story.later(at, 1800, 5 * DAY)
    phone, leads = lead["lead_data"]["phone"], [lead]
    if previous and story.in_thousand(150):
        leads = [previous, lead]
    elif story.in_thousand(400):
        leads = []  # found by the phone number
    if story.in_thousand(80):
        phone, leads = f"212555{story.dice.randrange(10_000):04}", []
    make_call(story, partner, campaign, called_at, phone=phone, leads=leads)


def make_call(
    story: Story,
    partner: Partner,
    campaign: Campaign,
    at: datetime,
    *,
    phone: str,
    leads: list[Row],
) -> str:
    """Make the rows of one call and return its id: some are corrected days later, some signal."""
    story.calls += 1
    call_id = f"A{story.calls:05}-{story.dice.randrange(16**8):08X}"
    connected = story.dice.choice((0, 24, 61, 95, 180, 377, 642, 1260))
    pays = connected >= 60 or campaign.payin == "0.00"
    payin = campaign.payin if pays else "0.00"
    ids = ";".join(lead["lead_id"] for lead in leads)
    row = _call_row(partner, campaign, at, connected) | {
        "transaction_id": f"C{story.calls:05}-0",
        "complete_call_id": call_id,
        "calling_phone_number": f"{phone[:3]}-{phone[3:6]}-{phone[6:]}",
        "advertiser_payin_localized": f"${payin}",
        "dynamic_number_pool_referrer_param1_name": "lead_id" if ids else "",
        "dynamic_number_pool_referrer_param1_value": ids,
    }
    ended = at + timedelta(seconds=connected + 200)
    story.happens(ended, "call", row)
    if story.in_thousand(150):
        signal = {"transaction_type": "Signal", "signal_name": "Asked for a rate"}
        no_money = {"advertiser_payin_localized": "", "transaction_id": f"C{story.calls:05}-1"}
        story.happens(ended, "call", row | signal | no_money)
    if payin != "0.00" and story.in_thousand(40):
        corrected_at = story.later(ended, DAY, 9 * DAY)
        change = {
            "transaction_id": f"C{story.calls:05}-2",
            "corrects_transaction_id": row["transaction_id"],
            "corrected_at": corrected_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "advertiser_payin_localized": story.dice.choice(("$0.00", "$25.00", "$31.35")),
        }
        story.happens(corrected_at + timedelta(hours=1), "call", row | change)
    return call_id


def _call_row(partner: Partner, campaign: Campaign, at: datetime, connected: int) -> Row:
    return {
        "transaction_type": "Call",
        "corrects_transaction_id": "",
        "corrected_at": "",
        "start_time_utc": int((at - datetime(1970, 1, 1)).total_seconds()) * 1000,
        "duration": connected + 35,
        "ivr_duration": 29,
        "connect_duration": connected,
        "advertiser_id": f"40{partner.partner_id}",
        "advertiser_id_from_network": f"BRK-0{partner.partner_id}",
        "advertiser_name": partner.name,
        "advertiser_campaign_id": campaign.campaign_id,
        "advertiser_campaign_name": campaign.name,
        "affiliate_payout_localized": "$0.00",
        "revenue": "",
        "sale_amount": "",
        "signal_name": "",
        "signal_occurred_at": "",
    }
