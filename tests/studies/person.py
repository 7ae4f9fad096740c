"""A participant at a real browser, who reads the pages as they are."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.cook import Cook, by_keyboard
from tests.browser.cook import Press as Act

WORDS = {
    "en": {"begin": "Begin", "agree": "I agree and take part", "on": "Continue",
           "ready": "I am ready", "finish": "Finish", "decline": "I do not agree",
           "leave": "Stop taking part", "yes": "Yes, stop and leave"},
    "de": {"begin": "Beginnen", "agree": "Ich willige ein und nehme teil", "on": "Weiter",
           "ready": "Ich bin bereit", "finish": "Abschließen", "decline": "Ich willige nicht ein",
           "leave": "Teilnahme beenden", "yes": "Ja, aufhören"},
}  # fmt: skip
Press = Callable[[str], None]


class Person:
    """Somebody who takes part.

    Args:
        visitor: Their browser.
        language: The language of the pages.
        quiz: What they answer in the quiz, try by try; the last one again and again.
        way: How they cook: by key or by touch.
    """

    def __init__(
        self,
        visitor: Visitor,
        language: str = "en",
        quiz: tuple[str, ...] = ("three",),
        way: Callable[[Page], Act] = by_keyboard,
    ) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.words = WORDS[language]
        self.quiz, self.way = list(quiz), way
        self.number = "7"
        self.press: Press = lambda name: self.page.get_by_role("button", name=name).click()
        self.look: Callable[[str], None] = lambda kind: None

    def enter(self, url: str) -> None:
        """Follows the link and begins."""
        self.page.goto(url)
        self.look("start")
        self.press(self.words["begin"])
        expect(self.page.locator("main h1")).to_be_visible()

    def kind(self) -> str:
        """Which page this is."""
        page = self.page
        page.wait_for_load_state()
        for kind, place in (
            ("consent", "input[name=statement-0]"),
            ("screening", "#screening"),
            ("round", "#game"),
            ("ended", "#code"),
            ("questions", ".item"),
        ):
            if page.locator(place).count():
                return kind
        finish = page.get_by_role("button", name=self.words["finish"])
        return "debrief" if finish.count() else "instructions"

    def take(self) -> str:
        """Does what the page asks and goes on; returns the kind of page."""
        kind = self.kind()
        self.look(kind)
        {
            "consent": self.consent,
            "screening": self.screening,
            "round": self.play,
            "questions": self.answer,
            "debrief": lambda: self.press(self.words["finish"]),
            "instructions": lambda: self.press(self.words["on"]),
        }[kind]()
        return kind

    def take_all(self) -> list[str]:
        """Takes part to the end; returns the kinds of pages on the way."""
        kinds = []
        while self.kind() != "ended":
            before = self.page.locator("input[name=at]")
            at = before.input_value() if before.count() else None
            kinds.append(self.take())
            if at is not None:
                self.page.wait_for_function(
                    "at => document.querySelector('input[name=at]')?.value !== at", arg=at
                )
            else:
                expect(self.page.locator("#game")).to_have_count(0)
        self.look("ended")
        return kinds

    def consent(self) -> None:
        for box in self.page.get_by_role("checkbox").all():
            box.check()
        self.press(self.words["agree"])

    def screening(self) -> None:
        button = self.page.get_by_role("button", name=self.words["on"])
        expect(button).to_be_enabled()
        self.press(self.words["on"])

    def answer(self) -> None:
        """Answers every question that is shown by then, choices with their last option."""
        page = self.page
        for item in page.locator(".item").all():
            if not item.is_visible():
                continue
            kind = re.search(r"kind-(\w+)", item.get_attribute("class") or "")
            assert kind is not None
            if kind[1] in ("likert", "choice"):
                wanted = item.get_by_role("radio").last
                if item.locator("[name=item-onions]").count():
                    given = self.quiz.pop(0) if len(self.quiz) > 1 else self.quiz[0]
                    wanted = item.locator(f"[value={given}]")
                wanted.check()
            elif kind[1] == "slider":
                item.get_by_role("slider").press("ArrowRight")
            elif kind[1] == "ranking":
                for place, box in enumerate(item.get_by_role("combobox").all(), start=1):
                    box.select_option(str(place))
            elif kind[1] == "number":
                item.get_by_role("textbox").fill(self.number)
            else:
                item.get_by_role("textbox").fill("Because.")
        self.press(self.words["on"])

    def play(self) -> None:
        """Plays the round, or performs the tasks, and goes on."""
        self.get_ready()
        cook = self.cook()
        cook.play(lambda: cook.seen > 8 or self.over())
        self.look("game")
        cook.play(self.over)
        self.go_on()

    def get_ready(self) -> None:
        """Presses the button before a round."""
        expect(self.page.locator("#ready")).to_be_visible()
        self.look("ready")
        self.press(self.words["ready"])

    def cook(self) -> Cook:
        """The round that has begun."""
        expect(self.page.locator("#game")).to_be_visible()
        cook = self.visitor.cook(self.way)
        assert cook.seat == self.visitor.wire.of("game")[-1]["seat"]
        return cook

    def over(self) -> bool:
        """Whether the round has ended."""
        last = self.visitor.wire.last("end", "game")
        return last is not None and last[0] == "end"

    def go_on(self) -> None:
        """Leaves a round that has ended."""
        expect(self.page.locator("#end")).to_be_visible()
        self.look("end")
        self.page.locator("#next").click()


class ByKeyAlone(Person):
    """Somebody who has no mouse: Tab, arrows, Space and Enter are all that they use."""

    def __init__(self, visitor: Visitor, language: str = "en") -> None:
        super().__init__(visitor, language)
        self.press = self._press

    def _reach(self, target: Locator) -> None:
        """Tabs to something, from wherever the focus is."""
        for _ in range(80):
            if target.evaluate("node => node === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    def _press(self, name: str) -> None:
        self._reach(self.page.get_by_role("button", name=name))
        self.page.keyboard.press("Enter")

    def consent(self) -> None:
        for box in self.page.get_by_role("checkbox").all():
            self._reach(box)
            self.page.keyboard.press("Space")
        self.press(self.words["agree"])

    def answer(self) -> None:
        page = self.page
        for item in page.locator(".item").all():
            if not item.is_visible():
                continue
            kind = re.search(r"kind-(\w+)", item.get_attribute("class") or "")
            assert kind is not None
            if kind[1] in ("likert", "choice"):
                self._reach(item.get_by_role("radio").first)
                page.keyboard.press("Space")
                if item.locator("[name=item-onions]").count():
                    page.keyboard.press("ArrowDown")
            elif kind[1] == "slider":
                self._reach(item.get_by_role("slider"))
                page.keyboard.press("ArrowRight")
            elif kind[1] == "ranking":
                for place, box in enumerate(item.get_by_role("combobox").all(), start=1):
                    self._reach(box)
                    for _ in range(place):
                        page.keyboard.press("ArrowDown")
            else:
                self._reach(item.get_by_role("textbox"))
                page.keyboard.type("7")
        self.press(self.words["on"])

    def go_on(self) -> None:
        expect(self.page.locator("#end")).to_be_visible()
        self._reach(self.page.locator("#next"))
        self.page.keyboard.press("Enter")


def play_together(*people: Person) -> None:
    """Plays a round that all of them are in, to its end."""
    cooks = [person.cook() for person in people]
    while not all(person.over() for person in people):
        for person, cook in zip(people, cooks, strict=True):
            seen = cook.seen
            cook.play(lambda: cook.seen > seen or person.over())  # noqa: B023
    for person in people:
        person.go_on()
