"""A few shapes in SVG, for pictures that are written from lists: boxes with lines of text, and arrows between points.

Every picture has a background of its own, so that it reads the same on light and on dark pages.
"""

from __future__ import annotations

from html import escape
from typing import Final, NamedTuple

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
MONO: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
INK: Final = "#1f2933"
FAINT: Final = "#52606d"
LINE: Final = "#7b8794"


class Colour(NamedTuple):
    """Of a box: its surface and its edge."""

    surface: str
    edge: str


PLAIN: Final = Colour("#f5f7fa", "#9aa5b1")
BLUE: Final = Colour("#e6f0fb", "#3a78c3")
GREEN: Final = Colour("#e6f6ec", "#2f9461")
AMBER: Final = Colour("#fdf3df", "#c58a1b")
WHITE: Final = Colour("#ffffff", "#c3ccd5")
VIOLET: Final = Colour("#f0ebfa", "#7a5cc0")


class Picture:
    """Shapes on a background; ``svg()`` gives the file. Lengths are in pixels from the top left corner."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._shapes: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, colour: Colour = PLAIN) -> None:
        """A rounded rectangle."""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" '
            f'fill="{colour.surface}" stroke="{colour.edge}" stroke-width="1.5"/>'
        )

    def text(self, x: float, y: float, words: str, *, size: float = 14, anchor: str = "start", look: str = "") -> None:
        """One line; ``look`` names what it is like: any of bold, faint, mono, in one string."""
        family = MONO if "mono" in look else FONT
        weight = ' font-weight="600"' if "bold" in look else ""
        self._shapes.append(
            f'<text x="{x:g}" y="{y:g}" font-family="{family}" font-size="{size:g}"{weight} '
            f'fill="{FAINT if "faint" in look else INK}" text-anchor="{anchor}">{escape(words, quote=False)}</text>'
        )

    def line(self, *points: tuple[float, float], end: str = "") -> None:
        """A line through the points."""
        path = "M" + " L".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="2"{end}/>')

    def arrow(self, *points: tuple[float, float]) -> None:
        """A line with a head at its last point."""
        self.line(*points, end=' marker-end="url(#head)"')

    def cylinder(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """What keeps data."""
        curve, half = 9, width / 2
        self._shapes.append(
            f'<path d="M{x:g},{y + curve:g} a{half:g},{curve} 0 0 1 {width:g},0 v{height - 2 * curve:g} '
            f'a{half:g},{curve} 0 0 1 -{width:g},0 z M{x:g},{y + curve:g} a{half:g},{curve} 0 0 0 {width:g},0" '
            f'fill="{colour.surface}" stroke="{colour.edge}" stroke-width="1.5"/>'
        )

    def bracket(self, x: float, y: float, height: float, words: str) -> None:
        """What encloses some lines to its left, with words along it."""
        self._shapes.append(
            f'<path d="M{x - 10:g},{y:g} h10 v{height:g} h-10" fill="none" stroke="{LINE}" stroke-width="1.5"/>'
        )
        middle = y + height / 2
        self._shapes.append(
            f'<text x="{x + 16:g}" y="{middle:g}" font-family="{FONT}" font-size="13" fill="{FAINT}" '
            f'text-anchor="middle" transform="rotate(90 {x + 12:g} {middle:g})">{escape(words, quote=False)}</text>'
        )

    def svg(self) -> str:
        """The whole file."""
        shapes = "\n".join(self._shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n"
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5.5" markerHeight="5.5" '
            f'orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="{LINE}"/></marker></defs>\n'
            f'<rect x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="12" fill="#ffffff" '
            'stroke="#d5dbe1"/>\n'
            f"{shapes}\n</svg>\n"
        )
