"""The player of recorded runs: what it draws, how it is driven, and that the same stands there in words."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lessons.catalog import Catalog
from lessons.kit.words import shown
from tests.site import DESK, PHONE, ROOT, watched

pytest_plugins = ["tests.site"]

SCENES = [folder for folder in Catalog() if folder.has("scene.py")]
PLACES = (("kernel-in", "in the kernel, from {}"), ("buffer", "in {}’s receive buffer"),
          ("queue", "in {}’s send queue"), ("kernel-out", "in the kernel, for {}"))  # fmt: skip
STRIPS = """(stage) => [...stage.querySelectorAll(".p-person")].map((person) => ({
  name: person.dataset.name,
  read: person.querySelector("[data-read]").dataset.read,
  way: [...person.querySelectorAll(".p-way")].map((strip) => strip.dataset.bytes).join(""),
  cut: [...person.querySelectorAll(".p-frame")].map((strip) => strip.dataset.bytes),
  held: Object.fromEntries([...person.querySelectorAll("[data-where]")].map((cell) => {
    const strips = [...cell.querySelectorAll(".p-bytes:not(.p-way, .p-frame, .p-lost)")];
    return [cell.dataset.where, strips.map((strip) => strip.dataset.bytes).join("")];
  })),
}))"""
WATCHES = {"read": "read for {}", "write": "write for {}", "read write": "read and write for {}"}
ASKED = """(stage) => {
  const texts = (selector, from = stage) => [...from.querySelectorAll(selector)].map((each) => each.textContent);
  const events = (each) => texts(".p-chip", each).map((chip) => chip.split(" ")[1]).join(" ");
  const asked = (each) => [each.querySelector("b").textContent, events(each)];
  const timers = stage.querySelector(".p-timers:not(:has(.p-none))");
  const chips = timers ? texts(".p-chip", timers) : [];
  return {
    interest: [...stage.querySelectorAll(".p-door, .p-person")].map(asked).filter(([, events]) => events),
    lives: [...stage.querySelectorAll(".p-person")].map((each) => [each.dataset.name, texts(".p-state", each)[0]])
      .map(([name, state]) => [name, state.match(/^(draining|lingering)/)?.[0]]).filter(([, life]) => life),
    timers: timers && chips.join(" "),
    set: chips.map((chip) => chip.slice(2).replace(" due", "")),
    due: chips.filter((chip) => chip.startsWith("●")).map((chip) => chip.slice(2, -4)),
    later: texts(".p-when .p-times").filter((text) => text.endsWith("later")),
    at: texts(".p-at")[0],
  };
}"""
LINE = """(row) => {
  const percent = (each, name) => parseFloat(each.getAttribute(name));
  const strokes = [...row.querySelectorAll(".p-stroke")].map((each) => percent(each, "x1"));
  return { now: percent(row.querySelector("circle"), "cx"), timers: strokes };
}"""
SCRUB = "(range, at) => { range.value = at; range.dispatchEvent(new Event('input')); }"
STICKS_OUT = """(root) => [...root.querySelectorAll(".p-picture *")].map((each) => [each, each.getBoundingClientRect()])
  .filter(([, box]) => box.right > root.getBoundingClientRect().right + 0.5).map(([each]) => each.className)"""
SMALLEST = """(root) => Math.min(...[...root.querySelectorAll(".p-picture *")]
  .filter((each) => each.textContent.trim()).map((each) => parseFloat(getComputedStyle(each).fontSize)))"""
CONTRAST = """(root) => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const mixed = (top, under, part) => top.slice(0, 3).map((value, i) => value * part + under[i] * (1 - part));
  const over = (top, under) => mixed(top, under, top[3] ?? 1);
  const light = (rgb) => rgb.map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const colour = channels(getComputedStyle(element).backgroundColor);
    return colour[3] === 0 ? ground(element.parentElement) : over(colour, ground(element.parentElement));
  };
  const bad = [];
  for (const element of root.querySelectorAll("*")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!hasText || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest("script, .p-live")) continue;
    const [a, b] = [light(over(channels(getComputedStyle(element).color), [0, 0, 0])), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${element.className} ${ratio.toFixed(2)} "${element.textContent.slice(0, 20)}"`);
  }
  return [...new Set(bad)];
}"""
EVERYWHERE = f"""(root) => {{
  const range = root.querySelector("input");
  return [...Array(Number(range.max) + 1).keys()].flatMap((at) => {{
    ({SCRUB})(range, at);
    return [...({CONTRAST})(root), ...({STICKS_OUT})(root)];
  }});
}}"""


@contextmanager
def opened(browser: Browser, site: Path, page: str, nth: int = 0, **how: Any) -> Iterator[tuple[Page, Locator]]:
    """A page of the site from its file, and one of its players. Whatever goes wrong on the page is a failure."""
    with watched(browser, **how) as seen:
        seen.page.goto((site / page).as_uri())
        player = seen.page.locator(".player").nth(nth)
        expect(player.locator(".p-controls")).to_be_visible()
        yield seen.page, player
        assert seen.errors == []
        assert seen.abroad == []


def lesson(number: int) -> str:
    return f"lessons/{Catalog()[number].slug}/index.html"


def drawn(player: Locator, run: int) -> dict[str, dict[str, Any]]:
    """What one of the stages shows of each client."""
    return {each["name"]: each for each in player.locator(".p-stage").nth(run).evaluate(STRIPS)}


def position(player: Locator) -> int:
    return int(player.locator("input").input_value())


def last(player: Locator) -> int:
    return int(player.locator("input").get_attribute("max") or 0)


def nonempty(player: Locator, run: int) -> dict[str, str]:
    """`ana buffer` and the like -> the bytes that are there."""
    return {f"{name} {where}": data for name, each in drawn(player, run).items()
            for where, data in each["held"].items() if data}  # fmt: skip


# ---------------------------------------------------------------- what it shows


def find(player: Locator, step: str, kind: str) -> None:
    """Press Next until the step of the script is this one, and both programs are at this point of their turn."""
    for _ in range(last(player)):
        if step in player.locator(".p-step").inner_text() and player.locator(f".p-kind-{kind}").count() == 2:
            return
        player.get_by_role("button", name="Next").click()
    raise AssertionError(f"no moment {kind} in {step}")


def test_the_bytes_of_lesson_4_before_and_after(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(4), nth=1) as (_, player):
        expect(player.locator(".p-title")).to_have_text(
            ["Before: the program of lesson 3", "After: the program of lesson 4"]
        )
        find(player, "ana sends 'oi'", "wake")
        assert nonempty(player, 0) == nonempty(player, 1) == {"ana kernel-in": "oi"}
        expect(player.locator(".p-ready")).to_have_text(["● read ready"] * 2)
        find(player, "ana sends 'oi'", "calls")
        assert nonempty(player, 0) == {"bia kernel-out": "oi", "caio kernel-out": "oi"}
        assert nonempty(player, 1) == {"ana buffer": "oi"}
        find(player, "ana sends ' gente", "wake")
        assert drawn(player, 0)["caio"]["read"] == "oitudo bem?\n"
        assert drawn(player, 1)["caio"]["read"] == "tudo bem?\n"
        find(player, "ana sends ' gente", "calls")
        assert nonempty(player, 0) == {"bia kernel-out": " gente\n", "caio kernel-out": " gente\n"}
        assert nonempty(player, 1) == {"bia kernel-out": "oi gente\n", "caio kernel-out": "oi gente\n"}
        assert drawn(player, 1)["ana"]["cut"] == ["oi gente\n"]
        calls = player.locator(".p-stage").nth(1).locator(".p-call")
        expect(calls).to_have_text(["recv(ana) →  gente⏎", "sendall(bia, oi gente⏎)", "sendall(caio, oi gente⏎)"])


def test_a_short_send_and_what_select_is_asked_then(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(8), nth=1) as (_, player):
        find(player, "bia sends 'tudo bem?", "calls")
        after = player.locator(".p-stage").nth(1)
        expect(after.locator(".p-call").last).to_have_text("send(ana, tudo) → 4 of 10 short: 6 wait")
        assert nonempty(player, 1) == {"ana queue": " bem?\n", "ana kernel-out": "tudo"}
        expect(after.locator("[data-name=ana] .p-chip")).to_have_text(["○ read", "○ write"])
        expect(after.locator("[data-name=bia] .p-chip")).to_have_text(["○ read"])


def test_turns_that_are_all_alike_are_one_moment(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(8), nth=0) as (_, player):
        player.get_by_role("button", name="Next").click()
        player.get_by_role("button", name="Next").click()
        expect(player.locator(".p-when")).to_contain_text(re.compile(r"turns 2–\d\d× \d\d the same"))


def test_not_looked_at_is_said_only_of_what_comes_after_the_end(browser: Browser, built_site: Path) -> None:
    """Of a connection that was closed in this turn nothing is claimed: somebody has looked at its `sair`."""
    for number, step, is_lost in ((6, "sair", False), (12, "ana sends 'oi", True)):
        with opened(browser, built_site, lesson(number), nth=1) as (_, player):
            after = player.locator(".p-stage").last
            while step not in player.locator(".p-step").inner_text() or not after.locator(".p-kind-calls").count():
                player.get_by_role("button", name="Next").click()
            expect(after.locator("[data-name=ana]").get_by_text("not looked at")).to_have_count(int(is_lost))
            said = player.locator(".p-live").text_content() or ""
            assert ("is not looked at any more" in said) == is_lost


def test_who_waits_in_another_call_serves_nobody_else(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(2), nth=1) as (_, player):
        player.locator("input").press("End")
        before, after = nonempty(player, 0), nonempty(player, 1)
        assert (before, after) == ({"bia kernel-in": "ola\n"}, {})
        expect(player.locator(".p-stage").first.locator(".p-current")).to_have_text("▸ in recv")


def test_timers_are_set_come_due_and_are_set_again(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(13), nth=1) as (_, player):
        before, after = (player.locator(".p-stage").nth(run).locator(".p-timers") for run in (0, 1))
        expect(before).to_have_text("timers —")
        expect(after).to_have_text("timers none set")
        find(player, "bia connects", "calls")
        expect(after.locator(".p-chip")).to_have_text(["○ 600.001 s", "○ 600.002 s"])
        assert after.evaluate(LINE) == {"now": 0.0, "timers": [42.86, 42.86]}  # of 1400.005 s, which is the last timer
        while "Step 6" not in player.locator(".p-step").inner_text():
            player.get_by_role("button", name="Next").click()
        expect(player.locator(".p-stage").nth(1).locator(".p-when")).to_have_text("turn 6200 s later600.001 s")
        expect(after.locator(".p-chip")).to_have_text(["● 600.001 s due", "○ 600.002 s"])
        assert after.evaluate(LINE) == {"now": 42.86, "timers": [42.86, 42.86]}
        player.get_by_role("button", name="Next").click()
        expect(after.locator(".p-chip")).to_have_text(["○ 600.002 s", "○ 605.001 s"])  # to linger
        expect(before).to_have_text("timers —")


def test_a_program_without_timers_has_no_such_row(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(8), nth=1) as (_, player):
        expect(player.locator(".p-timers")).to_have_count(0)


def asked_in_words(player: Locator) -> tuple[str, str, set[str], list[str]]:
    """What is said of the interest set, of the timers, of connections that are ending, and of the time."""
    seen = player.locator(".p-stage").first.evaluate(ASKED)
    names = {events: [who for who, asked in seen["interest"] if asked == events] for events in WATCHES}
    asked = "; ".join(text.format(spoken(names[events])) for events, text in WATCHES.items() if names[events])
    timers = {None: "", "": "No timer is set."}.get(seen["timers"], f"Timers: {spoken(seen['set'])}.")
    later = [f"{text}, at {seen['at']}" for text in seen["later"]]
    due = [f"due: {spoken(seen['due'])}."] if seen["due"] else []
    lives = {f"{name} is {life}." for name, life in seen["lives"]}
    return f"Interest set: {asked}." if asked else "", timers, lives, later + due


def spoken(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def held_in_words(player: Locator, run: int, before: dict[str, str]) -> list[str]:
    """The sentences that say what a stage shows."""
    people = drawn(player, run)
    pieces = []
    for name, each in people.items():
        texts = {"on its way from {}": each["way"], **{text: each["held"].get(where, "") for where, text in PLACES}}
        pieces += [f"{quoted(data)} {place.format(name)}" for place, data in texts.items() if data]
    said = [f"Held: {'; '.join(pieces)}."] if pieces else []
    news = {name: each["read"].removeprefix(before.get(name, "")) for name, each in people.items()}
    said += [f"{name} has read {quoted(text)}." for name, text in news.items() if text]
    cut = [" and ".join(map(quoted, each["cut"])) for each in people.values() if each["cut"]]
    return [*said, *(f"cut out: {text}." for text in cut)]


def quoted(data: str) -> str:
    return shown(data.encode("latin-1"), 60)


@pytest.mark.parametrize("number", [4, 7, 8, 14])
def test_the_words_say_what_is_drawn(browser: Browser, built_site: Path, number: int) -> None:
    with opened(browser, built_site, lesson(number), nth=0) as (_, player):
        items = player.locator(".player-words li").all_text_contents()
        assert len(items) == last(player) + 1
        read: dict[str, str] = {}
        known, ended = ["", ""], set[str]()
        for index, item in enumerate(items):
            player.locator("input").evaluate(SCRUB, index)
            expected = held_in_words(player, 0, read)
            missing = [text for text in expected if text not in item]
            assert missing == [], item
            assert item.count(" has read ") == sum(" has read " in text for text in expected)
            assert ("Held:" in item) == any(text.startswith("Held:") for text in expected)
            for call in player.locator(".p-call").all_inner_texts():
                assert call.partition("(")[0] + "(" in item
            *asked, ending, others = asked_in_words(player)
            for old, new in zip(known, asked, strict=True):  # what is as it was is not said again
                assert (new in item) == (new != old or not new), item
            assert {text for text in ending if text in item} == ending - ended
            assert [text for text in others if text not in item] == []
            known, ended = asked, ending
            assert player.locator(".p-live").text_content() == item
            read = {name: each["read"] for name, each in drawn(player, 0).items()}


# ---------------------------------------------------------------- how it is driven


def test_by_mouse(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(4), nth=1) as (_, player):
        back, onward = (player.get_by_role("button", name=name) for name in ("Back", "Next"))
        back.click(force=True)  # there is nothing before the first moment
        assert position(player) == 0
        onward.click()
        onward.click()
        assert position(player) == 2
        back.click()
        assert position(player) == 1
        box = player.locator("input").bounding_box()
        assert box is not None
        player.locator("input").click(position={"x": box["width"] - 4, "y": box["height"] / 2})
        assert position(player) == last(player)
        expect(player.locator(".p-count")).to_have_text(f"{last(player) + 1} / {last(player) + 1}")
        expect(onward).to_have_attribute("aria-disabled", "true")


def test_by_keyboard(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(4), nth=1) as (page, player):
        player.get_by_role("button", name="Back").focus()
        for key, expected in (
            ("ArrowRight", 1),
            ("ArrowRight", 2),
            ("ArrowLeft", 1),
            ("End", last(player)),
            ("Home", 0),
        ):
            page.keyboard.press(key)
            assert position(player) == expected, key
        for _ in range(3):  # Play, Next, and the range, in this order
            page.keyboard.press("Tab")
        expect(player.locator("input")).to_be_focused()
        page.keyboard.press("ArrowRight")
        assert position(player) == 1
        page.keyboard.press("Space")
        expect(player.get_by_role("button", name="Pause")).to_be_visible()
        page.keyboard.press("Space")
        expect(player.get_by_role("button", name="Play")).to_be_visible()
        assert position(player) == 1


def test_a_click_into_the_picture_gives_it_the_keys(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(4), nth=1) as (page, player):
        player.locator(".p-step").click()
        page.keyboard.press("ArrowRight")
        assert position(player) == 1


def test_the_keys_of_the_words_are_their_own(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, lesson(4), nth=1) as (page, player):
        player.locator("summary").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        assert position(player) == 0
        expect(player.locator(".player-words li").first).to_be_visible()


def test_it_plays_when_told_and_pauses_when_told(browser: Browser, built_site: Path) -> None:
    with watched(browser) as seen:  # its pages want less motion
        page = seen.page
        page.clock.install()
        page.goto((built_site / lesson(4)).as_uri())
        player = page.locator(".player").nth(1)
        page.clock.run_for(60_000)
        assert position(player) == 0, "nothing plays by itself"
        player.get_by_role("button", name="Play").click()
        assert position(player) == 0
        page.clock.run_for(10_000)
        reached = position(player)
        assert 2 <= reached <= 6
        player.get_by_role("button", name="Pause").click()
        page.clock.run_for(60_000)
        assert position(player) == reached
        player.get_by_role("button", name="Play").click()
        page.clock.run_for(120_000)
        assert position(player) == last(player)
        expect(player.get_by_role("button", name="Play")).to_be_visible()
        player.get_by_role("button", name="Play").click()  # once more, from the beginning
        assert position(player) == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_what_moves_is_short_and_stands_still_on_request(
    browser: Browser, built_site: Path, motion: Literal["no-preference", "reduce"]
) -> None:
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto((built_site / lesson(4)).as_uri())
    page.evaluate("document.querySelectorAll('.player input')[1].focus()")
    seconds = []
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        moving = "document.getAnimations().filter((each) => each.effect.target.closest('.player'))"
        seconds += page.evaluate(f"{moving}.map((each) => each.effect.getComputedTiming().endTime / 1000)")
    context.close()
    assert bool(seconds) == (motion == "no-preference")
    assert max(seconds, default=0) < 5


def test_both_programs_go_from_step_to_step_together(browser: Browser, built_site: Path) -> None:
    """Of each program every moment is shown, in order, and only in the step of the script to which it belongs."""
    with opened(browser, built_site, lesson(7), nth=1) as (_, player):
        data = json.loads(player.locator("script").text_content() or "")
        items = [run.locator("li").all_text_contents() for run in player.locator(".player-words ol").all()]
        heard = []
        for at in range(1, last(player) + 1):
            player.get_by_role("button", name="Next").click()
            step = int((re.search(r"Step (\d+)", player.locator(".p-step").inner_text()) or [0, 0])[1]) - 1
            said = player.locator(".p-live").text_content() or ""
            before, after = said.removeprefix("before: ").split(" after: ", 1)
            heard.append((items[0].index(before), items[1].index(after)))
            assert [data["runs"][run]["moments"][index]["step"] for run, index in enumerate(heard[-1])] == [step] * 2, (
                at
            )
    for run in (0, 1):
        indices = [0, *(pair[run] for pair in heard)]
        assert sorted(set(indices)) == list(range(len(items[run])))
        assert indices == sorted(indices)


def test_by_touch(browser: Browser, built_site: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto((built_site / lesson(4)).as_uri())
    player = page.locator(".player").nth(1)
    for button in player.locator("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    player.get_by_role("button", name="Next").tap()
    assert position(player) == 1
    box = player.locator("input").bounding_box()
    assert box is not None
    player.locator("input").tap(position={"x": box["width"] - 4, "y": box["height"] / 2})
    assert position(player) == last(player)
    context.close()


# ---------------------------------------------------------------- for everybody


def test_without_scripts_the_words_are_there(browser: Browser, built_site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((built_site / lesson(4)).as_uri())
    words = page.locator(".player").nth(1).locator(".player-words")
    expect(words.locator("ol")).to_have_count(2)
    expect(
        words.get_by_text("Step 4: ana sends 'oi'. Turn 4. select() returns: ana can be read.").first
    ).to_be_visible()
    expect(page.locator(".p-controls")).to_have_count(0)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_can_be_read_and_touched(browser: Browser, built_site: Path, scheme: str, size: dict[str, int]) -> None:
    """Contrast 4.5:1, targets of 24 pixels, text of 12, and nothing sticks out: in every moment of some players."""
    for number, nth in ((4, 1), (6, 1), (8, 0), (14, 1)):
        with opened(browser, built_site, lesson(number), nth=nth, scheme=scheme, size=size) as (_, player):
            for button in [*player.locator("button, input, summary").all()]:
                box = button.bounding_box()
                assert box is not None
                assert min(box["width"], box["height"]) >= 24
            assert player.evaluate(EVERYWHERE) == []
            assert player.evaluate(SMALLEST) >= 12


def test_side_by_side_on_a_desk_and_stacked_on_a_phone(browser: Browser, built_site: Path) -> None:
    for size, is_beside in ((DESK, True), (PHONE, False)):
        with opened(browser, built_site, "watch.html", size=size) as (page, player):
            left, right = (each.bounding_box() for each in player.locator(".p-run").all())
            assert left is not None
            assert right is not None
            assert (left["y"] == right["y"]) == is_beside
            assert (left["x"] == right["x"]) != is_beside
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_nothing_jumps(browser: Browser, built_site: Path) -> None:
    """Where the controls are, they stay."""
    with opened(browser, built_site, lesson(4), nth=1) as (_, player):
        heights = set()
        for _ in range(last(player)):
            player.get_by_role("button", name="Next").click()
            heights.add(player.evaluate("(root) => root.offsetHeight"))
        assert len(heights) == 1


def test_where_the_system_chooses_the_colours_what_is_now_stands_out(browser: Browser, built_site: Path) -> None:
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    page = context.new_page()
    page.goto((built_site / lesson(13)).as_uri())
    player = page.locator(".player").nth(1)
    ground = "(each) => getComputedStyle(each).backgroundColor"
    for name in (".p-phase", ".p-tick"):
        now = player.locator(f"{name}.p-current").first.evaluate(ground)
        assert now != player.locator(f"{name}:not(.p-current)").first.evaluate(ground), name
    play = player.get_by_role("button", name="Play")
    assert play.evaluate(ground) != play.evaluate("(each) => getComputedStyle(each).color")
    inks = player.locator(".p-who b, .p-shape svg").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).color)"
    )
    assert "rgb(255, 255, 255)" not in inks
    context.close()


def test_each_player_leads_to_how_to_read_it(browser: Browser, built_site: Path) -> None:
    for name in ("index.html", lesson(4), "watch.html"):
        with opened(browser, built_site, name) as (page, player):
            player.get_by_role("link", name="How to read this picture").click()
            expect(page.locator("#how-to-read-a-picture")).to_be_in_viewport()
            assert page.url.endswith("/watch.html#how-to-read-a-picture")


HOSTILE = "<img src=x onerror=\"document.title='caught'\"></script>"


def test_text_stays_text(browser: Browser) -> None:
    """Bytes, names and sentences of a program never become elements."""
    person = {"name": HOSTILE, "state": "in", "note": HOSTILE, "buffer": HOSTILE, "leaving": HOSTILE, "read": HOSTILE}
    call = {"call": "send" + HOSTILE, "who": HOSTILE, "data": HOSTILE, "result": HOSTILE}
    shared = {"step": 0, "turn": 1, "at": 0.0, "people": [person], "say": HOSTILE}
    moments = [{"kind": "wake", **shared}, {"kind": "calls", "calls": [call], **shared}]
    data = {"script": [HOSTILE], "runs": [{"name": HOSTILE, "title": HOSTILE, "moments": moments}]}
    inside = json.dumps(data).replace("<", "\\u003c")
    with watched(browser) as seen:
        seen.page.set_content(
            '<div class="player"><details class="player-words"><ol><li>a<li>b</ol></details>'
            f'<script type="application/json">{inside}</script></div>'
        )
        seen.page.add_script_tag(path=ROOT / "docs" / "theme" / "player.js")
        seen.page.get_by_role("button", name="Next").click()
        expect(seen.page.locator("img")).to_have_count(0)
        expect(seen.page.locator(".p-step")).to_contain_text("<img src=x")
        assert seen.page.title() == ""
        assert seen.errors == []


# ---------------------------------------------------------------- where players are


def test_every_lesson_with_a_scene_has_its_players(built_site: Path) -> None:
    data = re.compile(r'<div class="player">.*?<script type="application/json">(.*?)</script>', re.DOTALL)
    for folder in SCENES:
        text = (built_site / f"lessons/{folder.slug}/index.html").read_text(encoding="utf-8")
        runs = [len(json.loads(found)["runs"]) for found in data.findall(text)]
        assert runs == ([1] if folder.number == 9 else [1, 2]), folder.slug  # in lesson 9 both programs do the same


def test_the_home_page_begins_with_one(browser: Browser, built_site: Path) -> None:
    with opened(browser, built_site, "index.html") as (_, player):
        expect(player.locator(".p-title")).to_have_text("The program of lesson 8")


RECORD_ALL = """
import json
from lessons import trace
from lessons.catalog import Catalog
catalog = Catalog()
for folder in catalog:
    if folder.has("scene.py"):
        steps = folder.module("scene.py").STEPS
        print(json.dumps(trace.record(folder.on_stage, steps, catalog.dialect(folder.number))))
"""


def test_the_traces_are_the_same_every_time() -> None:
    """Also when sets and dictionaries of strings have another order."""
    outputs = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", RECORD_ALL]
        outputs.append(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout)
    assert outputs[0].count(b"\n") == len(SCENES)
    assert outputs[0] == outputs[1]
