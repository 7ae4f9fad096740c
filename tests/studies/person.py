"""A participant at a real browser, who reads the pages as they are."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.cook import by_keyboard

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
    """

    def __init__(
        self, visitor: Visitor, language: str = "en", quiz: tuple[str, ...] = ("three",)
    ) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.words = WORDS[language]
        self.quiz = list(quiz)
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
                item.get_by_role("textbox").fill("7")
            else:
                item.get_by_role("textbox").fill("Because.")
        self.press(self.words["on"])

    def play(self) -> None:
        """Plays the round, or performs the tasks, and goes on."""
        page = self.page
        expect(page.locator("#ready")).to_be_visible()
        self.look("ready")
        self.press(self.words["ready"])
        expect(page.locator("#game")).to_be_visible()
        game = self.visitor.wire.of("game")[-1]
        cook = self.visitor.cook(by_keyboard)

        def over() -> bool:
            last = self.visitor.wire.last("end", "game")
            return last is not None and last[0] == "end"

        cook.play(lambda: cook.seen > 8 or over())
        self.look("game")
        cook.play(over)
        assert game["seat"] == cook.seat
        expect(page.locator("#end")).to_be_visible()
        self.look("end")
        page.locator("#next").click()
