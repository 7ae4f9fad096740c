"""What the page of an evaluation says about numbers and colours."""

from html.parser import HTMLParser

import numpy as np
import pytest

from tests.training.evaluation.policies import write_worker
from tests.training.evaluation.test_free_riding import evaluate
from training.evaluation.matches import Rules
from training.evaluation.page import colour, columns_of, nice_ticks, number, render
from training.evaluation.report import make_report


def luminance(text):
    channels = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("place", np.linspace(0, 1, 41))
def test_text_on_every_colour_can_be_read(place):
    background, text = colour(place, 0, 1)
    one, other = luminance(background), luminance({"#000": "#000000", "#fff": "#ffffff"}[text])
    assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.5


def test_colours_grow_lighter_with_the_value():
    lights = [luminance(colour(value, -5, 20)[0]) for value in range(-5, 21)]
    assert lights == sorted(lights)
    assert colour(3, 3, 3)[0] == colour(0.5, 0, 1)[0]


@pytest.mark.parametrize(
    ("value", "share", "spread", "text"),
    [(0.0, False, 300, "0"), (-0.004, False, None, "0.00"), (43.52, False, None, "43.5"),
     (43.52, False, 300, "44"), (-7.126, False, None, "−7.13"), (0.253, True, None, "25\u202f%"),
     (None, False, None, "–"), (float("nan"), True, None, "–")],
)  # fmt: skip
def test_numbers_have_the_digits_that_a_reader_needs(value, share, spread, text):
    assert number(value, share, spread) == text


def test_columns_are_in_the_order_of_the_methods():
    table = {"srpo": {"own pair": 0, "with ippo": 0, "beside stay": 0},
             "ippo": {"own pair": 0, "other seeds": 0, "with srpo": 0}}  # fmt: skip
    expected = ["own pair", "other seeds", "with srpo", "with ippo", "beside stay"]
    assert columns_of(table) == expected


@pytest.mark.parametrize(("low", "high"), [(0, 249.4), (-3.2, 0.4), (0, 0), (0, 0.0003), (5, 5)])
def test_ticks_enclose_the_range_with_round_steps(low, high):
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low + 1e-12
    assert ticks[-1] >= high - 1e-12
    assert 2 <= len(ticks) <= 8
    assert np.diff(ticks) == pytest.approx(ticks[1] - ticks[0])


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset")]
        self.open.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_page_tells_every_figure_and_asks_nothing_of_anybody(tmp_path):
    for seed, probability in enumerate((0.9, 0.5)):
        write_worker(tmp_path, f"<b>&{seed}", "srpo", seed, probability)
        write_worker(tmp_path, f"other{seed}", "ippo", seed, probability)
    results = evaluate(tmp_path, 50, beside=["stay"], saboteurs=["stay"])
    rules = Rules("work/pair", {}, 50, 0)
    report = make_report(results, rules, {"<b>&0": "0" * 64}, ["c" * 40])
    text = render(report)
    page = Page(text)
    assert page.links == []
    assert "script" not in page.open
    assert "url(" not in text
    assert "@import" not in text
    words = "".join(page.words)
    for row in report["table"].values():
        for figure in row.values():
            assert number(figure["mean"], spread=15) in words
    assert "<b>&0" in words  # a name is text, whatever it holds
    for title in ("Worst case", "Free-riding", "Own reward of the row's player", "BR-Prox"):
        assert title in words
    assert "nan" not in words.lower().split()
