"""Symmetries of kitchens, drawn by hand."""

import pytest

from play.worlds.kitchen.layouts import CLASSICS, load_layout
from training.symmetries import Symmetry, symmetries

HEAD = '{"grid": """'
TAIL = '""", "start_all_orders": [{"ingredients": ["onion", "onion", "onion"]}]}'


def layout_of(tmp_path, *rows):
    path = tmp_path / "drawn.layout"
    path.write_text(HEAD + "\n".join(rows) + TAIL)
    return load_layout(str(path))


@pytest.mark.parametrize("name", CLASSICS)
def test_the_classics_have_none_but_the_one_that_changes_nothing(name):
    assert symmetries(load_layout(name)) == [Symmetry("turned by 0", False)]


def test_a_kitchen_with_a_left_and_a_right_half_alike_can_be_mirrored(tmp_path):
    layout = layout_of(tmp_path, "XXPXX", "O1 2O", "D   D", "XXSXX")
    assert symmetries(layout) == [
        Symmetry("turned by 0", False),
        Symmetry("turned by 0, mirrored", True),
    ]


def test_starts_that_are_not_alike_break_it(tmp_path):
    layout = layout_of(tmp_path, "XXPXX", "O12 O", "D   D", "XXSXX")
    assert symmetries(layout) == [Symmetry("turned by 0", False)]


def test_a_kitchen_that_looks_the_same_from_two_corners_can_be_turned(tmp_path):
    layout = layout_of(tmp_path, "XPOX", "S1 D", "D 2S", "XOPX")
    found = symmetries(layout)
    assert Symmetry("turned by 180", True) in found
    assert len(found) == 2


def test_a_square_one_can_have_a_diagonal(tmp_path):
    """Mirrored on the diagonal each stays in the start's place, and only the onions change."""
    layout = layout_of(tmp_path, "XOPX", "O1 D", "P 2S", "XDSX")
    assert symmetries(layout) == [
        Symmetry("turned by 0", False),
        Symmetry("turned by 270, mirrored", False),
    ]
