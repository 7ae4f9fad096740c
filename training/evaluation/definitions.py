"""What the figures mean, for the page and the documents: name -> (definition, source)."""

AGARWAL = "Agarwal et al. 2021, arXiv 2108.13264"
ZSC_EVAL = "Wang et al. 2024 (ZSC-Eval), arXiv 2310.05208"
SRPO = "Qu et al. 2026, arXiv 2602.21515"

DEFINITIONS: dict[str, tuple[str, str]] = {
    "return": (
        "Undiscounted sum of the rewards of an episode over the partners' seats, in points. Where "
        "each seat wants its own reward, that sum is the welfare, and own rewards stand beside it.",
        "",
    ),
    "own pair": ("Self-play: mean return of the policies of one training run.", SRPO),
    "other seeds": (
        "Cross-play: mean return of policies of one method and two different training runs, over "
        "all ordered pairs.",
        SRPO,
    ),
    "gap": ("Own pair less other seeds, on the same resample of seeds.", SRPO),
    "interval": (
        "95 % percentile bootstrap. The unit is the independently trained seed: seeds are drawn "
        "with replacement and the figure is computed anew from the cells between different drawn "
        "seeds. Where two methods meet, the seeds of both are drawn. With one seed the unit is the "
        "episode, and the interval covers chance in the games, not in the training.",
        f"{AGARWAL}; Owen 2007 (pigeonhole bootstrap)",
    ),
    "IQM": (
        "Interquartile mean: the mean of the seeds' scores without the floor(n / 4) least and the "
        "floor(n / 4) greatest.",
        AGARWAL,
    ),
    "probability of improvement": (
        "P(X > Y) + P(X = Y) / 2 for the scores of a random seed of method X and one of method Y.",
        AGARWAL,
    ),
    "BR-Prox": (
        "min(1, return / return of the best response to the same partner in the same seat), 1 "
        "where the best response earns nothing; interquartile mean over partners, seats and "
        "seeds, where seeds are resampled with all their partners.",
        ZSC_EVAL,
    ),
    "share of a contribution": (
        "Own share: the seat's part of what both did, summed over episodes (in the own pair, that "
        "of the first seat). Greater share: the larger of the two seats' parts, by episode, "
        "averaged over episodes in which anybody did it; 50 % is even, 100 % one alone.",
        "",
    ),
    "idle share": (
        "Share of the steps with the idle action; the greater is that of the idler of an episode.",
        "",
    ),
    "difference of private costs": (
        "|E c1 - E c2|, the degree of free-riding: the expectations are over the episodes of one "
        "pairing in one seating, the absolute value is taken for each, and then they are averaged.",
        f"{SRPO}, Theorem 4.2",
    ),
    "loss when the partner stops": (
        "(after, partner going on - after, partner stopped) / after, partner going on. The same "
        "episodes are played twice; from a step that is given, or drawn uniformly for each "
        "episode, the partner does nothing. 100 % means that nothing is earned without it.",
        "",
    ),
    "worst case": (
        "Least mean return beside an adversary in the partner's seat whose mean divergence from "
        "the partner, KL(adversary || partner), is at most the bound, in nats per step. The "
        "divergence is computed exactly in every state visited. The curve is the lower convex "
        "hull of the adversaries that were played: an upper bound of the true worst case.",
        f"{SRPO}, section 4",
    ),
    "conventions": (
        "Seeds are linked if their mean return together is at least half of the lesser of their "
        "own pairs' returns; a convention is a connected group.",
        "",
    ),
}
