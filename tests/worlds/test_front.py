"""What lies in front of cooks: against the states that overcooked-ai's own form tells."""

import numpy as np
import pytest

from play.worlds.kitchen.convert import to_overcooked
from play.worlds.kitchen.front import FRONTS
from play.worlds.registry import make_world


@pytest.mark.parametrize("layout", ["forced_coordination", "cramped_room_tomato"])
def test_the_front_is_what_the_reference_form_has_there(layout):
    world = make_world(f"kitchen/{layout}", 64)
    world.reset(3)
    generator = np.random.default_rng(5)
    shown = np.zeros(len(FRONTS))
    names = world.facts.encodings["featurize_front"].channels
    for _ in range(300):
        world.step(generator.choice(6, (64, 2), p=[0.15, 0.15, 0.15, 0.15, 0.05, 0.35]))
        seen = world.observe("featurize_front")
        np.testing.assert_array_equal(seen[..., :96], world.observe("featurize"))
        for env in range(0, 64, 16):
            state = to_overcooked(world.layout, world.tables, world.state[env].tolist())
            lying = {
                tuple(thing["position"]): thing["name"] for thing in state["objects"]
            }  # fmt: skip
            fronts = []
            for player in state["players"]:
                (x, y), (dx, dy) = player["position"], player["orientation"]
                place = (x + dx, y + dy)
                item = lying.get(place) if world.layout.terrain_at(place) == "X" else None
                fronts.append([float(item == name) for name in FRONTS])
            for seat in (0, 1):
                own = dict(zip(names, seen[env, seat], strict=True))
                told = [[own[f"{who}_faces_{item}"] for item in FRONTS]
                        for who in ("own", "other1")]  # fmt: skip
                assert told == [fronts[seat], fronts[1 - seat]]
            shown += np.sum(fronts, 0)
    assert shown[0] > 0
    assert shown[2] > 0
    assert (shown[3] > 0) == (layout == "cramped_room_tomato")
