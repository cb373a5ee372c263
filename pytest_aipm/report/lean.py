"""A page and its stylesheet without what no browser needs: a report is mailed, and kept for years.

Only what HTML itself lets be left out goes, so the page reads the same and stays valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from string import ascii_letters, ascii_lowercase

__all__ = ["lean_css", "lean_html"]

_BLOCK = (
    "address|article|aside|blockquote|details|div|dl|fieldset|figure|figcaption|footer|h[1-6]|"
    "header|main|nav|ol|p|pre|section|table|ul"
)
_CLOSED = "article|details|div|dd|fieldset|figure|footer|header|li|main|nav|section|td"
_TIGHT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\n\s*<(?!/?(?:a|b|bdi|code|i|small|span)\b)"), "<"),
    (re.compile(rf"</p>(?=<(?:{_BLOCK})\b|</(?:{_CLOSED})>)"), ""),
    (re.compile(r"</li>(?=<li\b|</[ou]l>)"), ""),
    (re.compile(r"</d[dt]>(?=<d[dt]\b|</d(?:l|iv)>)"), ""),
    (re.compile(r"<tbody>(?=<tr\b)|</tbody>(?=</table>)"), ""),
    (re.compile(r'=(?:"([^\s"\'=<>`/]+)")(?=[\s>])'), r"=\1"),
    (re.compile("&#34;(?=[^<>]*<)"), '"'),
    (re.compile("&#39;(?=[^<>]*<)"), "'"),
)
"""What may go, and what stands there then: line breaks between elements that are no words, end tags
that the next tag implies, quotes around a value of one word. Last, a quote in a text, before the
next tag opens, needs no code: a text that looks like an attribute keeps its own quotes so. In a
`pre` no tag occurs, because text is escaped."""

_CLASSES = re.compile(r'\sclass=(?:"([^"]*)"|([^\s>]+))')
_NAMED = re.compile(r"\.([a-zA-Z][\w-]*)")
_INSIDE = re.compile(r":(?:is|not|has|where)\([^()]*\)")
_COMMA = re.compile(r",(?![^(]*\))")

_ASKED = re.compile(r"var\((--[\w-]+)\)")
_SET = re.compile(r"(?<=[{;])(--[\w-]+):[^;{}]*;?")
_PROPERTY = re.compile(r"--[a-z][\w-]*")
_LETTERS = [*ascii_letters, *map("".join, product(ascii_lowercase, repeat=2))]

Selector = tuple[str, frozenset[str]]
"""A selector, and the classes without which it matches nothing."""
Rule = tuple[tuple[Selector, ...], str]
Group = tuple[str, tuple[Rule, ...]]
"""An at-rule, empty for none, and its rules; what is no list of rules is one rule without classes.
"""


def lean_html(page: str) -> str:
    """Return a page's markup without what the reader of HTML adds by itself."""
    for pattern, kept in _TIGHT:
        page = pattern.sub(kept, page)
    return page


def lean_css(css: str, page: str) -> str:
    """Return a stylesheet without the rules of classes that a page does not have."""
    found = {name for pair in _CLASSES.findall(page) for name in "".join(pair).split()}
    return _used("".join(_written(_groups(_short_names(css)), found)))


def _used(css: str) -> str:
    """Return a stylesheet without the custom properties that no rule of it asks for."""
    asked = set(_ASKED.findall(css))
    return _SET.sub(lambda made: made[0] if made[1] in asked else "", css)


@cache
def _short_names(css: str) -> str:
    """Return a stylesheet whose custom properties have names of one letter, or two."""
    names = dict.fromkeys(_PROPERTY.findall(css))
    short = {name: f"--{_LETTERS[i]}" for i, name in enumerate(names)}
    return _PROPERTY.sub(lambda found: short[found[0]], css)


def _written(groups: tuple[Group, ...], found: set[str]) -> Iterator[str]:
    for at, rules in groups:
        kept = []
        for selectors, body in rules:
            names = [selector for selector, classes in selectors if classes <= found]
            if names:
                kept.append(f"{','.join(names)}{{{body}}}")
        if kept:
            yield f"{at}{{{''.join(kept)}}}" if at else "".join(kept)


@cache
def _groups(css: str) -> tuple[Group, ...]:
    made: list[Group] = []
    for prelude, body in _blocks(css):
        if prelude.startswith("@media"):
            made.append((prelude, tuple(_rule(*block) for block in _blocks(body))))
        else:
            made.append(("", (_rule(prelude, body),)))
    return tuple(made)


def _rule(prelude: str, body: str) -> Rule:
    if prelude.startswith("@"):
        return ((prelude, frozenset()),), body
    selectors = (each.strip() for each in _COMMA.split(prelude))
    return tuple((each, frozenset(_NAMED.findall(_INSIDE.sub("", each)))) for each in selectors), (
        body
    )


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before each outermost pair of braces, and what between them."""
    depth, start, opened = 0, 0, 0
    for found in re.finditer("[{}]", css):
        depth += 1 if found[0] == "{" else -1
        if found[0] == "{" and depth == 1:
            opened = found.start()
        elif not depth:
            yield css[start:opened].strip(), css[opened + 1 : found.start()].replace("\n", "")
            start = found.end()
