"""The page of 20,000 domains: how long it takes to make, to open, and to answer a search, in headless Chromium."""

import tempfile
import time
from pathlib import Path

from results.report.html import to_html
from results.report.model import make_report
from results.store.reader import Run
from tests.bench.model import Row
from tests.bench.synthetic import make_run
from tests.browser import browser, open_page

DOMAINS = 20_000
HOSTS = 5_000
OPEN = 2000.0  # milliseconds
SEARCH = 100.0
SEARCHES = ("x", "provider", "own123", "d1", "nothing at all", "")

_SEARCH = """
const field = document.getElementById("search");
field.value = arguments[0];
field.dispatchEvent(new Event("input"));
return Number(document.documentElement.dataset.searchMs);
"""
_READY = "return Number(document.documentElement.dataset.readyMs)"
_LOADED = "return performance.getEntriesByType('navigation')[0].responseEnd"


def rows() -> list[Row]:
    """Measure how long the page takes to make, to open and to search."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        make_run(place / "run", DOMAINS, HOSTS)
        run, page = Run.open(place / "run"), place / "page.html"
        begun = time.process_time()
        page.write_text(to_html(make_report(run), run), "utf-8")
        took = time.process_time() - begun
        with browser() as driver:
            open_page(driver, page)
            ready = driver.execute_script(_READY)
            loaded = driver.execute_script(_LOADED)
            search = max(driver.execute_script(_SEARCH, text) for text in SEARCHES)
        size = page.stat().st_size / 1e6
    return [
        Row("page of 20,000 domains", f"{size:.1f} MB, made in {took:.1f} s"),
        Row("ready after load", f"{ready - loaded:.0f} ms", f"below {OPEN:.0f} ms", ready - loaded < OPEN),
        Row("slowest search", f"{search:.0f} ms", f"below {SEARCH:.0f} ms", search < SEARCH),
    ]
