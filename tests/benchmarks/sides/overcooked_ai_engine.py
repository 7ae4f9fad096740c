"""overcooked-ai: `OvercookedEnv.step` and the lossless encoding of both players."""

from tests.benchmarks.sides import rate, report, settings

given = settings()

import numpy as np  # noqa: E402

vars(np)["Inf"] = np.inf  # its environment is from before NumPy 2

from overcooked_ai_py.mdp.actions import Action  # noqa: E402
from overcooked_ai_py.mdp.overcooked_env import OvercookedEnv  # noqa: E402
from overcooked_ai_py.mdp.overcooked_mdp import OvercookedGridworld  # noqa: E402

STEPS = 400
mdp = OvercookedGridworld.from_layout_name(given["layout"])
env = OvercookedEnv.from_mdp(mdp, horizon=STEPS, info_level=0)
draws = np.random.default_rng(0).integers(0, 6, (STEPS, 2))
actions = [tuple(Action.ALL_ACTIONS[a] for a in pair) for pair in draws]


def work() -> int:
    """One episode."""
    env.reset()
    for action in actions:
        env.step(action)
        mdp.lossless_state_encoding(env.state, STEPS)
    return STEPS


report(rates={"1": rate(work, given["seconds"])})
