"""HTTP for all vendors: retries with backoff, a rate limit, and an end to everything (R9, R9a).

A request goes to the vendor's own scheme, host and port or nowhere, since a secret may stand in its
header or body. An answer has a deadline and a largest size, a listing a largest number of pages,
and a vendor without a usable answer is given up: the source fails with a message.
"""

import random
import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from ingestion.addresses import joined, origin, shown
from ingestion.body import read_body
from ingestion.readable import read_json
from ingestion.settings import Settings
from ingestion.waiting import wait

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
ANSWER_SECONDS = 300  # from the request to the answer's last byte
MAX_RETRY_AFTER_SECONDS = 300
STALLED_SECONDS = 900  # spent on attempts and waits without a usable answer
MAX_BACKOFF_SECONDS = 60
MAX_REDIRECTS = 5
RETRIED_STATUSES = (429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
BECOMES_GET = (301, 302, 303)
TRIED_AGAIN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    HTTPError,
)


class VendorError(Exception):
    """A vendor refused or gave no usable answer; the message holds no key and no payload."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What a vendor answered, whole and unpacked."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def place(self) -> str:
        """Return the address as it may be shown."""
        return shown(self.url)

    @property
    def has_next(self) -> bool:
        """Tell whether the Link header announces a next page."""
        links = requests.utils.parse_header_links(self.headers.get("Link") or "")
        return any(link.get("rel") == "next" for link in links)


class _Session(requests.Session):
    """Leaves redirects to the client: requests would read their bodies to the end."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


