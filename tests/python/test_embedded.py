"""The embedded Postgres: private folders, other users, two starters at once, kill -9."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ingestion import embedded
from ingestion.environment import SettingsError
from ingestion.settings import OWNER_PASSWORD, PROJECT, Settings, read_settings
from ingestion.warehouse import WarehouseError, connect
from tests.python.conftest import free_port

CLONED = ("Makefile", "pyproject.toml", "requirements.lock", "profiles.example.yml")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a folder to Postgres")


@pytest.fixture
def clone() -> Iterator[Path]:
    """A copy of the project in a folder that only its owner may enter, with a space in its name."""
    private = Path(tempfile.mkdtemp(prefix="a private folder "))
    clone = private / "ledger house"
    for package in ("ingestion", "orchestration"):
        shutil.copytree(PROJECT / package, clone / package, ignore=shutil.ignore_patterns("__py*"))
    for name in CLONED:
        shutil.copy(PROJECT / name, clone)
    (clone / ".env").write_text(f"WAREHOUSE_PORT={free_port()}\n")
    yield clone
    data = clone / ".warehouse"
    ledgerhouse(clone, "down")
    if data.is_symlink():
        shutil.rmtree(data.resolve())
    shutil.rmtree(private)


def ledgerhouse(clone: Path, command: str, user: int = 0) -> str:
    """Run a command in the clone as the user; return what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "orchestration", command],
        cwd=clone,
        env=clean_environment(clone),
        capture_output=True,
        text=True,
        **({"user": user, "group": user, "extra_groups": []} if user else {}),
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def clean_environment(clone: Path) -> dict[str, str]:
    """Return the environment without settings, and with the clone's own modules first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WAREHOUSE_", "LEDGERHOUSE_"))
    }
    return {**kept, "PYTHONPATH": str(clone)}


def test_a_private_clone_with_a_space_in_its_path_starts_and_stops(clone: Path) -> None:
    assert clone.parent.stat().st_mode & 0o777 == 0o700
    assert "is up" in ledgerhouse(clone, "up")
    assert "was up" in ledgerhouse(clone, "up")
    assert "is down" in ledgerhouse(clone, "down")


@AS_ROOT
def test_a_clone_made_again_in_the_same_place_does_not_find_the_old_data(clone: Path) -> None:
    data = clone / ".warehouse"
    first = embedded._reachable_data(data)
    data.unlink()
    assert embedded._reachable_data(data) != first
    shutil.rmtree(first)
    shutil.rmtree(data.resolve())
    assert embedded._reachable_data(data).is_dir()


@AS_ROOT
def test_programs_in_a_private_folder_are_copied_to_where_the_server_may_run_them(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "REFUGE", clone.parent.parent / f"{clone.parent.name} refuge")
    install = clone / "pginstall"
    (install / "bin").mkdir(parents=True)
    (install / "bin/postgres").touch(mode=0o700)
    copy = embedded._reachable_copy(install)
    assert embedded._reachable_copy(install) == copy
    assert (copy / "bin/postgres").stat().st_mode & 0o777 == 0o755
    assert embedded._is_reachable(copy / "bin/postgres")
    assert list(embedded.REFUGE.iterdir()) == [copy]
    shutil.rmtree(embedded.REFUGE)


@AS_ROOT
def test_another_user_than_root_runs_it_in_a_clone_of_its_own(clone: Path) -> None:
    user = pwd.getpwnam("nobody").pw_uid
    if not embedded._is_reachable(Path(sys.executable).resolve()):
        pytest.skip("Python is in a folder that is private to root")
    for path in (clone.parent, clone, *clone.rglob("*")):
        os.chown(path, user, user)
    assert "is up" in ledgerhouse(clone, "up", user)
    assert (clone / ".warehouse").owner() == "nobody"
    assert not (clone / ".warehouse").is_symlink()
    assert "is down" in ledgerhouse(clone, "down", user)


def test_of_two_that_start_it_at_once_one_does_and_both_can_go_on(clone: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestration", "up"],
            cwd=clone,
            env=clean_environment(clone),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = sorted(one.communicate(timeout=120)[0].split()[3] for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert said == ["is", "was"]


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder of a server of this test's own, not started yet."""
    folder = Path(tempfile.mkdtemp(prefix="ledgerhouse-embedded-"))
    folder.chmod(0o755)
    monkeypatch.setenv("LEDGERHOUSE_EMBEDDED_DIR", str(folder / "warehouse"))
    monkeypatch.setenv("WAREHOUSE_PORT", str(free_port()))
    monkeypatch.delenv("WAREHOUSE_HOST", raising=False)
    yield folder / "warehouse"
    embedded.stop("immediate")
    shutil.rmtree(folder)


