"""Datto RMM: sites, their account numbers, and every device with its true backup bytes.

There is no modified-since filter: each run reads it all. User-defined fields are free text and may
hold secrets, so only those that are billed from are landed (SPEC R1).
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from psycopg import Connection

from ingestion.environment import configured
from ingestion.fields import need
from ingestion.http import Client, VendorError, open_client
from ingestion.loads import Load, open_load
from ingestion.personal import NOBODY, NotErased
from ingestion.run import Run
from ingestion.streams import EVERYTHING, Stream, children_of
from ingestion.warehouse import connect

NAME = "datto"
REQUIRES = ("DATTO_BASE_URL", "DATTO_API_KEY", "DATTO_API_SECRET")

PER_MINUTE = 480  # of 600 an account shares among its tools; beyond them it blocks the address
PAGE_SIZE = 250
PUBLIC_CLIENT = ("public-client", "public")
# Enabled administrators, backup bytes, device type.
LANDED_FIELDS = ("udf4", "udf6", "udf7")
LANDED_VARIABLE = "AccountNumber"

SITES = Stream(NAME, "sites", key=("uid",), personal=NOBODY)
SITE_VARIABLES = Stream(
    NAME,
    "site_variables",
    key=("site_uid", "name"),
    scope_field="site_uid",
    max_deleted_share=1.0,  # each site answers for its own single variable
    personal=NOBODY,
    fields=need("value", may_be_blank=True),
)
DEVICES = Stream(
    *(NAME, "devices", ("uid",)),
    personal=NotErased("they name who used a machine last"),
    fields=(
        *need("siteUid", "hostname", may_be_blank=True),
        *need("udf.udf6", may_be_blank=True),
    ),
)
STREAMS = [SITES, SITE_VARIABLES, DEVICES]


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a Datto account."""
    return run.settings.datto is not None


def sync(run: Run) -> list[Load]:
    """Land sites, the account number of each, and all devices."""
    client = open_session(run)
    with connect(run.settings) as warehouse:
        sites = _land_pages(run, client, warehouse, SITES)
        return [
            sites,
            _land_site_variables(run, client, warehouse),
            _land_pages(run, client, warehouse, DEVICES),
        ]


def open_session(run: Run) -> Client:
    """Return a client that carries a fresh token (it lives 100 hours, longer than any run)."""
    account = configured(run.settings.datto, *REQUIRES)
    client = open_client(NAME, account.base_url, run.settings, per_minute=PER_MINUTE)
    form = {
        "grant_type": "password",
        "username": account.api_key,
        "password": account.api_secret,
    }
    answer = client.parse(
        client.request("POST", "/auth/oauth/token", data=form, auth=PUBLIC_CLIENT)
    )
    if not isinstance(answer, dict) or not answer.get("access_token"):
        raise VendorError("datto: /auth/oauth/token answered without a token")
    client.session.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return client


def extract_pages(client: Client, path: str, name: str) -> Iterator[tuple[list[Any], int]]:
    """Yield each page's rows and how many rows the vendor counts in all."""
    url, parameters, seen = path, {"max": PAGE_SIZE}, set()
    for _ in client.pages(path):
        if url in seen:
            raise VendorError(f"datto: {path} leads back to a page that was read")
        seen.add(url)
        body = client.get_json(url, **parameters)
        if not isinstance(body, dict) or not isinstance(body.get(name), list):
            raise VendorError(f"datto: {path} answered without a list of {name}")
        details = body.get("pageDetails") or {}
        yield body[name], details.get("totalCount", -1)
        following = _same_host(client, details.get("nextPageUrl"))
        if not following:
            return
        url, parameters = following, {}


def without_secrets(device: Any) -> Any:
    """Return the device with only the listed user-defined fields, wherever they are."""
    if not isinstance(device, dict):
        return device
    kept = {name: value for name, value in device.items() if not re.fullmatch(r"udf\d*", name)}
    fields = device.get("udf")
    fields = fields if isinstance(fields, dict) else {}
    return kept | {"udf": {name: fields[name] for name in LANDED_FIELDS if name in fields}}


def _same_host(client: Client, url: str | None) -> str | None:
    """Return the next page's address; raises VendorError where it would carry our token away."""
    if url and urlsplit(url)[:2] != urlsplit(client.base_url)[:2]:
        raise VendorError(f"datto: the next page is on another host, {urlsplit(url).netloc}")
    return url or None


def _land_pages(run: Run, client: Client, warehouse: Connection, stream: Stream) -> Load:
    calls, keys, expected = client.calls, set(), 0
    with open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at) as load:
        for rows, total in extract_pages(client, f"/api/v2/account/{stream.name}", stream.name):
            expected = total
            for row in rows:
                load.add(without_secrets(row) if stream is DEVICES else row)
                keys.add(row.get("uid") if isinstance(row, dict) else None)
        load.counts.api_calls = client.calls - calls
        # Pages drift while they are read: what is counted but was not seen is no deletion.
        is_complete = not load.counts.quarantined and len(keys) == expected
        load.complete(scope=EVERYTHING if is_complete else None)
    return load


def _land_site_variables(run: Run, client: Client, warehouse: Connection) -> Load:
    """Land each site's account number; its other variables may hold secrets and are left out."""
    sites = _live_sites(warehouse)
    calls, answered = client.calls, []
    with open_load(warehouse, run.settings, SITE_VARIABLES, loaded_at=run.loaded_at) as load:
        for site in sites:
            try:
                path = f"/api/v2/site/{quote(site, safe='')}/variables"
                pages = list(extract_pages(client, path, "variables"))
            except VendorError as error:
                if error.status in (401, 403, 429):
                    raise
                load.reject(f"site {site}", str(error))
                continue
            answered.append(site)
            for variable in (variable for rows, _ in pages for variable in rows):
                if isinstance(variable, dict) and variable.get("name") == LANDED_VARIABLE:
                    load.add(variable | {"site_uid": site})
        load.counts.api_calls = client.calls - calls
        load.complete(scope=children_of(answered))
    return load


def _live_sites(warehouse: Connection) -> list[str]:
    rows = warehouse.execute(
        "select source_key from ("
        "  select distinct on (source_key) source_key, is_deleted"
        "  from landing.datto__sites order by source_key, loaded_at desc"
        ") as latest where not is_deleted order by source_key"
    ).fetchall()
    warehouse.commit()
    return [site for (site,) in rows]
