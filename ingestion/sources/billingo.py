"""Billingo: the invoices of several companies, each a tenant with its own key (SPEC I1, I2).

A payload says nothing of when it was modified. So the cursor is the loader's own clock, documents
are read in two passes (by invoice date, by last modification) with seven days' overlap, and an
invoice that cannot be landed is remembered in the cursor and asked for by id until it lands.
Issued documents cannot be deleted at Billingo: no deletion of a document is ever concluded.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import simplejson

from ingestion.fields import DATE, LIST, NUMBER, TRUTH, WHOLE_NUMBER, need, spare
from ingestion.http import Client, VendorError
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.personal import NOBODY, NotErased
from ingestion.records import as_text
from ingestion.run import Run
from ingestion.sources.billingo_companies import Company, companies, cure_named, open_key
from ingestion.streams import EVERYTHING, Scope, Stream, children_of, window
from ingestion.warehouse import connect

log = logging.getLogger(__name__)

NAME = "billingo"
REQUIRES = ("BILLINGO_BASE_URL",)

PAGE_SIZE = 100
CRAWLS = 3
MOST_WAITING = 50  # with more, it is not the invoices' fault
OVERLAP = timedelta(days=7)
SPENDINGS_OVERLAP = timedelta(days=90)  # spendings have no filter by modification
CONCERNS_ALL = (None, 401, 402, 403, 429)  # refusals that are not one invoice's fault
SETTLED = ("paid", "partially_paid")

AS_ISSUED = NotErased("invoices are kept as they were issued, by law")
DOCUMENTS = Stream(
    *(NAME, "documents", ("id",)),
    personal=AS_ISSUED,
    fields=(
        *need("type", "payment_status", "currency"),
        *need("gross_total", "summary.net_amount", "summary.vat_amount", form=NUMBER),
        *need("conversion_rate", form=NUMBER, may_be_blank=True),
        *need("summary.net_amount_local", form=NUMBER, may_be_blank=True),
        *need("summary.vat_amount_local", form=NUMBER, may_be_blank=True),
        *need("summary.gross_amount_local", form=NUMBER, may_be_blank=True),
        *need("invoice_date", form=DATE),
        *need("fulfillment_date", "due_date", "paid_date", form=DATE, may_be_blank=True),
        *need("cancelled", form=TRUTH, may_be_blank=True),
        *need("related_documents", form=LIST, may_be_blank=True),
        *need("document_partner.id", "invoice_number", may_be_blank=True),
        *spare("document_partner.name", "payment_method", why="they only name things"),
    ),
)
# A document's items and payments are always answered whole: it may lose any share of them.
ITEMS = Stream(
    *(NAME, "items", ("document_id", "position")),
    scope_field="document_id",
    max_deleted_share=1.0,
    personal=AS_ISSUED,
    fields=(
        *need("document_id"),
        *need("position", form=WHOLE_NUMBER),
        *need("net_amount", "vat_amount", "gross_amount", form=NUMBER),
        *need("quantity", "net_unit_amount", form=NUMBER, may_be_blank=True),
        *spare("name", "unit", "vat", why="they only name things"),
        *spare("product_id", why="an item need not be a product"),
    ),
)
PAYMENTS = Stream(
    *(NAME, "payments", ("document_id", "position")),
    scope_field="document_id",
    max_deleted_share=1.0,
    personal=NOBODY,
    fields=(
        *need("document_id"),
        *need("position", form=WHOLE_NUMBER),
        *need("price", form=NUMBER),
        *need("conversion_rate", form=NUMBER, may_be_blank=True),
        *need("date", form=DATE),
        *spare("payment_method", why="it only names things"),
    ),
)
SPENDINGS = Stream(
    *(NAME, "spendings", ("id",)),
    scope_field="invoice_date",
    personal=AS_ISSUED,
    fields=(
        *need("currency"),
        *need("total_gross", form=NUMBER),
        *need("total_gross_local", "total_vat_amount", form=NUMBER, may_be_blank=True),
        *need("total_vat_amount_local", "conversion_rate", form=NUMBER, may_be_blank=True),
        *need("invoice_date", form=DATE),
        *need("due_date", "fulfillment_date", "paid_at", form=DATE, may_be_blank=True),
        *spare("partner.id", "partner.name", "invoice_number", why="a receipt has none"),
        *spare("category", "payment_method", why="they only name things"),
    ),
)
STREAMS = [DOCUMENTS, ITEMS, PAYMENTS, SPENDINGS]


@dataclass
class Progress:
    """The cursor: how far a stream is read, and which invoices still wait to be landed."""

    read_to: datetime | None = None
    retry: list[int] = field(default_factory=list)

    def since(self, overlap: timedelta) -> datetime | None:
        """Return from when on to read; None reads everything."""
        return self.read_to - overlap if self.read_to else None

    def as_text(self) -> str:
        """Return the cursor's text."""
        read_to = self.read_to.isoformat() if self.read_to else None
        return simplejson.dumps({"read_to": read_to, "retry": sorted(self.retry)})


