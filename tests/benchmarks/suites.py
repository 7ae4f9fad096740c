"""The benchmarks: who is measured, at what, and what is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.harness import Benchmark, Contender, Goal
from training.reproduce.kitchen_variants import BASE
from training.reproduce.tag import RUNNER, SETTINGS

CRAMPED, CIRCUIT = "cramped_room", "counter_circuit_o_1order"
AS_JAXMARL = {
    "num_envs": 16, "rollout_length": 128, "epochs": 4, "minibatches": 4, "hidden": 64,
    "activation": "tanh", "learning_rate": 2.5e-4, "steps": 5_000_000, "exploring_starts": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """Benchmarks that are measured together.

    Attributes:
        benchmarks: They may look at the same runs.
        turns: Turns of every contender.
    """

    benchmarks: Sequence[Benchmark]
    turns: int


def suites(quick: bool) -> dict[str, Suite]:
    """Suites by name.

    Args:
        quick: Whether to have a look rather than a measurement, in a few minutes.
    """
    layouts = (CRAMPED,) if quick else (CRAMPED, CIRCUIT)
    engines = [benchmark for layout in layouts for benchmark in _engines(layout, quick)]
    made = {
        "kitchen_engine": Suite(engines, 3),
        "tag_engine": Suite(_tag(quick), 3),
        "ippo_training": Suite([_training(2.0 if quick else 10.0, quick)], 5),
        "time_to_return": Suite(_times_to_return(quick), 3),
        "tag_training": Suite(_tag_training(1.0 if quick else 8.0, quick), 3),
        "srpo_cost": Suite([_srpo_cost(1.5 if quick else 8.0)], 5),
        "seeds_together": Suite([_seeds_together(1.5 if quick else 8.0)], 5),
    }
    return {name: Suite(suite.benchmarks, 1) for name, suite in made.items()} if quick else made


def _processors(cores: int) -> str:
    return "1 processor" if cores == 1 else f"{cores} processors"


def _rate(way: str) -> Callable[[dict[str, Any]], float]:
    """Reads joint steps per second at the batch size that suits the contender best."""
    return lambda figures: max(
        rate for name, rate in figures["rates"].items() if name.endswith(way)
    )


def _engines(layout: str, quick: bool) -> list[Benchmark]:
    """Two benchmarks of the same runs: any way of keeping observations, and all kept."""

    def contender(name: str, side: str, cores: int, peer: bool, **settings: Any) -> Contender:
        settings |= {"layout": layout, "seconds": 0.3 if quick else 2.0, "cores": cores}
        return Contender(f"{name}, {_processors(cores)}", side, settings, peer)

    cores = (1,) if quick else (1, 2)
    sizes, theirs = ([1024], [512]) if quick else ([256, 1024, 4096, 16384], [512, 4096])
    ours = [contender("Understudy", "ours_engine", n, False, batches=sizes) for n in cores]
    jaxmarl = [contender("JaxMARL", "jaxmarl_engine", n, True, batches=theirs) for n in cores]
    cogrid = [
        contender(
            "CoGrid (JAX)", "cogrid_engine", n, True, backend="jax",
            batches=[1024] if quick else [64, 1024, 4096],
        )
        for n in cores
    ]  # fmt: skip
    single = contender("CoGrid (NumPy)", "cogrid_engine", 1, True, backend="numpy")
    reference = contender("overcooked-ai", "overcooked_ai_engine", 1, False)
    mine, batched = [c.name for c in ours], [c.name for c in (*jaxmarl, *cogrid)]
    thrice = Goal("at least 3 times the faster of JaxMARL and CoGrid", mine, batched, at_least=3)
    much = Goal("at least 300 times overcooked-ai", mine, [reference.name], at_least=300)
    unit = "joint steps per second"
    return [
        Benchmark(
            f"The kitchen's rules and observations, {layout}",
            "Random play with both players' observations written out, and kept or not, "
            "whichever is faster.",
            unit, _rate(""), [*ours, *jaxmarl, *cogrid, single, reference], [much, thrice],
        ),
        Benchmark(
            f"The same, the observations of 100 steps kept, {layout}",
            "The same runs; only the rates with all observations of 100 steps in memory, as a "
            "learner on full observations needs them.",
            unit, _rate("kept"), [*ours, *jaxmarl, *cogrid], [thrice],
        ),
    ]  # fmt: skip


def _tag(quick: bool) -> list[Benchmark]:
    """Two benchmarks of the same runs: any way of keeping observations, and all kept."""

    def contender(name: str, side: str, cores: int, peer: bool, **settings: Any) -> Contender:
        settings |= {"seconds": 0.3 if quick else 2.0, "cores": cores}
        return Contender(f"{name}, {_processors(cores)}", side, settings, peer)

    cores = (1,) if quick else (1, 2)
    sizes, theirs = ([1024], [512]) if quick else ([256, 1024, 4096, 16384], [512, 4096, 16384])
    ours = [contender("Understudy", "ours_tag", n, False, batches=sizes) for n in cores]
    jaxmarl = [contender("JaxMARL", "jaxmarl_tag", n, True, batches=theirs) for n in cores]
    reference = contender("mpe2", "mpe2_tag", 1, False)
    mine, batched = [c.name for c in ours], [c.name for c in jaxmarl]
    thrice = Goal("at least 3 times JaxMARL", mine, batched, at_least=3)
    much = Goal("at least 200 times mpe2", mine, [reference.name], at_least=200)
    unit = "joint steps per second"
    return [
        Benchmark(
            "Tag's physics and observations, 2 chasers, 1 runner, 2 obstacles",
            "Random play with all seats' observations written out, and kept or not, whichever is "
            "faster.",
            unit, _rate(""), [*ours, *jaxmarl, reference], [much, thrice],
        ),
        Benchmark(
            "The same, the observations of 100 steps kept",
            "The same runs; only the rates with all observations of 100 steps in memory.",
            unit, _rate("kept"), [*ours, *jaxmarl], [thrice],
        ),
    ]  # fmt: skip


AS_TAG = SETTINGS | {"hidden": 64, "others": RUNNER}
TAG_SEEDS, TAG_STEPS = 10, 2_000_000  # of `understudy reproduce tag`


def _tag_training(seconds: float, quick: bool) -> list[Benchmark]:
    """Ten seeds at a time: joint steps per second, and minutes for both methods."""
    ours = Contender(
        "Understudy, 2 processors", "ours_tag_training",
        {"config": AS_TAG, "cores": 2, "seconds": seconds, "seeds": TAG_SEEDS},
    )  # fmt: skip
    jaxmarl = [
        Contender(
            f"IPPO on JaxMARL's simple_tag, {_processors(n)}", "jaxmarl_tag_training",
            {"seconds": seconds, "cores": n, "seeds": TAG_SEEDS}, peer=True,
        )
        for n in ((1,) if quick else (1, 2))
    ]  # fmt: skip
    alone = Contender(
        "mpe2 alone, random play, 2 processors", "mpe2_tag", {"seconds": seconds, "cores": 2}
    )
    bound = (
        "mpe2 plays at random and learns nothing: a bound of what SRPO's released code, which "
        "steps this environment in worker processes, can reach."
    )
    return [
        Benchmark(
            "IPPO, ten seeds of chasers for Tag together",
            f"Playing and learning, after compiling; the frozen runner is a network. {bound}",
            "joint steps per second, all seeds", _steps_per_second, [ours, *jaxmarl, alone],
            [
                Goal("at least 3 times the same on JaxMARL", [ours.name],
                     [c.name for c in jaxmarl], at_least=3),
                Goal("at least 10 times mpe2 alone", [ours.name], [alone.name], at_least=10),
            ],
        ),
        Benchmark(
            f"IPPO and SRPO, ten seeds each of {TAG_STEPS:,} joint steps",
            "The same runs: minutes for both methods one after the other, as `understudy "
            "reproduce tag` trains them. Aim: under 30.",
            "minutes", _minutes_for_both, [ours, alone],
            [Goal("at most a tenth of mpe2 alone", [ours.name], [alone.name], at_most=0.1)],
            less_is_better=True,
        ),
    ]  # fmt: skip


def _steps_per_second(figures: dict[str, Any]) -> float:
    """Reads IPPO's rate, or the only one."""
    rates = figures.get("rates", {"all": figures.get("rate")})
    return float(rates.get("ippo") or rates["all"])


