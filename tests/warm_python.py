"""A warm Python for tests that run many commands: it imports the libraries once, then forks.

``warm_python.py serve SOCKET`` does what each ``warm_python.py ask SOCKET COMMAND ...`` wants, in a
fork: with the arguments, folder, environment and standard files of the one who asks, who ends with
the exit code of the fork. What a start from nothing imports is tested elsewhere (test_imports.py).
"""

from __future__ import annotations

import json
import os
import socket
import sys

__all__ = ["asking"]

LIBRARIES = (
    "execnet.gateway_base",
    "pandas",
    "pyarrow.parquet",
    "pytest",
    "pytest_aipm.cli",
    "pytest_aipm.session",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.linear_model",
)


def asking(address: str, name: str) -> list[str]:
    """Return the words that run `pytest`, `aipm` or `python` warm; arguments come behind them."""
    return [sys.executable, "-ISE", __file__, "ask", address, name]


def ask(address: str, name: str, *arguments: str) -> int:
    """Let the warm process do a command with this process's files; return its exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [b"x"], [0, 1, 2])
        asked = [name, arguments, os.getcwd(), dict(os.environ)]  # noqa: PTH109 - starts at once
        server.sendall(json.dumps(asked).encode() + b"\n")
        with server.makefile() as said:
            code = int(said.readline() or 70)
    if code < 0:
        os.kill(os.getpid(), -code)  # as it ended itself
    return code


def work(address: str, name: str, arguments: list[str]) -> None:
    """Do what `pytest`, `aipm` or `python` would do."""
    import runpy

    if name == "python":
        safe = "-P" in arguments[:1]
        while arguments[0] in ("-u", "-B", "-P"):
            del arguments[0]
        if arguments[0] == "-m":
            sys.path[:0] = [] if safe else [os.getcwd()]  # noqa: PTH109
            _, name, *arguments = arguments
    sys.argv = [name, *arguments]
    if name == "pytest":
        import pytest

        sys.exit(pytest.main(plugins=[_workers(address)]))
    elif name in ("aipm", "pytest_aipm"):
        from pytest_aipm.cli import main

        sys.exit(main())
    elif name != "python":
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def _workers(address: str) -> object:
    """Return a plugin that lets the workers of a distributed run be warm, too."""
    import shlex

    import pytest

    class Workers:
        @pytest.hookimpl(optionalhook=True)
        def pytest_xdist_setupnodes(self, specs: list) -> None:
            for spec in specs:
                spec.python = shlex.join(asking(address, "python"))

    return Workers()


def answer(client: socket.socket, address: str) -> int:
    """Take over the client's files, folder and environment, work, and return the exit code."""
    import atexit
    import tempfile
    import traceback

    _, files, _, _ = socket.recv_fds(client, 1, 3)
    with client.makefile() as lines:
        name, arguments, folder, environment = json.loads(lines.readline())
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # found anew: the environment may name another
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path and path not in sys.path]
    code = 0
    try:
        work(address, name, arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def warm() -> None:
    """Import what commands use, all checks among it, and compile the page's templates."""
    import importlib
    from pathlib import Path

    for library in LIBRARIES:
        importlib.import_module(library)

    from pytest_aipm.catalog import Catalog
    from pytest_aipm.report import html

    checks = Catalog()
    for name in checks.names():
        checks.load(name)
    for place in Path(html.__file__).parent.glob("templates/*.j2"):
        html._environment().get_template(place.name)


def serve(address: str) -> None:
    """Fork for each client until this process is ended."""
    import signal
    from contextlib import suppress

    warm()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{address}.deaf")
        server.listen()
        os.rename(f"{address}.deaf", address)  # noqa: PTH104 - who sees it is heard at once
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                server.close()
                working = os.fork()
                if working == 0:
                    os._exit(answer(client, address))
                _, status = os.waitpid(working, 0)  # whichever way it ends
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os._exit(0)
            client.close()
            with suppress(ChildProcessError):  # nobody waits for those that are at work
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "ask":
        sys.exit(ask(*rest))
    serve(*rest)
