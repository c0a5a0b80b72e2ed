"""The report's page and the blind test as people use them, in headless Chromium."""

import re
import shutil
import tempfile
import threading
from dataclasses import replace

import pytest
from helpers.chosen import license_weights
from helpers.made_run import VALUES, make_run
from helpers.painted import HOSTILE, paint
from helpers.synthetic_run import synthetic_run

from bench import results
from bench.report import choice, choice_text, page, plots, rows, site
from bench.report.licences import barred
from bench.report.need import Need
from bench.vote.ballot import Ballot, material
from bench.vote.server import serve
from bench.vote.votes import read_votes

from .test_quantities import DURATIONS, MEMORY

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install 'metastyle-bench[browser]'"
)
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.timeout(300),
]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STEPS = (0, 1, 5)


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens an address; in the end the console must be empty and no dialog have been seen."""
    contexts, complaints = [], []

    def open_(address, **settings):
        contexts.append(chromium.new_context(**{"reduced_motion": "reduce", **settings}))
        contexts[-1].set_default_timeout(60_000)
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("requestfailed", lambda request: complaints.append(request.url))
        tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        tab.goto(address)
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def report():
    """The page of a run with hostile names, a failure, and an adaptation seen on its way."""
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        folder = page.Path(root)
        values = {
            "gram/1@judge": {"fast": 0.5, HOSTILE[0]: 0.25, "identity": 1.0},
            "lpips/1@judge": {"fast": 0.5},
        }
        run = paint(
            make_run(
                folder / "runs",
                ("fast", HOSTILE[0], "slow", "identity"),
                styles=(*HOSTILE[:2], "plain"),
                contents=HOSTILE,
                adapt={**dict.fromkeys(HOSTILE, 1.0), "plain": 2.0},
                metrics={
                    id_: {"axis": "style", "encoder": "judge", "judge": True} for id_ in values
                },
                values=values,
                failed={("slow", HOSTILE[0]): ("oom", "<b>2.4 GiB</b> asked for")},
            )
        )
        path = results.record_path(run, "cells", "fast", HOSTILE[0], 64)
        cell = results.read_json(path)
        cell["observed"] = [
            {"step": step, "seconds": 0.5 * step, "contents": cell["contents"][:2]}
            for step in STEPS
        ]
        results.write_json(path, cell)
        yield page.write(results.load([run]), folder / "out", quiet=True).as_uri()


def column(tab, place):
    table = tab.locator("#results table").first
    return table.locator(f"tbody tr > :nth-child({place})").evaluate_all(
        "cells => cells.map((cell) => cell.dataset.sort)"
    )


def test_columns_sort_by_mouse_and_by_keyboard(visit, report):
    tab = visit(report)
    head = tab.locator("#results thead tr:last-child th").nth(4)
    assert head.get_attribute("aria-sort") == "none"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(tab, 5) == ["0.25", "0.5", "0.5", "1.0"]
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(tab, 5) == ["1.0", "0.5", "0.5", "0.25"]
    name = tab.locator("#results thead tr:last-child th").nth(0)
    name.locator("button").press(" ")
    assert head.get_attribute("aria-sort") == "none"
    assert column(tab, 1) == sorted(("fast", HOSTILE[0], "slow", "identity"))


def test_the_gallery_shows_what_is_asked_for(visit, report):
    tab = visit(report)
    tiles = tab.locator("#gallery button.tile")
    playwright.expect(tiles).to_have_count(3 * 3 * 5)  # the anchor is not among them
    assert tab.locator("#shown").inner_text() == "3 methods, 3 styles, 5 contents"
    assert {*tab.locator("#gallery h3").all_text_contents()} == {*HOSTILE[:2], "plain"}
    tab.select_option("[name=style]", label="plain")
    tab.select_option("[name=content]", label=HOSTILE[1])
    playwright.expect(tiles).to_have_count(3)
    assert tiles.nth(1).locator("img").get_attribute("alt") == f"{HOSTILE[1]} in plain by fast"
    tab.get_by_text("Methods", exact=True).click()
    tab.get_by_role("checkbox", name="identity").check()
    playwright.expect(tiles).to_have_count(4)
    tiles.nth(0).locator("img").scroll_into_view_if_needed()
    tab.wait_for_function("document.querySelector('#gallery button img').naturalWidth === 64")


def test_cells_are_loaded_when_they_are_seen(visit, tmp_path):
    contents, styles = HOSTILE[:2], [f"s{number:02}" for number in range(30)]
    values = {id_: {"fast": 0.5} for id_ in VALUES}
    run = make_run(
        tmp_path / "runs", ("fast",), styles=styles, contents=contents, values=values,
        adapt=dict.fromkeys(styles, 1.0),
    )  # fmt: skip
    tab = visit(page.write(results.load([paint(run)]), tmp_path / "out", quiet=True).as_uri())
    tiles, loaded = tab.locator("#gallery button.tile"), tab.locator("head script[src^=data]")
    playwright.expect(tab.locator("#gallery section")).to_have_count(30)
    tab.locator("#gallery section").first.scroll_into_view_if_needed()
    playwright.expect(tiles.first).to_be_visible()
    assert loaded.count() < 30
    tab.locator("#gallery section").last.scroll_into_view_if_needed()
    playwright.expect(tab.locator("#gallery section").last.locator("button.tile")).to_have_count(2)
    tab.goto(tab.url.partition("#")[0] + "#pair-0-15-1-content-0")  # of a style not seen yet
    playwright.expect(tab.locator("#viewer-title")).to_have_text(f"{contents[1]} in s15")


def tile(tab, method):
    """The first picture of a method in the gallery."""
    return tab.locator("#gallery").get_by_role(
        "button", name=f"{HOSTILE[0]} in {HOSTILE[0]} by {method}", exact=True
    )


def test_two_pictures_are_compared(visit, report):
    tab = visit(report)
    tile(tab, "fast").click()
    assert tab.locator("#viewer").evaluate("viewer => viewer.open")
    assert tab.locator("#viewer-title").inner_text() == f"{HOSTILE[0]} in {HOSTILE[0]}"
    split = tab.locator("#split")
    assert split.evaluate("split => split === document.activeElement")
    split.press("ArrowLeft")
    split.press("ArrowLeft")
    assert tab.locator("#stage").evaluate("s => s.style.getPropertyValue('--split')") == "48%"
    box = tab.locator("#stage").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 9)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 4, box["y"] + 9)
    tab.mouse.up()
    assert 20 <= int(split.input_value()) <= 30
    tab.select_option("[data-side=left] select", label=HOSTILE[0])
    left, right = tab.locator("#stage-left"), tab.locator("#stage-right")
    assert left.get_attribute("alt") == HOSTILE[0]
    assert left.get_attribute("src") != right.get_attribute("src")
    tab.wait_for_function("document.querySelector('#stage-left').naturalWidth === 64")
    assert "0.250 0.500" in " ".join(tab.locator("#viewer-facts").inner_text().split())
    tab.keyboard.press("PageDown")
    assert tab.locator("#viewer-title").inner_text() == f"{HOSTILE[1]} in {HOSTILE[0]}"
    tab.keyboard.press("Escape")
    assert not tab.locator("#viewer").evaluate("viewer => viewer.open")


def test_the_address_of_a_pair_leads_to_it(visit, report):
    tab = visit(report)
    tile(tab, "fast").click()
    tab.select_option("[data-side=left] select", label="slow")
    address = tab.url
    shown = [tab.locator(f"#stage-{side}").get_attribute("src") for side in ("left", "right")]
    again = visit(address)
    assert again.locator("#viewer").evaluate("viewer => viewer.open")
    assert again.locator("#viewer-title").inner_text() == f"{HOSTILE[0]} in {HOSTILE[0]}"
    assert shown == [
        again.locator(f"#stage-{side}").get_attribute("src") for side in ("left", "right")
    ]
    tab.select_option("[data-side=right] select", label="style")
    assert visit(tab.url).locator("#label-right").inner_text() == f"style {HOSTILE[0]}"
    again.keyboard.press("Escape")
    again.wait_for_function("location.hash === '#pictures'")
    assert not visit(f"{report}#pair-9-9-9-9-9").locator("#viewer").evaluate("v => v.open")


def test_both_pictures_are_enlarged_and_moved_together(visit, report):
    tab = visit(report, viewport={"width": 500, "height": 400})
    tile(tab, "fast").click()
    tab.wait_for_function("document.querySelector('#stage-right').naturalWidth === 64")
    wide = tab.locator("#stage").bounding_box()["width"]
    zoom = tab.locator("#zoom")
    boxes = [tab.locator("#stage-left"), tab.locator("#stage-right")]
    for factor in (1, 2, 4):
        zoom.click()
        assert zoom.inner_text() == f"{100 * factor} %"
        assert [box.bounding_box()["width"] for box in boxes] == pytest.approx([64 * factor] * 2)
    assert wide < 256
    before = [box.bounding_box()["x"] for box in boxes]
    stage = tab.locator("#stage").bounding_box()
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 500, y)
    tab.mouse.up()
    most = (256 - wide) / 2  # until the picture's edge is the stage's
    after = [box.bounding_box()["x"] for box in boxes]
    assert after == pytest.approx([place + most for place in before], abs=0.6)
    tab.keyboard.press("Shift+ArrowRight")
    assert [box.bounding_box()["x"] for box in boxes] == pytest.approx(
        [max(place - 40, before[0] - most) for place in after], abs=0.6
    )
    zoom.click()
    assert zoom.inner_text() == "Fit"


def test_the_contact_sheet_leads_to_its_pair(visit, report):
    tab = visit(report)
    first = tab.locator("#sheet .strip").first
    assert first.locator("li").count() == 2 + 3  # content, style, and what is no anchor
    first.get_by_role("link", name="slow").click()
    assert tab.locator("#viewer").evaluate("viewer => viewer.open")
    assert tab.locator("#label-right").inner_text() == "slow"
    assert tab.locator("#viewer-title").inner_text() == f"{HOSTILE[0]} in {HOSTILE[0]}"


def test_the_contact_sheet_and_the_plots_need_no_script(visit, report):
    tab = visit(report, java_script_enabled=False)
    tab.locator("#sheet img").first.scroll_into_view_if_needed()
    assert tab.locator("#sheet img").count() == 3 * (2 + 3) - 1  # one has failed
    assert tab.locator("#plots img").first.is_visible()
    assert tab.locator(".spot").count() == 0


def test_a_point_of_the_trade_off_says_what_it_is(visit, report):
    """By pointer and by keyboard, with its picture; names are text; Enter opens the details."""
    tab = visit(report)
    spots = tab.locator("#plots .spot")
    card = tab.locator(".spot-card")
    assert spots.count() == 3  # of the one panel: style alone is judged
    fast = tab.locator(".spot[aria-label^='fast: adapt 1']")
    fast.focus()
    assert card.count() == 1
    assert card.locator("strong").inner_text() == "fast"
    assert "core" in card.inner_text()
    assert card.locator("img").count() == 1
    tab.keyboard.press("Escape")
    assert card.count() == 0
    hostile = tab.locator(".spot[aria-label^='<script']")
    hostile.dispatch_event("pointerenter")
    assert card.count() == 1
    hostile.dispatch_event("pointerleave")
    assert card.count() == 0
    fast.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("details[open] .name").first.inner_text() == "fast"


def test_the_table_of_a_run_fits_1280_px(visit, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    run = synthetic_run(tmp_path / "runs", styles=7, contents=6, sizes=(256,), observe=())
    tab = visit(page.write(results.load([run]), tmp_path / "out", quiet=True).as_uri())
    tab.set_viewport_size({"width": 1280, "height": 900})
    box = tab.locator("#results .scroll").first
    assert box.evaluate("b => b.scrollWidth <= b.clientWidth")
    assert tab.locator("#results .further").evaluate("d => d.open") is False


@pytest.mark.parametrize("address", ["index.html", "submit.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_in_a_site(visit, tmp_path, monkeypatch, scheme, address):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    run = synthetic_run(tmp_path / "runs", styles=7, contents=6, sizes=(256,), observe=())
    index = site.write(results.load([run]), tmp_path / "out", quiet=True)
    tab = visit(index.with_name(address).as_uri(), color_scheme=scheme)
    found = axe.run(tab, options={"preload": False})
    assert found.violations_count == 0, found.generate_report()
    tab.set_viewport_size({"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(visit, report, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = visit(report, color_scheme=scheme)
    for opened in (False, True):
        if opened:
            tile(tab, "fast").click()
        found = axe.run(tab, options={"preload": False})
        assert found.violations_count == 0, found.generate_report()


def test_a_slider_goes_along_the_adaptation(visit, report):
    tab = visit(report)
    tile(tab, "fast").click()
    steps = tab.locator("[data-side=right] .steps")
    assert not tab.locator("[data-side=left] .steps").is_visible()
    assert steps.locator("output").inner_text() == "the last step"
    slider = steps.locator("input")
    slider.press("ArrowLeft")
    assert steps.locator("output").inner_text() == "5 steps, 2.50 s"
    slider.press("Home")
    assert steps.locator("output").inner_text() == "0 steps, 0 s"
    assert slider.get_attribute("max") == str(len(STEPS))


def test_a_failure_says_why(visit, report):
    tab = visit(report)
    tab.select_option("[name=style]", label=HOSTILE[0])
    failed = tab.locator("#gallery .failed")
    playwright.expect(failed).to_have_count(5)
    assert failed.nth(0).text_content() == "oom"
    failed.nth(0).click()
    why = tab.locator("[data-side=right] .failure")
    assert why.inner_text() == "oom: <b>2.4 GiB</b> asked for"
    tab.get_by_role("link", name="all details of slow").click()
    detail = tab.locator("details[open]")
    assert detail.count() == 1
    assert detail.get_by_text("<b>2.4 GiB</b> asked for", exact=True).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_room_and_text_has_contrast(visit, report, scheme):
    tab = visit(report, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    table = tab.locator("#results .scroll").first
    assert table.evaluate("box => (box.scrollLeft = 90, box.scrollLeft)") == 90
    for name in ("thead tr:last-child th:first-child", "tbody tr:first-child th"):
        left = table.evaluate(f"b => b.querySelector('{name}').getBoundingClientRect().left")
        assert left == table.evaluate("box => box.getBoundingClientRect().left")
    assert contrast(tab, "body", "color") >= 7
    assert contrast(tab, ".where", "color") >= 4.5
    assert contrast(tab, "nav a", "color") >= 4.5
    assert contrast(tab, ".status", "color") >= 4.5
    tile(tab, "fast").click()
    assert tab.locator("#viewer").evaluate("v => v.scrollWidth <= innerWidth")


def contrast(tab, selector, what):
    """The contrast ratio of WCAG 2 between a text and the page."""
    colors = [
        tab.locator(place).first.evaluate(f"e => getComputedStyle(e).{name}")
        for place, name in ((selector, what), ("body", "backgroundColor"))
    ]
    low, high = sorted(map(luminance, colors))
    return (high + 0.05) / (low + 0.05)


def luminance(color):
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# which method

NEEDS = {
    "one picture": Need(),
    "ten styles": Need(styles=10, pictures=100, new_style_in=2.5),
    "many pictures": Need(pictures=10_000),
    "video": Need(pictures=1_000, picture_in=0.04),
    "the best": Need(styles=50, pictures=10_000, prefer="quality"),
    "the quickest": Need(styles=3, pictures=20, prefer="time"),
    "little memory": Need(pictures=500, memory=3e8),
    "in time": Need(pictures=1_000, total_in=60.0),
    "for business": Need(pictures=200),
    "a domain of its own": Need(pictures=2_000, training=True),
    "nothing": Need(picture_in=1e-6),
}


@pytest.fixture(scope="module")
def choices():
    """Five methods of other times, memory, licences and qualities, and the page of their run."""
    names = ("rapid", "even", "fine", "huge", "late")
    adapt = {"rapid": 0.1, "even": 2.0, "fine": 30.0, "huge": 0.5, "late": 3.0}
    core = {"rapid": 0.004, "even": 0.030, "fine": 0.031, "huge": 0.050, "late": 2.5}
    error = {"rapid": 0.7, "even": 0.42, "fine": 0.4, "huge": 0.45, "late": 0.38}
    styles = list("abcdefgh")

    def errors(name, tilt):
        return lambda style, _: error[name] * (1 + tilt * (ord(style) % 3 - 1) * 0.05)

    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        runs = page.Path(root) / "runs"
        run = make_run(
            runs,
            ("identity", "style-copy", *names),
            styles=styles,
            adapt=dict.fromkeys(styles, 1.0),
            metrics={
                "gram/1@judge": {"axis": "style", "encoder": "judge", "judge": True},
                "lpips/1@judge": {"axis": "content", "encoder": "judge", "judge": True},
            },
            values={
                "gram/1@judge": {"identity": 1.0, "style-copy": 0.0, "fast": 9.0}
                | {name: errors(name, place - 2) for place, name in enumerate(names)},
                "lpips/1@judge": {"identity": 0.0, "style-copy": 1.0, "fast": 9.0}
                | {name: errors(name, 2 - place) for place, name in enumerate(names)},
            },
        )
        for place, name in enumerate(names):
            path = results.record_path(run, "speed", name, 64)
            record = results.read_json(path)
            times = [core[name] * share for share in (0.9, 0.97, 1, 1, 1, 1.04, 1.2)]
            record["scopes"]["core"] |= {"samples": times, "rounds": list(range(7))}
            results.write_json(path, record)
            for number, style in enumerate(styles):
                path = results.record_path(run, "cells", name, style, 64)
                record = results.read_json(path)
                record["adapt"]["seconds"] = adapt[name] * (1 + 0.05 * (number % 3 - 1))
                record["peak_memory_bytes"] = 100_000_000 * (place + 1)
                results.write_json(path, record)
        license_weights(runs, {name: {"w.pt": "MIT"} for name in names})
        license_weights(runs, {"even": {"w.pt": "unknown"}})
        record = results.read_json(run / "run.json")
        for name, seconds in {"rapid": 600.0, "even": None, "fine": 0.0, "huge": 9.0}.items():
            record["methods"][name]["trainings"] = [{"file": "w.pt", "seconds": seconds}]
        results.write_json(run / "run.json", record)
        frames = results.load([run])
        [group] = rows.groups(frames)
        address = page.write(frames, page.Path(root) / "out", quiet=True).as_uri()
        yield group, barred(frames.records, group.rows), address


def as_the_page_asks(need):
    return {
        "pictures": need.pictures, "styles": need.styles, "newStyleIn": need.new_style_in,
        "pictureIn": need.picture_in, "totalIn": need.total_in, "memory": need.memory,
        "prefer": need.prefer, "commercial": bool(need.barred), "training": need.training,
    }  # fmt: skip


def test_the_page_chooses_as_the_command_does(visit, choices):
    group, unlicensed, address = choices
    tab = visit(address)
    firsts = set()
    for name, need in NEEDS.items():
        need = replace(need, barred=unlicensed if name == "for business" else {})
        here = choice.answer(group, need)
        chosen = [c for c in (here.recommended, *here.others) if c is not None]
        there = tab.evaluate(
            "need => choose(JSON.parse(document.getElementById('answers').textContent)[0], need)",
            as_the_page_asks(need),
        )
        assert [c["label"] for c in there["ordered"]] == [c.row.label for c in chosen], name
        assert sorted(map(tuple, there["excluded"])) == sorted(here.excluded), name
        for mine, its in zip(chosen, there["ordered"], strict=True):
            assert its["total"] == pytest.approx(mine.total)
            assert its["low"] == pytest.approx(mine.low, rel=0.02)
            assert its["high"] == pytest.approx(mine.high, rel=0.02)
        firsts.add(chosen[0].row.label if chosen else None)
    assert len(firsts) >= 4  # else the needs would try too little


def test_the_page_says_it_as_the_command_does(visit, choices):
    """Sliders and limits move the answer, whose words are those of the terminal."""
    group, unlicensed, address = choices
    tab = visit(address)
    form = tab.locator("#need")
    form.get_by_text("Limits").click()
    for pictures, styles, prefer, business in (
        (0, 0, "balance", False), (18, 2, "quality", False), (6, 4, "time", True),
        (12, 0, "balance", True),
    ):  # fmt: skip
        form.locator("[name=pictures]").fill(str(pictures))
        form.locator("[name=styles]").fill(str(styles))
        form.locator("[name=prefer]").select_option(prefer)
        form.locator("[name=commercial]").set_checked(business)
        count = [int(digit * 10**n) for n in range(7) for digit in (1, 2, 5)]
        need = Need(styles=count[styles], pictures=count[pictures], prefer=prefer,
                    barred=unlicensed if business else {})  # fmt: skip
        folders = {row.run: page.Path("somewhere") for row in group.rows}
        lines = choice_text.text(choice.answer(group, need), folders)
        said = " ".join(without_intervals(lines).split())
        for paragraph in tab.locator("#answer-text > p").all_inner_texts():
            for part in without_intervals(paragraph).split("; style error")[0].split("; "):
                assert " ".join(part.split()) in said, (part, said)
    form.locator("[name=pictureIn]").select_option(label="10 ms")
    form.locator("[name=newStyleIn]").select_option(label="40 ms")
    assert tab.locator(".choice").inner_text() == "No method meets the limits."
    assert tab.locator("#answer-text details li").count() == 5
    assert tab.locator("#need").evaluate("f => f.scrollWidth <= innerWidth")


def without_intervals(text):
    return re.sub(r"\s\[[^\]]*\]", "", text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_in_the_answer(visit, choices, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = visit(choices[2], color_scheme=scheme, viewport={"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    found = axe.run(tab, options={"preload": False})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("said", [*DURATIONS.items(), *MEMORY.items()])
def test_the_page_says_quantities_as_the_command_does(visit, choices, said):
    value, words = said
    tab = visit(choices[2])
    name = "memory" if words.endswith("B") else "duration"
    assert tab.evaluate(f"{name}({value})") == words


# the blind test


@pytest.fixture
def ballot(fake_run):
    """A run, and the address of its blind test."""
    run = paint(fake_run(("fast", "slow", "wild")))
    server, address = serve(Ballot(material(run)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield run, address
    server.shutdown()
    thread.join()
    server.server_close()


def test_votes_by_keyboard_and_mouse(visit, ballot):
    run, address = ballot
    tab = visit(address)
    ready(tab, 0)
    tab.keyboard.press("ArrowLeft")
    ready(tab, 1)
    tab.keyboard.press("ArrowRight")
    ready(tab, 2)
    tab.keyboard.press(" ")
    ready(tab, 3)
    tab.locator("[data-choice=right]").click()
    ready(tab, 4)
    tab.keyboard.press("ArrowLeft")  # what was clicked must not take the key
    ready(tab, 5)
    assert [v.choice for v in read_votes(run)] == ["left", "right", "same", "right", "left"]
    shown = tab.locator("#left").get_attribute("src")
    tab.keyboard.press("Backspace")
    ready(tab, 4)
    assert tab.locator("#left").get_attribute("src") != shown
    tab.locator("#undo").click()
    ready(tab, 3)
    tab.reload()
    ready(tab, 3)
    assert [v.choice for v in read_votes(run)] == ["left", "right", "same"]
    assert not any(name in tab.content() for name in ("fast", "slow", "wild"))


def ready(tab, votes):
    """Wait until so many votes are counted and the next pictures are there."""
    tab.wait_for_function(
        "votes => document.querySelector('#progress').textContent.startsWith(`${votes} of 12 `)"
        " && !document.body.matches('[aria-busy=true]')",
        arg=votes,
    )


def test_the_last_vote_ends_it(visit, ballot):
    run, address = ballot
    tab = visit(address, viewport={"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    for count in range(12):
        ready(tab, count)
        tab.keyboard.press("ArrowRight")
    ready(tab, 12)
    assert tab.locator("#done").is_visible()
    assert not tab.locator("#trial").is_visible()
    assert len(read_votes(run)) == 12
