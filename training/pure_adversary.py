"""A control for SRPO: partners that only want to harm, whatever it costs.

This is SRPO at an infinite tau. The released code's version of it also takes the hero's entropy
bonus away, so that it changes two things at once; here heroes keep it.
"""

from training.config import PureAdversaryConfig
from training.srpo import Srpo


class PureAdversary(Srpo):
    """SRPO whose adversaries pay nothing for deviating."""

    method = "pure-adversary"
    config: PureAdversaryConfig