@dataclass
class Client:
    """One vendor account's connection. `calls` counts answered requests (R4 `api_calls`)."""

    vendor: str
    base_url: str
    session: requests.Session
    settings: Settings
    per_minute: int
    attempts: int
    calls: int = 0
    _sent: deque[float] = field(default_factory=deque)
    _unanswered_seconds: float = 0.0

    def get(self, path: str, **parameters: Any) -> Answer:
        """Return the answer to GET; raises VendorError for a status of 300 and above."""
        return self.request("GET", path, params=parameters)

    def get_json(self, path: str, **parameters: Any) -> Any:
        """Return the parsed answer to GET, decimals exact; raises VendorError if it is no JSON."""
        return self.parse(self.get(path, **parameters))

    def parse(self, answer: Answer) -> Any:
        """Return the answer's JSON, decimals exact; raises VendorError if it is none."""
        try:
            return read_json(answer.content)
        except ValueError:
            raise VendorError(
                f"{self.vendor}: {answer.place} answered no JSON "
                f"({len(answer.content)} bytes, status {answer.status})",
                answer.status,
            ) from None

    def pages(self, listing: str) -> Iterator[int]:
        """Yield 1, 2, 3 and on; raises VendorError where a listing has no end (R9a)."""
        most = self.settings.max_pages
        yield from range(1, most + 1)
        raise VendorError(
            f"{self.vendor}: {listing} has no end: {most} pages were read. "
            "Set LEDGERHOUSE_MAX_PAGES higher if it is really that long."
        )

    def request(self, method: str, path: str, **arguments: Any) -> Answer:
        """Send a request, tried again as R9 says; raises VendorError with the status."""
        url = path
        if path.startswith(("http://", "https://")):
            self._refuse_elsewhere(self.base_url, url)
        else:
            url = self.base_url + path
        answer = self._tried(method, url, arguments)
        self.calls += 1
        if answer.status >= 300:
            raise VendorError(
                f"{self.vendor}: {answer.place} answered {answer.status} {_phrase(answer.status)}",
                answer.status,
            )
        return answer

    def _tried(self, method: str, url: str, arguments: dict[str, Any]) -> Answer:
        for attempt in range(self.attempts + 1):
            self._give_up_after(0.0, "given up")
            self._keep_pace()
            began, answer, trouble = time.monotonic(), None, ""
            try:
                answer = self._in_time(method, url, arguments)
            except TRIED_AGAIN as error:
                trouble = type(error).__name__
            except VendorError:
                self._unanswered_seconds += time.monotonic() - began
                raise
            if answer and answer.status not in RETRIED_STATUSES:
                self._unanswered_seconds = 0.0
                return answer
            self._unanswered_seconds += time.monotonic() - began
            if attempt < self.attempts:
                self._back_off(attempt, answer, trouble)
        if answer:
            return answer
        raise VendorError(f"{self.vendor}: no answer ({trouble})")

    def _in_time(self, method: str, url: str, arguments: dict[str, Any]) -> Answer:
        """Return the answer, or raise VendorError at its deadline, wherever the vendor dawdles.

        The work is a thread's, which is left behind then: no read can be trusted to end.
        """
        done: SimpleQueue[Answer | Exception] = SimpleQueue()
        is_over = threading.Event()

        def work() -> None:
            try:
                done.put(self._follow(method, url, arguments, is_over))
            except Exception as error:
                done.put(error)

        threading.Thread(target=work, name=f"asks {self.vendor}", daemon=True).start()
        try:
            outcome: Answer | Exception | None = wait(ANSWER_SECONDS, done)
        finally:
            is_over.set()
        if outcome is None:
            raise VendorError(
                f"{self.vendor}: {shown(url)} gave no whole answer in {ANSWER_SECONDS} seconds"
            )
        if isinstance(outcome, (VendorError, *TRIED_AGAIN)):
            raise outcome
        if isinstance(outcome, Exception):
            raise VendorError(f"{self.vendor}: no answer ({type(outcome).__name__})") from None
        return outcome

    def _follow(
        self, method: str, url: str, arguments: dict[str, Any], is_over: threading.Event
    ) -> Answer:
        """Return the answer, redirects of the same origin followed."""
        for _ in range(MAX_REDIRECTS + 1):
            response = self.session.request(
                method,
                url,
                timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
                allow_redirects=False,
                stream=True,
                **arguments,
            )
            with response:
                target = response.headers.get("Location")
                if response.status_code not in REDIRECTS or not target:
                    return Answer(
                        response.url,
                        response.status_code,
                        response.headers,
                        self._body(response, is_over),
                    )
            url = joined(response.url, target)
            self._refuse_elsewhere(response.url, url)
            if response.status_code in BECOMES_GET:
                method, arguments = "GET", {"auth": arguments.get("auth")}
            arguments = {name: value for name, value in arguments.items() if name != "params"}
        raise VendorError(f"{self.vendor}: {shown(url)} redirects without end")

    def _body(self, response: requests.Response, is_over: threading.Event) -> bytes:
        try:
            return read_body(response, self.settings.max_answer_megabytes << 20, is_over)
        except ValueError as error:
            raise VendorError(f"{self.vendor}: {shown(response.url)} answered {error}") from None

    def _refuse_elsewhere(self, here: str, there: str) -> None:
        """Raise VendorError where an address would carry the account's secrets elsewhere (R9a)."""
        target = origin(there)
        if target and target == origin(here):
            return
        place = "{}://{}:{}".format(*target)[:200] if target else "an address that cannot be read"
        if any(secret.lower() in place.lower() for secret in self.settings.secrets()):
            place = "an address that holds a secret"
        raise VendorError(
            f"{self.vendor}: {shown(here)} sends on to {place}, another scheme, host or port. "
            "Nothing was sent there. If the vendor has moved, change its address in the settings."
        )

    def _keep_pace(self) -> None:
        """Wait until one more request is within the vendor's ceiling."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - 60:
            self._sent.popleft()
        if len(self._sent) >= self.per_minute:
            wait(self._sent.popleft() + 60 - now)
        self._sent.append(time.monotonic())

    def _back_off(self, attempt: int, answer: Answer | None, trouble: str) -> None:
        """Wait as long as the vendor asks for, else longer each time; R9a sets the limits."""
        backoff = self.settings.backoff_seconds
        seconds = min(MAX_BACKOFF_SECONDS, backoff * 2**attempt) + random.uniform(0, backoff)
        status = answer.status if answer else None
        asked = _retry_after(answer)
        if answer and asked is not None and asked > MAX_RETRY_AFTER_SECONDS:
            raise VendorError(
                f"{self.vendor}: {answer.place} answered {status} and asks to wait longer than "
                f"{MAX_RETRY_AFTER_SECONDS} seconds. Run again later.",
                status,
            )
        seconds = seconds if asked is None else asked
        self._give_up_after(seconds, trouble or f"status {status}")
        self._unanswered_seconds += seconds
        wait(seconds)

    def _give_up_after(self, seconds: float, trouble: str) -> None:
        """Raise VendorError, now and on every later request, where so long a wait is too much."""
        if self._unanswered_seconds + seconds > STALLED_SECONDS:
            self._unanswered_seconds = float("inf")
            raise VendorError(
                f"{self.vendor}: no usable answer for {STALLED_SECONDS} seconds ({trouble})"
            )


def open_client(
    vendor: str,
    base_url: str,
    settings: Settings,
    *,
    headers: dict[str, str] | None = None,
    per_minute: int = 60,
    attempts: int = 6,
) -> Client:
    """Return a client: connection errors, 429 and 5xx are tried again, other 4xx never (R9).

    `Retry-After` is honoured where it is sent. `per_minute` is the vendor's ceiling of requests,
    unless the settings name another one.
    """
    session = _Session()
    session.headers.update({"Accept-Encoding": "gzip"} | (headers or {}))
    return Client(
        vendor,
        base_url.rstrip("/"),
        session,
        settings,
        settings.requests_per_minute or per_minute,
        attempts,
    )


def _retry_after(answer: Answer | None) -> float | None:
    """Return the seconds a vendor asks to wait: a number of them, or until a date."""
    text = (answer.headers.get("Retry-After") or "").strip() if answer else ""
    if re.fullmatch(r"[0-9]+", text):
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _phrase(status: int) -> str:
    """Return what a status means; the vendor's own words may repeat our key."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
