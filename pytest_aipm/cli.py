"""The command ``aipm``: what is done beside a run of pytest.

Standard library only: ``aipm --version`` and ``aipm --help`` are quick, and each subcommand
imports what it needs when it is asked for.

Exit codes: 0 done; 1 data or model are at fault, a self-test found a blind check, or a report does
not hold; 4 the command, a policy or a file beside it is at fault; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from pytest_aipm import __version__
from pytest_aipm.commands.say import complain
from pytest_aipm.errors import AipmError, MeasurementError

__all__ = ["main"]

OK, FAULT, USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 4, 130, 141

HARM = """\
Harm, at growing strength, each in copies held in memory:
  flip     favorable decisions of a group become unfavorable
  proxy    the model scores a group like people who stand lower
  degrade  rows get the prediction of another row
  leak     evaluation rows are training rows; training rows are known by heart
  drop     rows of a group are missing
  thin     rows are missing

A check that none of the first four turns red is blind.
Exit codes: 0 no check that can fail the build is blind, 1 one is, 4 usage."""

KEYS = """\
A pair of keys, made with openssl; the private one stays with whoever signs:
  openssl genpkey -algorithm ed25519 -out private.pem
  openssl pkey -in private.pem -pubout -out public.pem

Needs the package cryptography: pip install "pytest-aipm[sign]"."""

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Default the process's own arguments.

    Returns
    -------
    int
        See the module's docstring. A user's mistake is one line on standard error, never a
        traceback.
    """
    try:
        options = _parser().parse_args(argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    try:
        code = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read has gone: nothing may be left that the interpreter would flush at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _run(options: argparse.Namespace) -> int:
    from pytest_aipm.clock import epoch_fault

    command: Command = options.run
    fault = epoch_fault()
    if fault:
        complain(fault)
        return USAGE
    try:
        return command(options)
    except AipmError as fault:
        complain(str(fault))
        return FAULT if isinstance(fault, MeasurementError) else USAGE
    except BrokenPipeError:
        raise
    except OSError as fault:
        where = f"{fault.filename}: " if fault.filename else ""
        complain(f"{where}{fault.strerror or fault}")
        return USAGE
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """A parser that ends with this project's exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="aipm",
        description="Helper of pytest-aipm; audits themselves run with `pytest --aipm-audit`.",
        epilog="Exit codes: 0 done, 1 data or model at fault, 4 usage.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pytest-aipm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        said = f"{text[0].upper()}{text[1:]}."
        one = commands.add_parser(name, help=text, description=said, allow_abbrev=False)
        one.set_defaults(run=run)
        return one

    _first(add)
    _before(add)
    _after(add)
    return parser


def _first(add: Add) -> None:
    """Add what comes before there is a policy."""
    one = add("init", _init, "look at a file of rows and write a first policy, commented")
    one.add_argument("--data", metavar="FILE", help="rows to audit on: a file, or pkg.module:func")
    for name, metavar, text in (
        ("predictions", "COLUMN", "column with the classes or numbers that the model said"),
        ("scores", "COLUMN", "column with the scores that the model gave"),
        ("model", "REF", "instead of both: a model file, or pkg.module:func"),
        ("label", "COLUMN", "column with what really happened, or `none`"),
        ("positive", "CLASS", "the class that is predicted"),
        ("favorable", "CLASS", "the decision that is good for a person"),
        ("task", "TASK", "binary or regression (default: as the label looks)"),
        ("name", "NAME", "of the policy (default: as the data are called)"),
        ("purpose", "TEXT", "what the model decides, and for whom"),
        ("owner", "TEXT", "who answers for it (default: who git says you are)"),
    ):
        one.add_argument(f"--{name}", metavar=metavar, help=text)
    one.add_argument(
        "--protected",
        action="append",
        metavar="COLUMN",
        help="a column that says who a person is, or `none`; repeatable",
    )
    one.add_argument("--yes", action="store_true", help="accept every proposal")
    _root(one)

    one = add("demo", _demo, "write a small lending project to try everything on")
    one.add_argument("folder", nargs="?", default="aipm-demo", metavar="FOLDER")


def _before(add: Add) -> None:
    """Add what is asked before a run: policies, trust, the gate's own power, what checks mean."""
    one = add("validate", _validate, "check policies and all they stand on, without a model")
    one.add_argument("paths", nargs="*", metavar="PATH", help="policies (default: the project's)")
    _root(one)
    one.add_argument("--no-data", action="store_true", help="do not open the data")
    said = "print every value of the policies in force, and where it comes from"
    one.add_argument("--resolved", action="store_true", help=said)

    one = add("trust", _trust, "vouch for a model file that can run code: write aipm.lock")
    one.add_argument("files", metavar="FILE", nargs="+")
    _root(one)

    one = add("selftest", _selftest, "plant known harm into a policy's rows: which checks see it")
    one.add_argument("policy", metavar="POLICY", help="a policy file")
    _root(one)
    one.add_argument("--seed", default="0", metavar="N", help="chooses the rows to harm")
    one.add_argument("--quick", action="store_true", help="fewer strengths, two groups a scope")
    one.add_argument("--curve", action="store_true", help="also: how many seeds turn a check red")
    one.add_argument("--seeds", metavar="N", help="seeds of the curve (default: 5)")
    one.add_argument("--markdown", action="store_true", help="for a pull request")
    one.add_argument("--out", metavar="FILE", help="write it to a .json or .md file, too")
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    one.epilog = HARM

    one = add("packs", _packs, "list the policy packs there are, or show one")
    _root(one)
    shown = one.add_subparsers(dest="what", metavar="show NAME")
    two = shown.add_parser(
        "show", description="Print a pack and the clauses it answers to.", allow_abbrev=False
    )
    two.add_argument("name", metavar="NAME", help="as `aipm packs` lists it")
    _root(two, default=argparse.SUPPRESS)

    one = add("explain", _explain, "print what a check measures, asks for and cannot see")
    one.add_argument("check", nargs="?", metavar="CHECK", help="default: list all checks")

    one = add("new-check", _new_check, "write a check of one's own, and its cases")
    one.add_argument("name", metavar="FAMILY.NAME", help="such as performance.approval_rate")
    _root(one)

    one = add("schema", _schema, "print a JSON Schema, or write those of editors")
    kinds = ["policy", "waivers", "sign-offs", "incidents", "baseline", "audit"]
    one.add_argument("what", nargs="?", choices=kinds, help="which one to print")
    one.add_argument("--write", metavar="FOLDER", help="write those of policies and beside them")
    _root(one)


def _after(add: Add) -> None:
    """Add what is done with a report that was written: compare it, approve it, stand for it."""
    one = add("approve", _approve, "make a reviewed run the baseline, without running it again")
    one.add_argument("folder", metavar="FOLDER", help="the report folder of that run")
    one.add_argument("--by", required=True, metavar="NAME", help="who approves")
    one.add_argument("--reason", required=True, metavar="TEXT", help="why")
    one.add_argument("--baseline", metavar="PATH", help="default: aipm_baseline of the project")
    one.add_argument("--red-is-accepted", action="store_true", help="also when the run failed")
    one.add_argument(
        "--retrains",
        metavar="DIR",
        help="report folders of honest refits; their spread is what `gate: no-worse` allows",
    )
    _root(one)

    one = add("diff", _diff, "compare two audits")
    one.add_argument("old", metavar="OLD", help="an audit.json, or its folder")
    one.add_argument("new", metavar="NEW")
    one.add_argument("--markdown", action="store_true", help="for a pull request")

    one = add("render", _render, "write the report of a record again")
    one.add_argument("audit", metavar="AUDIT_JSON")
    one.add_argument("--to", metavar="DIR", help="default: the folder of the record")
    _root(one)

    one = add(
        "verify", _verify, "tell whether a report folder still holds, and follows from itself"
    )
    one.add_argument("folder", metavar="FOLDER", help="a report folder")
    for name, text in (
        ("model", "is this the model that was audited?"),
        ("data", "are these the rows?"),
        ("policy", "is this the policy?"),
    ):
        one.add_argument(f"--{name}", action="append", default=[], metavar="PATH", help=text)
    _root(one)
    one.add_argument("--key", metavar="PUBLIC.pem", help="the public key of whoever signed")
    one.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    one.epilog = "Exit codes: 0 nothing is wrong, 1 something does not hold, 4 usage."

    one = add("sign", _sign, "sign a report folder with a key of your own")
    one.add_argument("folder", metavar="FOLDER", help="a report folder")
    one.add_argument("--key", required=True, metavar="PRIVATE.pem", help="Ed25519 or ECDSA P-256")
    one.add_argument("--password-env", metavar="NAME", help="variable with the key's password")
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    one.epilog = KEYS

    one = add("sign-off", _sign_off, "note who stands for a reviewed report: write sign_offs.yaml")
    one.add_argument("folder", metavar="FOLDER", help="the report folder that was reviewed")
    one.add_argument("--by", required=True, metavar="NAME", help="who signs off")
    one.add_argument("--role", required=True, metavar="ROLE", help="as what")
    one.add_argument("--comment", default="", metavar="TEXT", help="on which terms")
    one.add_argument("--sign-offs", metavar="PATH", help="default: policies/sign_offs.yaml")
    one.add_argument("--red-is-accepted", action="store_true", help="also when the run failed")
    _root(one)


def _root(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    help_ = "pytest's rootdir (default: here)"
    parser.add_argument("--root", metavar="DIR", help=help_, default=default)


def _init(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.init import init
    from pytest_aipm.starting.proposal import Said

    keys = ("predictions", "scores", "model", "label", "positive", "favorable")
    named = {key: getattr(options, key) for key in (*keys, "task", "name", "purpose", "owner")}
    protected = None if options.protected is None else tuple(options.protected)
    said = Said(protected=protected, **named)
    return init(options.data, said, yes=options.yes, root=options.root)


def _demo(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.demo import demo

    return demo(options.folder)


def _validate(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.validate import validate

    return validate(
        options.paths,
        root=options.root,
        with_data=not options.no_data,
        as_resolved=options.resolved,
    )


def _trust(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.trust import trust

    return trust(options.files, root=options.root)


def _selftest(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.selftest import run_selftest

    return run_selftest(
        options.policy,
        root=options.root,
        seed=options.seed,
        seeds=options.seeds,
        curve=options.curve,
        quick=options.quick,
        markdown=options.markdown,
        out=options.out,
    )


def _approve(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.approve import approve

    return approve(
        options.folder,
        by=options.by,
        reason=options.reason,
        baseline=options.baseline,
        red_is_accepted=options.red_is_accepted,
        retrains=options.retrains,
        root=options.root,
    )


def _explain(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.explain import explain, list_checks

    return list_checks() if options.check is None else explain(options.check)


def _packs(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.packs import list_packs, show_pack

    if options.what == "show":
        return show_pack(options.name, root=options.root)
    return list_packs(root=options.root)


def _new_check(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.new_check import new_check

    return new_check(options.name, root=options.root)


def _schema(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.schema import schema

    return schema(options.what, write=options.write, root=options.root)


def _render(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.render import render

    return render(options.audit, to=options.to, root=options.root)


def _verify(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.verify import verify

    return verify(
        options.folder,
        models=options.model,
        data=options.data,
        policies=options.policy,
        root=options.root,
        key=options.key,
        as_json=options.json,
    )


def _sign(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.sign import sign

    return sign(options.folder, key=options.key, password_env=options.password_env)


def _sign_off(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.sign_off import sign_off

    return sign_off(
        options.folder,
        by=options.by,
        role=options.role,
        comment=options.comment,
        sign_offs=options.sign_offs,
        red_is_accepted=options.red_is_accepted,
        root=options.root,
    )


def _diff(options: argparse.Namespace) -> int:
    from pytest_aipm.commands.diff import diff

    return diff(options.old, options.new, markdown=options.markdown)
