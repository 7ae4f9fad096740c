"""What is wrong with a study although each part of it is well formed, and what is unwise."""

import contextlib
import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agents.library import Partner, check_fit, list_partners
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from studies.design import HUMAN, Round, Study
from studies.questionnaires import Survey, instruments
from studies.wording import Path, texts_of

Mistake = tuple[Path, str]
COLOURS = 4
"""Colours of chefs that the art has."""


def mistakes(study: Study) -> list[Mistake]:
    """Everything that keeps the study from being run: place and reason with its fix."""
    found = list(_instruments(study))
    if found:
        return found  # everything else looks at the items that instruments have
    parts = (
        _names, _texts, _surveys, _references, _rounds, _lobby, _looks, _payment, _allocation,
        _analysis,
    )  # fmt: skip
    return [mistake for part in parts for mistake in part(study)]


def facts_of(played: Round) -> WorldFacts:
    """The facts of a round's world.

    Raises:
        UserError: There is no such world.
    """
    return make_world(played.world, **options_of(played)).facts


def options_of(played: Round) -> dict[str, Any]:
    """Options of `make_world` for a round."""
    options: dict[str, Any] = {"horizon": played.steps}
    if played.dynamics is not None:
        options["dynamics"] = played.dynamics
    return options


def partner_of(study: Study, played: Round) -> tuple[int, Partner] | None:
    """Position in `partners` and library entry of the policy for a round's world, if any."""
    library = {partner.name: partner for partner in list_partners()}
    for index, entry in enumerate(study.partners.get(played.partner, [])):
        partner = library.get(entry.policy)
        if partner is not None and partner.plays(facts_of(played).world):
            return index, partner
    return None


def stand_in(study: Study, played: Round) -> Round:
    """A round of two participants as it is played with the lobby's AI partner."""
    assert study.lobby is not None
    assert study.lobby.partner is not None
    return played.model_copy(update={"partner": study.lobby.partner})


def partner_met(study: Study, block: str, name: str) -> tuple[str, str]:
    """Whom a participant meets in a round, as far as partners can be told apart.

    People who meet anew for every block or round are new partners each time.
    """
    partner = study.round(block, name).partner
    if partner != HUMAN or study.lobby is None:
        return partner, ""
    return partner, {"study": "", "block": block, "round": f"{block}:{name}"}[study.lobby.together]


def partners_met(study: Study, arm: str) -> list[tuple[str, str]]:
    """The partners that an arm's participants meet, in the order of the file."""
    found = {
        partner_met(study, name, played.id): None
        for name in study.arm(arm).blocks
        for played in study.block(name).rounds
    }
    return list(found)


def seats_of(played: Round, players: int) -> list[int]:
    """The seats that the participant may get."""
    return list(range(players)) if played.seat == "random" else [played.seat]


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(names)}" if names else "there are none"


def _instruments(study: Study) -> Iterator[Mistake]:
    for name, survey in study.surveys.items():
        if survey.instrument is not None and survey.instrument not in instruments():
            hint = _near(survey.instrument, instruments())
            yield ("surveys", name, "instrument"), f"no instrument is called so: {hint}"


def _twins(place: Path, names: Sequence[str]) -> Iterator[Mistake]:
    for name, count in Counter(names).items():
        if count > 1:
            at = len(names) - 1 - names[::-1].index(name)
            yield (*place, at), f"{name!r} is here for the second time: names must differ"


def _names(study: Study) -> Iterator[Mistake]:
    yield from _twins(("languages",), study.languages)
    yield from _twins(("arms",), [arm.id for arm in study.arms])
    yield from _twins(("blocks",), [block.id for block in study.blocks])
    for index, block in enumerate(study.blocks):
        yield from _twins(("blocks", index, "rounds"), [r.id for r in block.rounds])
    for index, arm in enumerate(study.arms):
        yield from _twins(("arms", index, "blocks"), arm.blocks)
    yield from _twins(("analysis", "contrasts"), [c.id for c in study.analysis.contrasts])


def _texts(study: Study) -> Iterator[Mistake]:
    for place, text in texts_of(study):
        lacking = text.lacks(list(study.languages))
        if lacking:
            yield place, f"has no text in {' and '.join(lacking)}: add it, or change languages"


def _item_lists(study: Study) -> Iterator[tuple[Path, Sequence[Any], set[str]]]:
    """Place and contents of every list of items in the file, and the ids that come before it."""
    yield ("screening", "questions"), study.screening.questions, set()
    if study.quiz is not None:
        yield ("quiz", "items"), study.quiz.items, set()
    for name, survey in study.surveys.items():
        made = instruments()[survey.instrument].items if survey.instrument else []
        yield ("surveys", name, "items"), survey.items, {item.id for item in made}


