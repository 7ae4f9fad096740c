"""What a kitchen declares about itself."""

from collections.abc import Iterator
from typing import Any

from play.worlds.kitchen.egocentric import SIZE, SIZE_WITH_ORDERS, channel_names
from play.worlds.kitchen.encode import CHANNELS, NUM_CHANNELS, POT_FEATURES
from play.worlds.kitchen.front import front_names
from play.worlds.kitchen.layouts import Layout
from play.worlds.kitchen.state import ACTIONS, EVENTS, STAY
from play.worlds.spec import Encoding, WorldFacts

VERSION = 1
EGOCENTRIC, WITH_ORDERS = "egocentric", "egocentric_orders"
"""The encodings that are the same for all kitchens."""
TRAINING = {
    "encoding": EGOCENTRIC,
    "shared_shaping": True,
    "entropy": 0.05,
    "final_entropy": 0.0,
    "steps": 2_000_000,
    "warm_start": 0.5,
}
"""What suits training here: told the ways, policies learn in a million steps what they hardly do in
ten from the lossless picture; beside an adversary from the start they do so much later
(docs/experiments.md)."""
TICK_MS = 150  # as in the human trials of 2019
KEYS = {
    "ArrowUp": 0, "KeyW": 0, "ArrowDown": 1, "KeyS": 1, "ArrowRight": 2, "KeyD": 2,
    "ArrowLeft": 3, "KeyA": 3, "Space": 5, "Enter": 5,
}  # fmt: skip


def make_facts(layout: Layout, horizon: int, random_start: float) -> WorldFacts:
    """What a kitchen declares about itself."""
    players = len(layout.starts)
    highest = max(layout.book.values)
    options: dict[str, Any] = {"dynamics": layout.dynamics, "horizon": horizon}
    if random_start:
        options["random_start"] = random_start
    if layout.text is not None:
        options["layout_text"] = layout.text
    # Picking a dish up and putting it down again is no work; what is useful is known for two.
    dishes = {"useful dishes fetched": ("useful_dish_pickup",)}
    if players != 2:
        dishes = {"dishes fetched": ("dish_pickup",)}
    shape = (layout.width, layout.height, NUM_CHANNELS)
    return WorldFacts(
        world=f"kitchen/{layout.name}",
        version=VERSION,
        options={**options, **layout.overrides},
        num_players=players,
        actions=ACTIONS,
        idle_action=STAY,
        horizon=horizon,
        tick_ms=TICK_MS,
        step_reward_range=(0.0, players * highest),
        reward_unit=highest,
        encodings={
            "lossless": Encoding("lossless", 1, shape, "uint8", CHANNELS),
            "featurize": Encoding(
                "featurize", 1, (48 * players,), "float32", feature_names(players)
            ),
            "featurize_front": Encoding(
                "featurize_front",
                1,
                (52 * players,),
                "float32",
                feature_names(players) + front_names(players),
            ),
            EGOCENTRIC: Encoding(EGOCENTRIC, 1, (SIZE,), "uint8", channel_names()[:SIZE]),
            WITH_ORDERS: Encoding(WITH_ORDERS, 1, (SIZE_WITH_ORDERS,), "uint8", channel_names()),
        },
        events=EVENTS,
        contributions={
            "ingredients potted": ("potting_onion", "potting_tomato"),
            **dishes,
            "soups plated": ("soup_pickup",),
            "soups delivered": ("soup_delivery",),
        },
        keys=KEYS,
        renderer="kitchen",
        one_shot=(ACTIONS.index("interact"),),
        features=tuple(_features(layout)),
        training=TRAINING if layout.dynamics == "old" else TRAINING | {"encoding": WITH_ORDERS},
    )


def _features(layout: Layout) -> Iterator[str]:
    """What the generated kitchens do not have."""
    if any("T" in row for row in layout.rows):
        yield "tomatoes"
    if layout.book.orders != ((3, 0),):
        yield "orders other than three onions"
    if len(layout.starts) != 2:
        yield f"{len(layout.starts)} cooks"


def feature_names(players: int) -> tuple[str, ...]:
    """Names of the featurize encoding's numbers, in order."""
    one = [f"facing_{name}" for name in ACTIONS[:4]]
    one += [f"holds_{name}" for name in ("onion", "soup", "dish", "tomato")]
    for name in ("onion", "tomato", "dish", "soup"):
        one += [f"{name}_dx", f"{name}_dy"]
    one += ["soup_onions", "soup_tomatoes", "serving_dx", "serving_dy"]
    one += ["empty_counter_dx", "empty_counter_dy"]
    pot = ("exists", "empty", "full", "cooking", "ready", "onions", "tomatoes", "time", "dx", "dy")
    assert len(pot) == POT_FEATURES
    one += [f"pot{number}_{name}" for number in (1, 2) for name in pot]
    one += [f"wall_{name}" for name in ACTIONS[:4]]
    seats = ["own"] + [f"other{number}" for number in range(1, players)]
    names = [f"{seat}_{name}" for seat in seats for name in one]
    names += [f"{seat}_{axis}" for seat in seats[1:] for axis in ("relative_x", "relative_y")]
    return (*names, "own_x", "own_y")
