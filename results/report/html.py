"""A run as one self-contained HTML page without network access and framework, with a light and a dark theme.

Jinja2 escapes all text in the page. The Content-Security-Policy allows only the page's own script and style, by their
hashes. ``page/page.js`` builds the table of domains, with search, filters and paging, from the JSON of ``page_data``.
"""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from results.count.percent import share
from results.render import words
from results.render.escape import safe
from results.report.charts import chart
from results.report.model import Report
from results.report.page_data import page_data
from results.store.reader import Run

ROWS = 15  # maximum number of rows of a section of counts; the JSON format contains all rows
LISTED = 100  # maximum number of rows of a list section
CHARTED = ("funnel", "outcome", "sender", "starttls", "dane", "host_dane", "tls_versions", "post_quantum")


def to_html(report: Report, run: Run) -> str:
    """Return the page of a run.

    Args:
        report: the report, placed above the table of domains.
        run: the run with the domains of the table.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    style, script = _asset("page.css"), _asset("page.js")
    data, left_out = page_data(run)
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            rows=ROWS,
            listed=LISTED,
            charted=CHARTED,
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            data=Markup(data.decode()),  # noqa: S704 - page_data escapes <, > and &
            style_hash=_hash(style),
            script_hash=_hash(script),
            left_out=left_out,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("results.report", "page"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(
        safe_text=lambda text, limit=300: safe(str(text), limit), share=share, reason=words.of_reason, chart=chart
    )
    return environment


@cache
def _asset(name: str) -> str:
    return files("results.report").joinpath("page", name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
