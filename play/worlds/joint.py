"""The check of joint actions that all compiled worlds make."""

from typing import Any


def first_invalid(actions: Any, players: int, num_actions: int) -> int:
    """The first environment with an action that doesn't exist, or -1.

    Args:
        actions: [N, A] action indices.
        players: Number of players A.
        num_actions: Actions are 0 to this, which is not one.
    """
    for i in range(len(actions)):
        for p in range(players):
            if actions[i][p] < 0 or actions[i][p] >= num_actions:
                return i
    return -1


KERNELS = (first_invalid,)
LOOPS = ()