def _minutes_for_both(figures: dict[str, Any]) -> float:
    """Reads what the steps of both methods take."""
    rates = figures["rates"]
    both = [rates["ippo"], rates["srpo"]] if "ippo" in rates else [rates["all"]] * 2
    return sum(TAG_SEEDS * TAG_STEPS / rate / 60 for rate in both)


def _train(
    name: str, seconds: float, method: str, cores: int, seeds: int = 1, **config: Any
) -> Contender:
    return Contender(
        name, "ours_training",
        {
            "method": method, "config": config, "cores": cores, "until": None,
            "seconds": seconds, "seeds": seeds,
        },
    )  # fmt: skip


def _training(seconds: float, quick: bool) -> Benchmark:
    cores = (1,) if quick else (1, 2)
    two, one = (
        [
            _train(
                f"Understudy {method}, JaxMARL's settings, {_processors(n)}",
                seconds, method, n, **AS_JAXMARL,
            )
            for n in cores
        ]
        for method in ("ippo", "self-play")
    )  # fmt: skip
    own = _train("Understudy ippo, our settings, 2 processors", seconds, "ippo", 2)
    theirs = [
        Contender(
            f"JaxMARL, {_processors(n)}", "jaxmarl_training",
            {"layout": CRAMPED, "until": None, "seconds": seconds, "cores": n}, peer=True,
        )
        for n in cores
    ]  # fmt: skip
    names = [c.name for c in theirs]
    return Benchmark(
        "IPPO from end to end, cramped_room",
        "Playing and learning, after compiling.",
        "joint steps per second", lambda figures: float(figures["rate"]),
        [*two, *one, own, *theirs],
        [
            Goal("at least 2 times JaxMARL, ippo", [c.name for c in two], names, at_least=2),
            Goal("aim: 5 times JaxMARL, ippo", [c.name for c in two], names, at_least=5),
            Goal("at least 2 times JaxMARL, one network for both players",
                 [c.name for c in one], names, at_least=2),
            Goal("our settings, at least 2 times JaxMARL", [own.name], names, at_least=2),
        ],
    )  # fmt: skip


