"""Joins what lies outside `docs/` and orders the table of contents.

README, CONTRIBUTING, CHANGELOG and the demo's policies are written for readers of the repository.
The site shows them as pages, and every link between them and `docs/` is turned to the page. A page
that is new in `docs/` takes part without being named anywhere: it stands in the first section of
`SECTIONS` whose pattern it matches.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

SECTIONS = (
    ("Start", ("project/overview", "quick-start*", "tutorial-*", "reading-the-report")),
    ("Reference", ("policy", "checks/index", "reference/*", "packs")),
    ("Background", ("verdicts", "calibration", "security", "comparison", "faq")),
    ("Project", ("writing-a-check", "project/contributing", "project/changes")),
    ("Guides", ("*",)),
)
ORDER = ("Start", "Guides", "Reference", "Background", "Project")
"""Sections take pages in the order of `SECTIONS`, and are shown in this one."""

TITLES = {"project/overview": "Overview <project/overview>"}
"""Entries whose page has another title than the table of contents should show."""

OUTSIDE = {
    "README.md": "project/overview",
    "CONTRIBUTING.md": "project/contributing",
    "CHANGELOG.md": "project/changes",
}
_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
_CHECK = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


def sections(pages: set[str]) -> dict[str, list[str]]:
    """Return the pages of the table of contents by section, each page once."""
    found: dict[str, list[str]] = {}
    left = set(pages)
    for title, patterns in SECTIONS:
        for pattern in patterns:
            taken = sorted(page for page in left if fnmatch(page, pattern))
            found.setdefault(title, []).extend(taken)
            left -= set(taken)
    return {title: found[title] for title in ORDER if found[title]}


def turned(text: str, here: str, there: str, pages: dict[str, str]) -> str:
    """Return Markdown whose links lead from the page `there` to pages of the site.

    Parameters
    ----------
    text : str
    here : str
        Where the text lies in the repository, such as ``docs/ci.md``.
    there : str
        Its page, such as ``ci``.
    pages : dict of str to str
        Page by path in the repository.
    """

    def turn(link: re.Match[str]) -> str:
        before, target, after = link.groups()
        if "://" in target:
            return link[0]
        path = normpath(PurePosixPath(here).parent / target)
        page = f"{pages[path]}.md" if path in pages else path.removeprefix("docs/")
        return f"{before}{relpath(page, PurePosixPath(there).parent.as_posix() or '.')}{after}"

    return _LINK.sub(turn, text)


class Joined:
    """The pages of one build."""

    def __init__(self, docs: Path) -> None:
        self.docs, self.root = docs, docs.parent
        policies = sorted((self.root / "policies").glob("*.yaml"))
        self.files = {f"policies/{path.name}": f"project/{path.stem}" for path in policies}
        self.pages = {
            **{f"docs/{path.name}": path.stem for path in docs.glob("*.md")},
            **OUTSIDE,
            **self.files,
        }

    def write(self) -> None:
        """Write the pages that stand for files outside."""
        (self.docs / "project").mkdir(exist_ok=True)
        for path, page in OUTSIDE.items():
            text = (self.root / path).read_text(encoding="utf-8")
            self._keep(page, turned(text, path, page, self.pages))
        for path, page in self.files.items():
            text = (self.root / path).read_text(encoding="utf-8")
            self._keep(page, f"---\norphan: true\n---\n# {path}\n\n```yaml\n{text}```\n")

    def _keep(self, page: str, text: str) -> None:
        place = self.docs / f"{page}.md"
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")


def _write(app: Sphinx) -> None:
    Joined(Path(app.srcdir)).write()


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn the links of a page of `docs/`, and give the first page its table of contents."""
    joined = Joined(Path(app.srcdir))
    if f"docs/{page}.md" in joined.pages:
        source[0] = turned(source[0], f"docs/{page}.md", page, joined.pages)
    if page == app.config.root_doc:
        below = {name for name in app.env.found_docs if _in_contents(name, joined)} - {page}
        source[0] += "".join(map(_contents, *zip(*sections(below).items(), strict=True)))


def _contents(title: str, pages: list[str]) -> str:
    entries = "\n".join(TITLES.get(page, page) for page in pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```\n"


def _in_contents(page: str, joined: Joined) -> bool:
    inner = page.startswith("checks/") and page != "checks/index"
    return not inner and page not in joined.files.values()


class CheckLinks(SphinxTransform):
    """Turns the name of a check, wherever it stands as a literal, into a link to its page."""

    default_priority = 500

    def apply(self) -> None:
        """Wrap the literals."""
        page = self.env.docname
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext()
            target = f"checks/{name}"
            if not _CHECK.fullmatch(name) or target not in self.env.found_docs or target == page:
                continue
            if isinstance(literal.parent, nodes.reference | nodes.title | pending_xref):
                continue
            uri = self.app.builder.get_relative_uri(page, target)
            literal.replace_self(nodes.reference("", "", literal.deepcopy(), refuri=uri))


def setup(app: Sphinx) -> dict[str, bool]:
    """Write pages before the sources are read, and turn links while they are."""
    app.connect("builder-inited", _write, priority=400)
    app.connect("source-read", _read)
    app.add_transform(CheckLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
