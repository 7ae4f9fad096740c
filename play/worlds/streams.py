"""The random streams of environments: one number each, stepped by Park and Miller's generator."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def random_streams(seed: int | Sequence[int], num_envs: int) -> NDArray[np.int64]:
    """[N] first numbers of the environments' random streams, each in 1 .. 2**31 - 2."""
    if isinstance(seed, int | np.integer):
        words = np.random.SeedSequence(int(seed)).generate_state(num_envs, np.uint32)
    else:
        if len(seed) != num_envs:
            raise ValueError(f"{len(seed)} seeds for {num_envs} environments; give one for each")
        words = np.array([np.random.SeedSequence(s).generate_state(1)[0] for s in seed])
    return words.astype(np.int64) % (2**31 - 2) + 1