def _times_to_return(quick: bool) -> list[Benchmark]:
    """From an empty cache of compiled code, from a full one, and without compiling."""
    cores, until = ((1,), 10) if quick else ((1, 2), 200)

    def contenders(caches: str) -> list[Contender]:
        common = {"until": until, "seconds": 0}
        ours = [
            Contender(
                f"Understudy {method}", "ours_training",
                common | {"method": method, "config": {}, "cores": 2}, caches=caches,
            )
            for method in ("ippo", "self-play")
        ]  # fmt: skip
        theirs = [
            Contender(
                f"JaxMARL, {_processors(n)}", "jaxmarl_training",
                common | {"layout": CRAMPED, "cores": n}, peer=True, caches=caches,
            )
            for n in cores
        ]  # fmt: skip
        return [*ours, *theirs]

    def benchmark(title: str, what: str, figure: str, caches: str) -> Benchmark:
        compared = contenders(caches)
        names = [c.name for c in compared]
        return Benchmark(
            title, what, "seconds", _seconds_to_return(figure), compared,
            [Goal(f"{name} at most half of JaxMARL", [name], names[2:], at_most=0.5)
             for name in names[:2]],
            less_is_better=True,
        )  # fmt: skip

    goal = f"a return of {until} on cramped_room"
    first = benchmark(
        f"Seconds until {goal}, first run",
        "From the start of the process, everything compiled in it.", "seconds", "empty",
    )  # fmt: skip
    after = benchmark(
        "The same runs, without compiling",
        "From the first update, which compiles, to the return.", "seconds_after_compiling", "empty",
    )  # fmt: skip
    later = benchmark(
        f"Seconds until {goal}, later runs",
        "From the start of the process, which finds what an earlier run compiled: numba's cache "
        "and JAX's persistent compilation cache.", "seconds", "filled",
    )  # fmt: skip
    return [first, after] if quick else [first, after, later]


def _seconds_to_return(figure: str) -> Callable[[dict[str, Any]], float]:
    return lambda figures: float(figures[figure]) if figures["reached"] else float("inf")


def _srpo_cost(seconds: float) -> Benchmark:
    circuit = {"world": f"kitchen/{CIRCUIT}"}  # nobody scores in the first minutes of training
    always = circuit | {"tau": 3.0}  # a fixed tau: the adversary plays from the first step
    contenders = [
        _train("self-play", seconds, "self-play", 2, **circuit),
        _train("IPPO", seconds, "ippo", 2, **circuit),
        _train("SRPO, adversary waiting", seconds, "srpo", 2, **circuit),
        _train("SRPO", seconds, "srpo", 2, **always),
    ]
    self_play, ippo, waits, plays = ([c.name] for c in contenders)
    return Benchmark(
        f"What SRPO costs, {CIRCUIT}",
        "Playing and learning on 2 processors at our settings, the wall clock's time; the second "
        "table has its parts.",
        "µs per joint step", lambda figures: float(figures["us_per_step"]), contenders,
        [
            Goal("SRPO at most 1.5 times IPPO", plays, ippo, at_most=1.5),
            Goal("SRPO at most 1.5 times self-play", plays, self_play, at_most=1.5),
            Goal("waiting, at most 1.1 times self-play", waits, self_play, at_most=1.1),
        ],
        less_is_better=True,
    )  # fmt: skip


def _seeds_together(seconds: float) -> Benchmark:
    """Ten seeds of a small world as one stack, against as many one after the other."""
    contenders = [
        _train(f"{method}, {_seeds(seeds)}", seconds, method, 2, seeds, **BASE,
               world="private-kitchen/scarce")
        for method in ("ippo", "srpo")
        for seeds in (1, 10)
    ]  # fmt: skip
    alone, stack, srpo_alone, srpo_stack = ([c.name] for c in contenders)
    return Benchmark(
        "Seeds that are trained together, private-kitchen/scarce",
        "Playing and learning on 2 processors with the settings of `understudy reproduce "
        "private-kitchen`; the steps of all seeds count.",
        "joint steps per second", lambda figures: float(figures["rate"]), contenders,
        [
            Goal("IPPO, ten seeds at least 2 times the rate of one", stack, alone, at_least=2),
            Goal("SRPO, the same", srpo_stack, srpo_alone, at_least=2),
        ],
    )  # fmt: skip


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds together"
