"""The page of a run, opened from disk in headless Chromium with the network cut off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from harness.data.case_data import make_case_data
from harness.judge.compare import judge_observation
from harness.oracle import WRONG_RULES
from harness.oracle import expect as expectation_of
from harness.records import (
    Case,
    DataFormat,
    Judgement,
    Layer,
    Mode,
    Observation,
    ObservedError,
    Outcome,
    RunFooter,
    RunHeader,
    RunInfo,
    Stage,
)
from harness.report.write import write_reports

pytestmark = pytest.mark.browser

RIGHT, WRONG = "keras3.15.1-jax", "keras3.15.1-numpy"
HOSTILE = "</script><script>window.hacked = 1</script></SCRIPT ><img src=x onerror='window.hacked = 2'>"
SAME = Case(
    layer=Layer.CONV2D,
    mode=Mode.EAGER,
    input=(5, 5),
    kernel=(2, 2),
    strides=(2, 2),
    dilation=(1, 1),
    padding="same",
    data_format=DataFormat.CHANNELS_LAST,
    batch=2,
    channels=1,
    filters=3,
    groups=1,
    bias=True,
    dtype="float32",
)
EXACT = replace(SAME, input=(6, 6))
LOUD = replace(SAME, input=(7, 7))


@dataclass
class Watched:
    """A page, with its messages and requests, of which there must be none."""

    page: Page
    complaints: list[str] = field(default_factory=list)


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
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    info = RunInfo(
        RunHeader(1, "0.1.0", 1, ("core",), (RIGHT, WRONG), 3, 6, "2026-01-02"),
        RunFooter("complete", 6, 0, "2026-01-02", 1.0, ()),
    )
    write_reports(directory, info, findings())
    return directory / "index.html"


def findings() -> list[Judgement]:
    wrong = WRONG_RULES["all-padding-before"]
    observations = []
    for case in (SAME, EXACT, LOUD):
        right_values = expectation_of(case, make_case_data(case)).values
        assert right_values is not None
        observations.append((case, returned(RIGHT, case, right_values)))
        if case is LOUD:
            error = ObservedError("ValueError", HOSTILE)
            observation = Observation(WRONG, case.id, Outcome.RAISED, Stage.CALL, error=error)
        else:
            wrong_values = expectation_of(case, make_case_data(case), wrong).values
            assert wrong_values is not None
            observation = returned(WRONG, case, wrong_values)
        observations.append((case, observation))
    judged = []
    for case, observation in observations:
        expectation = expectation_of(case, make_case_data(case))
        judged.append(
            Judgement(judge_observation(case, expectation, observation, ()), expectation, observation)
        )
    return sorted(judged, key=lambda one: (one.finding.target, one.finding.case.id))


def returned(
    target: str, case: Case, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> Observation:
    return Observation(target, case.id, Outcome.RETURNED, Stage.REPLY, values=values.astype(np.float32))


@pytest.fixture
def watched(browser: Browser, report: Path) -> Iterator[Watched]:
    context = browser.new_context(offline=True)
    watched = Watched(context.new_page())

    def watch_request(made: Request) -> None:
        if made.url != report.as_uri() and not made.url.startswith(("blob:", "data:")):
            watched.complaints.append(f"request {made.url}")

    watched.page.on("request", watch_request)
    watched.page.on("console", lambda message: watched.complaints.append(f"console {message.text}"))
    watched.page.on("pageerror", lambda error: watched.complaints.append(f"error {error}"))
    watched.page.goto(report.as_uri())
    watched.page.wait_for_selector("html[data-ready]")
    yield watched
    context.close()


def test_the_page_opens_without_a_complaint_or_a_request(watched: Watched) -> None:
    expect(watched.page.locator("h1")).to_have_text("1 silent divergence and 1 loud divergence")
    expect(watched.page.locator("#findings tbody tr")).to_have_count(6)
    assert watched.complaints == []


def test_a_search_narrows_the_findings(watched: Watched) -> None:
    watched.page.get_by_role("searchbox").fill("all-padding-before")
    expect(watched.page.locator("#findings tbody tr")).to_have_count(1)
    expect(watched.page.locator("#findings tbody tr")).to_contain_text("i5x5-k2x2")


def test_a_filter_narrows_the_findings(watched: Watched) -> None:
    watched.page.locator("#filter-target").select_option(RIGHT)
    expect(watched.page.locator("#findings tbody tr")).to_have_count(3)
    watched.page.locator("#filter-result").select_option("silent")
    expect(watched.page.locator("#findings tbody")).to_contain_text("No matching records")


def test_a_heading_sorts_the_findings(watched: Watched) -> None:
    first = watched.page.locator("#findings tbody tr").first.locator("td.column-input")
    heading = watched.page.locator("#findings thead th.column-input")
    heading.click()
    expect(first).to_have_text("5x5")
    heading.click()
    expect(first).to_have_text("7x7")


def test_a_finding_leads_to_its_divergence_with_the_first_difference_marked(watched: Watched) -> None:
    page = watched.page
    row = page.locator("#findings tbody tr").filter(has_text="all-padding-before")
    row.locator("td.column-case a").click()
    block = page.locator("details.divergence[open]")
    expect(block).to_have_count(1)
    marked = block.locator("td.first")
    expect(marked).to_have_count(2)
    expected, observed = marked.all_inner_texts()
    assert expected.split()[0] != observed.split()[0]
    finding = next(one for one in findings() if one.finding.cause)
    assert finding.expectation.values is not None
    assert finding.finding.first_index is not None
    assert float(expected.split()[0]) == finding.expectation.values[finding.finding.first_index]
    expect(block.locator("svg.pad-picture .pad-window")).to_have_count(9)
    assert watched.complaints == []


def test_the_call_is_copied(watched: Watched) -> None:
    watched.page.locator("#open-all").click()
    expect(watched.page.locator("details.divergence[open]")).to_have_count(2)
    button = watched.page.locator("button[data-copies]").first
    button.click()
    expect(button).to_have_text("Copied")
    watched.page.locator("#close-all").click()
    expect(watched.page.locator("details.divergence[open]")).to_have_count(0)


def test_what_a_target_wrote_is_shown_and_not_run(watched: Watched) -> None:
    watched.page.locator("#open-all").click()
    expect(watched.page.locator("pre.error")).to_contain_text(HOSTILE)
    expect(watched.page.locator("#findings td.column-error", has_text="</script>")).to_have_count(1)
    assert watched.page.evaluate("window.hacked === undefined")
    assert watched.complaints == []


def test_the_colours_follow_the_system(watched: Watched) -> None:
    def background() -> str:
        return str(watched.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    watched.page.emulate_media(color_scheme="light")
    light = background()
    watched.page.emulate_media(color_scheme="dark")
    expect(watched.page.locator("html")).to_have_class("dark")
    assert background() != light
    assert watched.complaints == []


def test_a_link_from_outside_shows_its_divergence(watched: Watched) -> None:
    page = watched.page
    address = page.url
    page.set_viewport_size({"width": 1000, "height": 200})
    page.emulate_media(reduced_motion="reduce")
    page.goto("about:blank")
    page.goto(address.split("#")[0] + "#divergence-1")
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    block = page.locator("#divergence-1")
    expect(block).to_have_attribute("open", "")
    expect(block.locator("summary")).to_be_in_viewport(ratio=0.9)
