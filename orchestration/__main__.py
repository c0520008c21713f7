"""The command line: `ledgerhouse <command>`, or `python -m orchestration <command>`."""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from getpass import getuser
from pathlib import Path

import psycopg

from ingestion import embedded
from ingestion.books import refuse_other_version
from ingestion.environment import SettingsError
from ingestion.erasure import ErasureError
from ingestion.loads import LoadFailed
from ingestion.lock import RunLockError
from ingestion.registry import SOURCES
from ingestion.run import Run
from ingestion.settings import AcceptedShape, Settings, read_settings
from ingestion.sources import billingo
from ingestion.warehouse import WarehouseError, connect, first_line
from orchestration import demo, pipeline, report, status
from orchestration.approvals import ApprovalError
from orchestration.closing import CLOSE, REOPEN, CloseRefusedError
from orchestration.dashboard import write_dashboard
from orchestration.dbt import DbtError
from orchestration.docs import write_docs
from orchestration.guard import GuardError
from orchestration.holds import PublicationHeldError
from orchestration.logs import keep_secrets_out, log_to_console, log_to_file
from orchestration.msp_invoices import InvoiceError, write_invoices
from orchestration.pipeline import JobSkipped
from orchestration.restatement import RestatementError
from orchestration.schedules import SCHEDULES

