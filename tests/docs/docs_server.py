"""A warm Python for the many commands of the pages: it imports the libraries once, then forks.

``docs_server.py serve SOCKET`` does what each ``docs_server.py ask SOCKET COMMAND ...`` wants, in a
fork: with the arguments, folder, environment and standard files of the one who asks, who ends with
the exit code of the fork. What a start from nothing imports is tested elsewhere (test_imports.py).
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import socket
import sys
import traceback
from pathlib import Path


def ask(address: str, name: str, *arguments: str) -> int:
    """Let the warm process do a command with this process's files; return its exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [b"x"], [0, 1, 2])
        asked = [name, arguments, str(Path.cwd()), dict(os.environ)]
        server.sendall(json.dumps(asked).encode() + b"\n")
        with server.makefile() as said:
            return int(said.readline() or 70)


def work(name: str, arguments: list[str]) -> None:
    """Do what `pytest`, `aipm` or `python` would do."""
    sys.argv = [name, *arguments]
    if name == "pytest":
        import pytest

        sys.exit(pytest.console_main())
    if name == "aipm":
        from pytest_aipm.cli import main

        sys.exit(main())
    if arguments[0] == "-c":
        exec(arguments[1], {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def answer(client: socket.socket) -> int:
    """Take over the client's files, folder and environment, work, and return the exit code."""
    _, files, _, _ = socket.recv_fds(client, 1, 3)
    with client.makefile() as lines:
        name, arguments, folder, environment = json.loads(lines.readline())
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    code = 0
    try:
        work(name, arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def serve(address: str) -> None:
    """Fork for each client until this process is ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        while True:
            client, _ = server.accept()
            child = os.fork()
            if child == 0:
                server.close()
                if os.fork() == 0:  # a grandchild, so that nobody has to wait for it
                    code = answer(client)
                    client.sendall(f"{code}\n".encode())
                    os._exit(0)
                os._exit(0)
            client.close()
            os.waitpid(child, 0)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "ask":
        sys.exit(ask(*rest))
    for library in ("pandas", "scipy.stats", "sklearn.linear_model", "pytest_aipm.session"):
        importlib.import_module(library)
    serve(*rest)
