"""The page of a run: text from outside stays text, in the file and in a browser."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from results.report.html import to_html
from results.report.model import make_report
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import Reply, TLSARecord
from scanner.model import DomainRecord, EndpointReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainSTS, HostSTS, Mechanism, RunState, Sender
from tests.browser import browser, open_page
from tests.unit import records, sts
from tests.unit.records import DIGEST, ISSUER_DIGEST, NOON

ATTACK = (
    "</script><script>window.owned=1</script><img src=x onerror=window.owned=1>"
    "\"'`--><svg onload=window.owned=1>\u202e\x1b[31m{{7*7}}&lt;"
)
KEY = ATTACK.replace("\u202e", "") + ":25/smtp"  # the key of a host report is ASCII text


def hostile() -> tuple[DomainRecord, dict[str, str]]:
    """Return a domain in which every text is an attack."""
    endpoint = records.endpoint_verdict(
        address=ATTACK, dane=Dane.MISMATCH, text=ATTACK, reasons=(Reason.TLSA_MISMATCH,), sender=Sender.DEFER
    )
    host = records.host_verdict(host=ATTACK, report=KEY, dane=Dane.MISMATCH, text=ATTACK)
    reasons = (Reason.TLSA_MISMATCH, Reason.STS_MX_MISMATCH, Reason.TLSRPT_RECORD_INVALID)
    host = replace(host, endpoints=(endpoint,), sender=Sender.DEFER, reasons=reasons[:1], sts=HostSTS.PATTERN_MISMATCH)
    verdict = records.verdict(
        dane=DomainDane.BROKEN,
        outcome=DomainOutcome.FAIL,
        text=ATTACK,
        reasons=reasons,
        sts=DomainSTS.BROKEN,
        mechanism=Mechanism.BROKEN,
    )
    policy = replace(sts.report(sts.policy(ATTACK)), host=f"mta-sts.{ATTACK}", id=ATTACK)
    tlsrpt = replace(sts.tlsrpt(), rua=(ATTACK,), defects=(ATTACK,))
    return records.domain(key=f"zz{ATTACK}", hosts=(host,), verdict=verdict, sts=policy, tlsrpt=tlsrpt), {}


def hostile_run(place: Path) -> Run:
    """Write a run of a hostile domain, a protected domain, and a domain without an MX host to examine."""
    record, _ = hostile()
    shaken = records.handshake(version=ATTACK, cipher=ATTACK, group=ATTACK, signature=ATTACK, chain=(DIGEST,))
    probe = records.probe(
        ATTACK, handshake=shaken, banner=Reply(220, (ATTACK,)), transcript=(f"< 220 {ATTACK}", "> EHLO x")
    )
    evidence = records.evidence(record=None, depth=-1)
    report = records.report(
        key=KEY,
        host=ATTACK,
        a=records.answer(ATTACK, "A", ATTACK),
        tlsa=replace(records.report().tlsa, base_domain=ATTACK, records=(TLSARecord(3, 1, 1, "5a" * 32),)),
        endpoints=(EndpointReport(ATTACK, (probe,), evidence),),
    )
    evil = records.cert(subject=ATTACK, issuer=ATTACK, issuer_cn=ATTACK, dns_names=(ATTACK,), key_type=ATTACK)
    nowhere = records.domain(
        key="nowhere.example",
        hosts=(),
        route=replace(records.route(), hosts=(), final=Reason.MX_BOGUS),
        verdict=records.verdict(
            outcome=DomainOutcome.FAIL, dane=DomainDane.LOOKUP_FAILED, reasons=(Reason.MX_BOGUS,), text=ATTACK
        ),
    )
    with Store.create(place, records.header(ehlo=ATTACK, resolver=ATTACK)) as store:
        store.put_domain(record, [report], {DIGEST: evil})
        fine = records.cert(sha256=ISSUER_DIGEST)
        shown = records.handshake(chain=(ISSUER_DIGEST,))
        good = records.report(endpoints=(EndpointReport("192.0.2.1", (records.probe(handshake=shown),)),))
        store.put_domain(records.domain(), [good], {ISSUER_DIGEST: fine})
        store.put_domain(nowhere, [], {})
        store.put_reject(ATTACK, 1, ATTACK, ATTACK)
        store.finish(RunState.COMPLETE, {}, NOON)
    return Run.open(place)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("html")
    run = hostile_run(place / "run")
    path = place / "page.html"
    path.write_text(to_html(make_report(run, column="country"), run), "utf-8")
    return path


@pytest.fixture(scope="module")
def driver(page: Path) -> Iterator[webdriver.Chrome]:
    with browser() as found:
        open_page(found, page)
        yield found


# --- the file -------------------------------------------------------------------------------------------------


def test_the_page_has_its_own_scripts_only(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"<script[^>]*>", text) == [
        '<script type="application/json" id="data">',
        "<script>",
        "<script>",
    ]
    assert "<img" not in text
    names = re.sub(r'<span class="whole">|</span>|<wbr>', "", text)
    assert "onload=" not in re.sub(r"&[a-z#0-9]+;svg onload|\\u003csvg onload", "", names)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_policy_allows_only_this_script_and_style(page: Path) -> None:
    text = page.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        contents = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digests = [b64encode(sha256(content.encode()).digest()).decode() for content in contents]
        allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
        assert f"{tag}-src {allowed};" in policy[1]


def test_the_page_fetches_nothing(page: Path) -> None:
    text = re.sub(r"<script type=.*?</script>", "", page.read_text("utf-8"), flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action|url)\s*[=(]\s*"?(?!#)(?:https?:|//)', text) == []


# --- in a browser ---------------------------------------------------------------------------------------------


def names(driver: webdriver.Chrome) -> list[str]:
    return [element.text for element in driver.find_elements(By.CSS_SELECTOR, "#domains .open")]


def test_no_text_from_outside_is_executed(driver: webdriver.Chrome) -> None:
    for button in driver.find_elements(By.CSS_SELECTOR, "#domains .open"):
        button.click()
    driver.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; });")
    assert driver.execute_script("return window.owned === undefined") is True
    assert driver.execute_script("return document.querySelectorAll('img, svg[onload], main script').length") == 0
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium has no types here
    shown = driver.find_element(By.ID, "domains").text
    assert "<script>window.owned=1</script>" in shown
    assert "< 220 </script>" in shown
    assert "matches no certificate or key of the server" in shown


def test_hostile_text_does_not_break_the_layout(driver: webdriver.Chrome) -> None:
    width = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert driver.execute_script(width) is True


def test_nothing_is_cut_on_a_narrow_screen(driver: webdriver.Chrome) -> None:
    """At 400 pixels, no part of the page has to be scrolled sideways, and names break between labels only."""
    size = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        wide = driver.execute_script(
            "document.querySelectorAll('details').forEach((part) => { part.open = true; });"
            "return [document.documentElement, ...document.querySelectorAll('.scroll, table, pre')]"
            ".filter((part) => part.scrollWidth > Math.max(part.clientWidth, 1))"
            ".map((part) => part.outerHTML.slice(0, 80))"
        )
        assert wide == []
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_what_to_do_precedes_the_domains_and_the_statistics_are_folded(driver: webdriver.Chrome) -> None:
    order = "return [...document.querySelectorAll('main > *')].map((part) => part.id || part.className)"
    assert driver.execute_script(order) == ["figures", "worklist", "domains-section", "statistics"]
    figures = [part.text for part in driver.find_elements(By.CSS_SELECTOR, ".figure h2")]
    assert figures == ["protected", "broken", "newly broken", "unknown"]
    assert "country: nl" in driver.find_element(By.ID, "worklist").text


def test_the_statistics_are_folded(page: Path) -> None:
    assert '<details id="statistics" class="plain">' in page.read_text("utf-8")


def test_the_column_of_the_list_is_a_filter(driver: webdriver.Chrome) -> None:
    options = driver.find_elements(By.CSS_SELECTOR, "select[data-column='9'] option")
    assert [option.text for option in options] == ["any", "nl"]


def test_faults_of_mta_sts(driver: webdriver.Chrome) -> None:
    section = driver.find_element(By.ID, "worklist").text
    assert "Faults of MTA-STS and TLSRPT" in section
    assert "an MX host does not satisfy the MTA-STS policy" in section
    heads = [head.text for head in driver.find_elements(By.CSS_SELECTOR, "#domains > thead th")]
    assert "protection" in heads


def test_search_filters_and_sorting(driver: webdriver.Chrome) -> None:
    everything = names(driver)
    search = driver.find_element(By.ID, "search")
    search.send_keys("A.EXAMPLE")
    assert names(driver) == ["a.example"]
    assert driver.find_element(By.ID, "count").text == "1 of 3 domains, page 1 of 1"
    search.send_keys(Keys.CONTROL + "a", Keys.DELETE)
    assert names(driver) == everything
    driver.find_element(By.CSS_SELECTOR, "select[data-column='1'] option[value='ok']").click()
    assert names(driver) == ["a.example"]
    driver.find_element(By.CSS_SELECTOR, "select[data-column='1'] option[value='']").click()
    head = driver.find_element(By.CSS_SELECTOR, "#domains > thead th button")
    head.click()
    assert names(driver) == everything[::-1]
    sort = "return document.querySelector('#domains > thead th').getAttribute('aria-sort')"
    assert driver.execute_script(sort) == "descending"
    head.click()
    assert names(driver) == everything


def test_a_domain_opens_by_keyboard(driver: webdriver.Chrome) -> None:
    button = driver.find_elements(By.CSS_SELECTOR, "#domains .open")[0]
    before = button.get_attribute("aria-expanded")
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-expanded") != before
    detail = driver.find_element(By.ID, button.get_attribute("aria-controls") or "")
    assert detail.is_displayed() is (before == "false")


def test_both_themes_have_enough_contrast(driver: webdriver.Chrome) -> None:
    """Contrast of text and of dim text with the page: at least 4.5, WCAG 2.1 success criterion 1.4.3."""
    for _ in range(2):
        driver.find_element(By.ID, "theme").click()
        colours = driver.execute_script(
            "const css = (e, p) => getComputedStyle(e)[p]; const b = document.body;"
            "return [css(b, 'backgroundColor'), css(b, 'color'), css(document.querySelector('.note'), 'color'),"
            "css(document.querySelector('.badge.bad'), 'color'), css(document.querySelector('.open'), 'color')]"
        )
        back, *texts = [luminance(colour) for colour in colours]
        assert [text for text in texts if contrast(back, text) < 4.5] == []


def test_the_themes_differ(driver: webdriver.Chrome) -> None:
    background = "return getComputedStyle(document.body).backgroundColor"
    before = driver.execute_script(background)
    driver.find_element(By.ID, "theme").click()
    assert driver.execute_script(background) != before


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it, of a computed colour ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
