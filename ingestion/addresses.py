"""Addresses of vendors: whose they are, and how they may be shown."""

from urllib.parse import urljoin

from requests.utils import urldefragauth
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url


def shown(url: str) -> str:
    """Return an address without query, user and password."""
    bare: str = urldefragauth(url)
    return bare.split("?")[0]


def joined(here: str, there: str) -> str:
    """Return where a redirect from here leads; as it came where it cannot be read."""
    try:
        return urljoin(here, there)
    except ValueError:
        return there


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what is no plain address of the web."""
    try:
        parts = parse_url(url)
    except (HTTPError, ValueError):
        return None
    scheme = parts.scheme or ""
    default = {"http": 80, "https": 443}.get(scheme)
    if not default or not parts.host:
        return None
    return scheme, parts.host, parts.port or default
