"""Generated kitchens: every one parses, can be solved and is new; and what counts as solvable."""

import numpy as np
import pytest

from agents.library import load_policy
from play.worlds.kitchen import generator
from play.worlds.kitchen.generator import canonical, kitchen_name, kitchen_rows, kitchen_text
from play.worlds.kitchen.layouts import CLASSICS, Layout, load_layout
from play.worlds.registry import make_world
from training.evaluation.crossplay import Seating, returns_of

MANY = 400
PLAYED = range(16)


def layout(number: int) -> Layout:
    return load_layout(kitchen_name(number), text=kitchen_text(number))


def grid(*rows: str) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    """A grid without its digits, and where they were."""
    starts = {
        cell: (x, y) for y, row in enumerate(rows) for x, cell in enumerate(row) if cell in "12"
    }
    bare = tuple(row.replace("1", " ").replace("2", " ") for row in rows)
    return bare, [starts["1"], starts["2"]]


def test_every_generated_kitchen_is_read_by_the_parser_which_checks_what_can_be_reached() -> None:
    (least_width, least_height), (width, height) = generator.SMALLEST, generator.LARGEST
    for number in range(MANY):
        own = layout(number)
        assert least_width + 2 <= own.width <= width + 2
        assert least_height + 2 <= own.height <= height + 2
        assert len(own.starts) == 2
        assert own.book.orders == ((3, 0),)
        assert generator.solvable(own.rows, own.starts)


def test_a_number_is_one_kitchen_and_other_numbers_are_others() -> None:
    kitchens = [kitchen_rows(number) for number in range(MANY)]
    assert kitchens == [kitchen_rows(number) for number in range(MANY)]
    assert len({canonical(layout(number).rows) for number in range(MANY)}) > 0.98 * MANY


def test_there_are_kitchens_of_all_kinds() -> None:
    layouts = [layout(number) for number in range(MANY)]
    divided = np.mean([not generator.same_room(own.rows, own.starts) for own in layouts])
    assert 0.2 < divided < 0.5
    for kind in "PODS":
        assert {len(own.cells(kind)) for own in layouts} == {1, 2}


@pytest.mark.parametrize("number", PLAYED)
def test_two_who_follow_rules_serve_soups_in_it(number: int) -> None:
    """The rule-based cooks know nothing of the generator's idea of what is solvable."""
    world, options = f"kitchen/{kitchen_name(number)}", {"layout_text": kitchen_text(number)}
    greedy = load_policy("greedy", make_world(world, **options).facts)
    assert returns_of(Seating((greedy, greedy)), world, options, 1, 0).min() >= 20


def test_no_kitchen_is_a_classic_one_however_it_is_turned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classics = {canonical(load_layout(name).rows) for name in CLASSICS}
    assert not classics & {canonical(layout(number).rows) for number in range(MANY)}
    own = load_layout("forced_coordination")
    other = layout(3)
    turned = ["".join(column) for column in zip(*own.rows, strict=True)]
    starts = tuple((y, x) for x, y in own.starts)
    drawn = iter([([list(row) for row in turned], starts),
                  ([list(row) for row in other.rows], other.starts)])  # fmt: skip
    monkeypatch.setattr(generator, "_draw", lambda stream: next(drawn))
    assert kitchen_rows(7) == kitchen_rows_of(other)


def kitchen_rows_of(own: Layout) -> tuple[str, ...]:
    rows = [list(row) for row in own.rows]
    for digit, (x, y) in enumerate(own.starts, 1):
        rows[y][x] = str(digit)
    return tuple("".join(row) for row in rows)


@pytest.mark.parametrize("name", CLASSICS)
def test_the_classic_kitchens_count_as_solvable(name: str) -> None:
    own = load_layout(name)
    assert generator.solvable(own.rows, own.starts)


SOLVABLE = {
    "one works while the other stands aside": ("XPXOX", "X1 2X", "X   X", "XDXSX"),
    "everything is handed over": ("XOXPX", "O1X2P", "D X X", "D X S", "XXXXX"),
    "each has all they need": ("XPXPX", "O1X2O", "D X D", "XSXSX"),
}
UNSOLVABLE = {
    "whoever stands in the corridor blocks it": ("XXXXX", "P1 2O", "XXDSX"),
    "onions cannot get to the pot": ("XPXXXOX", "X1XXX2X", "D XXX X", "XSXXXXX"),
    "there is one place to hand over": ("XOXXX", "O1X2P", "D XSX", "XXXXX"),
    "one of the cooks can do nothing": ("XPXXX", "O1X2X", "D X X", "XSXXX"),
}


@pytest.mark.parametrize("rows", SOLVABLE.values(), ids=SOLVABLE)
def test_solvable(rows: tuple[str, ...]) -> None:
    assert generator.solvable(*grid(*rows))


@pytest.mark.parametrize("rows", UNSOLVABLE.values(), ids=UNSOLVABLE)
def test_unsolvable(rows: tuple[str, ...]) -> None:
    assert not generator.solvable(*grid(*rows))