def is_configured(run: Run) -> bool:
    """Tell whether the settings name Billingo's address."""
    return run.settings.billingo is not None


def sync(run: Run) -> list[Load]:
    """Land every active company; one that fails leaves the others done (SPEC I1)."""
    loads: list[Load] = []
    for company in companies(run):
        try:
            _land_documents(run, company, loads)
            if company.has_spendings:
                _land_spendings(run, company, loads)
        except LoadFailed as error:
            log.error("%s", error)
    return loads


def extract_documents(client: Client, since: datetime | None) -> Iterator[Any]:
    """Yield every document once: by invoice date, then by last modification (SPEC I2).

    `since` None yields all there are.
    """
    passes: list[dict[str, str]] = [{}]
    if since:
        modified = since.isoformat(" ", "seconds")
        passes = [{"start_date": modified[:10]}, {"last_modified_date": modified}]
    seen: set[int] = set()
    for parameters in passes:
        for document in _pages(client, "/documents", parameters):
            identity = _identity(document)
            if identity is None or identity not in seen:
                yield document
            if identity is not None:
                seen.add(identity)


def extract_payments(client: Client, document_id: int) -> list[Any]:
    """Return a document's payments, none where it is gone; raises VendorError or ValueError."""
    payments = _get_or_none(client, f"/documents/{document_id}/payments")
    return _numbered(document_id, [] if payments is None else payments, "payments")


def extract_spendings(client: Client, since: datetime | None) -> Iterator[Any]:
    """Yield the supplier invoices dated since then (all for None); pages may repeat some."""
    parameters = {}
    if since:
        parameters = {"spending_date": "invoice_date", "start_date": f"{since:%Y-%m-%d}"}
    yield from _pages(client, "/spendings", parameters)


def _land_documents(run: Run, company: Company, loads: list[Load]) -> None:
    """Land documents, items and payments; the documents, whose cursor rules, are kept last."""
    streams = [DOCUMENTS, ITEMS, *([PAYMENTS] if company.has_payments else [])]
    with _open_loads(run, company, streams) as opened, cure_named(company):
        loads += opened
        documents, items, *payments = opened
        client, before = open_key(run, company), _progress(documents)
        with _calls_counted(client, documents):
            landed, after = _land_invoices(run, client, documents, items, before)
        asked: list[int] = []
        for load in payments:
            with _calls_counted(client, load):
                asked = _land_payments(client, load, landed, after)
        documents.judge()
        for load in payments:
            load.complete(scope=_children(asked))
        items.complete(scope=_children(landed))
        documents.complete(cursor=after.as_text())
    if after.retry:
        log.warning("company %s: invoices %s wait for repair", company.company_id, after.retry)


def _land_invoices(
    run: Run, client: Client, documents: Load, items: Load, before: Progress
) -> tuple[list[int], Progress]:
    """Feed both loads; returns the ids that were taken, and the progress made.

    Where an invoice without a usable id was quarantined, the cursor stays: the same days are read
    again until it lands.
    """
    landed: list[int] = []
    after = Progress(run.loaded_at)
    since = None if run.full else before.since(OVERLAP)
    for document in extract_documents(client, since):
        identity = _identity(document)
        is_taken = _take_invoice(document, documents, items)
        if identity is None:
            after.read_to = before.read_to
        elif is_taken:
            landed.append(identity)
        else:
            after.retry.append(identity)
    for identity in sorted(set(before.retry) - set(landed) - set(after.retry)):
        with _quarantined(identity, documents, after):
            document = _get_or_none(client, f"/documents/{identity}")
            if document is None:
                log.warning("invoice %s is gone from Billingo", identity)
            elif _take_invoice(document, documents, items):
                landed.append(identity)
            else:
                after.retry.append(identity)
    return landed, after


def _take_invoice(document: Any, documents: Load, items: Load) -> bool:
    """Give an invoice and its items to their loads, or quarantine it whole; True if taken."""
    if isinstance(document, dict) and document.get("payment_status") not in SETTLED:
        # Billingo gives today as the paid date of what is not paid: it would change every night.
        document = document | {"paid_date": None}
    identity = _identity(document)
    try:
        if identity is None:
            raise ValueError("the id is no whole number")
        rows = list(map(items.encode, _numbered(identity, document.get("items"), "items")))
        row = documents.encode({name: document[name] for name in document if name != "items"})
    except ValueError as error:
        documents.reject(as_text(document), f"invoice {identity}: {error}")
        return False
    documents.write(row)
    for line in rows:
        items.write(line)
    return True


