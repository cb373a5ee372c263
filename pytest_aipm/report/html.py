"""`index.html`: one page that opens from a mail, a CI tab or a print-out.

No JavaScript, no ``style=``, no external address. The stylesheet stands inside the page and, with
the same bytes, beside it: some hosts allow one, some the other.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from pytest_aipm.records import Record
from pytest_aipm.report import words
from pytest_aipm.report.finding_view import href_to
from pytest_aipm.report.lean import lean_css, lean_html
from pytest_aipm.report.page import page_of
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked
from pytest_aipm.report.release_view import drawn_releases, release_names, release_rows
from pytest_aipm.report.sign_offs import signed_of

__all__ = ["index_html", "page_and_style", "stylesheet"]


def _resource(name: str) -> str:
    return files("pytest_aipm.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def stylesheet() -> str:
    """Return the whole stylesheet; a page has the rules of it that it needs."""
    return _resource("audit.css")


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


_COLON = re.compile(r":(?=[a-z]\w*(?:[ .]|$))")


def _clean(value: object) -> object:
    """Drop control characters and direction overrides: names of groups come from data."""
    if isinstance(value, str) and not value.isprintable() and _CONTROLS.search(value):
        return type(value)(_CONTROLS.sub("", value))
    return value


def _capitalise(text: str) -> str:
    """Start a sentence with a capital, unless it starts with a path or a name from code."""
    word = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if word.rstrip(":").isalpha() else text


def _brief(text: str, most: int = 160) -> str:
    """Return text in at most so many characters, the whole of it in a title."""
    if len(text) <= most:
        return text
    whole = str(_clean(text))
    short = whole[: most - 1].rstrip()
    return Markup('<span title="{}">{}…</span>').format(whole, short)


def _parted(text: str) -> Markup:
    """Return text that may be parted behind a colon: ``package.module:`` and ``function``."""
    if isinstance(text, Markup):  # shortened: its title must stay text
        return text
    return Markup(_COLON.sub(":<wbr>", escape(text)))  # noqa: S704 - escaped just before


def _whole(text: str, most: int = 600) -> str:
    """Return text whose end, where it is long, opens at a click; not for inside a paragraph."""
    if len(text) <= most:
        return text
    whole = str(_clean(text))
    short = whole[: most - 1].rstrip()
    return Markup("<details class=points><summary>{}…</summary><p>{}</p></details>").format(
        short, whole
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_clean,
    )
    filters: dict[str, Callable[..., object]] = {
        "brief": _brief,
        "plural": words.plural,
        "capitalise": _capitalise,
        "count": words.count,
        "day": words.day,
        "href": href_to,
        "limit": words.limit_text,
        "whole": _whole,
        "parted": _parted,
        "past": drawn_releases,
        "release_names": release_names,
        "releases": lambda audit: release_rows(ranked(audit.findings), audit),
        "scope": words.scope_name,
    }
    environment.filters |= filters
    return environment


def index_html(record: Record) -> str:
    """Return the page of a record; small cells are withheld first.

    The same record gives the same bytes: nothing but the record and this package is read.
    """
    return page_and_style(record)[0]


def page_and_style(record: Record) -> tuple[str, str]:
    """Return the page of a record and its stylesheet, which stands in the page as well."""
    template = _environment().get_template("index.html.j2")
    page = lean_html(template.render(page=page_of(publishable(record)), signed=signed_of(record)))
    css = lean_css(stylesheet(), page)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    # Both places stand before anything that comes from a record.
    page = page.replace("'sha256-'", f"'sha256-{digest}'", 1)
    return page.replace("<style></style>", f"<style>{css}</style>", 1), css
