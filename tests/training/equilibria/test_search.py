"""Equilibria against numbers worked out by hand, scans of 2x2 games, and independent solvers."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit, softmax

from play.worlds.errors import UserError
from play.worlds.matrix.games import make_game
from training.equilibria.adversary import cautious_value, divergence
from training.equilibria.games import DIRECTIONS, Game, Preferences, log_play_of_others
from training.equilibria.maximin import maximin
from training.equilibria.search import find_equilibria

# tau -> first player's and partner's probability of contributing, by game and direction;
# epsilon 0.2, each unequal pair once
FREE_RIDING = {
    0: [(0.19523, 0.88328), (0.55545,) * 2], 0.1: [(0.205845, 0.878751), (0.561431,) * 2],
    0.25: [(0.226099, 0.869638), (0.570080,) * 2], 0.5: [(0.280175, 0.842525), (0.583696,) * 2],
    0.75: [(0.413406, 0.759154), (0.596385,) * 2], 1: [(0.608230,) * 2], 1.25: [(0.619304,) * 2],
    1.5: [(0.629676,) * 2], 2: [(0.648553,) * 2], 3: [(0.680222,) * 2], 5: [(0.726801,) * 2],
    10: [(0.794154,) * 2], 50: [(0.914134,) * 2], np.inf: [(0.952574,) * 2],
}  # fmt: skip
FREE_RIDING_OTHER = {
    0.25: [(0.22966, 0.86766), (0.57016,) * 2], 0.5: [(0.30674, 0.82575), (0.58397,) * 2],
    0.75: [(0.59691,) * 2], 1: [(0.60904,) * 2], 2: [(0.65033,) * 2], 5: [(0.72867,) * 2],
    10: [(0.79244,) * 2], 50: [(0.89626,) * 2],
}  # fmt: skip
STAG_HUNT = {
    0: [(0.93577,) * 2], 0.25: [(0.92778,) * 2], 0.5: [(0.91219,) * 2], 1: [(0.34453,) * 2],
    2: [(0.23049,) * 2], 5: [(0.16812,) * 2], 20: [(0.1254,) * 2],
}  # fmt: skip
CASES = [
    (game, direction, tau, pairs)
    for game, direction, table in (
        ("free-riding", "adversary", FREE_RIDING),
        ("free-riding", "partner", FREE_RIDING_OTHER),
        ("stag-hunt", "adversary", STAG_HUNT),
    )
    for tau, pairs in table.items()
]


def contributions(found):
    return sorted((one.strategies[0][0], one.strategies[1][0]) for one in found)


@pytest.mark.parametrize(("game", "direction", "tau", "pairs"), CASES)
def test_oracles_of_two_by_two_games(game, direction, tau, pairs):
    payoffs = Game.of(make_game(game).payoffs)
    found = find_equilibria(payoffs, Preferences.of(payoffs, tau, 0.2, direction))
    expected = sorted({*pairs, *(pair[::-1] for pair in pairs)})
    tolerance = 5e-5 if game == "stag-hunt" and tau == 20 else 6e-6
    assert contributions(found) == [pytest.approx(pair, abs=tolerance) for pair in expected]


def test_stag_hunt_of_little_entropy():
    game = Game.of(make_game("stag-hunt").payoffs)
    for tau, expected in ((0, (0.0224, 0.3285, 0.99746)), (5, (0.02179,))):
        found = find_equilibria(game, Preferences.of(game, tau, 0.1))
        assert contributions(found) == [pytest.approx((x, x), abs=6e-5) for x in expected]


def test_utilities_of_free_riding():
    game = Game.of(make_game("free-riding").payoffs)
    welfare = {
        tau: [one.payoffs.sum() for one in find_equilibria(game, Preferences.of(game, tau, 0.2))]
        for tau in (0, 10, np.inf)
    }
    assert welfare[0] == pytest.approx([1.3807, 1.1604, 1.3807], abs=5e-5)
    assert welfare[10] == pytest.approx([1.2799], abs=5e-5)
    assert welfare[np.inf] == pytest.approx([1.2334], abs=5e-5)


def scanned(payoffs, tau, epsilon, direction):
    """All equilibria of a 2x2 game by a scan of one player's strategy; written out by hand."""

    def imagined(own, other, payoff):
        values = own * payoff[0] + (1 - own) * payoff[1]
        loss = tau * (values[0] - values[1])
        if direction == "adversary":
            return expit(logit(other) - loss)
        if abs(loss) < 1e-12:
            return other
        root = np.sqrt((loss + 1) ** 2 - 4 * loss * other)
        return (loss + 1 - root) / (2 * loss)

    def response(other, payoff):
        def excess(own):
            p = imagined(own, other, payoff)
            gain = (payoff[0] - payoff[1]) @ [p, 1 - p]
            return logit(own) - gain / epsilon

        return brentq(excess, 1e-15, 1 - 1e-15, xtol=1e-14)

    first, second = payoffs[0], payoffs[1].T

    def miss(x):
        return response(response(x, second), first) - x

    grid = expit(np.linspace(-25, 25, 400))
    values = [miss(x) for x in grid]
    return [
        brentq(miss, low, high, xtol=1e-13)
        for low, high, a, b in zip(grid[:-1], grid[1:], values[:-1], values[1:], strict=True)
        if a * b < 0
    ]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_nothing_is_missed_in_random_two_by_two_games(direction):
    generator = np.random.default_rng(2)
    several = 0
    for _ in range(6):
        payoffs = generator.normal(size=(2, 2, 2))
        payoffs[:, 0, 0] += 3  # coordination, so that there are often three
        payoffs[:, 1, 1] += 3
        tau, epsilon = generator.uniform(0.05, 0.4), generator.uniform(0.3, 0.6)
        expected = scanned(payoffs, tau, epsilon, direction)
        game = Game.of(payoffs)
        found = find_equilibria(game, Preferences.of(game, tau, epsilon, direction))
        assert [one.strategies[0][0] for one in found] == pytest.approx(expected, abs=1e-8)
        several += len(found) > 1
    assert several >= 2


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("sizes", [(2, 3), (4, 4), (2, 3, 2)])
def test_random_games_satisfy_the_definition(sizes, direction):
    """No player can raise its risk-adjusted utility, and no imagined play lowers it."""
    generator = np.random.default_rng(sum(sizes))
    game = Game.of(generator.normal(size=(len(sizes), *sizes)))
    tau = generator.uniform(0.2, 3, len(sizes))
    epsilon = generator.uniform(0.1, 0.5, len(sizes))
    found = find_equilibria(game, Preferences.of(game, tau, epsilon, direction))
    assert sum(one.index for one in found) == 1
    for one in found:
        logs = [np.log(strategy) for strategy in one.strategies]
        for player in range(len(sizes)):
            matrix, reference = game.matrix(player), log_play_of_others(logs, player)

            def utility(logits, player=player, matrix=matrix, reference=reference):
                own = softmax(logits)
                value = cautious_value(own @ matrix, reference, tau[player], direction)
                return value - epsilon[player] * own @ np.log(own)

            best = minimize(lambda z, u=utility: -u(z), np.zeros(sizes[player]), tol=1e-12)
            assert one.cautious[player] == pytest.approx(-best.fun, abs=1e-8)
            assert one.strategies[player] == pytest.approx(softmax(best.x), abs=1e-4)
            payoff = one.strategies[player] @ matrix

            def harm(logits, payoff=payoff, reference=reference, player=player):
                play = softmax(logits)
                cost = divergence(play, np.exp(reference), direction)
                return play @ payoff + cost / tau[player]

            worst = minimize(harm, np.zeros(len(payoff)), tol=1e-12)
            assert one.imagined[player] == pytest.approx(softmax(worst.x), abs=1e-3)


