"""The page of a comparison: text from outside stays text, and the search works in a browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from results.report.diff_page import to_html
from tests.browser import browser, open_page
from tests.unit.results.diff.runs import Runs, bad, mx, on
from tests.unit.results.report.test_html import ATTACK


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("diff")
    runs = Runs(place)
    evil = replace(bad("mx2.example"), host=ATTACK, text=ATTACK)
    runs.add([on("a", mx(), owner="Ann"), on("b", mx("mx2.example"), owner=ATTACK), on("c", bad("mx3.example"))])
    runs.add([on("a", bad(), owner="Ann"), on("b", evil, owner=ATTACK), on("c", mx("mx3.example"))])
    path = place / "page.html"
    path.write_text(to_html(runs.compare("owner")), "utf-8")
    return path


@pytest.fixture(scope="module")
def driver(page: Path) -> Iterator[webdriver.Chrome]:
    with browser() as found:
        open_page(found, page)
        yield found


def shown(driver: webdriver.Chrome) -> list[str]:
    groups = driver.find_elements(By.CSS_SELECTOR, "#changes details summary")
    return [group.text.partition(":")[0] for group in groups if group.is_displayed()]


def test_the_page_has_its_own_scripts_only(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"<script[^>]*>", text) == ["<script>", "<script>"]
    assert "<img" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_no_text_from_outside_is_executed(driver: webdriver.Chrome) -> None:
    assert driver.execute_script("return window.owned === undefined") is True
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium has no types here


def test_search_and_filters(driver: webdriver.Chrome) -> None:
    assert len(shown(driver)) == 3
    search = driver.find_element(By.ID, "search")
    search.send_keys("A.EXAMPLE")
    assert shown(driver) == ["mx1.example"]
    assert driver.find_element(By.ID, "count").text == "1 of 3 changes at MX hosts"
    search.send_keys(Keys.CONTROL + "a", Keys.DELETE)
    driver.find_element(By.CSS_SELECTOR, "#kind option[value='fixed']").click()
    assert shown(driver) == ["mx3.example"]
    driver.find_element(By.CSS_SELECTOR, "#kind option[value='']").click()
    driver.find_element(By.XPATH, "//select[@id='value']/option[text()='Ann']").click()
    assert shown(driver) == ["mx1.example"]
    driver.find_element(By.CSS_SELECTOR, "#value option[value='']").click()


def test_both_themes(driver: webdriver.Chrome) -> None:
    background = "return getComputedStyle(document.body).backgroundColor"
    before = driver.execute_script(background)
    driver.find_element(By.ID, "theme").click()
    assert driver.execute_script(background) != before


def test_a_comparison_without_changes(runs_of_one: Runs) -> None:
    assert "Nothing changed at MX hosts." in to_html(runs_of_one.compare())


@pytest.fixture
def runs_of_one(tmp_path: Path) -> Runs:
    runs = Runs(tmp_path)
    runs.add([on("a", mx())])
    runs.add([on("a", mx())])
    return runs
