"""Preregistration: all that a study will be, in one archive; and how a run differs from it."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.library import list_partners
from play.episode import software
from play.worlds.errors import UserError
from studies.checks import facts_of, partner_of
from studies.design import HUMAN, Study
from studies.overview import in_words

MANIFEST = "manifest.json"
DESIGN = "design.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of every file in an archive, so that one study gives one archive, byte for byte."""


def manifest_of(study: Study) -> dict[str, Any]:
    """Hashes and versions of everything that a run depends on."""
    library = {partner.name: partner for partner in list_partners()}
    names = sorted({policy.policy for entry in study.partners.values() for policy in entry})
    worlds = {
        facts.world: facts.version
        for block in study.blocks
        for facts in map(facts_of, block.rounds)
    }
    return {
        "study": study.id,
        "version": study.version,
        "sha256": study.sha256,
        "models": {name: library[name].sha256 for name in names},
        "worlds": worlds,
        "software": software(),
    }


def freeze(study: Study, source: Path, out: Path) -> None:
    """Writes the archive.

    Args:
        study: The study.
        source: Its file, which is kept as it is.
        out: The archive; it must not exist.

    Raises:
        UserError: `out` exists or cannot be written.
    """
    plan = study.analysis.model_dump(mode="json")
    files = {
        "study.yaml": source.read_text(encoding="utf-8"),
        DESIGN: _json(study.plain()),
        "analysis-plan.json": _json(
            {**plan, "exclusions": [rule.model_dump() for rule in study.exclusions]}
        ),
        "flow.txt": "\n".join(in_words(study)) + "\n",
        "cards.json": _json(_cards(study)),
        MANIFEST: _json(manifest_of(study)),
    }
    try:
        with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), text)
    except FileExistsError as error:
        raise UserError(
            f"{out} already exists: a preregistration is not overwritten; choose another --out"
        ) from error
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror}): choose another --out"
        ) from error


def differences(study: Study, archive: Path) -> list[str]:
    """How a study as it would run now differs from an archive; empty when it does not.

    Raises:
        UserError: The file is no archive of `freeze`.
    """
    try:
        with zipfile.ZipFile(archive) as frozen:
            design = json.loads(frozen.read(DESIGN))
            manifest = json.loads(frozen.read(MANIFEST))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{archive} is no preregistration archive: give a file that `understudy study freeze` "
            "wrote"
        ) from error
    found = list(_compared("", design, study.plain()))
    now = manifest_of(study)
    for part in ("models", "worlds", "software"):
        found += _compared(part, manifest[part], now[part])
    return found


def _compared(place: str, then: Any, now: Any) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in (*then, *(key for key in now if key not in then)):
            at = f"{place}.{key}" if place else str(key)
            if key not in now:
                yield f"{at} was {_short(then[key])} and is gone"
            elif key not in then:
                yield f"{at} is new: {_short(now[key])}"
            else:
                yield from _compared(at, then[key], now[key])
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (before, after) in enumerate(zip(then, now, strict=True)):
            yield from _compared(f"{place}[{index}]", before, after)
    elif then != now:
        yield f"{place} was {_short(then)} and is {_short(now)}"


def _cards(study: Study) -> dict[str, Any]:
    cards: dict[str, Any] = {}
    for block in study.blocks:
        for played in block.rounds:
            found = partner_of(study, played) if played.partner != HUMAN else None
            if found is not None:
                card = found[1].card
                cards[found[1].name] = vars(card) if card else found[1].description
    return cards


def _json(values: Any) -> str:
    return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
