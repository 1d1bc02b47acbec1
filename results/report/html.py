"""The HTML page of a run, self-contained in one file without network access or framework.

The page has a light theme and a dark theme. Jinja2 escapes all text in the page. The Content-Security-Policy of the
page allows only the page's own scripts and style sheet, identified by hashes. ``page/page.js`` builds the table of
domains, with search, filters and paging, from the JSON of ``page_data``.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from results.count.columns import NO_VALUE
from results.count.percent import share
from results.render import words
from results.render.escape import safe
from results.render.tables import cell_text, is_number
from results.render.tlsa import RECORD
from results.report.charts import bar
from results.report.model import Report
from results.report.page_data import page_data
from results.store.reader import Run

ROWS = 15  # maximum number of rows of a section of counts; the JSON format contains all rows
LISTED = 100  # maximum number of rows of a table of names
VALUES = 100  # maximum number of values of a column for which failing hosts are listed
OPEN = 3  # number of failing hosts whose remedy is visible without a click
OWNER = "owner"  # column of the target list that the table of domains shows if no other column is chosen

_BREAKS = re.compile(r"(?<=[.@/:_-])(?=.)")


def to_html(report: Report, run: Run) -> str:
    """Return the page of a run.

    Args:
        report: the report of the run, placed above the table of domains.
        run: the run that contains the domains of the table.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    made = page_data(run, column=report.column or OWNER)
    return page(
        "page.html",
        ("theme.js", "page.js"),
        report=report,
        rows=ROWS,
        listed=LISTED,
        open=OPEN,
        values=VALUES,
        no_value=NO_VALUE,
        column=made.column,
        sts=made.sts,
        data=Markup(made.json.decode()),  # noqa: S704 - page_data escapes <, > and &
        left_out=made.left_out,
    )


def page(template: str, scripts: tuple[str, ...], **values: Any) -> str:
    """Return a page.

    Args:
        template: file name of the template, which extends ``base.html``.
        scripts: file names of the page's scripts.
        values: the values of the template's variables.
    """
    style, sources = _asset("page.css"), [_asset(name) for name in scripts]
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # noqa: S704 - a file of this package
            scripts=[Markup(source) for source in sources],  # noqa: S704 - files of this package
            style_hash=_hash(style),
            script_hash=" ".join(f"'{_hash(source)}'" for source in sources),
            **values,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("results.report", "page"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(
        safe_text=lambda text, limit=300: safe(str(text), limit),
        record=lambda text: safe(text, RECORD),
        name=_name,
        cell=cell_text,
        share=share,
        reason=words.of_reason,
        bar=bar,
    )
    environment.tests.update(a_number=is_number)
    return environment


def _name(text: str, limit: int = 300) -> Markup:
    """Return text with names as HTML; a name is broken across lines only if the name alone is longer than a line."""
    return Markup(" ").join(map(_whole, safe(str(text), limit).split(" ")))


def _whole(word: str) -> Markup:
    parts = _BREAKS.split(word)
    if len(parts) == 1:
        return escape(word)
    return Markup('<span class="whole">{}</span>').format(Markup("<wbr>").join(map(escape, parts)))


@cache
def _asset(name: str) -> str:
    return files("results.report").joinpath("page", name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
