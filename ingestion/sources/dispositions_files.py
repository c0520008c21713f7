"""The files of a drop folder, read as rows, whatever a partner puts there (SPEC R9b).

What cannot be read is a BadLine in the place of its row, and the rest of the file goes on. Links,
pipes and devices are not opened: they may lead to what the partner must not see in our reasons.
"""

import csv
import io
import os
import stat
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ingestion.readable import read_json

SUFFIXES = (".csv", ".jsonl")
MAX_FILE_BYTES = 100 << 20
# More lines than this are no row: a quote that was never closed swallows what follows.
MAX_LINES_OF_A_ROW = 1_000
# From so many fields on, a line that has them all is a row of its own, whatever quotes say.
TELLING_WIDTH = 5

Row = dict[str, Any]


class BadLine(Exception):
    """A line, or a whole file, that holds no event; the message says why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(reason)
        self.text = text


def list_files(folder: Path) -> list[tuple[Path, int]]:
    """Return the folder's files and links with the time each was last changed, in ns.

    It is the file system's change time, which a copy cannot preserve.
    """
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode):
                found.append((path, status.st_ctime_ns))
    return found


def read_rows(
    path: Path, is_of_one_line: Callable[[str], bool]
) -> Iterator[tuple[int, Row | BadLine]]:
    """Yield a file's rows, numbered from 1; raises BadLine for a file that is none, or OSError.

    `is_of_one_line` tells the columns in which a line break can only be a mistake.
    """
    text = _content(path).decode("utf-8-sig", errors="surrogateescape")
    if path.suffix.lower() == ".jsonl":
        yield from _json_rows(path.name, text)
    else:
        yield from _csv_rows(path.name, text, is_of_one_line)


def _content(path: Path) -> bytes:
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise BadLine(path.name, f"{path.name}: the file's name is no UTF-8. Rename it.") from None
    if not stat.S_ISREG(path.lstat().st_mode):
        raise BadLine(path.name, f"{path.name} is a link or a device, no file. It was not opened.")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadLine(
            path.name, f"{path.name} has more than {MAX_FILE_BYTES >> 20} MB. Split the file."
        )
    return content


def _json_rows(name: str, text: str) -> Iterator[tuple[int, Row | BadLine]]:
    lines = (line for line in io.StringIO(text, newline=None) if line.strip())
    for number, line in enumerate(lines, start=1):
        try:
            row = read_json(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            yield number, row
        else:
            reason = f"{name} row {number}: no JSON object"
            yield number, BadLine(f"{name}:{number}: {line.strip()}", reason)


def _csv_rows(
    name: str, text: str, is_of_one_line: Callable[[str], bool]
) -> Iterator[tuple[int, Row | BadLine]]:
    lines = [line.replace("\0", "") for line in io.StringIO(text, newline="")]
    header: list[str] = []
    begin, number = 0, 0
    while begin < len(lines):
        values, taken, trouble = _next_row(lines, begin, header, is_of_one_line)
        source = "".join(lines[begin : begin + taken]).strip()
        begin += taken
        if not values and not trouble:
            continue
        if not header:
            if trouble:
                raise BadLine(source, f"{name}: the header cannot be read, {trouble}")
            header = values
            continue
        number += 1
        if not trouble and len(values) != len(header):
            trouble = f"{len(values)} fields, expected {len(header)}"
        if trouble:
            yield number, BadLine(f"{name}:{number}: {source}", f"{name} row {number}: {trouble}")
        else:
            yield number, dict(zip(header, values, strict=True))


def _next_row(
    lines: list[str], begin: int, header: list[str], is_of_one_line: Callable[[str], bool]
) -> tuple[list[str], int, str | None]:
    """Return the row that begins at a line, how many lines it takes, and what is wrong with it.

    Where its quotes would swallow other rows, the line alone is taken for the row.
    """
    reader = csv.reader(_some(lines, begin), strict=True)
    try:
        values = next(reader, [])
    except csv.Error:
        return _row_of_one_line(lines[begin])
    taken = reader.line_num
    swallowed = lines[begin + 1 : begin + taken]
    if swallowed and header and _is_swallowing(values, swallowed, header, is_of_one_line):
        return _row_of_one_line(lines[begin])
    return values, taken, None


def _some(lines: list[str], begin: int) -> Iterator[str]:
    return (lines[n] for n in range(begin, min(begin + MAX_LINES_OF_A_ROW, len(lines))))


def _row_of_one_line(line: str) -> tuple[list[str], int, str | None]:
    try:
        values = next(csv.reader([line.rstrip("\r\n") + "\n"]), [])
    except csv.Error as error:
        return [], 1, str(error)
    is_open = bool(values) and values[-1].endswith("\n")
    return values, 1, "a quote is not closed" if is_open else None


def _is_swallowing(
    values: list[str],
    swallowed: list[str],
    header: list[str],
    is_of_one_line: Callable[[str], bool],
) -> bool:
    if len(values) != len(header):
        return True
    if any(
        is_of_one_line(column) and ("\n" in value or "\r" in value)
        for column, value in zip(header, values, strict=True)
    ):
        return True
    return len(header) >= TELLING_WIDTH and any(
        len(_row_of_one_line(line)[0]) == len(header)
        for line in islice(swallowed, MAX_LINES_OF_A_ROW)
    )