log = logging.getLogger("orchestration")

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_HELD = 3
EXIT_LOCKED = 75
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done. 1: a source or the build failed. 2: a setting or the command is wrong, or none of a
    job's sources is configured. 3: built, and held back from analysts. 75: another pipeline
    run holds the warehouse. 130: interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        log_to_file()
        log_to_console(options.verbose)
        settings = read_settings()
        keep_secrets_out(settings)
        code: int = options.command(settings, options)
        return code
    except PublicationHeldError as error:
        return _fail(str(error), EXIT_HELD)
    except (SettingsError, WarehouseError, JobSkipped) as error:
        return _fail(str(error), EXIT_USAGE)
    except RunLockError as error:
        return _fail(str(error), EXIT_LOCKED)
    except (
        DbtError,
        LoadFailed,
        InvoiceError,
        ErasureError,
        GuardError,
        RestatementError,
        ApprovalError,
        CloseRefusedError,
    ) as error:
        return _fail(str(error), EXIT_FAILED)
    except psycopg.Error as error:
        return _fail(f"The warehouse failed: {first_line(error)}.", EXIT_FAILED)
    except KeyboardInterrupt:
        message = "Interrupted. What was not finished is finished by the next run."
        return _fail(message, EXIT_INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ledgerhouse", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="<command>")

    def command(
        name: str, run: Callable[[Settings, argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        added.add_argument("--verbose", action="store_true", help="show every step")
        added.set_defaults(command=run)
        return added

    command("demo", _demo)
    command("up", _up)
    command("down", _down)
    command("env", _env)
    sync = command("sync", _sync)
    sync.add_argument("source", nargs="?", choices=sorted(SOURCES), help="one source; default: all")
    sync.add_argument("--company-id", dest="tenant", help="one tenant of the source")
    sync.add_argument("--full", action="store_true", help="read everything again")
    sync.add_argument(
        "--accept-shape", metavar="STREAM", help="let it through though its shape has changed"
    )
    sync.add_argument("--by", metavar="NAME", help="who accepts")
    sync.add_argument("--reason", metavar="TEXT", help="why")
    sync.add_argument("--check", action="store_true", help="test Billingo's keys, land nothing")
    build = command("build", _build)
    build.add_argument("--full-refresh", action="store_true", help="build everything from empty")
    build.add_argument("--select", help="a dbt selection; default: everything")
    nightly = command("nightly", _nightly)
    nightly.add_argument("--full", action="store_true", help="read everything again")
    run = command("run", _run)
    run.add_argument("job", choices=list(SCHEDULES), help="a job of orchestration/schedules.py")
    run.add_argument("--full", action="store_true", help="read everything again")
    accept = command("accept", _accept)
    accept.add_argument("--by", required=True, metavar="NAME", help="who lets it through")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why it is right")
    restate = command("restate", _restate)
    _add_proposer(restate, "why the rules changed")
    approve = command("approve", _approve)
    approve.add_argument("--by", metavar="NAME", help="the second person; default: the login")
    approve.add_argument("--what", choices=["restatement", "month"], help="where both wait")
    for action in (CLOSE, REOPEN):
        closing = command(action, _close if action == CLOSE else _reopen)
        closing.add_argument("month", metavar="yyyymm", type=_month, help="such as 202601")
        closing.add_argument(
            "--unit", action="append", default=[], help="a business unit; default: all"
        )
        _add_proposer(closing, "why")
        closing.set_defaults(with_earlier=False)
        if action == CLOSE:
            closing.add_argument(
                "--with-earlier", action="store_true", help="and all open months before it"
            )
    verify = command("verify", _verify)
    verify.add_argument("month", metavar="yyyymm", type=_month, help="a closed month")
    acknowledge = command("acknowledge", _acknowledge)
    acknowledge.add_argument("keys", metavar="key", nargs="+", help="open items, as `close` lists")
    acknowledge.add_argument("--by", metavar="NAME", help="who says so; default: the login")
    acknowledge.add_argument("--reason", required=True, metavar="TEXT", help="why it may stay")
    command("check", _check_schedules)
    command("status", _status)
    explain = command("explain", _explain)
    explain.add_argument("entry_key", help="such as mortgage:professional:17")
    serve = command("serve", _serve)
    serve.add_argument("--port", type=int, default=4200, help="of the page; default: 4200")
    erase = command("erase", _erase)
    erase.add_argument("--phone", action="append", default=[], help="a phone of the person")
    erase.add_argument("--email", action="append", default=[], help="an e-mail of the person")
    command("dashboard", _dashboard)
    command("docs", _docs)
    command("replay-snapshots", _replay_snapshots)
    invoices = command("msp-invoices", _msp_invoices)
    invoices.add_argument("month", metavar="yyyymm", help="a closed month, such as 202601")
    invoices.add_argument("--account", help="one client's account number; default: all")
    invoices.add_argument("--to", type=Path, default=Path("invoices"), help="folder for the files")
    return parser


def _add_proposer(parser: argparse.ArgumentParser, why: str) -> None:
    """Let a command say who proposes it, why, and the second person."""
    parser.add_argument("--by", metavar="NAME", help="who proposes it; default: the login")
    parser.add_argument("--reason", required=True, metavar="TEXT", help=why)
    parser.add_argument(
        "--approved-by", metavar="NAME", help="a second person, on a machine of one user"
    )


def _demo(settings: Settings, options: argparse.Namespace) -> int:
    """Play a few nights of a simulated business and show its revenue."""
    _require_postgres(settings)
    return _exit_code(demo.play(settings))


def _up(settings: Settings, options: argparse.Namespace) -> int:
    """Start the embedded Postgres."""
    _require_embedded(settings)
    started = embedded.start(settings)
    report.say("The embedded Postgres is up." if started else "The embedded Postgres was up.")
    return EXIT_OK


def _down(settings: Settings, options: argparse.Namespace) -> int:
    """Stop the embedded Postgres; its data stays in .warehouse."""
    _require_embedded(settings)
    stopped = embedded.stop()
    report.say("The embedded Postgres is down." if stopped else "It was not running.")
    return EXIT_OK


def _env(settings: Settings, options: argparse.Namespace) -> int:
    """Print the warehouse's connection as export lines, for `eval`."""
    report.show_environment(settings)
    return EXIT_OK


def _sync(settings: Settings, options: argparse.Namespace) -> int:
    """Land one source or all of them, and snapshot what they brought."""
    if options.check:
        return _check(settings, options)
    settings = _accepting(settings, options)
    _start_if_embedded(settings)
    outcomes = pipeline.sync(
        settings,
        [options.source] if options.source else None,
        full=options.full,
        tenant=options.tenant,
    )
    if options.source == billingo.NAME:
        report.show_invoice_sync(Run(settings, settings.clock(), tenant=options.tenant), *outcomes)
    else:
        report.show_outcomes(outcomes)
    failed = [outcome for outcome in outcomes if outcome.is_failed]
    accepted = [load for outcome in outcomes for load in outcome.loads if load.is_accepted]
    if options.accept_shape and not (failed or accepted):
        report.say(f"{options.accept_shape} had its usual shape: there was nothing to accept.")
    return _exit_code(failed)


def _accepting(settings: Settings, options: argparse.Namespace) -> Settings:
    """Return the settings with the shape that somebody lets through (SPEC R11)."""
    source, stream = options.source, options.accept_shape
    if not stream:
        return settings
    if not (source and (options.by or "").strip() and (options.reason or "").strip()):
        raise SettingsError(
            "Say who accepts, and why: ledgerhouse sync SOURCE --accept-shape STREAM --by NAME "
            "--reason TEXT"
        )
    streams = [known.name for known in SOURCES[source].STREAMS]
    if stream not in streams:
        raise SettingsError(f"{source} has no stream {stream}. It has {', '.join(streams)}.")
    accepted = AcceptedShape(source, stream, options.by.strip(), options.reason.strip())
    return replace(settings, accepted_shape=accepted)


def _check(settings: Settings, options: argparse.Namespace) -> int:
    run = Run(settings, settings.clock(), tenant=options.tenant)
    if options.source != billingo.NAME:
        raise SettingsError("Only `sync billingo --check` tests keys.")
    if not billingo.is_configured(run):
        raise SettingsError(f"{', '.join(billingo.REQUIRES)} is not set.")
    return EXIT_OK if report.show_key_check(run) else EXIT_FAILED


def _build(settings: Settings, options: argparse.Namespace) -> int:
    """Build and test the models."""
    _start_if_embedded(settings)
    night = pipeline.build(settings, full_refresh=options.full_refresh, select=options.select)
    report.show_nodes(night.nodes)
    report.show_published(night.published)
    return EXIT_OK


def _accept(settings: Settings, options: argparse.Namespace) -> int:
    """Publish what was held, as `status` shows it, and write down who let it through and why."""
    accepted_by, reason = options.by.strip(), options.reason.strip()
    if not accepted_by or not reason:
        raise SettingsError("Say who lets it through, and why: --by NAME --reason TEXT.")
    report.show_published(pipeline.accept(settings, accepted_by[:200], reason[:1000]))
    return EXIT_OK


def _restate(settings: Settings, options: argparse.Namespace) -> int:
    """Book what changed rules move, from now on: propose it, and do it where it is approved."""
    by, reason, approved_by = _people(settings, options)
    attempt = pipeline.restate(settings, by, reason, approved_by)
    if attempt is None:
        report.say(
            "Proposed. A second person approves it with `ledgerhouse approve --by NAME`; the next"
            " run that publishes books it."
        )
        return EXIT_HELD
    report.say("Restated: what was published stays as it was, and the difference is booked.")
    report.show_published(attempt)
    return EXIT_OK


def _approve(settings: Settings, options: argparse.Namespace) -> int:
    """Approve what somebody else has proposed: a restatement, or to close or reopen a month."""
    by, _, _ = _people(settings, options)
    report.say(pipeline.approve(settings, by, options.what))
    return EXIT_OK


def _close(settings: Settings, options: argparse.Namespace) -> int:
    """Close a month: what becomes known of it later is posted to the first open month after it."""
    return _move_month(settings, options, CLOSE)


def _reopen(settings: Settings, options: argparse.Namespace) -> int:
    """Open a closed month again: what becomes known from now on is posted to it."""
    return _move_month(settings, options, REOPEN)


def _move_month(settings: Settings, options: argparse.Namespace, action: str) -> int:
    by, reason, approved_by = _people(settings, options)
    period, moment = pipeline.close(
        *(settings, action, options.month, options.unit, by, reason, approved_by),
        with_earlier=options.with_earlier,
    )
    if not moment:
        report.say(
            f"Proposed: {period.words}. A second person approves it with"
            " `ledgerhouse approve --by NAME`."
        )
        return EXIT_HELD
    report.say(f"Done: {period.words}, from {moment} UTC on.")
    return EXIT_OK


def _verify(settings: Settings, options: argparse.Namespace) -> int:
    """Compute a closed month again: is it what it was when it was closed?"""
    _require_postgres(settings)
    _start_if_embedded(settings)
    found = pipeline.verify(settings, options.month)
    if not found:
        raise SettingsError(f"{options.month:%Y-%m} is not closed.")
    report.show_verified(found)
    return _exit_code([one for one in found if not one.is_same])


def _acknowledge(settings: Settings, options: argparse.Namespace) -> int:
    """Write down that open items, such as exceptions, may stay when their month is closed."""
    by, reason, _ = _people(settings, options)
    for key, details in pipeline.acknowledge(settings, options.keys, by, reason):
        report.say(f"{key}: {details}. {by} says: {reason}")
    return EXIT_OK


def _people(settings: Settings, options: argparse.Namespace) -> tuple[str, str, str | None]:
    """Return who does it, why, and the second person; start the embedded server."""
    _require_postgres(settings)
    by = (getuser() if options.by is None else options.by).strip()[:200]
    reason = getattr(options, "reason", "-").strip()[:1000]
    approved_by = (getattr(options, "approved_by", None) or "").strip()[:200] or None
    if not by or not reason:
        raise SettingsError("Say who does it, and why: --by NAME --reason TEXT.")
    if approved_by and not settings.warehouse_is_embedded:
        raise SettingsError(
            "The warehouse is a server that knows roles: the second person runs"
            " `ledgerhouse approve --by NAME` under a role of their own."
        )
    _start_if_embedded(settings)
    return by, reason, approved_by


def _nightly(settings: Settings, options: argparse.Namespace) -> int:
    """Sync, snapshot, build, test, publish, and post the heartbeat: the same as `run nightly`."""
    options.job = "nightly"
    return _run(settings, options)


def _check_schedules(settings: Settings, options: argparse.Namespace) -> int:
    """Send a notice for every job whose last success is older than its schedule allows."""
    missed = pipeline.check(settings)
    for job in missed:
        report.complain(f"{job} is late")
    return _exit_code(missed)


def _run(settings: Settings, options: argparse.Namespace) -> int:
    """Run a scheduled job now: land its sources, snapshot, build, test, publish, heartbeat."""
    _start_if_embedded(settings)
    night = pipeline.run_job(settings, options.job, full=options.full)
    report.show_outcomes(night.outcomes)
    report.show_nodes(night.nodes)
    report.show_published(night.published)
    return _exit_code(night.failed_sources)


def _status(settings: Settings, options: argparse.Namespace) -> int:
    """Show what is published, what is wrong, the last runs, and what waits for somebody."""
    _require_postgres(settings)
    _require_this_version(settings)
    status.show(settings, verbose=options.verbose)
    return EXIT_OK


def _explain(settings: Settings, options: argparse.Namespace) -> int:
    """Show every entry of one key: what was booked, when, from which versions, and why."""
    _require_postgres(settings)
    _require_this_version(settings)
    return EXIT_OK if report.show_entry_key(settings, options.entry_key) else EXIT_FAILED


def _msp_invoices(settings: Settings, options: argparse.Namespace) -> int:
    """Write the invoices of a closed MSP month as CSV files for QuickBooks."""
    _require_postgres(settings)
    _require_this_version(settings)
    written = write_invoices(settings, options.month, options.to, options.account)
    for path in written:
        report.say(str(path))
    report.say(f"{len(written)} invoice(s) of {options.month}.")
    return EXIT_OK


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    """Run the schedules with Prefect: on the server of PREFECT_API_URL, or with one of its own."""
    from orchestration import server

    _start_if_embedded(settings)
    server.serve(options.port)
    return EXIT_OK


def _dashboard(settings: Settings, options: argparse.Namespace) -> int:
    """Write the page of revenue and operations: one file, for a browser without a network."""
    _require_postgres(settings)
    _start_if_embedded(settings)
    _require_this_version(settings)
    report.say(f"{write_dashboard(settings)}")
    return EXIT_OK


def _erase(settings: Settings, options: argparse.Namespace) -> int:
    """Erase a person by phone or e-mail from everything landed and built; no figure changes."""
    if not (options.phone or options.email):
        raise SettingsError("Name the person: --phone or --email.")
    _require_postgres(settings)
    _start_if_embedded(settings)
    changed = pipeline.erase(settings, options.phone, options.email)
    report.say(f"{changed} landed version(s) erased; they stay so when a vendor sends them again.")
    for why, streams in pipeline.not_erased().items():
        report.say(f"Not looked in: {', '.join(streams)} ({why}).")
    return EXIT_OK


def _docs(settings: Settings, options: argparse.Namespace) -> int:
    """Write the docs site of every model: one file, for a browser without a network."""
    _start_if_embedded(settings)
    report.say(f"{write_docs(settings)}")
    return EXIT_OK


def _replay_snapshots(settings: Settings, options: argparse.Namespace) -> int:
    """Empty the snapshots and fill them again from what is landed, landing by landing."""
    _start_if_embedded(settings)
    landings = pipeline.replay_snapshots(settings)
    report.say(f"{len(landings)} landing(s) replayed into the snapshots.")
    return EXIT_OK


def _require_embedded(settings: Settings) -> None:
    if not settings.warehouse_is_embedded:
        raise SettingsError(
            "WAREHOUSE_HOST is set: the warehouse is a server of its own. Unset it to use the "
            "embedded Postgres."
        )


def _require_postgres(settings: Settings) -> None:
    if settings.target != "postgres":
        raise SettingsError(
            f"The target is {settings.target}, and this command works on what is built on "
            "Postgres. Query Redshift for it, or unset WAREHOUSE_TARGET to see Postgres."
        )


def _require_this_version(settings: Settings) -> None:
    with connect(settings) as connection:
        refuse_other_version(connection)


def _start_if_embedded(settings: Settings) -> None:
    if settings.warehouse_is_embedded:
        embedded.start(settings)


def _month(text: str) -> date:
    """Return the first day of a month that is written as 202601."""
    if not re.fullmatch(r"\d{4}(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no month. Write it as 202601.")
    return date(int(text[:4]), int(text[4:]), 1)


def _exit_code(failures: object) -> int:
    return EXIT_FAILED if failures else EXIT_OK


def _fail(message: str, code: int) -> int:
    log.error("%s", message)
    report.complain(message)
    return code


if __name__ == "__main__":
    sys.exit(main())
