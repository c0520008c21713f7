"""HTTP for all vendors: timeouts, retries with backoff and jitter, a rate limit per host (R9)."""

from dataclasses import dataclass
from typing import Any

import requests
import simplejson
from requests_ratelimiter import LimiterAdapter
from urllib3.util import Retry

from ingestion.settings import Settings

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
RETRIED_STATUSES = (429, 500, 502, 503, 504)


class VendorError(Exception):
    """A vendor refused or gave no usable answer; the message holds no key and no payload."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Client:
    """One vendor account's connection. `calls` counts answered requests (R4 `api_calls`)."""

    vendor: str
    base_url: str
    session: requests.Session
    calls: int = 0

    def get(self, path: str, **parameters: Any) -> requests.Response:
        """Return the answer to GET; raises VendorError for a status of 400 and above."""
        return self.request("GET", path, params=parameters)

    def get_json(self, path: str, **parameters: Any) -> Any:
        """Return the parsed answer to GET, decimals exact; raises VendorError if it is no JSON."""
        return self.parse(self.get(path, **parameters))

    def parse(self, response: requests.Response) -> Any:
        """Return the answer's JSON, decimals exact; raises VendorError if it is none."""
        try:
            return simplejson.loads(response.text, use_decimal=True)
        except ValueError:
            raise VendorError(
                f"{self.vendor}: {_path(response)} answered no JSON "
                f"({len(response.content)} bytes, status {response.status_code})",
                response.status_code,
            ) from None

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Send a request, retried as the session says; raises VendorError with the status."""
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        try:
            response = self.session.request(
                method, url, timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS), **arguments
            )
        except requests.RequestException as error:
            raise VendorError(f"{self.vendor}: no answer ({type(error).__name__})") from None
        self.calls += 1
        if response.status_code >= 400:
            raise VendorError(
                f"{self.vendor}: {_path(response)} answered {response.status_code} "
                f"{response.reason}",
                response.status_code,
            )
        return response


def open_client(
    vendor: str,
    base_url: str,
    settings: Settings,
    *,
    headers: dict[str, str] | None = None,
    per_minute: int = 60,
    attempts: int = 6,
) -> Client:
    """Return a client: connection errors, 429 and 5xx are retried, other 4xx never (R9).

    `Retry-After` is honoured where it is sent. `per_minute` is the vendor's ceiling of requests
    per host, unless the settings name another one.
    """
    retry = Retry(
        total=attempts,
        backoff_factor=settings.backoff_seconds,
        backoff_max=60,
        backoff_jitter=settings.backoff_seconds,
        status_forcelist=RETRIED_STATUSES,
        allowed_methods=None,
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    adapter = LimiterAdapter(
        per_minute=settings.requests_per_minute or per_minute, max_retries=retry
    )
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update(headers or {})
    return Client(vendor, base_url.rstrip("/"), session)


def _path(response: requests.Response) -> str:
    return response.url.split("?")[0]
