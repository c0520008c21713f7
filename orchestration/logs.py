"""Where what happens is written: the console, and a rotating file under logs/ (SPEC O6)."""

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from typing import Any

from ingestion.settings import PROJECT, Settings, redact

PLACE = "logs/ledgerhouse.log"
LOGGERS = ("ingestion", "orchestration")


def log_to_file() -> None:
    """Write every step to the rotating file; five files of 10 MB are kept.

    A log that cannot be written stops nothing: it is said on the console. Files that this process
    makes from here on, logs and pages too, are its user's alone.
    """
    os.umask(0o077)
    place = PROJECT / PLACE
    try:
        place.parent.mkdir(exist_ok=True)
        file = RotatingFileHandler(place, maxBytes=10_000_000, backupCount=5)
    except OSError as error:
        sys.stderr.write(f"{PLACE} is not written: {error.strerror}. Make it writable.\n")
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [old for old in logger.handlers if not _is_file(old)] + [file]


def keep_secrets_out(settings: Settings) -> None:
    """Replace every secret of the settings in whatever is logged from here on, on every handler.

    Also in what a vendor echoes, in tracebacks, and on Prefect's page (SPEC R9).
    """

    def without_secrets(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = logging.LogRecord(*arguments, **named)
        record.msg, record.args = redact(record.getMessage(), settings), None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info), settings)
        return record

    logging.setLogRecordFactory(without_secrets)


def log_to_console(verbose: bool) -> None:
    """Show warnings on the console, and every step when `verbose`."""
    console = logging.StreamHandler()
    console.setFormatter(logging.Formatter("  %(message)s"))
    console.setLevel(logging.INFO if verbose else logging.WARNING)
    # Errors are printed by the command itself, once.
    console.addFilter(lambda record: record.levelno < logging.ERROR or verbose)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [old for old in logger.handlers if _is_file(old)] + [console]


def _is_file(handler: logging.Handler) -> bool:
    return isinstance(handler, RotatingFileHandler)
