"""One local HTTP server for all simulated vendors, with faults that tests can order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import simplejson


@dataclass(frozen=True)
class Request:
    """What a vendor received; `query` holds the last value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    def form(self) -> dict[str, str]:
        """Return the body's form fields."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Answer:
    """What a vendor sends back: `body` is bytes as they are, or anything that JSON can hold."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return the bytes to send."""
        if isinstance(self.body, bytes):
            return self.body
        return simplejson.dumps(self.body, use_decimal=True).encode()


Vendor = Callable[[Request], Answer]


class Sandbox:
    """The server, as a context manager. `vendors` maps the first part of the path to a vendor.

    `fail` orders faults; `requests` keeps what was asked, in order.
    """

    def __init__(self, vendors: dict[str, Vendor], port: int = 0) -> None:
        self.vendors = vendors
        self.requests: list[Request] = []
        self._faults: list[tuple[str, list[Answer]]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True

    def url(self, vendor: str) -> str:
        """Return the vendor's base URL."""
        return f"http://127.0.0.1:{self._server.server_port}/{vendor}"

    def fail(self, part: str, *answers: Answer) -> None:
        """Give these answers, one each, to the next requests whose path or body holds `part`."""
        with self._lock:
            self._faults.append((part, list(answers)))

    def heal(self) -> None:
        """Forget the faults that were ordered."""
        with self._lock:
            self._faults.clear()

    def __enter__(self) -> Self:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer:
        """Return the ordered fault for this request, or what the vendor answers."""
        with self._lock:
            self.requests.append(request)
            asked = f"{request.path} {request.body.decode(errors='replace')}"
            for part, answers in self._faults:
                if answers and part in asked:
                    return answers.pop(0)
        _, vendor, rest = (request.path + "/").split("/", 2)
        if vendor not in self.vendors:
            return Answer({"error": f"no vendor {vendor}"}, status=404)
        inner = Request(
            request.method, "/" + rest.rstrip("/"), request.query, request.headers, request.body
        )
        return self.vendors[vendor](inner)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sandbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else every answer waits 40 ms for its second packet

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                size = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = sandbox.answer(
                    Request(self.command, parts.path, query, headers, self.rfile.read(size))
                )
                content = answer.content()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _serve

            def log_message(self, *arguments: object) -> None:
                """Stay silent: the sandbox keeps its requests itself."""

        return Handler
