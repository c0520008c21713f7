"""Who plays in the story of the lead business: buyers, sources, campaigns, and how they talk."""

from dataclasses import dataclass, field

LEAD_TYPES = {"33": "Refinance", "34": "Purchase", "35": "Home Equity"}
LEAD_TYPE_WEIGHTS = (52, 31, 17)
LOAN_AMOUNTS = {"33": (150, 620), "34": (180, 750), "35": (35, 180)}  # thousands of dollars

SOURCES = {
    "blueheron_refi": 34,
    "northstar_quotes": 26,
    "ratewise_search": 18,
    "homebase_social": 14,
    "porchlight_mail": 8,
}
STATES = {
    "GA": ("30303", "404"),
    "TN": ("37203", "615"),
    "OH": ("43215", "614"),
    "TX": ("78701", "512"),
    "FL": ("32801", "407"),
    "NC": ("27601", "919"),
    "AZ": ("85004", "602"),
    "CO": ("80202", "303"),
    "WA": ("98101", "206"),
    "PA": ("15222", "412"),
}
FIRST_NAMES = (
    *("Marta", "Jonas", "Denise", "Carlos", "Priya", "Walter", "Aisha", "Trevor", "Elena", "Noah"),
    *("Grace", "Hector", "Joan", "Samir", "Bridget", "Leon", "Yolanda", "Peter", "Mei", "Dwight"),
)
LAST_NAMES = (
    *("Alvarez", "Brandt", "Castillo", "Dawson", "Eriksen", "Foster", "Grady", "Hollis", "Ito"),
    *("Jankowski", "Keller", "Lambert", "Moreno", "Novak", "Okafor", "Pruitt", "Quinn", "Ramsey"),
    *("Sutton", "Tran", "Underwood", "Vance", "Whitaker", "Yates"),
)
REFUND_REASONS = ("Non-working phone", "Wrong state", "Duplicate", "Never requested", "Under age")
UNMAPPED_WORDS = ("pending review", "left w/ spouse", "docs out")


@dataclass(frozen=True)
class Campaign:
    """An Invoca campaign; `payin` is dollars a call."""

    campaign_id: str
    name: str
    payin: str


@dataclass(frozen=True)
class Partner:
    """A buyer of leads.

    `price` is the list price of a refinance lead, in cents; `weight` how often it buys; `channel`
    how it reports (csv, jsonl, feed, crm, or not at all); `words` its name for each canonical
    status; `columns` its own names of fields; `converted` how many of 1000 sales end well.
    """

    partner_id: str
    name: str
    price: int
    weight: int
    channel: str = ""
    words: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    converted: int = 0
    refunded: int = 0
    campaign: Campaign | None = None
    is_transfer: bool = False

    @property
    def filter_set_id(self) -> str:
        """Return the id of its filter set for fresh leads."""
        return f"1{int(self.partner_id) + 300}"


def _words(
    contacted: str, quoted: str, lost: str, bad: str, sold: str, rescinded: str
) -> dict[str, str]:
    return {
        "contacted": contacted,
        "quoted": quoted,
        "lost": lost,
        "bad_data": bad,
        "sold": sold,
        "rescinded": rescinded,
    }


PARTNERS = (
    Partner(
        *("201", "Harbor Point Lending", 4800, 20, "csv"),
        _words("Spoke", "Quoted", "No Thanks", "Bad #", "WON", "Cancelled Deal"),
        converted=45,
        refunded=60,
        campaign=Campaign("501", "Refi Inbound", "42.00"),
    ),
    Partner(
        *("202", "Cedar Mutual", 4350, 14, "csv"),
        _words("2 - Reached", "3 - Quoted", "7 - Dead", "8 - Bad", "9 - Closed", "10 - Fell Out"),
        {
            "lead_id": "Lead Ref",
            "buyer_lead_ref": "Our File",
            "phone": "Phone 1",
            "status": "Outcome",
            "status_date": "Outcome Date",
            "sale_amount": "Loan Amt",
        },
        converted=35,
        refunded=75,
        campaign=Campaign("504", "Cedar Callback", "28.50"),
    ),
    Partner(
        *("203", "Summit Crest Home Loans", 100, 12, "csv"),
        _words("in talks", "pre-qualified", "declined", "unreachable", "funded", "rescinded"),
        converted=85,
    ),
    Partner(
        *("204", "Bluegrass Capital", 100, 10, "jsonl"),
        _words("CONT", "QTD", "DNQ", "DISC", "ISSUED", "RESC"),
        {
            "buyer_lead_ref": "externalId",
            "status": "statusName",
            "status_date": "statusAt",
            "sale_amount": "fundedAmount",
        },
        converted=55,
    ),
    Partner(
        *("205", "Lakeside Mortgage", 100, 11, "csv"),
        _words("Talked", "Quoted", "Lost", "Invalid", "Closed Won", "Reversed"),
        converted=30,
        campaign=Campaign("605", "Lakeside Transfer", "65.00"),
        is_transfer=True,
    ),
    Partner(
        *("206", "Granite Ridge Home Finance", 100, 9, "feed"),
        _words("connected", "app sent", "not interested", "fake", "policy issued", "withdrawn"),
        converted=35,
        campaign=Campaign("606", "Granite Warm Transfer", "120.00"),
        is_transfer=True,
    ),
    Partner(
        *("207", "Old Mill Credit Union", 100, 8, "crm"),
        _words("Working", "Quoted-Did Not Close", "Dead", "Bad Lead", "Closed", "Did Not Qualify"),
        converted=140,
    ),
    Partner(
        *("208", "Northgate Direct", 5500, 16, "crm"),
        _words("Working", "Quoted-Did Not Close", "Dead", "Bad Lead", "Closed", "Did Not Qualify"),
        converted=50,
        refunded=40,
        campaign=Campaign("502", "Northgate Purchase Line", "55.00"),
    ),
    Partner(
        *("210", "Keystone Refi Partners", 3900, 10),
        refunded=110,
        campaign=Campaign("503", "Keystone Inbound", "36.75"),
    ),
)
DRIP_PARTNER = next(partner for partner in PARTNERS if partner.partner_id == "202")
DRIP_FILTER_SET = "1620"
DRIP_PRICE = 450
CALL_BUYER = Partner("209", "Prairie Bell Call Center", 4500, 0)
CALL_BUYER_CAMPAIGNS = (
    Campaign("901", "Prairie Bell Overflow", "45.00"),
    Campaign("902", "Prairie Bell Live", "0.00"),  # paid through boberdoo
)
