"""Configuration kept by hand: terms, mappings, campaigns, with mistakes and their repair."""

from datetime import timedelta

from tests.simulation.world import World

KINDS = ("plain_lead", "drip", "cpa", "cpt", "warm_transfer", "mortgage_lead", "unheard_of")
UNITS = ("leads", "calls")
BASES = ("per_sale", "per_transfer", "percent_of_value", "")
WORDS = {
    "Sold": "sold",
    "Spoke": "contacted",
    "No Thanks": "lost",
    "Rescinded": "rescinded",
    "GESCHÄFT ABGESCHLOSSEN": "sold",
}


def open_books(world: World) -> None:
    """Write the first terms, words and campaigns."""
    world.seeds = {
        "deal_types": [],
        "deal_terms": [],
        "disposition_map": [
            {"partner_id": partner, "raw_status": raw, "status": status, "effective_from": ""}
            for partner in world.partners
            for raw, status in WORDS.items()
            if world.random.random() < 0.9
        ],
        "call_campaigns": [
            {"campaign_id": campaign, "kind": kind, "policy": policy, "partner_id": partner}
            | {"effective_from": "2025-01-01", "effective_to": ""}
            for campaign, kind, policy, partner in zip(
                world.campaigns,
                ("cbm", "lead_call", "lead_call", "transfer"),
                ("", "equal", world.random.choice(["first", "last", "most_recent_sale"]), ""),
                ("", *world.partners),
                strict=True,
            )
        ],
    }
    if world.random.random() < 0.7:
        type_deals(world)
    # One pays for what becomes of a lead, one by the world's own type of deal, one as it comes.
    pays = {"deal_type": world.random.choice(["cpa", "cpt", "warm_transfer"])}
    pays |= {"rate_basis": world.random.choice(["per_sale", "percent_of_value"]), "rate": "87.5"}
    for partner, terms in zip(
        world.partners, (pays, {"deal_type": world.own_deal_type}), strict=False
    ):
        world.seeds["deal_terms"].append(
            {"partner_id": partner, "filter_set_id": "", "effective_from": "2026-01-01"} | terms
        )
    agree(world)


def agree(world: World) -> None:
    """A partner's terms from some day on; two rows of one key and day would be a mistake."""
    starts = world.now - timedelta(days=world.random.randint(0, 60))
    row = {
        "partner_id": world.random.choice(world.partners),
        "filter_set_id": world.random.choice(["", "16"]),
        "deal_type": world.random.choice([*KINDS, world.own_deal_type]),
        "rate_basis": world.random.choice(BASES),
        "rate": world.random.choice([world.money(300), "12.5", ""]),
        "min_seconds": world.random.choice(["", "60"]),
        "effective_from": f"{starts:%Y-%m-%d}",
        "effective_to": world.random.choice(["", f"{starts + timedelta(days=30):%Y-%m-%d}"]),
    }
    names = ("partner_id", "filter_set_id", "effective_from")
    terms = world.seeds["deal_terms"]
    if all(any(row[name] != known[name] for name in names) for known in terms):
        terms.append(row)


def change_terms(world: World) -> None:
    """Terms are corrected, or were never agreed."""
    terms = world.seeds["deal_terms"]
    if terms and world.random.random() < 0.2:
        terms.pop(world.random.randrange(len(terms)))
    elif terms:
        row = world.random.choice(terms)
        row |= world.random.choice(
            [
                {"rate": world.money(300)},
                {"deal_type": world.random.choice([*KINDS, world.own_deal_type])},
                {"rate_basis": world.random.choice(BASES)},
            ]
        )


def type_deals(world: World) -> None:
    """The world's own type of deal is written down, after it was agreed on, or before."""
    if not world.seeds["deal_types"]:
        world.seeds["deal_types"].append(
            {
                "deal_type": world.own_deal_type,
                "business_unit": world.random.choice(UNITS),
                "label": "A deal of our own",
                "paid_on": world.random.choice(["sale", "conversion", ""]),
            }
        )


def change_type(world: World) -> None:
    """A type of deal moves to another business unit, is paid otherwise, or is struck out."""
    type_deals(world)
    row = world.seeds["deal_types"][0]
    others = [unit for unit in UNITS if unit != row["business_unit"]]
    match world.random.randrange(5):
        case 0:
            row |= {"paid_on": world.random.choice(["sale", "conversion", ""])}
        case 1:
            world.seeds["deal_types"].clear()
        case _:
            row |= {"business_unit": world.random.choice(others)}


def change_words(world: World) -> None:
    """A partner's word comes to mean another status."""
    words = world.seeds["disposition_map"]
    if words:
        world.random.choice(words)["status"] = world.random.choice(list(WORDS.values()))


def change_campaign(world: World) -> None:
    """A campaign pays in another way."""
    row = world.random.choice(world.seeds["call_campaigns"])
    row |= world.random.choice(
        [
            {"kind": world.random.choice(["cbm", "lead_call", "transfer"])},
            {"policy": world.random.choice(["equal", "first", "last", "most_recent_sale", ""])},
            {"partner_id": world.random.choice([*world.partners, ""])},
        ]
    )


TURNS = {
    agree: 2,
    change_terms: 2,
    type_deals: 1,
    change_type: 3,
    change_words: 1,
    change_campaign: 1,
}