def nash(first, second):
    """Nash equilibria of a generic bimatrix game by enumerating supports of equal size."""
    n, m = first.shape
    found = []
    for size in range(1, min(n, m) + 1):
        for rows, columns in product(combinations(range(n), size), combinations(range(m), size)):
            strategies = []
            for payoff, own, others in ((first, rows, columns), (second.T, columns, rows)):
                system = np.ones((size + 1, size + 1))
                system[:size, :size] = payoff[np.ix_(own, others)]
                system[:size, size], system[size, size] = -1, 0
                mix = np.linalg.solve(system, np.append(np.zeros(size), 1))[:size]
                full = np.zeros(payoff.shape[1])
                full[list(others)] = mix
                strategies.append(full)
            y, x = strategies
            if min(x.min(), y.min()) < 0:
                continue
            gain = max((first @ y).max() - x @ first @ y, (x @ second).max() - x @ second @ y)
            if gain < 1e-10:
                found.append(np.concatenate([x, y]))
    return sorted(map(tuple, found))


def test_without_risk_and_entropy_they_are_the_nash_equilibria():
    generator = np.random.default_rng(5)
    counts = set()
    for shape in [(2, 2), (2, 3), (3, 3), (3, 3)]:
        payoffs = generator.normal(size=(2, *shape))
        payoffs[1] += payoffs[0]
        game = Game.of(payoffs)
        found = find_equilibria(game, Preferences.of(game, 0, 0))
        expected = nash(*payoffs)
        got = sorted(tuple(np.concatenate(one.strategies)) for one in found)
        assert [pytest.approx(one, abs=1e-9) for one in expected] == got
        counts.add(len(found))
    assert max(counts) >= 3


def test_without_risk_they_are_logit_equilibria():
    generator = np.random.default_rng(6)
    payoffs = generator.normal(size=(2, 3, 4))
    game = Game.of(payoffs)
    for one in find_equilibria(game, Preferences.of(game, 0, 0.3)):
        x, y = one.strategies
        assert x == pytest.approx(softmax(payoffs[0] @ y / 0.3), abs=1e-9)
        assert y == pytest.approx(softmax(x @ payoffs[1] / 0.3), abs=1e-9)


