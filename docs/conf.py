"""How Sphinx builds these pages: `sphinx-build -W -n docs site`.

The pages are plain Markdown that reads well without a build. What the code knows better than a
page (checks, options, classes) is written by `_ext/generated.py` each time and is in no repository.
"""

import sys
from pathlib import Path

import pytest_aipm

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "pytest-aipm"
author = "the maintainers of pytest-aipm"
version = release = pytest_aipm.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "generated", "joined"]
exclude_patterns = ["_ext"]
root_doc = "index"

smartquotes = False  # what stands in a page is what a reader copies

# Markdown: links to headings (`page.md#heading`) as GitHub makes them
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.header"]  # README and docstrings start where they start

# The reference: types in docstrings are words ("path or mapping"), no names to look up
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"pytest-aipm {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False  # LICENSE says it
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1d4f91", "color-brand-content": "#1d4f91"},
    "dark_css_variables": {"color-brand-primary": "#8ab4f0", "color-brand-content": "#8ab4f0"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