def _land_payments(
    client: Client, load: Load, document_ids: list[int], after: Progress
) -> list[int]:
    """Feed the load with the documents' payments; returns the ids that were answered."""
    asked = []
    for identity in document_ids:
        with _quarantined(identity, load, after):
            rows = [load.encode(payment) for payment in extract_payments(client, identity)]
            for row in rows:
                load.write(row)
            asked.append(identity)
    return asked


def _land_spendings(run: Run, company: Company, loads: list[Load]) -> None:
    """Land supplier invoices; while one is in quarantine nothing is deleted, the cursor stays."""
    with _open_loads(run, company, [SPENDINGS]) as (load,), cure_named(company):
        loads.append(load)
        client, before = open_key(run, company), _progress(load)
        since = None if run.full else before.since(SPENDINGS_OVERLAP)
        with _calls_counted(client, load):
            seen = set()
            for spending in extract_spendings(client, since):
                identity = _identity(spending)
                if identity is None or identity not in seen:
                    load.add(spending)
                seen.add(identity)
        if load.counts.quarantined:
            load.complete()
        else:
            scope = window(f"{since:%Y-%m-%d}", "9999-12-31") if since else EVERYTHING
            load.complete(scope=scope, cursor=Progress(run.loaded_at).as_text())


def _pages(client: Client, path: str, parameters: dict[str, str]) -> Iterator[Any]:
    """Yield the rows of a list, newest first. Pages drift while they are read: rows may come twice.

    Where fewer rows came than there were at its start, a deletion has pulled some past the reader:
    the list is read again. Raises LoadFailed at last.
    """
    for _ in range(CRAWLS):
        seen, unnamed, total, last_page = set(), 0, 0, 1
        for page in client.pages(path):
            answer = client.get_json(path, page=page, per_page=PAGE_SIZE, **parameters)
            if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
                raise LoadFailed(f"{path} page {page} answered something else than a list")
            last_page = answer.get("last_page") or 1
            total = (answer.get("total") or 0) if page == 1 else total
            for row in answer["data"]:
                identity = _identity(row)
                unnamed += identity is None
                seen.add(identity)
                yield row
            if page >= last_page:
                break
        if len(seen - {None}) + unnamed >= total:
            return
    raise LoadFailed(f"{path} names {total} rows but gave {len(seen)}, {CRAWLS} times")


def _get_or_none(client: Client, path: str) -> Any:
    """Return what is at `path`, None if it is gone (drafts can be deleted); raises VendorError."""
    try:
        return client.get_json(path)
    except VendorError as error:
        if error.status == 404:
            return None
        raise


def _numbered(document_id: int, rows: Any, what: str) -> list[dict[str, Any]]:
    """Return rows that have no id with their document's id and their position, from 1."""
    if not isinstance(rows, list):
        raise ValueError(f"{what} is {as_text(rows)[:100]}, not a list")
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{what} holds something that is no JSON object")
    return [
        row | {"document_id": document_id, "position": position}
        for position, row in enumerate(rows, start=1)
    ]


def _identity(row: Any) -> int | None:
    identity = row.get("id") if isinstance(row, dict) else None
    return identity if isinstance(identity, int) and not isinstance(identity, bool) else None


def _children(document_ids: list[int]) -> Scope:
    return children_of([str(identity) for identity in document_ids])


def _progress(load: Load) -> Progress:
    if not load.cursor:
        return Progress()
    known = simplejson.loads(load.cursor)
    read_to = known["read_to"]
    return Progress(datetime.fromisoformat(read_to) if read_to else None, known["retry"])


@contextmanager
def _open_loads(run: Run, company: Company, streams: list[Stream]) -> Iterator[list[Load]]:
    """Open one load a stream, each on its own connection: they are written side by side."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                open_load(
                    *(stack.enter_context(connect(run.settings)), run.settings, stream),
                    loaded_at=run.loaded_at,
                    tenant=company.company_id,
                )
            )
            for stream in streams
        ]


@contextmanager
def _calls_counted(client: Client, load: Load) -> Iterator[None]:
    before = client.calls
    try:
        yield
    finally:
        load.counts.api_calls += client.calls - before


@contextmanager
def _quarantined(identity: int, load: Load, after: Progress) -> Iterator[None]:
    """Quarantine what Billingo cannot give of one invoice; it is tried again the next night."""
    try:
        yield
    except (VendorError, ValueError) as error:
        if isinstance(error, VendorError) and error.status in CONCERNS_ALL:
            raise
        if len(after.retry) >= MOST_WAITING:
            raise LoadFailed(f"{MOST_WAITING} invoices wait, and now {error}") from error
        load.reject(as_text({"id": identity}), str(error))
        after.retry.append(identity)
