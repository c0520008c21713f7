"""A stand-in for S3: objects in memory, put and got over HTTP by the clients of AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ingestion.sandbox.server import Answer, Request, Sandbox

MISSING = b"<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>"


@dataclass
class ObjectStore:
    """The objects, by `/bucket/key`."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        """Answer one request of the S3 protocol."""
        if request.method == "PUT":
            self.objects[request.path] = request.body
            return Answer(headers={"ETag": '"whole"'})
        if request.method == "GET" and request.path in self.objects:
            return Answer(self.objects[request.path], headers={"ETag": '"whole"'})
        return Answer(MISSING, status=404, headers={"Content-Type": "application/xml"})


@contextmanager
def serving(store: ObjectStore) -> Iterator[dict[str, str]]:
    """Serve the objects; yields the environment with which AWS' clients find them."""
    with Sandbox({"s3": store}) as sandbox:
        yield {
            "AWS_ENDPOINT_URL_S3": sandbox.url("s3"),
            "AWS_ACCESS_KEY_ID": "stand-in",
            "AWS_SECRET_ACCESS_KEY": "stand-in",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