def _surveys(study: Study) -> Iterator[Mistake]:
    for place, items, seen in _item_lists(study):
        for index, item in enumerate(items):
            if item.id in seen:
                yield (*place, index, "id"), f"{item.id!r} is here for the second time"
            yield from _item((*place, index), item, seen)
            seen.add(item.id)
    if study.quiz is not None:
        for index, question in enumerate(study.quiz.items):
            if question.expects is None:
                yield ("quiz", "items", index), "has no `expects`: say which answer is right"
        if study.quiz.needed is not None and study.quiz.needed > len(study.quiz.items):
            yield ("quiz", "needed"), f"there are only {len(study.quiz.items)} questions"
    for name in study.surveys:
        yield from _scales(name, study.survey(name))


def _item(place: Path, item: Any, seen: set[str]) -> Iterator[Mistake]:
    if item.show_if is not None and item.show_if.item not in seen:
        hint = _near(item.show_if.item, seen)
        yield (*place, "show_if", "item"), f"is no earlier item of this survey: {hint}"
    if item.kind in ("slider", "number") and item.min >= item.max:
        yield (*place, "max"), f"is {item.max:g}, but must be more than min, {item.min:g}"
    if item.kind in ("choice", "ranking"):
        values = [option.value for option in item.options]
        yield from _twins((*place, "options"), values)
        for value in item.expects or []:
            if value not in values:
                yield (*place, "expects"), f"{value!r} is no option: {_near(value, values)}"
    if item.kind == "likert":
        for value in item.expects or []:
            if not 1 <= value <= item.points:
                yield (*place, "expects"), f"{value} is no answer: use 1 to {item.points}"


def _scales(name: str, survey: Survey) -> Iterator[Mistake]:
    kinds = {item.id: item.kind for item in survey.items}
    for scale, members in survey.scales.items():
        for member in members:
            if kinds.get(member) not in ("likert", "slider"):
                yield (
                    ("surveys", name, "scales", scale),
                    f"{member!r} is no likert or slider item of this survey: scales average these",
                )


def _references(study: Study) -> Iterator[Mistake]:
    lists: list[tuple[Path, list[str]]] = [(("before",), study.before), (("after",), study.after)]
    for index, arm in enumerate(study.arms):
        lists.append((("arms", index, "surveys"), arm.surveys))
        blocks = [block.id for block in study.blocks]
        for at, name in enumerate(arm.blocks):
            if name not in blocks:
                yield ("arms", index, "blocks", at), f"{name!r} is no block: {_near(name, blocks)}"
    for index, block in enumerate(study.blocks):
        lists.append((("blocks", index, "surveys"), block.surveys))
        for at, played in enumerate(block.rounds):
            lists.append((("blocks", index, "rounds", at, "surveys"), played.surveys))
    for place, names in lists:
        for at, name in enumerate(names):
            if name not in study.surveys:
                yield (*place, at), f"{name!r} is no survey: {_near(name, study.surveys)}"


def _rounds(study: Study) -> Iterator[Mistake]:
    library = {partner.name: partner for partner in list_partners()}
    for name, policies in study.partners.items():
        for at, policy in enumerate(policies):
            place: Path = ("partners", name, at)
            partner = library.get(policy.policy)
            if partner is None:
                hint = _near(policy.policy, library)
                yield (*place, "policy"), f"there is no partner {policy.policy!r}: {hint}"
            elif policy.sha256 and not (partner.sha256 or "").startswith(policy.sha256):
                yield (
                    (*place, "sha256"),
                    f"is another file's: {policy.policy} here has {partner.sha256 or 'none'}",
                )
    for index, block in enumerate(study.blocks):
        for at, played in enumerate(block.rounds):
            yield from _round(study, ("blocks", index, "rounds", at), played)
    if study.tutorial is not None:
        try:
            make_world(study.tutorial.world)
        except UserError as error:
            yield ("tutorial", "world"), str(error)


def _round(study: Study, place: Path, played: Round) -> Iterator[Mistake]:
    try:
        facts = facts_of(played)
    except UserError as error:
        yield (*place, "world"), str(error)
        return
    if played.seat != "random" and played.seat >= facts.num_players:
        yield (*place, "seat"), f"{facts.world} has seats 0 to {facts.num_players - 1} only"
        return
    if played.partner == HUMAN:
        yield from _round_of_two(study, place, played, facts)
        return
    if played.partner not in study.partners:
        hint = _near(played.partner, [*study.partners, HUMAN])
        yield (*place, "partner"), f"{played.partner!r} is not among the partners: {hint}"
        return
    yield from _policy_of(study, (*place, "partner"), played, facts)


def _round_of_two(study: Study, place: Path, played: Round, facts: WorldFacts) -> Iterator[Mistake]:
    if study.lobby is None:
        yield ("lobby",), "is missing, but rounds with `human` partners need one: add it"
        return
    if facts.num_players != 2:
        yield (*place, "world"), f"{facts.world} has {facts.num_players} seats: two people meet"
    if played.seat != "random":
        yield (*place, "seat"), "must be random: the two draw their seats when they meet"
    if "ai" in study.lobby.ways.values() and study.lobby.partner in study.partners:
        stood = stand_in(study, played)
        yield from _policy_of(study, ("lobby", "partner"), stood, facts)


