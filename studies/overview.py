"""A study in words: what participants go through, how long it takes, what it costs, what is odd."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.library import list_partners
from studies.assignment import order_rows
from studies.checks import facts_of, partner_of, stand_in
from studies.design import HUMAN, Arm, Attention, Block, Lobby, Study
from studies.questionnaires import Survey
from studies.wording import Text, texts_of

WORDS_PER_MINUTE = 200.0
"""Reading speed for instructions; below the 240 of silent prose (Brysbaert, 2019)."""
SECONDS_PER_ITEM = {
    "likert": 6.0, "slider": 7.0, "choice": 6.0, "ranking": 15.0, "text": 25.0, "number": 6.0,
}  # fmt: skip
SECONDS_PER_TASK = 8.0
ROUND_OVERHEAD_S = 10.0
"""Getting ready, the countdown, and the end of a round."""
CHECKS_FROM_MIN = 5.0


@dataclass(frozen=True)
class Cost:
    """What the study costs when all targets are reached, bonuses at their most left out."""

    pay: float
    currency: str
    participants: int


def minutes_of(study: Study, arm: Arm) -> float:
    """Expected minutes of a participant of an arm."""
    seconds = _reading([study.consent.text, *study.consent.statements, study.debrief])
    seconds += sum(_reading([page.title, page.text]) for page in study.instructions)
    seconds += _items(study.screening.questions) + 15  # the check of the device
    if study.tutorial is not None:
        seconds += SECONDS_PER_TASK * len(study.tutorial.tasks) + ROUND_OVERHEAD_S
    if study.quiz is not None:
        seconds += _items(study.quiz.items)
    for block in map(study.block, arm.blocks):
        for played in block.rounds:
            seconds += played.steps * played.tick_ms / 1000 + ROUND_OVERHEAD_S
    seconds += sum(_survey(study.survey(name)) for name in study.surveys_of(arm))
    return seconds / 60


def cost_of(study: Study) -> Cost:
    """What all usable participants are paid, without bonuses."""
    wanted = sum(arm.target for arm in study.arms)
    return Cost(wanted * study.payment.endings["done"].pay, study.payment.currency, wanted)


def orders_of(study: Study, arm: Arm) -> int:
    """How many different orders of rounds the participants of an arm can get."""

    def count(order: str, size: int) -> int:
        rows = order_rows(order, size)  # type: ignore[arg-type]
        return math.factorial(size) if rows is None else len(rows)

    orders = count(arm.order, len(arm.blocks))
    for block in map(study.block, arm.blocks):
        orders *= count(block.round_order, len(block.rounds))
    return orders


def in_words(study: Study) -> list[str]:
    """What participants go through, one line each."""
    lines = [f"Consent (version {study.consent.version}), {len(study.consent.statements)} to tick."]
    lines.append(_screening(study))
    lines.append(f"Instructions: {_count(len(study.instructions), 'page')}.")
    if study.tutorial is not None:
        lines.append(f"Tutorial in {study.tutorial.world}: {', '.join(study.tutorial.tasks)}.")
    if study.quiz is not None:
        needed = study.quiz.needed or len(study.quiz.items)
        lines.append(
            f"Quiz: {needed} of {len(study.quiz.items)} right, {_count(study.quiz.tries, 'try')}, "
            f"then {study.quiz.then}."
        )
    for name in study.before:
        lines.append(f"Survey {name}.")
    if study.meets_people and study.lobby is not None:
        lines.append(_lobby(study.lobby))
    lines.append(_attention(study.attention))
    if study.looks == "partner":
        lines.append("Chefs' colours tell a participant's partners apart; they are drawn anew.")
    for arm in study.arms:
        lines.append(
            f"Arm {arm.id} (target {arm.target}): {len(arm.blocks)} "
            f"block{'s' if len(arm.blocks) > 1 else ''} in {arm.order} order, "
            f"{_count(orders_of(study, arm), 'order')} of rounds, "
            f"about {minutes_of(study, arm):.0f} minutes."
        )
        lines += [f"  {line}" for name in arm.blocks for line in _block(study.block(name))]
        lines += [f"  Survey {name}." for name in arm.surveys]
    lines += [f"Survey {name}." for name in study.after]
    endings = ", ".join(f"{name} {e.code}" for name, e in study.payment.endings.items())
    return [*lines, f"Debriefing, then the completion code ({endings})."]


def warnings_of(study: Study) -> Iterator[str]:
    """What can be run, but is probably not meant."""
    yield from _balance(study)
    yield from _partners(study)
    yield from _survey_warnings(study)
    for contrast in study.analysis.contrasts:
        if contrast.compare[0] in {b.id for b in study.blocks} - {a.id for a in study.arms}:
            for arm in study.arms:
                if not set(contrast.compare) <= set(arm.blocks):
                    yield (
                        f"analysis.contrasts {contrast.id}: arm {arm.id} does not play both blocks "
                        "and gives nothing to it"
                    )
    for place, text in texts_of(study):
        if isinstance(text.root, str) and len(study.languages) > 1:
            yield f"{_shown(place)}: one text for all languages"
    for name, ending in study.payment.endings.items():
        if ending.code.startswith("CHANGE"):
            yield f"payment.endings.{name}.code is the template's: set your platform's"
    if "example.org" in study.contact:
        yield "contact is the template's: set your own"


def _balance(study: Study) -> Iterator[str]:
    for arm in study.arms:
        rows = order_rows(arm.order, len(arm.blocks))
        if rows is not None and arm.target % len(rows):
            yield (
                f"arm {arm.id}: target {arm.target} is no multiple of its {len(rows)} orders, so "
                f"cells stay unbalanced; take {math.ceil(arm.target / len(rows)) * len(rows)}"
            )
        if arm.order == "fixed" and len(arm.blocks) > 1:
            yield f"arm {arm.id}: blocks come in one order, so order and block cannot be told apart"
        if arm.order == "latin" and len(arm.blocks) > 2:
            yield f"arm {arm.id}: a Latin square leaves carry-over unbalanced; williams does not"
        for block in map(study.block, arm.blocks):
            for played in block.rounds:
                if played.seat == "random" and arm.target % facts_of(played).num_players:
                    yield f"arm {arm.id}: target {arm.target} leaves the seats unbalanced"
                    return


def _partners(study: Study) -> Iterator[str]:
    used: set[tuple[str, int]] = set()
    for block in study.blocks:
        for played in block.rounds:
            found = partner_of(study, played) if played.partner != HUMAN else None
            if played.partner == HUMAN and study.lobby is not None and study.lobby.partner:
                found = partner_of(study, stand_in(study, played))
                used |= {(study.lobby.partner, found[0])} if found else set()
                continue
            if found is None:
                continue
            index, partner = found
            used.add((played.partner, index))
            if partner.card is None:
                yield (
                    f"block {block.id}, round {played.id}: {partner.name} is rule-based and was "
                    f"not trained for {facts_of(played).world}"
                )
    library = {partner.name: partner for partner in list_partners()}
    for name, policies in study.partners.items():
        for index, policy in enumerate(policies):
            if policy.sha256 is None and library[policy.policy].sha256:
                yield f"partners.{name}: {policy.policy} has no sha256, so it could change unseen"
            if (name, index) not in used:
                yield f"partners.{name}: no round uses {policy.policy}"


def _survey_warnings(study: Study) -> Iterator[str]:
    asked = {name for arm in study.arms for name in study.surveys_of(arm)}
    for name in study.surveys:
        survey = study.survey(name)
        if name not in asked:
            yield f"surveys.{name} is never asked"
        likert = [item for item in survey.items if item.kind == "likert" and not item.expects]
        if len(likert) > 3 and not any(item.reverse for item in likert):
            yield f"surveys.{name} has no reversed item, so straight-lining cannot be told"
    checks = any(item.expects for name in asked for item in study.survey(name).items)
    longest = max(minutes_of(study, arm) for arm in study.arms)
    if longest >= CHECKS_FROM_MIN and not checks:
        yield f"no attention check in a study of {longest:.0f} minutes"
    for rule in study.exclusions:
        if rule.rule == "failed_checks" and rule.failures < 2 and longest >= CHECKS_FROM_MIN:
            yield "exclusions: platforms want two failed checks in studies of five minutes or more"


def _screening(study: Study) -> str:
    screen = study.screening
    parts = [" or ".join(screen.inputs), f"at least {screen.min_width} px wide"]
    if screen.max_ping_ms is not None:
        parts.append(f"ping up to {screen.max_ping_ms} ms")
    if screen.full_screen:
        parts.append("full screen")
    if screen.questions:
        parts.append(_count(len(screen.questions), "question"))
    return f"Screening: {', '.join(parts)}."


def _lobby(lobby: Lobby) -> str:
    ways = {"ai": f"an AI partner ({lobby.partner})", "pay": "the end with pay",
            "end": "the end without pay"}  # fmt: skip
    together = {"study": "for the study", "block": "for a block", "round": "for a round"}
    return (
        f"Lobby: up to {lobby.timeout_s} s, then {ways[lobby.ways['lobby_timeout']]}; pairs stay "
        f"together {together[lobby.together]}; for whoever is left, "
        f"{ways[lobby.ways['partner_left']]}."
    )


def _attention(attention: Attention) -> str:
    parts = [
        f"{name} {rule.after_s:g} s: warned, after {rule.grace_s:g} s {rule.then}"
        for name, rule in (("idle", attention.idle), ("hidden page", attention.hidden))
        if rule is not None
    ]
    if attention.lag is not None:
        lag = attention.lag
        parts.append(f"lag over {lag.over_ms:g} ms: warned, after {lag.grace_s:g} s {lag.then}")
    return f"In rounds: {'; '.join(parts) or 'nobody is warned'}."


def _block(block: Block) -> Iterator[str]:
    yield f"Block {block.id}, rounds in {block.round_order} order:"
    for played in block.rounds:
        seconds = played.steps * played.tick_ms / 1000
        surveys = f", then {', '.join(played.surveys)}" if played.surveys else ""
        yield (
            f"  {played.id}: {played.world} with {played.partner}, seat {played.seat}, "
            f"{seconds:.0f} s{surveys}."
        )
    for name in block.surveys:
        yield f"  Survey {name}."


def _reading(texts: list[Text]) -> float:
    words = sum(len(text.longest.split()) for text in texts)
    return words / WORDS_PER_MINUTE * 60


def _items(items: Sequence[Any]) -> float:
    return float(sum(SECONDS_PER_ITEM[item.kind] for item in items))


def _survey(survey: Survey) -> float:
    intro = [survey.intro] if survey.intro else []
    return _reading(intro) + _items(survey.items)


def _count(number: int, thing: str) -> str:
    many = {"try": "tries"}.get(thing, f"{thing}s")
    return f"{number} {thing if number == 1 else many}"


def _shown(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
