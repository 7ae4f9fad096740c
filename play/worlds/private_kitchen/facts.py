"""What a private-cost kitchen declares about itself."""

from dataclasses import asdict

from play.worlds.private_kitchen.encode import CHANNELS, RAW_CHANNELS
from play.worlds.private_kitchen.state import ACTIONS, EVENTS, STAY, Options
from play.worlds.spec import Encoding, WorldFacts

VERSION = 1
TICK_MS = 400  # every step costs something, so there is time to think; a game lasts 20 s
KEYS = {
    "ArrowUp": 0, "KeyW": 0, "ArrowDown": 1, "KeyS": 1, "ArrowRight": 2, "KeyD": 2,
    "ArrowLeft": 3, "KeyA": 3,
}  # fmt: skip
# Chosen by how IPPO and self-play learn here, before SRPO was tried: with the usual settings all
# methods soon stand still for good. The floor lies above any deviation of the advantages, so they
# stay in units of reward: tau and entropy mean the same for every method and from the first update
# to the last.
TRAINING = {
    "num_envs": 16, "rollout_length": 50, "minibatches": 1, "learning_rate": 2e-3,
    "entropy": 0.05, "final_entropy": 0.01, "min_deviation": 1.0, "steps": 2_000_000,
}  # fmt: skip


def make_facts(instance: str, options: Options) -> WorldFacts:
    """What a private-cost kitchen declares about itself."""
    dearest = 2 * (options.move_cost + options.collision)
    best = max(4 * options.pot_reward - 2 * options.move_cost, 4 * options.pickup_reward)
    return WorldFacts(
        world=f"private-kitchen/{instance}",
        version=VERSION,
        options=asdict(options),
        num_players=2,
        actions=ACTIONS,
        idle_action=STAY,
        horizon=int(options.horizon),
        tick_ms=TICK_MS,
        step_reward_range=(-dearest, best),
        reward_unit=options.pot_reward,
        encodings={
            "relative": Encoding("relative", 1, (len(CHANNELS),), "uint8", CHANNELS),
            "raw": Encoding("raw", 1, (len(RAW_CHANNELS),), "int8", RAW_CHANNELS),
        },
        events=EVENTS,
        contributions={
            "onions fetched": ("onion_pickup",),
            "onions potted": ("potting_onion",),
        },
        keys=KEYS,
        renderer="private-kitchen",
        shared_reward=False,
        costs={"move": options.move_cost, "collision": options.collision},
        training=TRAINING,
    )
