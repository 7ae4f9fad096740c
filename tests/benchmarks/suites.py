"""The four benchmarks: who is measured, at what, and what is wanted."""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.harness import Benchmark, Contender, Goal

CRAMPED, CIRCUIT = "cramped_room", "counter_circuit_o_1order"
AS_JAXMARL = {
    "num_envs": 16, "rollout_length": 128, "epochs": 4, "minibatches": 4, "hidden": 64,
    "activation": "tanh", "learning_rate": 2.5e-4, "exploring_starts": 0.0,
}  # fmt: skip


def _best_rate(figures: dict[str, Any]) -> float:
    """Joint steps per second at the batch size, and in the way, that suits the contender best."""
    return max(figures["rates"].values())


def _best_kept(figures: dict[str, Any]) -> float:
    """The same, among the ways that keep the observations of 100 steps."""
    rates = figures["rates"]
    return max(rates[name] for name in rates if name.endswith("kept"))


def _engines(layout: str, seconds: float, figure: Callable[..., float], what: str) -> Benchmark:
    both = {"layout": layout, "seconds": seconds}
    ours = [
        Contender(
            f"Understudy, {_processors(cores)}", "ours_engine",
            both | {"cores": cores, "batches": [256, 1024, 4096]},
        )
        for cores in (1, 2)
    ]  # fmt: skip
    jax = [
        Contender(
            f"JaxMARL, {_processors(cores)}", "jaxmarl_engine",
            both | {"cores": cores, "batches": [512, 4096]}, peer=True,
        )
        for cores in (1, 2)
    ]  # fmt: skip
    cogrid = Contender(
        "CoGrid (JAX), 2 processors", "cogrid_engine",
        both | {"cores": 2, "batches": [64, 1024], "backend": "jax"}, peer=True,
    )  # fmt: skip
    contenders = [*ours, *jax, cogrid]
    fastest = [c.name for c in (*jax, cogrid)]
    mine = [c.name for c in ours]
    goals = [Goal("at least 3 times the faster of JaxMARL and CoGrid", mine, fastest, at_least=3)]
    if figure is _best_rate:
        single = Contender(
            "CoGrid (NumPy), 1 processor", "cogrid_engine",
            both | {"cores": 1, "backend": "numpy"}, peer=True,
        )  # fmt: skip
        reference = Contender("overcooked-ai, 1 processor", "overcooked_ai_engine", both)
        reference.settings["cores"] = 1
        contenders += [single, reference]
        goals.insert(
            0, Goal("at least 300 times overcooked-ai", mine, [reference.name], at_least=300)
        )
    return Benchmark(
        f"The kitchen's rules and observations, {layout}, {what}",
        "Joint steps per second of random play with both players' observations; every contender "
        "at the batch size that suits it best (ours 256, 1,024 or 4,096; JaxMARL 512 or 4,096; "
        "CoGrid 64 or 1,024). Understudy, overcooked-ai and JaxMARL fill 26 channels for each "
        "player; CoGrid fills features of its own. JAX runs as one compiled scan or call by "
        "call, whichever is faster.",
        "joint steps per second", figure, contenders, goals,
    )  # fmt: skip


def _processors(cores: int) -> str:
    return "1 processor" if cores == 1 else f"{cores} processors"


def _train(name: str, seconds: float, method: str, cores: int, **config: Any) -> Contender:
    return Contender(
        name, "ours_training",
        {"method": method, "config": config, "cores": cores, "until": None, "seconds": seconds},
    )  # fmt: skip


def _training(seconds: float) -> Benchmark:
    same = [
        _train(
            f"Understudy, JaxMARL's settings, {_processors(n)}", seconds, "ippo", n, **AS_JAXMARL
        )
        for n in (1, 2)
    ]
    own = _train("Understudy, our settings, 2 processors", seconds, "ippo", 2)
    theirs = [
        Contender(
            f"JaxMARL, {_processors(cores)}", "jaxmarl_training",
            {"layout": CRAMPED, "until": None, "seconds": seconds, "cores": cores}, peer=True,
        )
        for cores in (1, 2)
    ]  # fmt: skip
    names = [c.name for c in same], [c.name for c in theirs]
    return Benchmark(
        "IPPO from end to end, cramped_room",
        "Joint steps per second of playing and learning, after compiling. JaxMARL's settings "
        "are 16 environments of 128 steps, 4 epochs of 4 minibatches, actor and critic of 64-64 "
        "tanh units; ours are 64 environments of 100 steps and rectifiers. JaxMARL "
        "trains one network for both players, Understudy's `ippo` one for each: the same "
        "arithmetic per sample.",
        "joint steps per second", lambda figures: float(figures["rate"]), [*same, own, *theirs],
        [Goal("at least 2 times JaxMARL, at its settings", *names, at_least=2),
         Goal("aim: 5 times JaxMARL, at its settings", *names, at_least=5)],
    )  # fmt: skip


