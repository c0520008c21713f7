"""Leads and calls that change what they are: each case with its expected entries, by hand.

The cases share no lead, call or partner, so one history of nights plays them all.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingestion.settings import PROJECT, Settings
from orchestration.dbt import run_dbt
from tests.python import golden
from tests.python.completeness import assert_complete
from tests.python.facts import Fact, Night, call, gone, lead, play, purchase, refund, status

NIGHTS = [datetime(2026, 7, day, 0, 5) for day in range(15, 20)]
DAY = {f"202607{15 + index}T000500Z": f"n{index + 1}" for index in range(len(NIGHTS))}

TERMS = """partner_id,filter_set_id,deal_type,rate_basis,rate,effective_from,effective_to
301,,drip,per_sale,240.00,,
302,,cpa,per_sale,250,,
302,1600,plain_lead,per_sale,45,,
303,,mortgage_lead,per_sale,40,,
304,,exclusive,per_sale,100,,
305,,mystery,per_sale,100,,
306,,cpa,per_sale,60,,
307,,surprise,per_sale,70,,
308,,helpdesk_lead,per_sale,30,,
"""
CAMPAIGNS = """campaign_id,kind,policy,partner_id,effective_from,effective_to
701,lead_call,equal,390,2025-01-01,
702,cbm,,391,2025-01-01,
"""
COLUMNS = "deal_type,business_unit,label,paid_on"
KINDS = """mortgage_lead,leads,,
plain_lead,leads,,
cpa,leads,,
cpt,leads,,
warm_transfer,leads,,
helpdesk_lead,msp,,
cbm_call,calls,,
lead_call,calls,,
"""
# Paid on conversion from the third night to the fourth, as if it were a cpa type.
DRIP = ("drip,leads,,", "drip,leads,,conversion", "drip,leads,,sale")
EXCLUSIVE = ("exclusive,leads,,conversion", "exclusive,calls,,conversion")
MYSTERY = "mystery,leads,,conversion\nsurprise,leads,,sale"


def deal_types(*lines: str) -> str:
    return "\n".join((COLUMNS, KINDS.strip(), *lines)) + "\n"


def corrects(row_id: str, day: int) -> dict[str, str]:
    """Return the fields by which a row of a call corrects another, on a day of July."""
    return {
        "corrects_transaction_id": row_id,
        "corrected_at": f"2026-07-{day}T09:00:00+00:00",
    }


TYPES = (PROJECT / "seeds/transaction_types.csv").read_text
SEEDS = [
    {
        "deal_terms": TERMS,
        "call_campaigns": CAMPAIGNS,
        "deal_types": deal_types(DRIP[0], EXCLUSIVE[0]),
    },
    {},
    {"deal_types": deal_types(DRIP[1], EXCLUSIVE[1], MYSTERY)},
    {"deal_types": deal_types(DRIP[2], EXCLUSIVE[1], MYSTERY)},
    {},
]


@dataclass(frozen=True)
class Case:
    """A rule, the facts of each night, and what must then stand in the ledger.

    An entry is `key night kind reason amount deal_type[ -> linked key]`; an exception, open after
    the last night, is `key reason amount`.
    """

    rule: str
    nights: list[list[Fact]]
    entries: list[str]
    exceptions: list[str] = field(default_factory=list)


CASES = {
    "paid_on_decides_whether_a_conversion_is_money": Case(
        "D4a: terms with a rate on a sale type count for nothing; `paid_on` makes it a conversion"
        " type, and takes that back",
        [[purchase("T1", "1", "301", "12.00")], [status("e1", "301", "1")]],
        [
            "boberdoo:T1 n1 booking new 12.00 drip",
            "conversion:1:301 n3 booking new 240.00 drip -> boberdoo:T1",
            "conversion:1:301 n4 reversal withdrawn -240.00 drip -> boberdoo:T1",
        ],
    ),
    "rate_on_a_sale_type_never_hides_a_conversion": Case(
        "D4a: the lead is sold as plain first, on terms with a rate, and as cpa then",
        [
            [
                purchase("T2", "2", "302", "45.00", filter_set_id="1600"),
                purchase("T3", "2", "302", "1.00", "2026-07-11 10:00:00"),
            ],
            [status("e2", "302", "2")],
        ],
        [
            "boberdoo:T2 n1 booking new 45.00 plain_lead",
            "boberdoo:T3 n1 booking new 1.00 cpa",
            "conversion:2:302 n2 booking new 250.00 cpa -> boberdoo:T3",
        ],
    ),
    "mortgage_lead_sold_through_boberdoo_is_paid_once": Case(
        "D4a: a rate on its terms books no second amount",
        [[purchase("T4", "4", "303", "40.00")], [status("e4", "303", "4")]],
        ["boberdoo:T4 n1 booking new 40.00 mortgage_lead"],
    ),
    "lead_of_the_business_unit_msp_is_no_client_of_codex": Case(
        "L16: what is billed to Codex's clients is told by its source, not by its business unit",
        [[purchase("T90", "90", "308", "30.00")]],
        ["boberdoo:T90 n1 booking new 30.00 helpdesk_lead"],
    ),
    "business_unit_is_part_of_what_makes_a_state": Case(
        "L2a: a deal type moves from leads to calls: all that is booked under it moves",
        [
            [
                purchase("T5", "5", "304", "1.00"),
                refund("R5", "5", "304", "0.40"),
                status("e5", "304", "5"),
            ]
        ],
        [
            "boberdoo:T5 n1 booking new 1.00 exclusive",
            "boberdoo:T5 n3 reversal corrected -1.00 exclusive",
            "boberdoo:T5 n3 booking corrected 1.00 exclusive",
            "boberdoo:R5 n1 booking new -0.40 exclusive -> boberdoo:T5",
            "boberdoo:R5 n3 reversal corrected 0.40 exclusive -> boberdoo:T5",
            "boberdoo:R5 n3 booking corrected -0.40 exclusive -> boberdoo:T5",
            "conversion:5:304 n1 booking new 100.00 exclusive -> boberdoo:T5",
            "conversion:5:304 n3 reversal corrected -100.00 exclusive -> boberdoo:T5",
            "conversion:5:304 n3 booking corrected 100.00 exclusive -> boberdoo:T5",
        ],
    ),
    "unknown_deal_type_books_nothing_until_it_is_known": Case(
        "D4a, L8: sale, refund and conversion are exceptions, and enter by themselves",
        [
            [
                purchase("T6", "6", "305", "5.00"),
                refund("R6", "6", "305", "2.00"),
                status("e6", "305", "6"),
            ]
        ],
        [
            "boberdoo:T6 n3 booking new 5.00 mystery",
            "boberdoo:R6 n3 booking new -2.00 mystery -> boberdoo:T6",
            "conversion:6:305 n3 booking new 100.00 mystery -> boberdoo:T6",
        ],
    ),
    "conversion_of_an_unknown_deal_type_that_proves_to_be_a_sale_type_is_no_money": Case(
        "D4a",
        [[purchase("T7", "7", "307", "5.00"), status("e7", "307", "7")]],
        ["boberdoo:T7 n3 booking new 5.00 surprise"],
    ),
    "purchase_that_becomes_void_ends": Case(
        "L2a, D2a: carrying money it is an exception; a purchase again, it is restored",
        [
            [purchase("T8", "8", "310", "48.00")],
            [purchase("T8", "8", "310", "48.00", transaction_type="Void")],
            [purchase("T8", "8", "310", "48.00")],
            [purchase("T8", "8", "310", "48.00", transaction_type="Void")],
        ],
        [
            "boberdoo:T8 n1 booking new 48.00 plain_lead",
            "boberdoo:T8 n2 reversal withdrawn -48.00 plain_lead",
            "boberdoo:T8 n3 booking restored 48.00 plain_lead",
            "boberdoo:T8 n4 reversal withdrawn -48.00 plain_lead",
        ],
        ["boberdoo:T8 unknown_type 48.00"],
    ),
    "refund_that_becomes_void_ends": Case(
        "L2a, D2a: of nothing, it is no exception",
        [
            [purchase("T9", "9", "310", "50.00"), refund("R9", "9", "310", "20.00")],
            [purchase("R9", "9", "310", "0.00", transaction_type="Void")],
        ],
        [
            "boberdoo:T9 n1 booking new 50.00 plain_lead",
            "boberdoo:R9 n1 booking new -20.00 plain_lead -> boberdoo:T9",
            "boberdoo:R9 n2 reversal withdrawn 20.00 plain_lead -> boberdoo:T9",
        ],
    ),
    "transaction_is_a_purchase_or_a_refund_never_both": Case(
        "L2, K5: purchase, then refund of the sale before it, then purchase again",
        [
            [
                purchase("T10", "10", "310", "30.00"),
                purchase("T11", "10", "310", "10.00", "2026-07-11 10:00:00"),
            ],
            [refund("T11", "10", "310", "10.00", "2026-07-11 10:00:00")],
            [purchase("T11", "10", "310", "10.00", "2026-07-11 10:00:00")],
        ],
        [
            "boberdoo:T10 n1 booking new 30.00 plain_lead",
            "boberdoo:T11 n1 booking new 10.00 plain_lead",
            "boberdoo:T11 n2 reversal corrected -10.00 plain_lead",
            "boberdoo:T11 n2 booking corrected -10.00 plain_lead -> boberdoo:T10",
            "boberdoo:T11 n3 reversal corrected 10.00 plain_lead -> boberdoo:T10",
            "boberdoo:T11 n3 booking corrected 10.00 plain_lead",
        ],
    ),
    "undeclared_type_is_an_exception_until_it_is_listed": Case(
        "D2a: Credit is listed as a refund, Adjustment as nothing; unreadable money is money;"
        " of nothing it is nothing",
        [
            [
                purchase("T12", "12", "310", "20.00"),
                purchase("C12", "12", "310", "7.00", "2026-07-12", transaction_type="Credit"),
                purchase("A12", "12", "310", "3.00", transaction_type="Adjustment"),
                purchase("V12", "12", "310", "see note", transaction_type="Void"),
                purchase("B12", "12", "310", "-2.00", transaction_type=""),
                purchase("Z12", "12", "310", "$0.00", transaction_type="Test"),
            ]
        ],
        [
            "boberdoo:T12 n1 booking new 20.00 plain_lead",
            "boberdoo:C12 n5 booking new -7.00 plain_lead -> boberdoo:T12",
        ],
        ["boberdoo:V12 unknown_type ", "boberdoo:B12 unknown_type -2.00"],
    ),
    "call_row_that_is_no_call_any_more_ends": Case(
        "D9, L2a: a Call row becomes a Signal, and a Call again",
        [
            [call("t20", "K20", "$30.00", "701")],
            [call("t20", "K20", "$30.00", "701", transaction_type="Signal")],
            [call("t20", "K20", "$30.00", "701")],
        ],
        [
            "call:K20 n1 booking new 30.00 lead_call",
            "call:K20 n2 reversal withdrawn -30.00 lead_call",
            "call:K20 n3 booking restored 30.00 lead_call",
        ],
    ),
    "call_row_without_a_call_waits_for_it": Case(
        "L8: it may be a row of any call, so nothing of it is booked until its call is known",
        [
            [call("t24", "", "$12.00", "701"), call("t25", "", "$13.00", "701")],
            [call("t24", "K24", "$12.00", "701")],
        ],
        ["call:K24 n2 booking new 12.00 lead_call"],
        ["call:no call: t25 no_call 13.00"],
    ),
    "row_that_moves_to_another_call_leaves_the_old_one": Case(
        "D9, L2a: and the new one stays right when it changes later",
        [
            [call("t21", "K21", "$20.00", "701")],
            [call("t21", "K22", "$20.00", "701")],
            [call("t22", "K22", "$25.00", "701")],
            [call("t23", "K21", "$1.00", "701")],
        ],
        [
            "call:K21 n1 booking new 20.00 lead_call",
            "call:K21 n2 reversal withdrawn -20.00 lead_call",
            "call:K22 n2 booking new 20.00 lead_call",
            "call:K22 n3 reversal corrected -20.00 lead_call",
            "call:K22 n3 booking corrected 25.00 lead_call",
            "call:K21 n4 booking restored 1.00 lead_call",
        ],
    ),
    "correction_replaces_what_it_corrects_whatever_call_it_names": Case(
        "D9: of one original the latest correction counts, on its own call; deleted, it replaces"
        " nothing, and when it corrects nothing both stand",
        [
            [
                call("t51", "K51", "$50.00", "701"),
                call("t52", "K51", "$60.00", "701", **corrects("t51", 11)),
            ],
            [
                call("t52", "K52", "$60.00", "701", **corrects("t51", 11)),
                call("t53", "K51", "$40.00", "701", **corrects("t52", 12)),
            ],
            [gone(call("t53", "K51", "$40.00", "701", **corrects("t52", 12)))],
            [call("t52", "K52", "$60.00", "701")],
        ],
        [
            "call:K51 n1 booking new 60.00 lead_call",
            "call:K51 n2 reversal corrected -60.00 lead_call",
            "call:K51 n2 booking corrected 40.00 lead_call",
            "call:K51 n3 reversal withdrawn -40.00 lead_call",
            "call:K52 n3 booking new 60.00 lead_call",
            "call:K51 n4 booking restored 50.00 lead_call",
        ],
    ),
    "correction_of_a_row_that_lands_later_finds_its_original": Case(
        "D9: through a row of another call, and no more when it is no call's row",
        [
            [],
            [
                call("t54", "K53", "$10.00", "701"),
                call("t56", "K54", "$30.00", "701", **corrects("t55", 12)),
            ],
            [],
            [call("t55", "K53", "$20.00", "701", **corrects("t54", 11))],
            [call("t56", "K54", "$30.00", "701", transaction_type="Signal", **corrects("t55", 12))],
        ],
        [
            "call:K53 n2 booking new 10.00 lead_call",
            "call:K54 n2 booking new 30.00 lead_call",
            "call:K53 n4 reversal withdrawn -10.00 lead_call",
            "call:K53 n5 booking restored 20.00 lead_call",
            "call:K54 n5 reversal withdrawn -30.00 lead_call",
        ],
    ),
    "refund_that_cannot_be_read_has_no_amount": Case(
        "L8: nobody knows how much it is, so it is not taken for what is left of its sale",
        [[purchase("T32", "32", "310", "50.00"), refund("R32", "32", "310", "abc")]],
        ["boberdoo:T32 n1 booking new 50.00 plain_lead"],
        ["boberdoo:R32 bad_amount "],
    ),
    "refund_that_moves_leaves_its_old_sale_free": Case(
        "D3: the old lead's other refund is judged again; later changes forget nothing",
        [
            [
                purchase("T30", "30", "310", "50.00"),
                purchase("T31", "31", "310", "50.00"),
                refund("R30", "30", "310", "5.00"),
                refund("R31", "30", "310", "48.00", "2026-07-13 10:00:00"),
            ],
            [refund("R30", "31", "310", "5.00")],
            [],
            [purchase("T31", "31", "310", "55.00")],
        ],
        [
            "boberdoo:T30 n1 booking new 50.00 plain_lead",
            "boberdoo:T31 n1 booking new 50.00 plain_lead",
            "boberdoo:R30 n1 booking new -5.00 plain_lead -> boberdoo:T30",
            "boberdoo:R31 n1 booking new -45.00 plain_lead -> boberdoo:T30",
            "boberdoo:R30 n2 reversal corrected 5.00 plain_lead -> boberdoo:T30",
            "boberdoo:R30 n2 booking corrected -5.00 plain_lead -> boberdoo:T31",
            "boberdoo:R31 n2 reversal corrected 45.00 plain_lead -> boberdoo:T30",
            "boberdoo:R31 n2 booking corrected -48.00 plain_lead -> boberdoo:T30",
            "boberdoo:T31 n4 reversal corrected -50.00 plain_lead",
            "boberdoo:T31 n4 booking corrected 55.00 plain_lead",
        ],
    ),
    "refund_that_loses_its_lead_is_an_exception": Case(
        "D3, L8",
        [
            [
                purchase("T33", "33", "310", "50.00"),
                refund("R33", "33", "310", "6.00"),
                refund("R34", "33", "310", "46.00", "2026-07-13 10:00:00"),
            ],
            [refund("R33", "", "310", "6.00")],
            [refund("R33", "33", "310", "6.00")],
            [refund("R33", "33", "", "6.00")],
        ],
        [
            "boberdoo:T33 n1 booking new 50.00 plain_lead",
            "boberdoo:R33 n1 booking new -6.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n1 booking new -44.00 plain_lead -> boberdoo:T33",
            "boberdoo:R33 n2 reversal withdrawn 6.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n2 reversal corrected 44.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n2 booking corrected -46.00 plain_lead -> boberdoo:T33",
            "boberdoo:R33 n3 booking restored -6.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n3 reversal corrected 46.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n3 booking corrected -44.00 plain_lead -> boberdoo:T33",
            "boberdoo:R33 n4 reversal withdrawn 6.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n4 reversal corrected 44.00 plain_lead -> boberdoo:T33",
            "boberdoo:R34 n4 booking corrected -46.00 plain_lead -> boberdoo:T33",
        ],
        ["boberdoo:R33 refund_without_sale -6.00"],
    ),
    "sale_that_moves_to_another_lead_takes_its_conversion_along": Case(
        "D4: the old lead's conversion is without a sale, the new one's is booked",
        [
            [purchase("T36", "36", "306", "1.00")],
            [status("e36", "306", "36"), status("e37", "306", "37")],
            [purchase("T36", "37", "306", "1.00")],
        ],
        [
            "boberdoo:T36 n1 booking new 1.00 cpa",
            "conversion:36:306 n2 booking new 60.00 cpa -> boberdoo:T36",
            "boberdoo:T36 n3 reversal corrected -1.00 cpa",
            "boberdoo:T36 n3 booking corrected 1.00 cpa",
            "conversion:36:306 n3 reversal withdrawn -60.00 cpa -> boberdoo:T36",
            "conversion:37:306 n3 booking new 60.00 cpa -> boberdoo:T36",
        ],
        ["conversion:36:306 conversion_without_sale "],
    ),
    "refunded_sale_corrected_below_its_refund": Case(
        "D3: never more than the sale is given back, and the night goes on (B)",
        [
            [purchase("T38", "38", "310", "50.00"), refund("R38", "38", "310", "30.00")],
            [purchase("T38", "38", "310", "20.00")],
            [purchase("T38", "38", "310", "-5.00")],
        ],
        [
            "boberdoo:T38 n1 booking new 50.00 plain_lead",
            "boberdoo:R38 n1 booking new -30.00 plain_lead -> boberdoo:T38",
            "boberdoo:T38 n2 reversal corrected -50.00 plain_lead",
            "boberdoo:T38 n2 booking corrected 20.00 plain_lead",
            "boberdoo:R38 n2 reversal corrected 30.00 plain_lead -> boberdoo:T38",
            "boberdoo:R38 n2 booking corrected -20.00 plain_lead -> boberdoo:T38",
            "boberdoo:T38 n3 reversal corrected -20.00 plain_lead",
            "boberdoo:T38 n3 booking corrected -5.00 plain_lead",
            "boberdoo:R38 n3 reversal withdrawn 20.00 plain_lead -> boberdoo:T38",
        ],
        ["boberdoo:R38 refund_exceeds_sale -30.00"],
    ),
    "cbm_payin_stays_while_no_purchase_was_known_for_the_call": Case(
        "D10: the lead names K40, then K41, and is bought then: K41's payin alone is out",
        [
            [
                call("t40", "K40", "$35.00", "702"),
                call("t41", "K41", "$36.00", "702"),
                lead("40", call_id="K40"),
            ],
            [lead("40", call_id="K41")],
            [purchase("T40", "40", "391", "44.00")],
        ],
        [
            "cbm:K40 n1 booking new 35.00 cbm_call",
            "cbm:K41 n1 booking new 36.00 cbm_call",
            "cbm:K41 n3 reversal withdrawn -36.00 cbm_call",
            "boberdoo:T40 n3 booking new 44.00 cbm_call",
        ],
    ),
    "cbm_payin_stays_where_the_purchase_was_gone_before_the_call_was_named": Case(
        "D10: unsold, it is known for no call any more",
        [
            [
                call("t42", "K42", "$37.00", "702"),
                lead("42"),
                purchase("T42", "42", "310", "45.00"),
            ],
            [gone(purchase("T42", "42", "310", "45.00"))],
            [lead("42", call_id="K42")],
        ],
        [
            "cbm:K42 n1 booking new 37.00 cbm_call",
            "boberdoo:T42 n1 booking new 45.00 plain_lead",
            "boberdoo:T42 n2 reversal withdrawn -45.00 plain_lead",
        ],
    ),
    "cbm_payin_is_out_for_good_once_a_purchase_was_known": Case(
        "D10: also after the purchase is void",
        [
            [call("t43", "K43", "$38.00", "702"), lead("43", call_id="K43")],
            [purchase("T43", "43", "310", "46.00")],
            [purchase("T43", "43", "310", "0.00", transaction_type="Void")],
        ],
        [
            "cbm:K43 n1 booking new 38.00 cbm_call",
            "cbm:K43 n2 reversal withdrawn -38.00 cbm_call",
            "boberdoo:T43 n2 booking new 46.00 cbm_call",
            "boberdoo:T43 n3 reversal withdrawn -46.00 cbm_call",
        ],
    ),
    "sale_that_moves_from_a_lead_with_a_call_is_no_cbm_sale_any_more": Case(
        "D10: the link is the lead's, not the transaction's",
        [
            [
                call("t44", "K44", "$39.00", "702"),
                call("t45", "K45", "$39.50", "702"),
                lead("44", call_id="K44"),
                lead("45", call_id="K45"),
                purchase("T44", "44", "310", "47.00"),
            ],
            [purchase("T44", "45", "310", "47.00")],
            [purchase("T44", "46", "310", "47.00")],
        ],
        [
            "cbm:K45 n1 booking new 39.50 cbm_call",
            "boberdoo:T44 n1 booking new 47.00 cbm_call",
            "boberdoo:T44 n2 reversal corrected -47.00 cbm_call",
            "boberdoo:T44 n2 booking corrected 47.00 cbm_call",
            "cbm:K45 n2 reversal withdrawn -39.50 cbm_call",
            "boberdoo:T44 n3 reversal corrected -47.00 cbm_call",
            "boberdoo:T44 n3 booking corrected 47.00 plain_lead",
        ],
    ),
}
ENTRIES = """
select entry_id, entry_key, entry_kind, reason, amount, deal_type, business_unit, linked_entry_key
from marts.fct_ledger_entries
"""
EXCEPTIONS = "select entry_key, reason, amount from marts.ledger_exceptions"
STATES = "select * from intermediate.int_deals_unioned"
TESTS = (
    "assert_closed_msp_months_are_in_the_ledger",
    "assert_entry_ids_are_never_used_again",
    "assert_every_reversal_undoes_the_booking_before_it",
    "assert_ledger_sum_equals_the_states_now_known",
    "assert_parts_of_a_call_are_its_revenue",
    "assert_refunds_are_never_above_their_sale",
    "assert_states_of_a_sale_do_not_overlap",
)


def history() -> dict[datetime, Night]:
    """Return all cases' facts and the seeds, by night."""
    listed = "credit,refund\nadjustment,nothing\n"
    seeds = [dict(files) for files in SEEDS]
    seeds[4]["transaction_types"] = TYPES() + listed
    return {
        now: Night(
            [
                fact
                for case in CASES.values()
                for facts in case.nights[index : index + 1]
                for fact in facts
            ],
            seeds[index],
        )
        for index, now in enumerate(NIGHTS)
    }