def test_after_kill_9_it_starts_again_and_nothing_committed_is_lost(own_server: Path) -> None:
    settings = read_settings()
    assert embedded.start(settings)
    for kill in range(2):
        with connect(settings) as connection:
            connection.execute("create table if not exists kept (number integer)")
            connection.execute("insert into kept values (%s)", (kill,))
            connection.commit()
            kill_server(own_server)
        assert not embedded.is_running(own_server)
        assert embedded.start(settings)
        with connect(settings) as connection:
            kept = connection.execute("select number from kept order by number").fetchall()
        assert kept == [(number,) for number in range(kill + 1)]


def kill_server(data: Path) -> None:
    """Kill the server and all its processes at once, as a power cut would."""
    postmaster = int((data / "postmaster.pid").read_text().split()[0])
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=True
    )
    for pid in (postmaster, *map(int, found.stdout.split())):
        os.kill(pid, signal.SIGKILL)


def test_a_port_that_is_taken_is_said_with_the_cure(
    own_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        monkeypatch.setenv("WAREHOUSE_PORT", str(stranger.getsockname()[1]))
        with pytest.raises(SettingsError, match="taken by another program. Set WAREHOUSE_PORT"):
            embedded.start(read_settings())


def test_the_owner_has_a_password_of_its_own_and_is_no_superuser(server: Settings) -> None:
    """Nobody else of the machine gets in, and no statement runs a program."""
    kept = embedded.data_directory() / OWNER_PASSWORD
    assert kept.stat().st_mode & 0o077 == 0
    assert len(kept.read_text()) >= 24
    guessed = replace(server, warehouse=replace(server.warehouse, password="ledgerhouse"))
    with pytest.raises(WarehouseError, match="authentication failed"):
        connect(guessed)
    with connect(server) as connection:
        assert connection.execute("show is_superuser").fetchone() == ("off",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("copy (select 1) to program 'true'")


def test_plain_dbt_finds_the_password_in_the_profile(clone: Path) -> None:
    shutil.copy(clone / "profiles.example.yml", clone / "profiles.yml")
    ledgerhouse(clone, "up")
    password = (clone / ".warehouse" / OWNER_PASSWORD).read_text()
    assert f"env_var('WAREHOUSE_PASSWORD', '{password}')" in (clone / "profiles.yml").read_text()
    assert (clone / "profiles.yml").stat().st_mode & 0o077 == 0
    assert f"export PGPASSWORD={password}" in ledgerhouse(clone, "env").replace("'", "")


def test_data_of_before_gets_a_password_of_its_own(clone: Path) -> None:
    ledgerhouse(clone, "up")
    place = clone / ".warehouse" / OWNER_PASSWORD
    environment = clean_environment(clone) | {"PGPASSWORD": place.read_text()}
    port = (clone / ".env").read_text().strip().partition("=")[2]
    url = f"postgresql://ledgerhouse@127.0.0.1:{port}/postgres"
    with psycopg.connect(url, password=environment["PGPASSWORD"], autocommit=True) as connection:
        connection.execute("alter role ledgerhouse password 'ledgerhouse'")
    ledgerhouse(clone, "down")
    place.unlink()
    ledgerhouse(clone, "up")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, password="ledgerhouse")
    psycopg.connect(url, password=place.read_text()).close()
