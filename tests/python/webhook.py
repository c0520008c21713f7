"""A webhook that hears the notices of jobs."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Webhook:
    """A real HTTP server that keeps what is posted to it, and refuses as often as it is told."""

    def __init__(self) -> None:
        self.posts: list[dict] = []
        self.refusals = 0
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.posts.append(json.loads(body) | {"path": self.path})
                webhook.refusals -= 1
                self.send_response(503 if webhook.refusals >= 0 else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()