def test_infinitely_risk_averse_players_play_maximin():
    """In rock, paper, scissors with a doubled win the security strategy is known."""
    payoff = np.array([[0, -1, 2.0], [1, 0, -1], [-1, 1, 0]])
    equal = (payoff[:, :2] - payoff[:, 2:]).T
    expected = np.linalg.solve(np.vstack([equal, np.ones(3)]), [0, 0, 1])
    game = Game.of([payoff, -payoff])
    (one,) = find_equilibria(game, Preferences.of(game, [np.inf, 0], [0, 0.2]))
    assert one.strategies[0] == pytest.approx(expected, abs=1e-9)
    assert one.strategies[1] == pytest.approx(softmax(-one.strategies[0] @ payoff / 0.2), abs=1e-9)


def test_maximin_with_entropy_is_where_large_tau_leads():
    generator = np.random.default_rng(7)
    for direction in DIRECTIONS:
        game = Game.of(generator.normal(size=(2, 3, 3)))
        (one,) = find_equilibria(game, Preferences.of(game, np.inf, 0.3, direction))
        for player in range(2):
            matrix = game.matrix(player)

            def value(logits, matrix=matrix):
                own = softmax(logits)
                return -(own @ matrix).min() + 0.3 * own @ np.log(own)

            starts = generator.normal(size=(3, 3))
            exact = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
            best = min(minimize(value, z, method="Nelder-Mead", options=exact).fun for z in starts)
            assert value(np.log(one.strategies[player])) == pytest.approx(best, abs=1e-7)
        (near,) = find_equilibria(game, Preferences.of(game, 1e3, 0.3, direction))
        for strategy, limit in zip(near.strategies, one.strategies, strict=True):
            assert strategy == pytest.approx(limit, abs=0.05)


def test_no_entropy_but_finite_tau():
    """Mixing of a risk-averse player: both actions must be equally good as imagined."""
    game = Game.of(make_game("free-riding").payoffs)
    found = find_equilibria(game, Preferences.of(game, 1.0, 0.0))
    assert contributions(found)[::2] == [(0, 1), (1, 0)]
    x = contributions(found)[1][0]
    # contributing earns 0.6 for sure, abstaining what the imagined partner contributes
    assert expit(logit(x) - (1 - x)) == pytest.approx(0.6, abs=1e-10)


def test_games_of_three_have_adversaries_of_joint_play():
    """By symmetry all play alike; the imagined play of the two others need not be independent."""
    game = Game.of(make_game("free-riding", players=3).payoffs)
    found = find_equilibria(game, Preferences.of(game, 3.0, 0.3))
    equal = [one for one in found if np.ptp([s[0] for s in one.strategies]) < 1e-8]
    (one,) = equal
    x, imagined = one.strategies[0][0], one.imagined[0].reshape(2, 2)
    others = np.outer([x, 1 - x], [x, 1 - x])
    shifted = others * np.exp(-3.0 * np.array([[1, 1], [1, x]]))
    assert imagined == pytest.approx(shifted / shifted.sum(), abs=1e-9)
    assert abs(np.linalg.det(imagined)) > 1e-3
    assert logit(x) == pytest.approx((0.6 - (1 - imagined[1, 1])) / 0.3, abs=1e-9)


@pytest.mark.parametrize(
    ("payoffs", "tau", "epsilon", "direction", "words"),
    [
        ([np.zeros((2, 2))], 1, 1, "adversary", "1 players has no partner"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], 1, 1, "adversary", "do not make a game of 2"),
        ([np.full((2, 2), np.nan)] * 2, 1, 1, "adversary", "must be finite numbers"),
        ([np.zeros((2, 2))] * 2, -1, 1, "adversary", "tau is -1.0, but it must be 0 or more"),
        ([np.zeros((2, 2))] * 2, [1, 2, 3], 1, "adversary", "tau needs one number, or one for"),
        ([np.zeros((2, 2))] * 2, 1, np.inf, "adversary", "epsilon is inf, but it must be"),
        ([np.zeros((2, 2))] * 2, 1, 1, "forward", "no direction 'forward'"),
        ([np.zeros((2, 2))] * 2, 1, 0, "partner", "give a small epsilon instead"),
        ([np.zeros((9, 9))] * 2, 0, 0, "adversary", "supports to try"),
    ],
)
def test_mistakes_are_told_in_a_sentence(payoffs, tau, epsilon, direction, words):
    def ask():
        game = Game.of(payoffs)
        return find_equilibria(game, Preferences.of(game, tau, epsilon, direction))

    with pytest.raises(UserError, match=words):
        ask()


def test_maximin_without_entropy_is_the_value_of_the_game():
    matrix = np.array([[3.0, 0.0], [1.0, 2.0]])
    strategy, worst = maximin(matrix, 0.0)
    assert strategy == pytest.approx([0.25, 0.75])
    assert worst == pytest.approx([0.5, 0.5])
