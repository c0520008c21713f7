"""Whose invoices Billingo is asked for: the companies of a seed, their keys and their failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingestion.environment import configured
from ingestion.http import Client, VendorError, open_client
from ingestion.loads import LoadFailed
from ingestion.run import Run
from ingestion.seed_rules import Row, filled
from ingestion.sources.seeds import rows_in_force

SEED = "billingo_companies"
VENDOR = "billingo"
PER_MINUTE = 60

CURES: dict[int | None, str] = {
    401: "The key is refused: make a new one in Billingo and set {variable}.",
    402: "The company has no live Billingo subscription: renew it, or switch the company off.",
    403: "The key may not read this: give it read scope, or check what the subscription includes.",
    422: "Billingo finds the loader's parameters bad: compare its API's changes.",
    429: "Billingo still limits the requests after all attempts: run again later.",
}
OUTAGE = "Billingo does not answer: nothing is lost, the next run goes on from where this began."


@dataclass(frozen=True)
class Company:
    """One row of the seed `billingo_companies`; the key itself is in variable `key_variable`."""

    company_id: str
    name: str | None
    key_variable: str
    is_active: bool
    has_payments: bool
    has_spendings: bool


def companies(run: Run) -> list[Company]:
    """Return the companies this run is for; raises LoadFailed for one that is not active."""
    active = [company for company in map(_company, rows_in_force(run, SEED)) if company.is_active]
    asked = [company for company in active if run.tenant in (None, company.company_id)]
    if run.tenant and not asked:
        known = ", ".join(company.company_id for company in active)
        raise LoadFailed(f"There is no active company {run.tenant} in {SEED}.csv, only {known}.")
    return asked


def check(run: Run) -> Iterator[tuple[Company, str | None]]:
    """Ask Billingo whose key each company's is, landing nothing; yields what is wrong, or None."""
    for company in companies(run):
        try:
            with cure_named(company):
                open_key(run, company).get_json("/organization")
        except LoadFailed as error:
            yield company, str(error)
        else:
            yield company, None


@contextmanager
def cure_named(company: Company) -> Iterator[None]:
    """Turn a failure of Billingo or of landing into a LoadFailed that names company and cure."""
    try:
        yield
    except (VendorError, LoadFailed) as error:
        cure = ""
        if isinstance(error, VendorError):
            cure = CURES.get(error.status, OUTAGE).format(variable=company.key_variable)
        message = f"Company {company.company_id} ({company.name}): {str(error).rstrip('.')}. {cure}"
        raise LoadFailed(message.strip()) from error


def open_key(run: Run, company: Company) -> Client:
    """Return a client with the company's key; raises LoadFailed where the key is not set."""
    account = configured(run.settings.billingo, "BILLINGO_BASE_URL")
    key = account.keys.get(company.key_variable)
    if not key:
        raise LoadFailed(
            f"{company.key_variable} is not set. Set it in the environment or in .env, or switch "
            f"the company off in {SEED}.csv"
        )
    return open_client(
        *(VENDOR, account.base_url, run.settings),
        headers={"X-API-KEY": key},
        per_minute=PER_MINUTE,
    )


def _company(row: Row) -> Company:
    switches = {"true": True, "false": False}
    try:
        return Company(
            company_id=filled(row, "company_id"),
            name=row["name"],
            key_variable=filled(row, "key_variable"),
            is_active=switches[filled(row, "is_active").lower()],
            has_payments=switches[filled(row, "has_payments").lower()],
            has_spendings=switches[filled(row, "has_spendings").lower()],
        )
    except KeyError as error:
        raise LoadFailed(
            f"{SEED}.csv: company {row.get('company_id')} has {error} where a column, or true or "
            "false, is expected."
        ) from None
