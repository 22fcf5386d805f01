"""Fails if a page of the built site loads anything from elsewhere: ``docs/check_site.py FOLDER``. People read it offline too."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

LOADS: Final = re.compile(
    r"<(?:script|img|iframe|source|link(?=[^>]*\brel=\"?(?:stylesheet|preload|icon)))[^>]*?\b(?:src|href)=\"(?:https?:)?//[^>]*>"
    r"|@import\s[^;]*//[^;]*;|url\([\"']?(?:https?:)?//[^)]*\)"
)


def loads(folder: Path) -> list[str]:
    """Each place that names a resource of another host, with its file."""
    pages = [page for page in sorted(folder.rglob("*")) if page.suffix in {".html", ".css"}]
    return [f"{page}: {found[0]}" for page in pages for found in LOADS.finditer(page.read_text("utf-8"))]


if __name__ == "__main__":
    found = loads(Path(sys.argv[1]))
    sys.exit("\n".join(["These are fetched from elsewhere:", *found]) if found else 0)
