"""The bar for a row of counts in a report, as inline SVG.

The colours of a bar are CSS classes of the page's style sheet.
"""

import svg
from markupsafe import Markup

from results.report.model import CountRow, CountSection

WIDTH = 100
HEIGHT = 8

_TONES = {
    "good": ("ok", "verified", "protected", "all", "yes", "TLSv1.3"),
    "bad": ("fail", "broken", "mismatch", "no_tls", "defer", "lookup_failed"),
    "warn": ("inconclusive", "unknown", "partial", "some", "insecure", "unusable", "cleartext", "TLSv1", "TLSv1.1"),
    "none": ("none", "no_mail", "bounce"),
}


def bar(row: CountRow, section: CountSection) -> Markup:
    """Return a bar for the percentage of domains in a row of counts; the row also shows the percentage as text."""
    whole = section.base.domains
    length = WIDTH * row.count.domains / whole if whole else 0
    tone = next((name for name, words in _TONES.items() if row.word in words and section.key != "funnel"), "bar")
    picture = svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, WIDTH, HEIGHT),
        class_=["bar-of-row"],
        elements=[
            svg.Rect(x=0, y=0, width=WIDTH, height=HEIGHT, class_=["track"]),
            svg.Rect(x=0, y=0, width=round(length, 1), height=HEIGHT, class_=[tone]),
        ],
        extra={"aria-hidden": "true", "preserveAspectRatio": "none"},
    )
    return Markup(str(picture))  # noqa: S704 - the picture contains numbers and words of this module only
