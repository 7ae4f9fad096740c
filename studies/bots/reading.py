"""Reading a page as a program: its form, and what a person would need to fill it in."""

import re
from html.parser import HTMLParser


class Fields(HTMLParser):
    """The form of a page: name -> values on offer, and what is filled in already.

    Attributes:
        offers: Field -> the values that can be chosen.
        kinds: Field -> type of its input, ``select`` or ``textarea``.
        filled: Hidden fields and their values.
        hidden: Fields that are not shown at first.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.offers: dict[str, list[str]] = {}
        self.kinds: dict[str, str] = {}
        self.filled: dict[str, str] = {}
        self.hidden: set[str] = set()
        self._select: str | None = None
        self._hiding = 0
        self._depth = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "div":
            self._depth += 1
            if "hidden" in given and not self._hiding:
                self._hiding = self._depth
        name = given.get("name") or given.get("data-name") or ""
        if tag == "option" and self._select:
            self.offers[self._select].append(given.get("value", "?"))
        if not name or tag not in ("input", "select", "textarea"):
            return
        if self._hiding:
            self.hidden.add(name)
            return
        kind = given.get("type", tag)
        self.kinds[name] = kind
        self.offers.setdefault(name, [])
        if kind in ("radio", "checkbox"):
            self.offers[name].append(given["value"])
        elif kind == "hidden":
            self.filled[name] = given.get("value", "")
        elif tag == "select":
            self._select = name

    def handle_endtag(self, tag: str) -> None:
        """Notes where something hidden ends."""
        if tag == "select":
            self._select = None
        if tag == "div":
            if self._depth == self._hiding:
                self._hiding = 0
            self._depth -= 1


def kind_of(page: str) -> str:
    """Which kind of page this is."""
    marks = (
        ("consent", 'name="agrees"'),
        ("screening", 'id="screening"'),
        ("round", 'id="game"'),
        ("ended", 'id="code"'),
        ("questions", 'class="item'),
        ("form", 'name="at"'),
    )
    return next((kind for kind, mark in marks if mark in page), "message")


def code_of(page: str) -> str | None:
    """The completion code, at the end."""
    found = re.search(r'id="code"[^>]* value="([^"]+)"', page)
    return found[1] if found else None


def heading_of(page: str) -> str:
    """The page's first heading, for messages."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else "no heading"