def _policy_of(study: Study, place: Path, played: Round, facts: WorldFacts) -> Iterator[Mistake]:
    """What keeps a partner of the file from a round."""
    found = partner_of(study, played)
    if found is None:
        yield (
            place,
            f"{played.partner!r} has no policy for {facts.world}: add one to partners (see "
            f"`understudy partners --layout {facts.world.partition('/')[2]}`)",
        )
        return
    taken = {
        other
        for seat in seats_of(played, facts.num_players)
        for other in range(facts.num_players)
        if other != seat
    }
    try:
        check_fit(found[1], facts, sorted(taken))
    except UserError as error:
        yield place, str(error)


def _lobby(study: Study) -> Iterator[Mistake]:
    """A pair goes through the same rounds in the same order."""
    lobby = study.lobby
    if lobby is None:
        return
    if "ai" in lobby.ways.values():
        if lobby.partner is None:
            yield ("lobby", "partner"), "is missing: say which partner stands in"
        elif lobby.partner not in study.partners:
            hint = _near(lobby.partner, study.partners)
            yield ("lobby", "partner"), f"{lobby.partner!r} is not among the partners: {hint}"
    why = "must be fixed where pairs stay together: make an arm for each order, or set together"
    for index, block in enumerate(study.blocks):
        stays = study.in_pairs(block.id) and lobby.together != "round"
        if stays and block.round_order != "fixed" and len(block.rounds) > 1:
            yield ("blocks", index, "round_order"), f"{why} to round"
    for index, arm in enumerate(study.arms):
        meets = sum(study.in_pairs(name) for name in arm.blocks if name in study.block_names)
        if meets > 1 and arm.order != "fixed" and lobby.together == "study":
            yield ("arms", index, "order"), f"{why} to block"


def _looks(study: Study) -> Iterator[Mistake]:
    """With a colour for each partner there must be enough of them, and one partner at a time."""
    if study.looks == "seat":
        return
    for index, block in enumerate(study.blocks):
        for at, played in enumerate(block.rounds):
            with contextlib.suppress(UserError):
                if facts_of(played).num_players > 2:
                    place = ("blocks", index, "rounds", at, "world")
                    yield place, "has several partners at once: set looks to seat"
    for index, arm in enumerate(study.arms):
        if not set(arm.blocks) <= set(study.block_names):
            continue
        met = len(partners_met(study, arm.id))
        if met >= COLOURS:
            yield (
                ("arms", index),
                (
                    f"has {met} partners, but with looks by partner there are colours for "
                    f"{COLOURS - 1}: set looks to seat"
                ),
            )


def _payment(study: Study) -> Iterator[Mistake]:
    endings = study.payment.endings
    needed = ["done", "declined", "screened_out", "technical_fault", "withdrawn"]
    if study.quiz is not None and study.quiz.then == "end":
        needed.append("failed_quiz")
    if study.meets_people and study.lobby is not None:
        needed += [outcome for outcome, way in study.lobby.ways.items() if way != "ai"]
    if study.attention.ends:
        needed.append("inactive")
    for name in needed:
        if name not in endings:
            yield ("payment", "endings"), f"has no {name!r}: participants can end so"
    codes = [ending.code for ending in endings.values()]
    for name, ending in endings.items():
        if codes.count(ending.code) > 1:
            yield ("payment", "endings", name, "code"), "is another ending's too: codes must differ"


def _allocation(study: Study) -> Iterator[Mistake]:
    questions = {item.id: item for item in study.screening.questions}
    factors = study.allocation.factors
    if study.allocation.method == "minimisation" and not factors:
        yield ("allocation", "factors"), "is empty, but minimisation balances over factors: add one"
    if study.allocation.method == "blocks" and factors:
        yield ("allocation", "factors"), "are for minimisation: set method to it, or remove them"
    for at, factor in enumerate(factors):
        item = questions.get(factor)
        if item is None or item.kind != "choice" or item.several or not item.required:
            yield (
                ("allocation", "factors", at),
                f"{factor!r} is no required single choice of screening.questions: factors must be",
            )


def _analysis(study: Study) -> Iterator[Mistake]:
    arms, blocks = [arm.id for arm in study.arms], [block.id for block in study.blocks]
    scales = {f"{name}.{scale}" for name in study.surveys for scale in study.survey(name).scales}
    for index, contrast in enumerate(study.analysis.contrasts):
        place: Path = ("analysis", "contrasts", index)
        pair = set(contrast.compare)
        if len(pair) < 2:
            yield (*place, "compare"), "compares something with itself: name two"
        elif not (pair <= set(arms) or pair <= set(blocks)):
            yield (
                (*place, "compare"),
                f"must be two arms ({', '.join(arms)}) or two blocks ({', '.join(blocks)})",
            )
        if contrast.outcome not in {"score", *scales}:
            known = ["score", *sorted(scales)]
            yield (*place, "outcome"), f"is no outcome: {_near(contrast.outcome, known)}"


def within(study: Study, pair: Sequence[str]) -> bool:
    """Whether a contrast is between blocks, which the same participants play."""
    return not set(pair) <= {arm.id for arm in study.arms}
