"""Whether a world is what it declares; for everybody who writes one.

`check_world` plays in the world through `World` alone and says in sentences what it finds wrong.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from play.worlds.registry import make_world
from play.worlds.spec import Encoding, World, WorldFacts

Make = Callable[..., World]
SHORT = 40  # steps, where a whole episode would show nothing more
LOOK_EVERY = 20  # steps between looks at observations and scenes during a whole episode
ENVS = 3


def check_world(name: str, seed: int = 0, **options: Any) -> list[str]:
    """Tests a world against what it declares and against what every world promises.

    Args:
        name: The world's name; its family must be registered in `play.worlds.registry`.
        seed: Seed of the random play.
        **options: The world's options.

    Returns:
        One sentence for each thing that is wrong, so an empty list if the world is in order.
    """
    make: Make = partial(make_world, name, **options)
    facts = make(1).facts
    problems = [*check_facts(facts), *check_rebuilding(facts)]
    if problems:
        return problems  # the rest would stumble over them
    for check in (check_arrays, check_episode, check_seeds, check_batches, check_refusals):
        problems += check(make, seed)
    return list(dict.fromkeys(problems))


def check_facts(facts: WorldFacts) -> Iterator[str]:
    """Facts that contradict themselves or each other."""
    if facts.version < 1 or facts.num_players < 1 or facts.horizon < 1 or facts.tick_ms < 1:
        yield "version, num_players, horizon and tick_ms must be at least 1"
    actions = range(len(facts.actions))
    if not facts.actions or len(set(facts.actions)) < len(facts.actions):
        yield f"actions must be one or more different names, not {facts.actions}"
    for what, numbers in (
        ("idle_action", [facts.idle_action]),
        ("one_shot", facts.one_shot),
        ("keys", facts.keys.values()),
    ):
        for number in numbers:
            if number not in actions:
                yield f"{what} has {number}, but the actions are 0 to {len(actions) - 1}"
    if len(set(facts.events)) < len(facts.events):
        yield "events must be different names"
    for label, events in facts.contributions.items():
        if not events or not set(events) <= set(facts.events):
            yield f"the contribution {label!r} must be one or more of the events, not {events}"
    for event, cost in facts.costs.items():
        if event not in facts.events or cost < 0:
            yield f"costs has {event!r}: {cost}, which is no event or no cost"
    low, high = facts.step_reward_range
    if not low <= high or not facts.reward_unit > 0:
        yield f"{facts.step_reward_range} is no reward range, or {facts.reward_unit} no unit"
    if facts.roles and len(facts.roles) != facts.num_players:
        yield f"roles must be one name for each of {facts.num_players} seats, not {facts.roles}"
    if not facts.encodings:
        yield "there must be at least one encoding"
    for name, encoding in facts.encodings.items():
        yield from check_encoding(name, encoding)


def check_encoding(name: str, encoding: Encoding) -> Iterator[str]:
    """An encoding that contradicts itself."""
    if encoding.name != name or encoding.version < 1:
        yield f"the encoding under {name!r} has name {encoding.name!r}, version {encoding.version}"
    if not encoding.shape or len(encoding.channels) != encoding.shape[-1]:
        yield f"{name} names {len(encoding.channels)} channels, but its shape is {encoding.shape}"
    if len(set(encoding.channels)) < len(encoding.channels):
        yield f"the channels of {name} must have different names"
    try:
        np.dtype(encoding.dtype)
    except TypeError:
        yield f"{name} has dtype {encoding.dtype!r}, which NumPy does not know"


def check_rebuilding(facts: WorldFacts) -> Iterator[str]:
    """Whether name and options, sent through JSON, build the same world again."""
    options = json.loads(json.dumps(dict(facts.options)))
    again = make_world(facts.world, **options).facts
    if again != facts:
        yield f"make_world({facts.world!r}, **options) builds another world than this one"


def check_arrays(make: Make, seed: int) -> Iterator[str]:
    """Shapes and types of the arrays, and a reset that clears them."""
    world = make(ENVS)
    n, players, events = ENVS, world.facts.num_players, len(world.facts.events)
    generator = np.random.default_rng(seed)
    for _ in range(min(SHORT, world.facts.horizon)):
        world.step(random_actions(world, generator))
    world.reset(seed)
    for name, shape, dtype in (
        ("rewards", (n, players), np.float32),
        ("shaped_rewards", (n, players), np.float32),
        ("done", (n,), np.bool_),
        ("events", (n, players, events), np.bool_),
    ):
        array = getattr(world, name)
        if array.shape != shape or array.dtype != dtype:
            yield f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}"
        if array.any():
            yield f"{name} is not zero after a reset"
    if world.streams.dtype != np.int64 or world.streams.shape[:1] != (n,):
        yield f"streams is {world.streams.dtype} {world.streams.shape}, not int64 ({n}, ...)"


def random_actions(world: World, generator: np.random.Generator) -> Any:
    """[N, A] Uniformly random actions."""
    size = (world.num_envs, world.facts.num_players)
    return generator.integers(len(world.facts.actions), size=size)


def check_episode(make: Make, seed: int) -> Iterator[str]:
    """A whole episode and what comes after, with and without autoreset side by side."""
    once, again = make(ENVS), make(ENVS, autoreset=True)
    once.reset(seed)
    again.reset(seed)
    facts = once.facts
    low, high = facts.step_reward_range
    generator = np.random.default_rng(seed)
    for step in range(1, facts.horizon + 1):
        if step % LOOK_EVERY == 1:
            yield from check_views(once)
        actions = random_actions(once, generator)
        once.step(actions)
        again.step(actions)
        team = once.rewards.sum(axis=1)
        if not ((low <= team) & (team <= high)).all():
            yield f"a team reward of {team} is outside of {facts.step_reward_range}"
        if (once.done != (step == facts.horizon)).any():
            yield f"done is {once.done} at step {step} of {facts.horizon}"
        for name in ("rewards", "shaped_rewards", "done", "events"):
            if (getattr(once, name) != getattr(again, name)).any():
                yield f"{name} depends on autoreset"
    yield from check_views(once)
    again.step(random_actions(again, generator))
    if (again.done != (facts.horizon == 1)).any():
        yield "with autoreset, done is still set a step after an episode's end"
    once.reset()
    once.step(random_actions(once, generator))


def check_views(world: World) -> Iterator[str]:
    """Observations, hashes and scenes of the present states, and that looking changes nothing."""
    hashes = [world.state_hash(i) for i in range(world.num_envs)]
    if not all(set(digest) <= set("0123456789abcdef") and digest for digest in hashes):
        yield f"a state hash must be hexadecimal, not {hashes[0]!r}"
    for encoding in world.facts.encodings.values():
        yield from check_observation(world, encoding)
    for scene in (world.static_scene(), *(world.scene(i) for i in range(world.num_envs))):
        try:
            json.dumps(scene, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"a scene must be JSON values: {error}"
    if world.static_scene().get("renderer") != world.facts.renderer:
        yield f"the static scene must name the renderer {world.facts.renderer!r}"
    if hashes != [world.state_hash(i) for i in range(world.num_envs)]:
        yield "looking at a world changes its state hash"


def check_observation(world: World, encoding: Encoding) -> Iterator[str]:
    """Shape and type of an observation, into an array of one's own and into the world's."""
    shape = (world.num_envs, world.facts.num_players, *encoding.shape)
    seen = world.observe(encoding.name)
    if seen.shape != shape or seen.dtype != np.dtype(encoding.dtype):
        yield f"{encoding.name} gives {seen.dtype} {seen.shape}, not {encoding.dtype} {shape}"
        return
    if not np.isfinite(seen).all():
        yield f"{encoding.name} gives numbers that are not finite"
    out = np.full(shape, 77, encoding.dtype)
    given = world.observe(encoding.name, out)
    if given is not out:
        yield f"observe must return the array that {encoding.name} was to be written into"
    if not np.array_equal(out, seen):
        yield f"{encoding.name} differs between the world's array and a caller's"


def check_seeds(make: Make, seed: int) -> Iterator[str]:
    """Equal seeds and actions lead to equal games, also in random first states."""
    for share in (0.0, 1.0):
        worlds = [make(ENVS, autoreset=True) for _ in range(2)]
        for world in worlds:
            world.draw_starts(share)
            world.reset(seed)
        generator = np.random.default_rng(seed)
        for _ in range(SHORT):
            if describe(worlds[0]) != describe(worlds[1]):
                yield "two worlds with the same seed and actions differ"
                break
            actions = random_actions(worlds[0], generator)
            for world in worlds:
                world.step(actions)


def check_batches(make: Make, seed: int) -> Iterator[str]:
    """An environment in a batch goes as it would alone."""
    seeds = [seed, seed + 1, seed + 2]
    batch, alone = make(len(seeds), autoreset=True), make(1, autoreset=True)
    for i, own in enumerate(seeds):
        batch.reset(seeds)
        alone.reset([own])
        generator = np.random.default_rng(seed)
        for _ in range(SHORT):
            if describe(batch, i) != describe(alone, 0):
                yield "an environment in a batch differs from the same one alone"
                break
            actions = random_actions(batch, generator)
            batch.step(actions)
            alone.step(actions[i : i + 1])


def describe(world: World, *envs: int) -> list[Any]:
    """All that the chosen environments (by default all) show, to compare."""
    chosen = envs or range(world.num_envs)
    views = [world.observe(name) for name in world.facts.encodings]
    arrays = [world.rewards, world.shaped_rewards, world.done, world.events, *views]
    return [
        [world.state_hash(i), str(world.scene(i)), *(array[i].tobytes() for array in arrays)]
        for i in chosen
    ]


def check_refusals(make: Make, seed: int) -> Iterator[str]:
    """Actions that don't exist and batches of another size are refused; states stay."""
    world = make(ENVS)
    world.reset(seed)
    idle = np.full((ENVS, world.facts.num_players), world.facts.idle_action)
    before = describe(world)
    for what, actions in (
        ("action -1", idle * 0 - 1),
        (f"action {len(world.facts.actions)}", idle * 0 + len(world.facts.actions)),
        ("actions for one environment less", idle[1:]),
    ):
        try:
            world.step(actions)
        except ValueError:
            pass
        else:
            yield f"step must refuse {what} with a ValueError"
        if describe(world) != before:
            yield f"{what} was refused, but changed the world"
