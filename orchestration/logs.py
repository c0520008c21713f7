"""Where what happens is written: the console, and a rotating file under logs/ (SPEC O6)."""

import logging
from logging.handlers import RotatingFileHandler

from ingestion.settings import PROJECT

PLACE = "logs/ledgerhouse.log"
LOGGERS = ("ingestion", "orchestration")


def log_to_file() -> None:
    """Write every step to the rotating file; five files of 10 MB are kept."""
    place = PROJECT / PLACE
    place.parent.mkdir(exist_ok=True)
    file = RotatingFileHandler(place, maxBytes=10_000_000, backupCount=5)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [old for old in logger.handlers if not _is_file(old)] + [file]


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
