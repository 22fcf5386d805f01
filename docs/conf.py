"""How Sphinx builds the site: ``make docs``. Nothing on it is fetched from elsewhere when it is read."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import write_http  # noqa: E402 - found beside this file

project = "Fristwerk"
copyright = "the authors of Fristwerk, Apache-2.0"  # noqa: A001 - Sphinx asks for it by this name
extensions = ["myst_parser"]
exclude_patterns = ["_site", "Thumbs.db"]
nitpicky = True
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
suppress_warnings: list[str] = []

html_theme = "furo"
html_title = "Fristwerk"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]

write_http.write()
