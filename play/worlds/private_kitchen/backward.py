"""The inner loop of the exact solutions: what an action leads to beside a partner."""

from typing import Any, NamedTuple


class Transitions(NamedTuple):
    """The joint transitions of a setting, joint actions in one axis.

    Attributes:
        after: [2, S, 25] where they lead, by who acts first.
        rewards: [2, S, 25] of each seat.
    """

    after: Any
    rewards: Any


def choices_loop(
    t: Transitions, out: Any, half: Any, partner: Any, seat: int, of: int, begin: int, end: int
) -> None:
    """Writes [S, 5] what the actions of a seat lead to, for states begin .. end.

    Args:
        t: The setting.
        out: [S, 5] the expected reward of seat `of` and value afterwards, over what the partner
            does and who acts first.
        half: [S] half the value afterwards.
        partner: [S, 5] what the other seat does.
        seat: Whose actions.
        of: Whose reward.
        begin: First state of this part.
        end: Where this part ends.
    """
    first, second, rewards = t.after[0], t.after[1], t.rewards[of]
    own, other = (5, 1) if seat == 0 else (1, 5)
    for s in range(begin, end):
        for mine in range(5):
            total = 0.0
            for theirs in range(5):
                joint = own * mine + other * theirs
                value = half[first[s, joint]] + half[second[s, joint]]
                total += partner[s, theirs] * (rewards[s, joint] + value)
            out[s, mine] = total


KERNELS = ()
LOOPS = (choices_loop,)
