"""What buyers report: one word after another, over weeks, each in its own vocabulary."""

from collections.abc import Iterator
from datetime import datetime

from ingestion.sandbox.story.cast import UNMAPPED_WORDS, Partner
from ingestion.sandbox.story.plot import DAY, Row, Story


def report(story: Story, lead: Row, partner: Partner, sold_at: datetime) -> None:
    """The buyer says what became of the lead: one word after another, over weeks."""
    if not partner.channel:
        return
    for word, at in _fates(story, partner, sold_at):
        raw = partner.words[word]
        if partner.channel != "crm" and story.in_thousand(12):
            raw = story.dice.choice(UNMAPPED_WORDS)
        value = lead["lead_data"]["loan_amount"] if word == "sold" else ""
        event = {
            **_identity(story, lead, partner),
            "status": raw,
            "status_date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sale_amount": value,
        }
        if partner.channel == "crm":
            status = {"crm_lead_status": raw, "revenue": value}
            key = {"lead_id": lead["lead_id"], "partner_id": partner.partner_id}
            story.happens(at, "crm", key | status)
        else:
            named = {partner.columns.get(name, name): value for name, value in event.items()}
            story.happens(at, partner.channel, {"partner": partner.partner_id, "event": named})


def _fates(story: Story, partner: Partner, sold_at: datetime) -> Iterator[tuple[str, datetime]]:
    at = story.later(sold_at, 1200, 3 * DAY)
    if story.in_thousand(60):
        yield "bad_data", at
        return
    if not story.in_thousand(700):
        return
    yield "contacted", at
    if story.in_thousand(450):
        at = story.later(at, DAY, 6 * DAY)
        yield "quoted", at
    at = story.later(at, 5 * DAY, 45 * DAY)
    if story.in_thousand(partner.converted * 10 // 7):
        yield "sold", at
        if story.in_thousand(70):
            yield "rescinded", story.later(at, 3 * DAY, 20 * DAY)
    elif story.in_thousand(500):
        yield "lost", at


def _identity(story: Story, lead: Row, partner: Partner) -> Row:
    """Return how the buyer names the lead: by our id, its own reference, phone or e-mail."""
    blank = dict.fromkeys(("lead_id", "buyer_lead_ref", "phone", "email"), "")
    data = lead["lead_data"]
    phone = f"({data['phone'][:3]}) {data['phone'][3:6]}-{data['phone'][6:]}"
    ways = (
        {"lead_id": lead["lead_id"]},
        {"buyer_lead_ref": f"{partner.name[:2].upper()}-{lead['lead_id']}"},
        {"phone": phone},
        {"email": data["email"].upper()},
        {"lead_id": f"9{lead['lead_id']}"},  # a typing error: nobody knows this lead
    )
    return blank | story.dice.choices(ways, (780, 80, 85, 50, 5))[0]
