"""Invoices: a company's whole history landed and built, and the loader's peak memory."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import simplejson

from ingestion.loads import Load
from ingestion.run import Run
from ingestion.sandbox.billingo_documents import Line, invoice
from ingestion.sandbox.server import Answer, Request, Sandbox
from ingestion.settings import Settings
from ingestion.sources import billingo, seeds
from ingestion.sources.billingo_account import Billingo
from orchestration import pipeline
from orchestration.dbt import run_dbt
from tests.bench import server
from tests.bench.server import console, show

NIGHT = datetime(2026, 1, 1, 2)
COMPANIES = """company_id,name,key_variable,is_active,has_payments,has_spendings
1,Bench,BILLINGO_KEY,true,false,false
"""
LINES = tuple(Line(f"Line {number}", Decimal(3), Decimal("123.45"), "27%") for number in (1, 2, 3))
MOST_MEGABYTES = 300


def run(settings: Settings, documents: int = 300_000) -> None:
    """Land and build that many invoices with three items each; prints as it goes."""
    server.empty_databases(settings)
    pipeline.build(replace(settings, billing_db=None))
    console.rule(f"{documents:,} invoices, {len(LINES) * documents:,} items")
    with _vendor(documents) as url, TemporaryDirectory() as folder:
        (Path(folder) / "billingo_companies.csv").write_text(COMPANIES)
        settings = replace(
            settings,
            billingo=Billingo(url, {"BILLINGO_KEY": "bench"}),
            seeds_directory=Path(folder),
            requests_per_minute=10_000_000,
        )
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            seconds, megabytes, rows = process.submit(_land, settings).result()
    if rows != [documents, len(LINES) * documents]:
        raise RuntimeError(f"{rows} documents and items landed.")
    show("landed", seconds, sum(rows))
    verdict = "met" if megabytes < MOST_MEGABYTES else "MISSED"
    console.print(f"{'peak memory':45}{megabytes:9.0f} MB  goal {MOST_MEGABYTES} MB: {verdict}")
    started = time.monotonic()
    run_dbt(settings, "run", "--select", "int_invoices+", "fct_invoice_lines")
    show("models built", time.monotonic() - started)


def _land(settings: Settings) -> tuple[float, float, list[int]]:
    """Return the loader's seconds, its peak memory in MB, and how many rows were created."""
    seeds.sync(Run(settings, NIGHT))
    started = time.monotonic()
    loads = billingo.sync(Run(settings, NIGHT))
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds, peak, [_created(load) for load in loads]


def _created(load: Load) -> int:
    if load.error:
        raise RuntimeError(load.error)
    return load.counts.created


@contextmanager
def _vendor(documents: int) -> Iterator[str]:
    """Serve that many invoices from a process of its own; yields the address."""
    context = get_context("spawn")
    here, there = Pipe()
    process = context.Process(target=_serve, args=(there, documents), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _serve(there: Connection, documents: int) -> None:
    """Answer pages of one invoice with ever other ids and dates, made as text to be fast."""
    one = invoice(777_000_777, 5501001, LINES, invoiced_on=date(2020, 1, 1))
    text = simplejson.dumps(one, use_decimal=True)

    def answer(request: Request) -> Answer:
        page, per_page = int(request.query["page"]), int(request.query["per_page"])
        numbers = range(documents - (page - 1) * per_page, max(documents - page * per_page, 0), -1)
        rows = (
            text.replace("777000777", str(number)).replace("2020-01-01", _day(number, documents))
            for number in numbers
        )
        last_page = -(-documents // per_page)
        envelope = f'"total": {documents}, "current_page": {page}, "last_page": {last_page}'
        return Answer(f'{{"data": [{", ".join(rows)}], {envelope}}}'.encode())

    with Sandbox({"billingo": answer}) as sandbox:
        there.send(sandbox.url("billingo"))
        there.recv()


def _day(number: int, documents: int) -> str:
    return (NIGHT - timedelta(days=(documents - number) * 1000 // documents)).date().isoformat()
