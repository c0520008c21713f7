"""dbt, run in this process: one function that raises when a node fails."""

import contextvars
import gc
import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter
from io import StringIO
from pathlib import Path
from typing import Any

from ingestion.lock import turn_token
from ingestion.settings import PROJECT, Settings, redact

log = logging.getLogger(__name__)

QUIET = ("--log-level", "none", "--log-level-file", "none")

# What parses the project meanwhile (`parsing_meanwhile`).
_parsers: list[subprocess.Popen[bytes]] = []


class DbtError(Exception):
    """A dbt command failed; the message names the nodes that did, `nodes` are all that ran."""

    def __init__(self, message: str, nodes: Sequence["NodeResult"] = ()) -> None:
        super().__init__(message)
        self.nodes = list(nodes)


@dataclass(frozen=True)
class NodeResult:
    """One node of a dbt run: `status` is dbt's own word, `seconds` its execution time."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str


@dataclass(frozen=True)
class Mart:
    """One model of `models/marts`, as publishing needs to know it.

    `personal` are its columns with `meta: {personal_data: true}`. `appended_by` is the known time
    that orders an append-only mart (`meta: {appended_by: ...}`), else None.
    """

    name: str
    schema: str
    personal: frozenset[str] = frozenset()
    appended_by: str | None = None


@dataclass(frozen=True)
class View:
    """A view that a build leaves as it is where nothing about it has changed."""

    name: str
    schema: str


def parsed_project(settings: Settings) -> Any:
    """Return the project as dbt has parsed it, once a process."""
    _export(settings)
    return _manifest(_identity(settings))


def read_manifest(settings: Settings) -> dict[str, Any]:
    """Return the parsed project, as dbt writes it to manifest.json."""
    manifest = parsed_project(settings)
    parsed: dict[str, Any] = manifest.writable_manifest().to_dict(omit_none=False)
    return parsed


def keep_manifest(settings: Settings) -> None:
    """Write the project as it is published, for dbt's `--state target/published`."""
    folder = target_folder() / "published"
    manifest, digest = parsed_project(settings), project_digest(settings)
    kept, kept_digest = folder / "manifest.json", folder / "digest"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if kept.exists() and kept_digest.exists() and kept_digest.read_text() == digest:
            return
        part = folder / f"manifest.{os.getpid()}.json"
        manifest.write(str(part))
        part.replace(kept)
        kept_digest.write_text(digest)
    except OSError as error:
        log.warning("the manifest of what is published was not written: %s", error)


def read_marts(settings: Settings) -> list[Mart]:
    """Return the marts of the parsed project, each after those it reads."""
    nodes = parsed_project(settings).nodes
    marts = {
        key: node
        for key, node in nodes.items()
        if node.resource_type == "model" and node.path.startswith("marts/")
    }
    order = TopologicalSorter(
        {
            key: [read for read in node.depends_on.nodes if read in marts]
            for key, node in marts.items()
        }
    )
    return [_mart(marts[key]) for key in order.static_order()]


def read_kept_views(settings: Settings) -> list[View]:
    """Return the views of the parsed project that a build leaves where nothing has changed."""
    nodes = parsed_project(settings).nodes.values()
    return [
        View(node.name, node.schema) for node in nodes if node.config.materialized == "kept_view"
    ]


def project_digest(settings: Settings) -> str:
    """Return what dbt itself tells by whether the project has changed: its files and options."""
    manifest = parsed_project(settings)
    options = [manifest.state_check.vars_hash, *manifest.state_check.project_hashes.values()]
    files = sorted((key, file.checksum.checksum) for key, file in manifest.files.items())
    digest = hashlib.sha256(repr((files, [option.checksum for option in options])).encode())
    return digest.hexdigest()[:32]


def _mart(node: Any) -> Mart:
    personal = [
        column.name
        for column in node.columns.values()
        if (column.meta or column.config.meta).get("personal_data")
    ]
    return Mart(
        name=node.name,
        schema=node.schema,
        personal=frozenset(personal),
        appended_by=node.config.meta.get("appended_by"),
    )


def run_dbt(
    settings: Settings, *command: str, variables: dict[str, str | bool] | None = None
) -> list[NodeResult]:
    """Run a dbt command and return its nodes' results; raises DbtError if one fails.

    The project is parsed once a process; only `variables` may differ between calls.
    """
    from orchestration.rules import rule_hash

    os.environ["LEDGERHOUSE_RULES"] = rule_hash(settings)
    arguments = [*command, "--no-write-json"]
    if variables:
        arguments += ["--vars", str(variables)]
    results = invoke(settings, *arguments, callbacks=[_log_nodes()])
    for node in results:
        if node.status == "warn":
            log.warning("dbt: %s: %s", node.name, node.message)
    return results


