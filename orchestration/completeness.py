"""What `ledgerhouse status` says of completeness: is every fact accounted for (SPEC L16)?"""

from ingestion.settings import Settings
from orchestration import report

IS_BUILT = "select to_regclass('marts.rpt_completeness')"
SUMMARY = """
select coalesce(sum(facts), 0), coalesce(sum(unaccounted_facts), 0) from marts.rpt_completeness
"""
DIFFERING = """
select source, stream, to_char(month, 'YYYY-MM') as month, currency, unaccounted_facts as facts,
    landed, booked, excepted, parked, no_money, difference
from marts.rpt_completeness where unaccounted_facts > 0 order by 1, 2, 3, 4
"""


def show(settings: Settings) -> None:
    """Say how many facts there are and that all are accounted for, or list what differs."""
    if not report.read_rows(settings, IS_BUILT)[1][0][0]:
        return
    facts, unaccounted = report.read_rows(settings, SUMMARY)[1][0]
    if not unaccounted:
        report.say(f"completeness: {facts} facts, all accounted for")
        return
    report.warn(f"completeness: {unaccounted} of {facts} facts are not accounted for")
    report.show(settings, "Neither booked, held nor explained", DIFFERING)
