"""Free-riding, stopping partners, BR-Prox and the worst case against closed forms."""

from itertools import product

import numpy as np
import pytest

from play.worlds.errors import UserError
from play.worlds.registry import make_world
from tests.training.evaluation.policies import write_worker
from tests.training.evaluation.work_world import COST, STEPS
from training.evaluation.commands import find_cast
from training.evaluation.free_riding import free_riding
from training.evaluation.matches import Rules, plan, play_match
from training.evaluation.summary import Results, conventions, cross_play_table, metrics
from training.evaluation.worst_case import Point, curve, curves, points

BUSY, LAZY = 0.999999, 0.25  # nobody is certain, so that divergences are finite


def evaluate(folder, episodes=600, world="work/pair", stop_at=4, **cast):
    facts = make_world(world).facts
    who = find_cast(facts, folder, **cast)
    rules = Rules(world, {}, episodes, 0, stop_at, folder)
    return Results(facts, who, {match: play_match(match, rules) for match in plan(who, facts)}, 0)


@pytest.fixture
def couple(tmp_path):
    """A worker and a free-rider that were trained together, as two seeds, and a pair of workers."""
    for seed in (0, 1):
        write_worker(tmp_path, f"ippo{seed}-seat0", "ippo", seed, BUSY, seats=(0,))
        write_worker(tmp_path, f"ippo{seed}-seat1", "ippo", seed, LAZY, seats=(1,))
        write_worker(tmp_path, f"srpo{seed}", "srpo", seed, BUSY)
    return tmp_path


def test_shares_idling_and_cost_difference(couple):
    found = free_riding(evaluate(couple, beside=["stay"]))
    own = found["ippo"]["own pair"]
    assert own["own share of work done"].mean == pytest.approx(1 / 1.25, abs=0.01)
    assert own["greater share of work done"].mean == pytest.approx(0.8, abs=0.02)
    assert own["own idle share"].mean == pytest.approx(0, abs=0.001)
    assert own["greater idle share"].mean == pytest.approx(0.75, abs=0.01)
    difference = own["difference of private costs"]
    assert difference.mean == pytest.approx(STEPS * COST * 0.75, abs=0.03)
    assert (difference.units, difference.count) == ("seeds", 2)
    even = found["srpo"]["own pair"]
    assert even["difference of private costs"].mean == pytest.approx(0, abs=0.01)
    assert even["own share of work done"].mean == pytest.approx(0.5, abs=0.01)
    beside = found["srpo"]["beside stay"]
    assert beside["own share of work done"].mean == pytest.approx(1)
    assert beside["difference of private costs"].mean == pytest.approx(STEPS * COST, abs=0.01)
    strangers = found["ippo"]["other seeds"]["own share of work done"]
    assert strangers.mean == pytest.approx(0.5, abs=0.01)  # each run is the worker in one seating
    apart = found["ippo"]["other seeds"]["difference of private costs"]
    assert apart.mean == pytest.approx(STEPS * COST * 0.75, abs=0.03)  # in every single seating
    worker = found["ippo"]["own pair"]["own reward"]
    assert worker.mean == pytest.approx(STEPS * (1.25 - COST), abs=0.05)
    idler = found["ippo"]["own pair"]["partner's reward"]
    assert idler.mean == pytest.approx(STEPS * (1.25 - 0.25 * COST), abs=0.05)


def test_drawn_strangers_meet_drawn_strangers(tmp_path):
    """Intervals of a share among strangers against all resamples, written out."""
    does = [0.9, 0.5, 0.2, 0.7]
    for seed, probability in enumerate(does):
        write_worker(tmp_path, f"srpo{seed}", "srpo", seed, probability)
    figure = free_riding(evaluate(tmp_path, 1500))["srpo"]["other seeds"]["own private cost"]
    values = [np.mean([does[i] for i in d]) for d in product(range(4), repeat=4) if len({*d}) > 1]
    low, high = STEPS * COST * np.quantile(values, [0.025, 0.975])
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=0.04)
    assert (figure.units, figure.count) == ("seeds", 4)


def test_loss_when_the_partner_stops_is_the_partners_part(couple):
    own = free_riding(evaluate(couple))["ippo"]["own pair"]
    rest = STEPS - 4
    # each seat stops in half of the games; a hero counts its own rewards here
    going = rest * np.mean([1.25 - COST, 1.25 - COST * 0.25])
    stopped = rest * np.mean([1 - COST, 0.25 - COST * 0.25])
    assert own["return after, partner going on"].mean == pytest.approx(going, rel=0.01)
    assert own["return after, partner stopped"].mean == pytest.approx(stopped, rel=0.03)
    loss = own["loss when the partner stops"].mean
    assert loss == pytest.approx(1 - stopped / going, abs=0.01)
    before = own["return before the partner stops"].mean
    assert before == pytest.approx(going * 4 / rest, rel=0.02)


def test_contributions_that_nobody_made_have_no_share(tmp_path):
    write_worker(tmp_path, "srpo0", "srpo", 0, 0.0)
    own = free_riding(evaluate(tmp_path, 10))["srpo"]["own pair"]
    assert "own share of work done" not in own
    assert own["own idle share"].mean == 1
    assert "loss when the partner stops" not in own


