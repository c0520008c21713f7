"""What must not leave: keys in logs, passwords in the open, vendors' text as files or formulas."""

import datetime
import logging
import os
import ssl
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from email import message_from_bytes
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingestion.books import make_books
from ingestion.settings import NoticeChannel, Settings
from ingestion.warehouse import connect
from orchestration import logs, notices
from orchestration.msp_invoices import _file_name, _plain
from tests.python import golden
from tests.python.conftest import free_port

HOOK = "https://hooks.example.com/services/T000/B000/sEcReTpAtH?token=alsoSecret1"


class Box:
    """A mail server's box."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.letters.append(envelope.content)
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    place = tmp_path_factory.mktemp("tls") / "mail.pem"
    place.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return place


@pytest.fixture(params=["smtp", "smtps"])
def mail(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[str, Box]]:
    """The address of a mail server with TLS, and its box."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    box, port = Box(), free_port()
    is_implicit = request.param == "smtps"
    named = {"ssl_context": context} if is_implicit else {"tls_context": context}
    server = Controller(box, hostname="127.0.0.1", port=port, **named)
    if is_implicit:
        server.ssl_context = context
    server.start()
    yield f"{request.param}://127.0.0.1:{port}", box
    server.stop()


def tell(settings: Settings, url: str) -> str | None:
    """Send a notice by this server; return what went wrong."""
    channel = NoticeChannel(url, "ledger@example.com", ("anna@example.com",))
    with connect(settings, autocommit=True) as connection:
        make_books(connection)
        notices.tell_failure(connection, replace(settings, notices=channel), "nightly", "broken")
    rows = golden.query(settings, "select error from landing.notices order by sent_at desc limit 1")
    return rows[0]["error"] or None


def test_mail_goes_to_a_server_whose_certificate_is_trusted(
    settings: Settings,
    mail: tuple[str, Box],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, box = mail
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert tell(settings, url) is None
    letter = message_from_bytes(box.letters[0])
    assert letter["Subject"] == "ledgerhouse nightly: failure"
    assert letter["To"] == "anna@example.com"
    assert "nightly failed: broken" in letter.get_payload()


def test_mail_does_not_go_to_a_server_that_anybody_could_be(
    settings: Settings, mail: tuple[str, Box]
) -> None:
    url, box = mail
    assert "certificate" in (tell(settings, url) or "").lower()
    assert not box.letters


def test_mail_is_not_sent_in_the_open(settings: Settings) -> None:
    box, port = Box(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        assert "STARTTLS" in (tell(settings, f"smtp://127.0.0.1:{port}") or "")
    finally:
        server.stop()
    assert not box.letters


@pytest.fixture
def secretive(server: Settings) -> Iterator[Settings]:
    """Settings with secrets, kept out of what is logged."""
    settings = replace(
        server,
        heartbeat_key="k3y/of the+vendor",
        salt="a salt that is long enough",
        notices=NoticeChannel(HOOK),
    )
    logs.keep_secrets_out(settings)
    yield settings
    logging.setLogRecordFactory(logging.LogRecord)


def test_no_handler_of_no_logger_sees_a_secret(
    secretive: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ingestion.http", "urllib3", "some.library"):
        log = logging.getLogger(name)
        with caplog.at_level(logging.DEBUG, logger=name):
            log.warning("the vendor said: %s", "your key k3y/of the+vendor is bad")
            log.warning("posted to %s", HOOK)
            log.warning(
                "path /services/T000/B000/sEcReTpAtH, %s", {"key": "k3y%2Fof%20the%2Bvendor"}
            )
            try:
                raise ValueError("a salt that is long enough")
            except ValueError:
                log.exception("failed")
    written = "\n".join(caplog.handler.format(record) for record in caplog.records)
    assert "***" in written
    for secret in ("k3y/of", "k3y%2Fof", "sEcReTpAtH", "alsoSecret1", "long enough"):
        assert secret not in written


def test_what_is_logged_is_its_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "PROJECT", tmp_path)
    loggers = [logging.getLogger(name) for name in logs.LOGGERS]
    before = [(logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    mask = os.umask(0o022)
    try:
        logs.log_to_file()
        assert (tmp_path / logs.PLACE).stat().st_mode & 0o077 == 0
        monkeypatch.setattr(logs, "PROJECT", tmp_path / logs.PLACE)
        logs.log_to_file()
        assert "is not written: Not a directory" in capsys.readouterr().err
    finally:
        os.umask(mask)
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)


@pytest.mark.parametrize(
    "number", ["../../../x-202601", "/etc/passwd", "..", ".hidden", "a\0b", "ü%2F", "x" * 500]
)
def test_an_account_number_is_never_a_path(number: str) -> None:
    name = _file_name(number)
    assert name == Path(name).name
    assert not name.startswith(".")
    assert len(name) <= 200
    assert name.isascii()


def test_account_numbers_that_differ_have_files_that_differ() -> None:
    numbers = ["a/b", "a%2Fb", "a_b", "a.b", "A/b"]
    assert len({_file_name(number) for number in numbers}) == len(numbers)
    assert _file_name("800005-202501") == "800005-202501"


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(1,2)", "\tx", "\rx"])
def test_text_that_begins_like_a_formula_is_text(text: str) -> None:
    assert _plain(text) == f"'{text}"
    assert _plain(Decimal("-12.5")) == "-12.50"
    assert _plain("a - b") == "a - b"
