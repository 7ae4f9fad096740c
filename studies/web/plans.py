"""What is played in a step of a session, and the table at which it is played."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from play.scheduler import Game
from play.session import SeatConfig, SessionConfig, TickResult
from play.web.table import Table, Tell
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from studies.checks import options_of, partner_of, stand_in
from studies.company import Company, company_of
from studies.design import HUMAN, Round, Study
from studies.flow import Step
from studies.sessions import Session as Sitting

TUTORIAL_STEPS = 20_000
"""Steps after which an abandoned tutorial ends; at 150 ms, fifty minutes."""
LEAST_TICK_MS = 20


@dataclass(frozen=True)
class Plan:
    """What is played in a step.

    Attributes:
        policy: Name of the policy in every other seat; None when a participant is there.
        seat: The participant's seat; of two, the one's whose plan it is.
        tasks: What must be performed for a tutorial to end; () for a round.
    """

    config: SessionConfig
    policy: str | None
    seat: int
    tasks: tuple[str, ...] = ()


def round_of(sitting: Sitting, step: Step) -> Round | None:
    """The round of the study file that a step plays; None for a tutorial."""
    return sitting.study.round(step.block, step.round) if step.kind == "round" else None


def company_at(sitting: Sitting, step: Step) -> Company | None:
    """Who is in the other seat; None in rounds with the file's own policies, and in tutorials."""
    played = round_of(sitting, step)
    if played is None or played.partner != HUMAN:
        return None
    return company_of(sitting.study, sitting.state.steps, sitting.events, step)


def plan_of(sitting: Sitting, step: Step) -> Plan:
    """What a participant plays in a step.

    Raises:
        UserError: The partner is not here any more.
    """
    study, played = sitting.study, round_of(sitting, step)
    if played is None:
        assert study.tutorial is not None
        world, tick_ms = study.tutorial.world, study.tutorial.tick_ms
        chairs = _chairs(world, {}, 0, "stay", None)
        config = SessionConfig(world, chairs, study.seed, {"horizon": TUTORIAL_STEPS}, tick_ms)
        return Plan(config, "stay", 0, tuple(study.tutorial.tasks))
    assert sitting.place is not None
    place = next(p for p in sitting.place.rounds if (p.block, p.round) == (step.block, step.round))
    options, company = options_of(played), company_at(sitting, step)
    if company is not None and company.kind == "person":
        seat = company.seat(study, sitting.place.arm, step)
        seed = company.seed(study, sitting.place.arm, step)
        chairs = (SeatConfig("human", "participant"), SeatConfig("human", "participant"))
        config = SessionConfig(played.world, chairs, seed, options, played.tick_ms)
        return Plan(config, None, seat)
    name, sha256 = _policy_of(study, played if company is None else stand_in(study, played))
    chairs = _chairs(played.world, options, place.seat, name, sha256)
    config = SessionConfig(played.world, chairs, place.seed, options, played.tick_ms)
    return Plan(config, name, place.seat)


def warm_up(name: str, options: dict[str, Any]) -> None:
    """Takes a step in a world, so that its rules are compiled, where they are, by now."""
    world = make_world(name, **options)
    world.step(np.full((1, world.facts.num_players), world.facts.idle_action))
    for encoding in world.facts.encodings:
        world.observe(encoding)


def hurried(plan: Plan, speed: float) -> Plan:
    """The same at a faster tick, which a study file could have too."""
    assert plan.config.tick_ms is not None
    tick_ms = max(LEAST_TICK_MS, round(plan.config.tick_ms / speed))
    return replace(plan, config=replace(plan.config, tick_ms=tick_ms))


def _policy_of(study: Study, played: Round) -> tuple[str, str | None]:
    found = partner_of(study, played)
    if found is None:
        raise UserError(f"The partner {played.partner} is not in the library any more")
    index, partner = found
    pinned = study.partners[played.partner][index].sha256
    if pinned and not (partner.sha256 or "").startswith(pinned):
        raise UserError(f"{partner.name} is not the file that the study names")
    return partner.name, partner.sha256


def _chairs(
    world: str, options: dict[str, Any], seat: int, policy: str, sha256: str | None
) -> tuple[SeatConfig, ...]:
    players = make_world(world, **options).facts.num_players
    return tuple(
        SeatConfig("human", "participant")
        if index == seat
        else SeatConfig("policy", "partner", policy, sha256)
        for index in range(players)
    )


class RoundTable(Table):
    """A table that watches a participant perform tasks; without tasks, like any other."""

    def __init__(
        self,
        plan: Plan,
        facts: WorldFacts,
        on_tick: Tell,
        on_end: Tell,
        on_stall: Tell,
        on_task: Tell,
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(plan.config.seats, on_tick, on_end, on_stall)
        self.plan = plan
        self._on_lost = on_lost
        self.performed = 0
        self._still = {facts.idle_action, *facts.one_shot}
        self._tell_task = on_task

    @property
    def taught(self) -> bool:
        """Whether there were tasks, and all are performed."""
        return 0 < len(self.plan.tasks) <= self.performed

    def on_tick(self, game: Game, result: TickResult) -> None:
        """A step is in the database."""
        super().on_tick(game, result)
        if self.look(result):
            self._tell_task({"id": game.id, "performed": self.performed})
            if self.taught:
                game.stop("complete")

    def on_lost(self, game: Game) -> None:
        """The round goes on in another process, or is erased."""
        self._on_lost()

    def look(self, result: TickResult) -> bool:
        """Whether the next task was performed in a step; counts it."""
        if self.performed >= len(self.plan.tasks):
            return False
        task, seat = self.plan.tasks[self.performed], self.plan.seat
        moved = result.actions[seat] not in self._still
        if not (moved if task == "move" else task in result.events[seat]):
            return False
        self.performed += 1
        return True
