"""COPY from S3, as much of it as the project uses: CSV in gzip, listed in a manifest.

The files' rows become one INSERT, which runs in the client's own transaction. Texts longer than
their columns, files that are missing and a COPY without a role are refused, as Redshift would.
"""

import csv
import gzip
import io
import json
import re
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

COPY = re.compile(
    r"^\s*copy\s+(?P<table>[\w.]+)\s*\((?P<columns>[\w, ]+)\)\s*from\s+'s3://(?P<bucket>[^/']+)/"
    r"(?P<key>[^']+)'\s*(?P<options>.*)$",
    re.IGNORECASE | re.DOTALL,
)
ROLE = re.compile(r"iam_role\s+'arn:aws:iam::\d{12}:role/[^']+'", re.IGNORECASE)
OPTIONS = re.compile(r"manifest|format csv|gzip|timeformat 'auto'|truncatecolumns", re.IGNORECASE)


class CopyError(Exception):
    """Redshift would refuse this COPY; the message says why."""


@dataclass(frozen=True)
class Copy:
    """A COPY statement, taken apart."""

    table: str
    columns: list[str]
    bucket: str
    key: str
    truncates: bool


def copy_statement(sql: str) -> str | None:
    """Return the INSERT for a COPY from S3; None for any other statement."""
    if not re.match(r"\s*copy\b", sql, re.IGNORECASE):
        return None
    copy = _parsed(sql)
    rows = [row for url in _files(copy) for row in _rows(copy, url)]
    columns = ", ".join(copy.columns)
    truncates = str(copy.truncates).lower()
    return (
        f"insert into {copy.table} ({columns}) select {columns} from jsonb_populate_recordset("
        f"cast(null as {copy.table}),"
        f" redshift.fitted('{copy.table}', {_quoted(json.dumps(rows))}, {truncates}))"
    )


def _parsed(sql: str) -> Copy:
    match = COPY.match(sql)
    if not match:
        raise CopyError("the stand-in knows COPY of a column list from a manifest on S3 alone")
    options = match["options"]
    if not ROLE.search(options):
        raise CopyError("COPY needs the ARN of an IAM_ROLE")
    unknown = OPTIONS.sub("", ROLE.sub("", options)).strip()
    if unknown:
        raise CopyError(f"the stand-in does not know the options {unknown}")
    needed = ("manifest", "format csv", "gzip")
    if any(option not in options.lower() for option in needed):
        raise CopyError(f"the stand-in knows COPY with {', '.join(needed)} alone")
    columns = [name.strip() for name in match["columns"].split(",")]
    truncates = "truncatecolumns" in options.lower()
    return Copy(match["table"], columns, match["bucket"], match["key"], truncates)


def _files(copy: Copy) -> list[str]:
    manifest = json.loads(_content(copy.bucket, copy.key))
    return [entry["url"] for entry in manifest["entries"]]


def _rows(copy: Copy, url: str) -> list[dict[str, Any]]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    text = gzip.decompress(_content(bucket, key)).decode()
    csv.field_size_limit(1 << 30)
    found = []
    for row in csv.reader(io.StringIO(text, newline="")):
        if len(row) != len(copy.columns):
            raise CopyError(f"{url}: {len(row)} fields for {len(copy.columns)} columns")
        values = [None if value == r"\N" else value for value in row]
        found.append(dict(zip(copy.columns, values, strict=True)))
    return found


def _content(bucket: str, key: str) -> bytes:
    try:
        return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise CopyError(f"s3://{bucket}/{key} cannot be read: {error}") from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
