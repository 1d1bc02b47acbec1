"""Bar charts of a section as inline SVG. Colours are CSS classes, defined by the style sheet of the page.

svg.py does not escape texts and attributes; this module escapes all text from outside.
"""

import svg
from markupsafe import Markup, escape

from results.count.percent import share
from results.render.escape import safe
from results.report.model import CountRow, CountSection

ROWS = 8  # maximum number of bars in a chart
HEIGHT = 22
LABEL = 150  # width of the labels, in pixels
WIDTH = 400
MARGIN = 90  # width of the percentages after the bars, in pixels
LONGEST = 24  # maximum characters of a label

_TONES = {
    "good": ("ok", "verified", "protected", "all", "yes", "TLSv1.3"),
    "bad": ("fail", "broken", "mismatch", "no_tls", "defer", "lookup_failed"),
    "warn": ("inconclusive", "unknown", "partial", "some", "insecure", "unusable", "cleartext", "TLSv1", "TLSv1.1"),
    "none": ("none", "no_mail", "bounce"),
}


def chart(section: CountSection) -> Markup:
    """Return a chart of the percentages of domains in the first rows of a section."""
    rows = section.rows[:ROWS]
    drawn: list[svg.Element] = [svg.Title(text=f"{section.title}: percentages of domains")]
    for place, row in enumerate(rows):
        drawn += _bar(row, place, section)
    picture = svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, LABEL + WIDTH + MARGIN, HEIGHT * len(rows)),
        class_=["chart"],
        elements=drawn,
        extra={
            "role": "img",
            "aria-label": f"{section.title}: percentages of domains; the table below has the numbers",
        },
    )
    return Markup(str(picture))  # noqa: S704 - _bar escapes all text from outside


def _bar(row: CountRow, place: int, section: CountSection) -> list[svg.Element]:
    whole = section.base.domains
    length = WIDTH * row.count.domains / whole if whole else 0
    top = place * HEIGHT
    tone = next((name for name, words in _TONES.items() if row.word in words and section.key != "funnel"), "bar")
    return [
        svg.Text(x=LABEL - 8, y=top + 15, text_anchor="end", text=escape(safe(row.word, LONGEST))),
        svg.Rect(x=LABEL, y=top + 3, width=WIDTH, height=HEIGHT - 7, class_=["track"]),
        svg.Rect(x=LABEL, y=top + 3, width=round(length, 1), height=HEIGHT - 7, class_=[tone]),
        svg.Text(x=LABEL + WIDTH + 8, y=top + 15, text=share(row.count.domains, whole)),
    ]
