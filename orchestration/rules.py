"""The rules: all SQL that decides the ledger's amounts, told by one hash (SPEC L17).

It is of every model and snapshot that the ledger rests on, and of their hooks, compiled as a full
build, and therefore of the vars that they read. Comments, white space outside literals, the names
of schemas and all that depends on a run are not in it: a reformatted model has the same hash.
"""

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unittest.mock import patch

import psycopg

from ingestion.settings import PROJECT, Settings
from orchestration.dbt import invoke, parsed_project, project_digest, target_folder

LEDGER = "fct_ledger_entries"
# Comments are left out; literals and quoted names stay whole, and every other sign stands alone.
TOKENS = re.compile(
    r"--[^\n]*|/\*.*?\*/|('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[\w.]+|[^\w\s])", re.DOTALL
)
# What of a snapshot's configuration decides which versions it holds.
OF_SNAPSHOTS = ("strategy", "unique_key", "updated_at", "check_cols", "hard_deletes")
REMEMBERED = 20
# Why rules are noted that nobody restated.
FIRST, NO_EFFECT = "first", "no_effect_so_far"

IN_FORCE = """
select rule_version_id, rule_hash, git_commit, is_dirty, reason, author, known_from
from landing.rule_versions
where target = %s and schema_name = %s order by rule_version_id desc limit 1
"""

_hashes: dict[str, str] = {}


@dataclass(frozen=True)
class Checkout:
    """The commit of the project's files, and whether they were changed since.

    Both are None where the project is no checkout of git.
    """

    commit: str | None
    is_dirty: bool | None


@dataclass(frozen=True)
class RuleVersion:
    """Rules that were in force, from when on, and why they came."""

    rule_version_id: int
    rule_hash: str
    git_commit: str | None
    is_dirty: bool | None
    reason: str
    author: str
    known_from: datetime

    @property
    def words(self) -> str:
        """Name the rules and their commit."""
        commit = f", commit {self.git_commit[:12]}" if self.git_commit else ""
        return f"{self.rule_hash[:12]}{commit}{' with changes' if self.is_dirty else ''}"


def rule_hash(settings: Settings) -> str:
    """Return the hash of the rules that the project's files say, 32 hexadecimal digits.

    The project is compiled for it, which takes some seconds, once for each state of its files.
    """
    project = parsed_project(settings)
    key = f"{settings.target} {project.metadata.dbt_version} {project_digest(settings)}"
    if key not in _hashes:
        path = target_folder() / "rules.json"
        known = _read(path)
        if key not in known:
            texts = sorted(rule_texts(settings).items())
            known[key] = hashlib.sha256(repr(texts).encode()).hexdigest()[:32]
            _write(path, dict(list(known.items())[-REMEMBERED:]))
        _hashes[key] = known[key]
    return _hashes[key]


def rule_texts(settings: Settings) -> dict[str, str]:
    """Return the SQL that decides the ledger, by the id of the node in which it stands."""
    project = parsed_project(settings)
    nodes = {**project.nodes, **project.sources}
    names = {node.relation_name: node_id for node_id, node in nodes.items() if node.relation_name}
    schemas = {node.schema for node in nodes.values()}
    found = {}
    for node_id, statements in compiled_whole(settings).items():
        text = ";\n".join(statements)
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, f'"{names[name]}"')
        for schema in schemas:
            text = text.replace(f"'{schema}'", "'schema'")
        config = project.nodes[node_id].config
        if project.nodes[node_id].resource_type == "snapshot":
            text += f";\n{[config.get(name) for name in OF_SNAPSHOTS]}"
        found[node_id] = " ".join(token for token in TOKENS.findall(text) if token)
    return found


def rules_in_force(connection: psycopg.Connection, settings: Settings) -> RuleVersion | None:
    """Return the rules of what is published; None where nothing is."""
    row = connection.execute(IN_FORCE, (settings.target, settings.published_schema)).fetchone()
    return RuleVersion(*row) if row else None


def note_rules(
    connection: psycopg.Connection,
    settings: Settings,
    rules: str,
    version: tuple[str, str, datetime],
) -> None:
    """Let rules be in force: `version` is why, who brought them (or blank), and from when on."""
    reason, author, known_from = version
    found = checkout()
    connection.execute(
        "insert into landing.rule_versions (target, schema_name, rule_hash, git_commit,"
        " is_dirty, reason, author, known_from)"
        " values (%s, %s, %s, %s, %s, %s, coalesce(nullif(%s, ''), session_user), %s)",
        (
            *(settings.target, settings.published_schema, rules),
            *(found.commit, found.is_dirty, reason, author, known_from),
        ),
    )


def checkout() -> Checkout:
    """Return what git says of the project's files."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return Checkout(None, None)
    return Checkout(commit, bool(_git("status", "--porcelain")))


def compiled_whole(settings: Settings) -> dict[str, Sequence[str]]:
    """Return all that the ledger rests on, and its hooks, as a full build would compile them.

    dbt's `execute` is off meanwhile, as when it parses: no macro asks the warehouse.
    """
    from dbt.clients.jinja import get_rendered
    from dbt.compilation import Compiler
    from dbt.context.providers import RuntimeProvider

    found: dict[str, Sequence[str]] = {}
    compile_code: Any = Compiler._compile_code

    def compile_with_hooks(
        self: Any, node: Any, manifest: Any, extra_context: dict[str, Any] | None = None
    ) -> Any:
        compiled = compile_code(self, node, manifest, extra_context)
        if node.resource_type in ("model", "snapshot"):
            context = self._create_node_context(node, manifest, extra_context or {})
            hooks = [*node.config.pre_hook, *node.config.post_hook]
            rendered = [get_rendered(hook.sql, context) for hook in hooks]
            found[node.unique_id] = [compiled.compiled_code, *rendered]
        return compiled

    options = ("--full-refresh", "--no-introspect", "--no-populate-cache", "--no-write-json")
    with (
        patch.object(Compiler, "_compile_code", compile_with_hooks),
        patch.object(RuntimeProvider, "execute", False),
    ):
        invoke(settings, "compile", "--select", f"+{LEDGER}", *options)
    return found


def _read(path: Any) -> dict[str, str]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Any, known: Mapping[str, str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{id(known)}")
        part.write_text(json.dumps(known))
        part.replace(path)
    except OSError:
        pass  # it is computed again


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(PROJECT), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