def _time_to_return() -> Benchmark:
    train = {"cores": 2, "until": 200, "seconds": 0}
    ours = [
        Contender(
            f"Understudy, {method}", "ours_training", train | {"method": method, "config": {}},
        )
        for method in ("ippo", "self-play")
    ]  # fmt: skip
    theirs = [
        Contender(
            f"JaxMARL, {_processors(cores)}", "jaxmarl_training",
            {"layout": CRAMPED, "until": 200, "seconds": 0, "cores": cores}, peer=True,
        )
        for cores in (1, 2)
    ]  # fmt: skip
    names = [c.name for c in theirs]
    return Benchmark(
        "Seconds until a return of 200 on cramped_room",
        "From the start of the process, compiling included, until the mean return of the latest "
        "whole episodes (ours: 100, JaxMARL: one in each of 16 environments) is 200; each "
        "method at its own default settings, each turn with another seed. Understudy loads "
        "kernels that an earlier run compiled; the JSON holds the seconds after compiling and "
        "the steps for both.",
        "seconds", _seconds_to_return, [*ours, *theirs],
        [Goal("at most half of JaxMARL's time, ippo", [ours[0].name], names, at_most=0.5),
         Goal("at most half of its time, self-play", [ours[1].name], names, at_most=0.5)],
        less_is_better=True,
    )  # fmt: skip


def _seconds_to_return(figures: dict[str, Any]) -> float:
    return float(figures["seconds"]) if figures["reached"] else float("inf")


def _srpo_cost(seconds: float) -> Benchmark:
    circuit = {"world": f"kitchen/{CIRCUIT}"}  # nobody scores in the first minutes of training
    always = circuit | {"tau": 3.0}  # a fixed tau: the adversary plays from the first step
    self_play, ippo, waits, plays = "self-play", "IPPO", "SRPO, its adversary waiting", "SRPO"
    contenders = [
        _train(self_play, seconds, "self-play", 2, **circuit),
        _train(ippo, seconds, "ippo", 2, **circuit),
        _train(waits, seconds, "srpo", 2, **circuit),
        _train(plays, seconds, "srpo", 2, **always),
    ]
    return Benchmark(
        f"What SRPO costs, {CIRCUIT}",
        "Microseconds of processor time per joint environment step, playing and learning. In "
        "two thirds of its games SRPO's hero decides for both seats, since the adversary is "
        "compared with what it would have done, and the adversary for one; there the hero "
        "learns from one seat and the adversary from the other. Until there is a return to "
        "steer by, its adversary waits.",
        "µs per joint step", lambda figures: float(figures["cpu_us_per_step"]), contenders,
        [Goal("SRPO costs at most 1.5 times IPPO", [plays], [ippo], at_most=1.5),
         Goal("waiting, at most 1.1 times self-play", [waits], [self_play], at_most=1.1)],
        less_is_better=True,
    )  # fmt: skip


def suites(quick: bool) -> dict[str, list[Benchmark]]:
    """Benchmarks by name.

    Args:
        quick: Whether to measure for a shorter time.
    """
    seconds = 0.5 if quick else 2.0
    return {
        "kitchen_engine": [
            _engines(layout, seconds, figure, what)
            for layout in (CRAMPED, CIRCUIT)
            for figure, what in (
                (_best_rate, "any way of keeping observations"),
                (_best_kept, "the observations of 100 steps kept"),
            )
        ],
        "ippo_training": [_training(2.0 if quick else 8.0)],
        "time_to_return": [_time_to_return()],
        "srpo_cost": [_srpo_cost(2.0 if quick else 8.0)],
    }
