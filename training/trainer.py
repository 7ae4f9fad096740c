"""What the methods share: the world, the random streams, the schedules, and the saved state.

A trainer trains one or more seeds together. They share the world's batch and the calls of the
networks, and nothing else: each seed has its own environments, policies and random streams, so
that it becomes what it would have become alone, bit for bit, and a stack of seeds is only a
faster way to run them.

A slot is one seat of one environment. All slots of the first seed come first, then those of the
second, and so on; so an array over slots is split into seeds by cutting it into equal parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training.config import TrainConfig
from training.gae import advantages
from training.guests import Guest, load_guests, seat_guests, seat_partners
from training.kernels import sample_actions
from training.memory import Memory
from training.networks import ActorCritic, SparseObserver, Stack, evaluate
from training.ppo import Learner, Lesson, Samples, Sequences, learn_all, normalised
from training.recurrent import NETWORKS
from training.rollout import Returns, Rollout, collect
from training.starts import VisitedStarts


@dataclass(frozen=True)
class Export:
    """A policy that can become a file.

    Attributes:
        networks: Networks whose actors' logits are added up; usually one.
        seats: Seats that it can take.
    """

    networks: tuple[ActorCritic, ...]
    seats: tuple[int, ...]


class Member:
    """What one seed has for itself: its random streams and the returns of its games.

    Attributes:
        seed: The seed.
        envs: Its environments.
        action_stream: Decides actions.
        shuffle_stream: Shuffles samples.
        start_stream: Chooses states that episodes begin in.
        weights: Draws the first weights of its networks.
        world_seed: Seed of its environments.
        returns: Latest returns of each kind of game.
    """

    def __init__(self, seed: int, envs: slice) -> None:
        self.seed, self.envs = seed, envs
        streams = np.random.SeedSequence(seed).spawn(5)
        self.action_stream = np.random.default_rng(streams[0])
        self.shuffle_stream = np.random.default_rng(streams[1])
        self.weights = torch.Generator().manual_seed(int(streams[2].generate_state(1)[0]))
        self.world_seed = int(streams[3].generate_state(1)[0])
        self.start_stream = np.random.default_rng(streams[4])
        self.returns: dict[str, Returns] = {}

    def streams(self) -> dict[str, np.random.Generator]:
        """The streams that go on during the run, by name."""
        return {
            "action_stream": self.action_stream,
            "shuffle_stream": self.shuffle_stream,
            "start_stream": self.start_stream,
        }


class Policies:
    """One policy of each seed, under one name.

    Attributes:
        name: Its name in checkpoints.
        entropy: Weight of their entropy bonus at the start.
        learners: One for each seed.
        stack: Their networks.
        memory: What they remember in the slots where they act.
    """

    def __init__(self, name: str, networks: Sequence[ActorCritic], config: TrainConfig,
                 entropy: float, memory: Memory) -> None:  # fmt: skip
        self.name, self.entropy, self.memory = name, entropy, memory
        self.stack = Stack(networks)
        self.learners = [Learner(network, config, entropy) for network in networks]


class Trainer:
    """Base of all methods. A subclass says who acts (`act`) and who learns what (`learn`).

    Attributes:
        config: The settings; its seed is that of the first member.
        members: One for each seed.
        world: The environments of all seeds.
        rollout: What happened in the latest rollout, in all of them.
        team: The seats that learn.
        steps: Joint steps of the environments of one seed so far.
        policies: All that is learnt, by name.
        memories: What is remembered by all who act.
    """

    method: ClassVar[str]

    def __init__(self, config: TrainConfig, seeds: Sequence[int] | None = None) -> None:
        config.validate()
        self.config = config
        chosen, own = seeds or (config.seed,), config.num_envs
        self.members = [
            Member(seed, slice(k * own, (k + 1) * own)) for k, seed in enumerate(chosen)
        ]
        self.world = make_world(
            config.world, own * len(self.members), autoreset=True, **config.world_options
        )
        if config.useful_shaping:
            self.world.shape_useful()
        self._begin_worlds()
        facts = self.world.facts
        self.players, self.team = facts.num_players, self._learning_seats()
        self.observer = SparseObserver(self.world, config.encoding)
        self.rollout = Rollout(
            self.world, self.observer, config.rollout_length, config.shared_shaping
        )
        self.guests = self._invite()
        self.visited = VisitedStarts(self.world, self.members) if config.visited_starts else None
        self.steps = 0
        self.policies: dict[str, Policies] = {}
        self.memories: list[Memory] = []
        for member in self.members:
            member.returns = {
                name: Returns(len(envs), facts.reward_unit, facts.horizon)
                for name, envs in self.groups().items()
            }

    def _begin_worlds(self) -> None:
        """Puts every seed's environments into the states that they would have alone."""
        config = self.config
        alone = make_world(config.world, config.num_envs, autoreset=True, **config.world_options)
        for member in self.members:
            alone.reset(seed=member.world_seed)
            self.world.set_states(alone.get_states(), member.envs)
            self.world.streams[member.envs] = alone.streams

    def _learning_seats(self) -> tuple[int, ...]:
        facts, role = self.world.facts, self.config.role
        seats = facts.seats_of(role)
        if not seats:
            roles = " or ".join(dict.fromkeys(facts.roles))
            allowed = f"it must be {roles}" if roles else "all have one role: leave it out"
            raise UserError(f"--role is {role}, but in {facts.world} {allowed}")
        return seats

    def _invite(self) -> list[Guest]:
        others = [seat for seat in range(self.players) if seat not in self.team]
        if self.config.others and not others:
            raise UserError(
                f"--others is {self.config.others}, but all seats of {self.config.world} learn: "
                "leave it out"
            )
        if not others:
            return []
        policies = load_guests(self.config, self.world.facts, others)
        parts = [self.of_member(self.slots(*others), k) for k in range(len(self.members))]
        return seat_guests(policies, self.world, parts)

    def partners_in(
        self, slots: NDArray[np.int64], name: str, folder: str, *, held_out: bool = False
    ) -> list[Guest]:
        """Policies as files in the places of partners; see `guests.seat_partners`."""
        parts = {member.seed: self.of_member(slots, k) for k, member in enumerate(self.members)}
        return seat_partners(name, folder, self.world, parts, held_out=held_out)

    def fingerprints(self) -> dict[str, str]:
        """The policies as files that take seats: name -> SHA-256 of the file, or "rule-based"."""
        return {guest.policy.name: guest.fingerprint for guest in self.guests}

    def groups(self) -> dict[str, NDArray[np.int64]]:
        """Environments of a seed by kind of game; each has a return of its own in the curves."""
        return {"return": np.arange(self.config.num_envs)}

    def act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        """Decides for every slot of the team; see `rollout.collect`."""
        raise NotImplementedError

    def learn(self) -> list[dict[str, float]]:
        """Improves the policies with the filled rollout; returns figures for each seed."""
        raise NotImplementedError

    def exports(self, member: int = 0) -> dict[str, Export]:
        """Policies of a seed worth playing with, by the suffix of their name."""
        raise NotImplementedError

    def drawn(self, member: int = 0) -> dict[str, Any]:
        """Settings of a seed that the seed itself decided, for the cards of its policies."""
        return {}

    @property
    def total_steps(self) -> int:
        """Steps after which the run is over."""
        return self.config.steps

    @property
    def own_steps(self) -> int:
        """Steps in which the policies that are exported have learnt; the schedules follow it."""
        return self.steps

    def iterate(self) -> list[dict[str, float]]:
        """One round of playing and learning; returns figures for each seed."""
        self.play()
        learnt = self.learn()
        self.steps += self.config.num_envs * self.config.rollout_length
        figures = []
        for member, own in zip(self.members, learnt, strict=True):
            returns = {name: item.mean() for name, item in member.returns.items()}
            figures.append({"steps": float(self.steps), **returns, **own})
        return figures

    def play(self) -> None:
        """Fills the rollout and takes note of the returns."""
        rollout = self.rollout
        self.world.draw_starts(self.config.exploring_starts * self.shaping())
        for memory in self.memories:
            memory.begin()
        collect(
            self.world, self.observer, rollout, self.team, self._act, self._uniforms(),
            self._after_step,
        )  # fmt: skip
        for member in self.members:
            rewards, done = rollout.rewards[:, member.envs], rollout.done[:, member.envs]
            for name, envs in self.groups().items():
                member.returns[name].add(rewards[:, envs], done[:, envs])

    def _uniforms(self) -> NDArray[np.float64]:
        """[T + 1, S] chance of the next rollout."""
        shape = (self.rollout.length + 1, self.rollout.slots // len(self.members))
        return np.hstack([member.action_stream.random(shape) for member in self.members])

    def _act(self, step: int, uniforms: NDArray[np.float64]) -> None:
        if step < self.rollout.length:  # guests have no values, which is all that is asked for last
            observed: dict[str, NDArray[Any]] = {}
            for guest in self.guests:  # first: a method may let itself play in a guest's place
                guest.act(self.rollout, step, uniforms, observed)
        self.act(step, uniforms)

    def _forget(self, done: NDArray[np.bool_]) -> None:
        """Begins anew whatever is remembered of episodes that ended, done [N]."""
        for guest in self.guests:
            guest.forget(done)
        if done.any():
            slots = np.repeat(done, self.players)
            for memory in self.memories:
                memory.forget(slots)

    def _after_step(self, step: int) -> None:
        done = self.rollout.done[step]
        self._forget(done)
        if self.visited is not None:
            self.visited.after_step(done, self.config.visited_starts)
        self.after_step(step)

    def after_step(self, step: int) -> None:
        """Called after every step that was played, for what a method has to do then."""

    def recorded_states(self, encoding: str) -> Iterator[tuple[NDArray[Any], NDArray[np.int64]]]:
        """Plays one rollout; yields every step's observations, in full and as sparse rows."""
        rollout, uniforms = self.rollout, self._uniforms()
        for step in range(rollout.length):
            dense = self.world.observe(encoding)
            self.observer.write(rollout.observations, step)
            rows = step * rollout.slots + np.arange(rollout.slots)
            yield dense.reshape(rollout.slots, *dense.shape[2:]), rows
            self._act(step, uniforms[step])
            self.world.step(rollout.actions[step].reshape(self.world.num_envs, self.players))
            self._forget(self.world.done)

    def new_policies(self, name: str, entropy: float | None = None, **options: Any) -> Policies:
        """Makes a policy for each seed; `entropy` is the configured bonus if None."""
        config = self.config
        networks = [
            NETWORKS[config.memory](
                self.observer.num_rows, len(self.world.facts.actions), config.hidden,
                config.activation, member.weights, **options,
            )
            for member in self.members
        ]  # fmt: skip
        memory = self.new_memory(networks[0])
        self.policies[name] = Policies(
            name, networks, config, config.entropy if entropy is None else entropy, memory
        )
        return self.policies[name]

    def new_memory(self, network: ActorCritic) -> Memory:
        """Room for what networks like this one remember in every slot."""
        self.memories.append(Memory(self.rollout.slots, network.state_size))
        return self.memories[-1]

    def slots(self, *seats: int) -> NDArray[np.int64]:
        """Slots of the given seats in all environments, in order."""
        envs = np.arange(self.world.num_envs)[:, None]
        return np.sort((envs * self.players + np.array(seats, np.int64)).reshape(-1))

    def slots_in_turn(self) -> NDArray[np.int64]:
        """One slot of each environment, the seats of the team in turn."""
        seat = np.array(self.team)[np.arange(self.config.num_envs) % len(self.team)]
        envs = np.arange(self.world.num_envs)
        slots: NDArray[np.int64] = envs * self.players + np.tile(seat, len(self.members))
        return slots

    def of_member(self, slots: NDArray[np.int64], member: int) -> NDArray[np.int64]:
        """A seed's part of slots that are spread evenly over the seeds."""
        own: NDArray[np.int64] = slots.reshape(len(self.members), -1)[member]
        return own

    def evaluate(
        self, policies: Policies, step: int, slots: NDArray[np.int64],
        ends: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
        """What each seed's policy says in its part of some slots: logits and values [B, …].

        Args:
            policies: The policies.
            step: Step of the rollout.
            slots: [B] the slots, seed by seed.
            ends: [seeds + 1] where each seed's part begins and the last one ends; equal parts
                if None.
        """
        if ends is None:
            ends = np.arange(len(self.members) + 1) * (len(slots) // len(self.members))
        stack = policies.stack
        return self.consult(stack.networks[0], stack.flat, policies.memory, step, slots, ends)

    def consult(
        self, shape: ActorCritic, flat: NDArray[np.float32], memory: Memory, step: int,
        slots: NDArray[np.int64], ends: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
        """What networks say in some slots, where they remember what they see.

        Args:
            shape: A network of their shape.
            flat: [G, P] their weights.
            memory: What they remember.
            step: Step of the rollout.
            slots: [B] the slots, network by network.
            ends: [G + 1] where each network's part begins and the last one ends.
        """
        rollout, state = self.rollout, memory.now[slots]
        rows = step * rollout.slots + slots
        answers = evaluate(shape, flat, rollout.observations, rows, ends, state)
        if step < rollout.length:  # the last state is seen again at the next rollout's first step
            memory.now[slots] = state
        return answers

    def decide(
        self, policies: Policies, step: int, slots: NDArray[np.int64],
        uniforms: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Lets a policy act in some slots."""
        rollout = self.rollout
        logits, values = self.evaluate(policies, step, slots)
        rollout.values[step, slots] = values[:, 0]
        sample_actions(logits, uniforms, slots, rollout.actions[step], rollout.log_probs[step])

    def samples(
        self, policies: Policies, rewards: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> tuple[Samples, float]:
        """What a policy that acted in these slots learns from.

        Args:
            policies: The policy and those of other seeds.
            rewards: [T, S] reward of every slot.
            slots: [s] the slots that count, all of one seed.

        Returns:
            The samples, with normalised advantages, and what these were divided by.
        """
        rollout, config = self.rollout, self.config
        values = rollout.values[:, slots]
        gained = advantages(
            rewards[:, slots], values[:-1], values[-1], rollout.slot_done()[:, slots],
            config.discount, config.gae_lambda,
        )  # fmt: skip
        scaled, deviation = normalised(gained, config.min_deviation)
        return Samples(
            rollout.rows(slots),
            rollout.actions[:-1, slots].reshape(-1),
            rollout.log_probs[:-1, slots].reshape(-1),
            scaled.reshape(-1),
            (gained + values[:-1]).reshape(-1),
            np.zeros(gained.size, np.int64),
            self._sequences(policies.memory, slots) if policies.memory.size else None,
        ), deviation

    def _sequences(self, memory: Memory, slots: NDArray[np.int64]) -> Sequences:
        if len(slots) < self.config.minibatches:
            raise UserError(
                f"--minibatches is {self.config.minibatches}, but a policy with a memory learns "
                f"from whole slots, of which it has {len(slots)} here: give at most that many "
                "minibatches or more --num-envs"
            )
        going_on = np.ones((self.rollout.length, len(slots)), np.float32)
        going_on[1:] = ~self.rollout.slot_done()[:-1, slots]
        return Sequences(memory.start[slots], going_on)

    def teach_from(self, policies: Policies, slots: NDArray[np.int64]) -> list[dict[str, float]]:
        """Improves each seed's policy with what it did in its part of some slots.

        Args:
            policies: The policies, which acted in these slots.
            slots: [B] the slots that they learn from, seed by seed in equal parts.

        Returns:
            Figures for each seed.
        """
        rewards = self.rollout.slot_rewards(self.shaping())
        lessons = []
        for k, member in enumerate(self.members):
            samples, _ = self.samples(policies, rewards, self.of_member(slots, k))
            lessons.append(Lesson(policies.learners[k], samples, member.shuffle_stream))
        return self.teach(lessons)

    def teach(self, lessons: Sequence[Lesson]) -> list[dict[str, float]]:
        """Updates learners that do not depend on each other; returns the figures of each."""
        for policies in self.policies.values():
            for learner in policies.learners:
                learner.entropy = policies.entropy * self.entropy_share()
        return learn_all(lessons, self.rollout.observations, self.learning_rate(), self.config)

    def learning_rate(self) -> float:
        """Adam's step size now: linear over the run."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        return start + (end - start) * min(1.0, self.own_steps / self.config.steps)

    def entropy_share(self) -> float:
        """Weight of the entropy bonus now, over that at the start: linear over the run."""
        start, end = self.config.entropy, self.config.final_entropy
        if end == -1 or not start:
            return 1.0
        return 1 + (end / start - 1) * min(1.0, self.own_steps / self.config.steps)

    def shaping(self) -> float:
        """Weight of the shaped reward now: linear from one to zero."""
        horizon = self.config.shaping_horizon
        return max(0.0, 1 - self.own_steps / horizon) if horizon else 0.0

    def state(self, member: int = 0) -> dict[str, Any]:
        """Everything that the rest of a seed's run depends on; the same as if it ran alone."""
        own = self.members[member]
        saved = {
            "steps": self.steps,
            "learners": {
                name: policies.learners[member].state() for name, policies in self.policies.items()
            },
            "returns": {name: item.state() for name, item in own.returns.items()},
            "streams": {name: stream.bit_generator.state for name, stream in own.streams().items()},
            "world": torch.from_numpy(self.world.get_states(own.envs)),
            "world_streams": torch.from_numpy(self.world.streams[own.envs].copy()),
            "guests": [guest.state(member) for guest in self.guests if guest.meets(member)],
        }
        if self.visited is not None:
            saved["visited"] = self.visited.state(member)
        if any(memory.size for memory in self.memories):
            saved["memories"] = [memory.state(self._slots_of(member)) for memory in self.memories]
        return saved

    def restore(self, state: dict[str, Any], member: int = 0) -> None:
        """Brings a seed back to what `state` returned."""
        own = self.members[member]
        self.steps = state["steps"]
        for name, policies in self.policies.items():
            policies.learners[member].restore(state["learners"][name])
        for name, item in own.returns.items():
            item.restore(state["returns"][name])
        for name, stream in own.streams().items():
            stream.bit_generator.state = state["streams"][name]
        self.world.set_states(state["world"].numpy(), own.envs)
        self.world.streams[own.envs] = state["world_streams"].numpy()
        own_guests = [guest for guest in self.guests if guest.meets(member)]
        for guest, saved in zip(own_guests, state["guests"], strict=True):
            guest.restore(saved, member)
        if self.visited is not None:
            self.visited.restore(state["visited"], member)
        if any(memory.size for memory in self.memories):
            for memory, saved in zip(self.memories, state["memories"], strict=True):
                memory.restore(saved, self._slots_of(member))

    def _slots_of(self, member: int) -> slice:
        """All slots of a seed."""
        own = self.members[member].envs
        return slice(own.start * self.players, own.stop * self.players)


def by_member(
    marks: Sequence[tuple[int, str]], figures: Sequence[dict[str, float]]
) -> list[dict[str, float]]:
    """Sorts the figures of lessons by seed.

    Args:
        marks: For each lesson the number of its seed, and its figures' names with ``{}`` for
            the usual one; the seeds are numbered from 0 in order.
        figures: What `Trainer.teach` returned.
    """
    sorted_: list[dict[str, float]] = [{} for _ in range(marks[-1][0] + 1)]
    for (member, mark), own in zip(marks, figures, strict=True):
        sorted_[member] |= {mark.format(name): value for name, value in own.items()}
    return sorted_
