"""The names of all settings, and those in the environment that are none of them (SPEC O3)."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

# Every variable that is read; a name that begins like ours and is none of them is a typo.
VARIABLES = (
    *("WAREHOUSE_HOST", "WAREHOUSE_PORT", "WAREHOUSE_USER", "WAREHOUSE_PASSWORD"),
    *("WAREHOUSE_NAME", "WAREHOUSE_SCHEMA", "WAREHOUSE_TARGET", "WAREHOUSE_ANALYST_ROLE"),
    *("WAREHOUSE_IS_EMBEDDED", "REDSHIFT_HOST", "REDSHIFT_PORT", "REDSHIFT_USER"),
    *("REDSHIFT_PASSWORD", "REDSHIFT_NAME", "REDSHIFT_SSLMODE", "REDSHIFT_STAGE"),
    *("REDSHIFT_ROLE", "BILLING_DB_HOST", "BILLING_DB_PORT", "BILLING_DB_USER"),
    *("BILLING_DB_PASSWORD", "BILLING_DB_NAME", "BOBERDOO_BASE_URL", "BOBERDOO_KEY"),
    *("BOBERDOO_CANARY_LEAD_ID", "BOBERDOO_LEAD_TYPES", "BOBERDOO_HISTORY_DAYS"),
    *("BOBERDOO_LEAD_DAYS", "BOBERDOO_STATUS_DAYS", "BOBERDOO_TRANSACTION_DAYS"),
    *("INVOCA_BASE_URL", "INVOCA_TOKEN", "INVOCA_NETWORK_ID", "INVOCA_CUSTOM_COLUMNS"),
    *("INVOCA_RESCAN_DAYS", "INVOCA_PAGE_SIZE", "DISPOSITIONS_DIR", "DISPOSITIONS_FEED_URL"),
    *("DISPOSITIONS_FEED_TOKEN", "BILLINGO_BASE_URL", "CODEX_BASE_URL", "CORE_BASE_URL"),
    *("FRESHSERVICE_BASE_URL", "FRESHSERVICE_API_KEY", "DATTO_BASE_URL", "DATTO_API_KEY"),
    *("DATTO_API_SECRET", "INTERNAL_API_URL", "INTERNAL_API_KEY", "NOTICE_URL", "NOTICE_FROM"),
    *("NOTICE_TO", "NOTICE_USER", "NOTICE_PASSWORD", "LEDGERHOUSE_SALT", "LEDGERHOUSE_NOW"),
    *("LEDGERHOUSE_ALLOW_FUTURE", "LEDGERHOUSE_SEEDS_DIR", "LEDGERHOUSE_MAX_DELETED_SHARE"),
    *("LEDGERHOUSE_GUARD_SHARE", "LEDGERHOUSE_GUARD_AMOUNT", "LEDGERHOUSE_REQUESTS_PER_MINUTE"),
    *("LEDGERHOUSE_BACKOFF_SECONDS", "LEDGERHOUSE_RETRY_SECONDS", "LEDGERHOUSE_EMBEDDED_DIR"),
    *("LEDGERHOUSE_MAX_ANSWER_MB", "LEDGERHOUSE_MAX_PAGES", "LEDGERHOUSE_MAX_MISSING_SHARE"),
    *("LEDGERHOUSE_RUN", "LEDGERHOUSE_RULES"),
)
# One key for each company, named by seeds/billingo_companies.csv.
FREE = ("BILLINGO_", "KEY")
PREFIXES = (
    *("WAREHOUSE_", "REDSHIFT_", "LEDGERHOUSE_", "BILLING_DB_", "BILLINGO_", "BOBERDOO_"),
    *("INVOCA_", "DISPOSITIONS_", "CODEX_", "FRESHSERVICE_", "DATTO_", "INTERNAL_API_"),
)
# Other programs' variables may begin so: only what is nearly one of ours is a typo.
SHARED_PREFIXES = ("CORE_", "NOTICE_")


def unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning for every variable that begins like ours and is none, with the nearest name.

    The other names of the environment are looked at, too, for a slip in the prefix.
    """
    for name in sorted(environment):
        if name in VARIABLES or (name.startswith(FREE[0]) and FREE[1] in name):
            continue
        is_ours = name.startswith(PREFIXES)
        cutoff = 0.6 if is_ours else 0.8 if name.startswith(SHARED_PREFIXES) else 0.9
        near = get_close_matches(name, VARIABLES, 1, cutoff)
        if near:
            yield f"{name} is set, and is no setting. Is {near[0]} meant?"
        elif is_ours:
            yield f"{name} is set, and is no setting: see the table in the README."
