"""Bars of a section as inline SVG, made with svg.py. Colours are classes, so that the page's style rules them.

svg.py writes texts and attributes as they are: what a stranger wrote has to be escaped before.
"""

import svg
from markupsafe import Markup, escape

from results.render.escape import safe
from results.render.words import share
from results.report.model import Counts, Row

ROWS = 8  # bars in a chart
HEIGHT = 22
LABEL = 150  # units kept for the word
WIDTH = 400
MARGIN = 90  # for the share after the bar
LONGEST = 24  # characters of a word beside its bar

_TONES = {
    "good": ("ok", "verified", "protected", "all", "yes", "TLSv1.3"),
    "bad": ("fail", "broken", "mismatch", "no_tls", "defer", "lookup_failed"),
    "warn": ("inconclusive", "unknown", "partial", "some", "insecure", "unusable", "cleartext", "TLSv1", "TLSv1.1"),
    "none": ("none", "no_mail", "bounce"),
}


def chart(section: Counts) -> Markup:
    """Draw the shares of domains of a section's first rows."""
    rows = section.rows[:ROWS]
    drawn: list[svg.Element] = [svg.Title(text=f"{section.title}: shares of domains")]
    for place, row in enumerate(rows):
        drawn += _bar(row, place, section)
    picture = svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, LABEL + WIDTH + MARGIN, HEIGHT * len(rows)),
        class_=["chart"],
        elements=drawn,
        extra={"role": "img", "aria-label": f"{section.title}: shares of domains; the table below has the numbers"},
    )
    return Markup(str(picture))  # noqa: S704 - the one text that is not ours is escaped above


def _bar(row: Row, place: int, section: Counts) -> list[svg.Element]:
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