def test_cases_are_booked_as_written_night_by_night_and_at_once(
    settings: Settings, tmp_path: Path
) -> None:
    for _ in play(settings, tmp_path, history()):
        pass
    run_dbt(settings, "test", "--select", *TESTS, variables={"whole_history": True})
    entries = golden.query(settings, ENTRIES)
    wrong = {name: found for name, case in CASES.items() if (found := differences(case, entries))}
    assert not wrong, "\n".join(f"{name} ({CASES[name].rule}): {wrong[name]}" for name in wrong)
    booked = {line.split()[0] for case in CASES.values() for line in case.entries}
    assert {row["entry_key"] for row in entries} == booked
    open_exceptions = {
        " ".join((row["entry_key"], row["reason"], row["amount"]))
        for row in golden.query(settings, EXCEPTIONS)
    }
    assert open_exceptions == {line for case in CASES.values() for line in case.exceptions}
    assert_complete(settings)
    day_by_day = states(settings)
    golden.build_from_empty(settings, golden.LEADS_AND_CALLS)
    assert golden.by(golden.query(settings, ENTRIES), "entry_id") == golden.by(entries, "entry_id")
    assert states(settings) == day_by_day


def differences(case: Case, entries: list[dict[str, str]]) -> list[str]:
    """Return the entries of the case's keys that are missing (-) or too many (+)."""
    keys = {line.split()[0] for line in case.entries}
    found = {as_line(row) for row in entries if row["entry_key"] in keys}
    wanted = set(case.entries)
    return sorted(
        [f"+ {line}" for line in found - wanted] + [f"- {line}" for line in wanted - found]
    )


def as_line(row: dict[str, str]) -> str:
    night = DAY[row["entry_id"].rsplit(":", 1)[1]]
    words = (row["entry_key"], night, row["entry_kind"], row["reason"], row["amount"])
    linked = f" -> {row['linked_entry_key']}" if row["linked_entry_key"] else ""
    return f"{' '.join(words)} {row['deal_type']}{linked}"


def states(settings: Settings) -> list[tuple[tuple[str, str], ...]]:
    return sorted(tuple(row.items()) for row in golden.query(settings, STATES))