def test_seats_of_another_role_are_played_by_somebody_else(couple):
    for policy in couple.iterdir():
        card = (policy / "card.json").read_text().replace("work/pair", "work/guest")
        (policy / "card.json").write_text(card.replace('"pair"', '"guest"'))
    with pytest.raises(UserError, match=r"another role \(guest\): say who .* --others NAME"):
        evaluate(couple, world="work/guest")
    idle = cross_play_table(evaluate(couple, 300, "work/guest", others="stay"))
    both = STEPS * 2 * 2 * (1 - COST / 2)
    assert idle["srpo"]["own pair"].mean == pytest.approx(both, rel=0.001)
    spoilt = cross_play_table(evaluate(couple, 300, "work/guest", others="random"))
    half = STEPS * 2 * (2 * 0.5 - COST)
    assert spoilt["srpo"]["own pair"].mean == pytest.approx(half, rel=0.05)


def test_nobody_is_asked_for_where_all_seats_are_partners(couple):
    with pytest.raises(UserError, match="all seats of work/pair are partners"):
        evaluate(couple, others="stay")


def test_best_responses_give_br_prox(couple):
    # beside one who never works, working 3/4 of the time is bettered by none that we know
    write_worker(couple, "best", "best-response", 0, 0.75, partner="stay")
    results = evaluate(couple, 1000, beside=["stay", "random"])
    assert results.teams.keys() == {"srpo", "ippo"}
    row = metrics(results)
    assert row["srpo"]["BR-Prox"].mean == pytest.approx(1)
    # in its first seat IPPO works always, in its second 1/4 of the time: 1 and 1/3
    low = 0.25 / 0.75
    assert row["ippo"]["BR-Prox"].mean == pytest.approx((1 + low) / 2, abs=0.03)
    assert "BR-Prox" not in metrics(evaluate(couple, 10, beside=["random"]))["srpo"]


def test_an_exploiter_gives_a_point_and_a_curve(couple):
    write_worker(couple, "spoiler", "exploiter", 0, 0.5, hero="srpo0", tau=7.0)
    results = evaluate(couple)
    assert {team.name for team in results.cast.teams} == {"srpo0", "srpo1", "ippo0", "ippo1"}
    found = points(results)
    trained = [point for point in found if point.adversary == "spoiler"]
    assert {(point.hero, point.seat, point.tau) for point in trained} == {
        ("srpo0", 0, 7.0), ("srpo0", 1, 7.0),
    }  # fmt: skip
    kl = 0.5 * np.log(0.5 / BUSY) + 0.5 * np.log(0.5 / (1 - BUSY))
    for point in trained:
        assert point.kl == pytest.approx(kl, rel=1e-3)
        assert point.value == pytest.approx(STEPS * (1.5 - COST), rel=0.02)
    line = curves(results)["srpo"]
    assert [step["bound"] for step in line] == [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
    assert line[0]["mean"] == pytest.approx(STEPS * (2 - COST), rel=1e-3)
    share = 5 / kl
    expected = STEPS * (2 - COST - 0.5 * share)
    assert line[-1]["mean"] == pytest.approx(expected, rel=0.01)
    assert (line[-1]["low"], line[-1]["count"]) == (None, 1)  # one hero has no interval


def test_saboteurs_of_every_hero_give_intervals_over_heroes(couple):
    results = evaluate(couple, 200, saboteurs=["stay"])
    line = curves(results)["ippo"]
    assert line[0]["count"] == 2
    assert line[0]["mean"] > line[-1]["mean"]
    whole = [p for p in points(results) if p.adversary == "100% stay" and p.hero == "srpo0"]
    assert [point.value for point in whole] == pytest.approx([STEPS * (1 - COST)] * 2, rel=1e-3)
    assert isinstance(whole[0], Point)


def test_curve_is_the_lower_convex_hull_and_flat_beyond_its_minimum():
    kl, values = [0, 1, 2, 3, 4, 2], [10, 9, 4, 4.5, 6, 5]
    found = curve(kl, values, [0, 1, 2, 3, 9])
    assert found == pytest.approx([10, 7, 4, 4, 4])
    assert curve([0, np.inf], [10, 0], [0, 5]) == pytest.approx([10, 10])
    # an adversary at no distance that does more harm than the partner is the partner's bad luck
    assert curve([0, 0, 1], [10, 9, 8], [0, 0.5, 1]) == pytest.approx([9, 8.5, 8])


def test_curve_is_below_every_point_and_convex():
    generator = np.random.default_rng(0)
    kl = np.concatenate([[0], generator.uniform(0, 3, 30)])
    values = np.concatenate([[10], generator.uniform(0, 10, 30)])
    at = np.linspace(0, 3, 61)
    found = curve(kl.tolist(), values.tolist(), at.tolist())
    assert (np.diff(found) <= 1e-12).all()
    assert (np.diff(found, 2) >= -1e-9).all()
    assert (curve(kl.tolist(), values.tolist(), kl.tolist()) <= values + 1e-9).all()


def test_conventions_are_groups_that_work_together():
    class Fake:
        teams = {"m": [type("T", (), {"seed": seed}) for seed in range(4)]}  # noqa: RUF012

        def names(self, method):
            return list("abcd")

        def ordered(self, rows, columns):
            table = np.full((4, 4), 20.0)
            np.fill_diagonal(table, 100)
            table[0, 2] = table[2, 0] = 60
            table[2, 3] = table[3, 2] = 55
            return table

    assert conventions(Fake()) == {"m": [[1], [0, 2, 3]]}
