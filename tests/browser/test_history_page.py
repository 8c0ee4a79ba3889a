"""The history page, opened from disk in headless Chromium with the network cut off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from harness.history.write import write_history
from harness.oracle import WRONG_RULES
from harness.records import Layer, derive_arguments
from tests.history.lines import follows, info_of, judged_run, raises, target
from tests.report.judged import CASES, SAME

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
VERSIONS = 40
OTHERS = (Layer.DEPTHWISE_CONV2D, Layer.SEPARABLE_CONV2D, Layer.CONV2D_TRANSPOSE, Layer.MAX_POOLING2D)
"""Enough layers to make the table higher than the window."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("no Chromium on PATH: install it, or leave these tests out with -m 'not browser'")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("history")
    targets = [target(f"{number}.0") for number in range(1, VERSIONS + 1)]
    right = target("1.0", "jax")
    others = [derive_arguments(replace(SAME, layer=layer)) for layer in OTHERS]
    cases = [*CASES, replace(SAME, kernel=(3, 3), strides=(1, 1)), *others]
    doing = {one.name: follows() for one in (*targets, right)}
    doing[targets[1].name] = follows(WRONG_RULES["all-padding-before"])
    doing[targets[2].name] = raises(HOSTILE)
    write_history(
        directory,
        info_of([*targets, right], len(cases)),
        judged_run(sorted(cases, key=lambda case: case.id), doing),
    )
    return (directory / "history.html").as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(
        offline=True, viewport={"width": 1200, "height": 800}, reduced_motion="reduce"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda made: complaints.append(made.url) if made.url != address else None)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    yield page
    assert page.evaluate("window.hacked === undefined")
    context.close()
    assert complaints == []


def test_the_first_column_and_the_head_stay_while_the_table_moves(page: Page) -> None:
    box = page.locator("#family-2 .tall")
    box.scroll_into_view_if_needed()
    head, row = box.locator("thead th").first, box.locator("tbody th[scope=row]").last
    last = box.locator("thead th").last
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    box.evaluate("box => box.scrollTo({left: box.scrollWidth})")
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] == before["x"]
    expect(last).to_have_text("40.0")
    expect(last).to_be_in_viewport()
    expect(head).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_filter_leaves_the_rows_that_do_not_all_conform(page: Page) -> None:
    rows = page.locator("#family-2 table.matrix tbody tr:not(.section)")
    conforming = page.locator("#family-1 table.matrix tbody tr.whole")
    expect(conforming.first).to_be_visible()
    page.get_by_label("only rows that do not all conform").check()
    expect(conforming.first).to_be_hidden()
    expect(rows.first).to_be_visible()
    expect(page.locator("#family-1 .empty")).to_be_visible()
    page.get_by_label("only rows that do not all conform").uncheck()
    expect(conforming.first).to_be_visible()


def test_a_padding_is_chosen(page: Page) -> None:
    page.get_by_label("padding").select_option("valid")
    shown = page.locator("#family-2 table.matrix tbody th:visible")
    expect(shown).to_have_text(["Conv2D · valid"])


def test_the_families_are_reached_from_the_bar(page: Page) -> None:
    page.locator("nav.bar a", has_text="made").click()
    expect(page.locator("#family-2 h2")).to_be_in_viewport()


def test_what_a_target_wrote_is_shown_and_not_run(page: Page) -> None:
    expect(page.locator("#family-2 table.changes")).to_contain_text("</script><script>window.hacked")


def test_the_colours_follow_the_system(page: Page) -> None:
    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.emulate_media(color_scheme="light")
    light = background()
    page.emulate_media(color_scheme="dark")
    assert background() != light