def invoke(
    settings: Settings, *command: str, callbacks: Sequence[Callable[[Any], None]] = ()
) -> list[NodeResult]:
    """Run a dbt command in this process, whatever it is; raises DbtError if a node fails."""
    from dbt.cli.main import dbtRunner

    from orchestration.dbt_connections import kept_connections
    from orchestration.dbt_contexts import quick_contexts
    from orchestration.dbt_events import heard_events
    from orchestration.dbt_files import files_written_once

    runner = dbtRunner(manifest=parsed_project(settings), callbacks=list(callbacks))
    quiet, quick = redirect_stdout(StringIO()), quick_contexts()
    with quiet, kept_connections(), heard_events(), files_written_once(), quick:
        outcome = runner.invoke(dbt_arguments(settings, *command))
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    results = [_result(node) for node in getattr(outcome.result, "results", None) or []]
    failed = [node for node in results if node.status in ("error", "fail", "runtime error")]
    if failed or not outcome.success:
        message = _explain(command[0], failed, outcome.exception)
        raise DbtError(redact(message, settings), results)
    return results


def _log_nodes() -> Callable[[Any], None]:
    """Return a dbt callback that logs every node as it ends."""
    # dbt's threads do not inherit the context that ties a record to its Prefect run.
    context = contextvars.copy_context()

    def log_node(event: Any) -> None:
        if event.info.name == "NodeFinished":
            node = event.data.node_info
            context.copy().run(log.info, "%s %s: %s", *_words(node))

    return log_node


def _words(node: Any) -> tuple[str, str, str]:
    return node.resource_type, node.node_name, node.node_status


def dbt_arguments(settings: Settings, *command: str) -> list[str]:
    """Return a dbt command with the project's places, its profile filled from the settings."""
    _export(settings)
    return [*command, *_places(), *QUIET]


@contextmanager
def parsing_meanwhile(settings: Settings) -> Iterator[None]:
    """Let another process parse a project that never was parsed: that takes some seconds.

    What it has found is read where the parsed project is first needed. No warehouse need be there.
    """
    if (target_folder() / "partial_parse.msgpack").exists():
        yield
        return
    parse = ["parse", *_places(), *QUIET, "--no-write-json"]
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *parse]
    environment = os.environ | _profile_variables(settings)
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere) as parser:
        _parsers.append(parser)
        try:
            yield
        except BaseException:
            parser.terminate()
            raise


def parse_again() -> None:
    """Forget the parsed project (its files or its target have changed)."""
    _manifest.cache_clear()
    gc.unfreeze()


@lru_cache(maxsize=4)
def _manifest(identity: tuple[str, ...]) -> Any:
    from dbt.cli.main import dbtRunner

    from orchestration.dbt_contexts import quick_contexts

    while _parsers:
        _parsers.pop().wait()
    with redirect_stdout(StringIO()), quick_contexts():
        outcome = dbtRunner().invoke(["parse", *_places(), *QUIET, "--no-write-json"])
    if not outcome.success:
        raise DbtError(f"The dbt project does not parse: {outcome.exception}")
    # It stays as long as this process: Python need not look through it again and again.
    gc.collect()
    gc.freeze()
    return outcome.result


def _identity(settings: Settings) -> tuple[str, ...]:
    """Return what the parsed project depends on besides its files."""
    return (settings.target, settings.warehouse.name, settings.published_schema)


def target_folder() -> Path:
    """Return where dbt, the docs site and the dashboard are written to."""
    return Path(os.environ.get("DBT_TARGET_PATH") or PROJECT / "target")


def _places() -> Sequence[str]:
    return ("--project-dir", str(PROJECT), "--profiles-dir", str(_profiles_directory()))


def _profiles_directory() -> str:
    profiles = PROJECT / "profiles.yml"
    if not profiles.exists():
        profiles.write_text((PROJECT / "profiles.example.yml").read_text())
    return str(PROJECT)


def _export(settings: Settings) -> None:
    os.environ.update(_profile_variables(settings))


def _profile_variables(settings: Settings) -> dict[str, str]:
    """Return what dbt's profile reads, as the settings say it."""
    warehouse = settings.warehouse
    variables = dict(
        WAREHOUSE_TARGET=settings.target,
        WAREHOUSE_HOST=warehouse.host,
        WAREHOUSE_PORT=str(warehouse.port),
        WAREHOUSE_USER=warehouse.user,
        WAREHOUSE_PASSWORD=warehouse.secret(),
        WAREHOUSE_NAME=warehouse.name,
        WAREHOUSE_SCHEMA=settings.published_schema,
        LEDGERHOUSE_RUN=turn_token() or "1",
        DO_NOT_TRACK="1",
    )
    if settings.redshift:
        database = settings.redshift.database
        variables |= dict(
            REDSHIFT_HOST=database.host,
            REDSHIFT_PORT=str(database.port),
            REDSHIFT_USER=database.user,
            REDSHIFT_PASSWORD=database.secret(),
            REDSHIFT_NAME=database.name,
            REDSHIFT_SSLMODE=settings.redshift.sslmode,
            REDSHIFT_STAGE=settings.redshift.stage,
            REDSHIFT_ROLE=settings.redshift.role,
        )
    return variables


def _result(node: Any) -> NodeResult:
    return NodeResult(
        name=node.node.name,
        kind=str(node.node.resource_type),
        status=str(node.status),
        seconds=node.execution_time,
        message=(node.message or "").strip(),
    )


def _explain(command: str, failed: list[NodeResult], error: BaseException | None) -> str:
    if not failed:
        return f"dbt {command} failed: {error}"
    lines = [f"  {node.kind} {node.name}: {node.message}" for node in failed]
    return f"dbt {command}: {len(failed)} of the nodes failed\n" + "\n".join(lines)
