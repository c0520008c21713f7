"""What dbt writes beside its work: the SQL of every node, once while it stays the same.

A night writes some six hundred files into `target/`, and within one process nearly all of them
again and again as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from dbt.contracts.graph.nodes import ParsedNode

_written: dict[tuple[str, str], str] = {}
_write_node: Any = ParsedNode.write_node


@contextmanager
def files_written_once() -> Iterator[None]:
    """Let dbt meanwhile write a node's SQL only where this process has not written the same."""
    with patch.object(ParsedNode, "write_node", _write_new):
        yield


def _write_new(node: Any, project_root: str, path: str, sql: str) -> None:
    if _written.get((project_root, path)) != sql:
        _write_node(node, project_root, path, sql)
        _written[project_root, path] = sql
