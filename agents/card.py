"""The card of a policy: what a person needs to know to trust it, beside the file itself."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from play.worlds.errors import UserError

SCHEMA = 1


@dataclass(frozen=True)
class Card:
    """The contents of ``card.json``.

    Attributes:
        name: Name in the library, such as ``kitchen/cramped_room/srpo``.
        title: What a person reads in a menu.
        description: One sentence.
        world: World that it was trained in.
        options: Options of `make_world` in training, which games must have; none for a policy that
            plays all worlds of a family.
        layouts: Layouts that it can play.
        num_players: Players of its world.
        seats: Seats that it can take.
        encoding: name, version, shape and dtype of its observations.
        actions: Action names in the order of its logits.
        algorithm: How it was trained.
        sha256: Hash of ``policy.onnx``; `write_card` fills it in.
        opset: ONNX operator set of the file.
        recurrent: Whether it carries a memory from step to step.
        state_shape: Shape of the memory per seat.
        hyperparameters: Settings of the training.
        seed: Seed of the training.
        steps: Joint environment steps of the training.
        git_commit: Commit of the code that trained it.
        versions: Versions of the libraries that trained it.
        results: What was measured, with intervals.
        known_failures: What it is known to do badly.
        held_out: Whether it is kept for evaluation, so that no training may use it.
        family: Family of worlds all of which it plays, under any options; None for a policy that
            plays only the worlds that it was trained in.
        features: For one of a family, what its training had that only some worlds there have; it
            plays no world with others (`WorldFacts.features`).
        created: When it was exported, ISO 8601.
        schema: Version of this format.
    """

    name: str
    title: str
    description: str
    world: str
    options: dict[str, Any]
    layouts: list[str]
    num_players: int
    seats: list[int]
    encoding: dict[str, Any]
    actions: list[str]
    algorithm: str
    sha256: str
    opset: int
    recurrent: bool = False
    state_shape: list[int] | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    steps: int | None = None
    git_commit: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    known_failures: list[str] = field(default_factory=list)
    held_out: bool = False
    family: str | None = None
    features: list[str] = field(default_factory=list)
    created: str | None = None
    schema: int = SCHEMA


KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str, "title": str, "description": str, "world": str, "options": dict, "layouts": list,
    "num_players": int, "seats": list, "encoding": dict, "actions": list, "algorithm": str,
    "sha256": str, "opset": int, "recurrent": bool, "hyperparameters": dict, "versions": dict,
    "results": dict, "known_failures": list, "held_out": bool, "state_shape": (list, type(None)),
    "family": (str, type(None)), "features": list,
}  # fmt: skip
ENCODING_KINDS: dict[str, type] = {"name": str, "version": int, "shape": list, "dtype": str}
DTYPES = ("uint8", "int8", "float32")


def card_from(values: Mapping[str, Any], where: str) -> Card:
    """Checks the values of a card.

    Args:
        values: JSON values.
        where: File name for messages.

    Raises:
        UserError: A key is unknown, missing or of the wrong kind.
    """
    if values.get("schema") != SCHEMA:
        raise UserError(
            f"{where} has card schema {values.get('schema')!r}, but this version reads {SCHEMA}: "
            "export the policy again with this version"
        )
    known = {item.name for item in fields(Card)}
    required = {n for n in known if n in KINDS} - {
        "state_shape", "recurrent", "held_out", "family", "features", "hyperparameters", "versions",
        "results", "known_failures",
    }  # fmt: skip
    for problem, keys in (("lacks", required - set(values)), ("has unknown", set(values) - known)):
        if keys:
            raise UserError(f"{where} {problem} {', '.join(sorted(keys))}: export the policy again")
    _check_kinds(values, KINDS, where, "")
    _check_kinds(values["encoding"], ENCODING_KINDS, where, "encoding.")
    if values["encoding"]["dtype"] not in DTYPES:
        raise UserError(
            f"{where}: encoding.dtype is {values['encoding']['dtype']!r}, but it must be one of "
            f"{', '.join(DTYPES)}"
        )
    return Card(**values)


def _check_kinds(
    values: Mapping[str, Any], kinds: Mapping[str, Any], where: str, prefix: str
) -> None:
    for key, kind in kinds.items():
        if (key in values or prefix) and not isinstance(values.get(key), kind):
            raise UserError(
                f"{where}: {prefix}{key} is {values.get(key)!r}, but it must be of type "
                f"{_names(kind)}"
            )


def _names(kind: type | tuple[type, ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join("null" if item is type(None) else item.__name__ for item in kinds)


def read_card(folder: Path) -> Card:
    """Reads a policy's card and checks the file's hash against it.

    Raises:
        UserError: Card or file is missing or damaged, or the hash is another's.
    """
    path = folder / "card.json"
    try:
        values = json.loads(path.read_bytes())
        content = (folder / "policy.onnx").read_bytes()
    except OSError as error:
        raise UserError(
            f"{error.filename} cannot be read ({error.strerror}): a policy is a folder with "
            "policy.onnx and card.json"
        ) from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}): export the policy again") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} is not a JSON object: export the policy again")
    card = card_from(values, str(path))
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise UserError(
            f"{folder / 'policy.onnx'} has SHA-256 {found[:12]}…, but its card says "
            f"{card.sha256[:12]}…: the file was changed or damaged; restore it or export it again"
        )
    return card


def write_card(folder: Path, values: Mapping[str, Any] | Card) -> Card:
    """Writes ``card.json`` beside ``policy.onnx``, with the file's hash.

    Raises:
        UserError: The values are no card, or there is no ``policy.onnx``.
    """
    path = folder / "card.json"
    plain = asdict(values) if isinstance(values, Card) else dict(values)
    try:
        content = (folder / "policy.onnx").read_bytes()
    except OSError as error:
        raise UserError(f"{folder} has no policy.onnx that a card could describe") from error
    card = card_from({**plain, "sha256": hashlib.sha256(content).hexdigest()}, str(path))
    path.write_text(json.dumps(asdict(card), indent=2) + "\n")
    return card
