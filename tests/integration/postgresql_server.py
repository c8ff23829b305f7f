"""A PostgreSQL of one test run: a cluster in a folder, on a free port, gone at the end."""

import contextlib
import glob
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Self

__all__ = ["PostgreSQLServer"]

USER, PASSWORD, DATABASE = "tester", "s3cret-word", "shop"
SERVER_USER = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this user."""


class PostgreSQLServer:
    """`with PostgreSQLServer(folder) as server:` then `server.url`, `server.options`, `server.sql(...)`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self.port = free_port()
        self.url = f"jdbc:postgresql://127.0.0.1:{self.port}/{DATABASE}"
        self.options = {"url": self.url, "user": USER, "password": PASSWORD}

    def __enter__(self) -> Self:
        own(self._folder)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        run(
            "initdb",
            "-D",
            self._data,
            "-U",
            USER,
            "--pwfile",
            password,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "-N",
        )
        settings = f"-p {self.port} -k {self._folder} -c fsync=off -c listen_addresses=127.0.0.1"
        run("pg_ctl", "-D", self._data, "-w", "-o", settings, "-l", self._folder / "log", "start")
        self.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):  # It may have ended by itself.
            run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def sql(self, statements: str, *, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one."""
        import psycopg

        target = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} dbname={database}"
        with psycopg.connect(target, autocommit=True) as connection:
            cursor = connection.execute(statements.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def own(folder: Path) -> None:
    """Give the folder to the user the server runs as, with a way there."""
    if os.geteuid() == 0:
        shutil.chown(folder, SERVER_USER)
        for parent in folder.parents:
            if parent.owner() == "root" and parent != Path("/") and str(parent) != "/tmp":
                parent.chmod(parent.stat().st_mode | 0o011)


def run(program: str, *arguments: str | Path) -> None:
    command = [find(program), *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["runuser", "-u", SERVER_USER, "--", *command]
    # Not a pipe: the server would keep it open.
    with open(os.devnull, "wb") as nothing:
        subprocess.run(command, check=True, stdout=nothing, timeout=120, cwd="/")


def find(program: str) -> str:
    """On PATH, or where Debian keeps it."""
    found = shutil.which(program) or next(
        iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))[::-1]), None
    )
    if found is None:
        raise RuntimeError("PostgreSQL's server is not installed: run tools/install_postgresql.sh")
    return found
