"""Reading the study file: every mistake with its file, line and place."""

import difflib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from play.worlds.errors import UserError
from studies import wording
from studies.checks import mistakes
from studies.design import Study


class Source:
    """A YAML file as values, with the line of each.

    Raises:
        UserError: The file cannot be read, is no YAML, or has a key twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.values: Any = yaml.safe_load(text)
        except OSError as error:
            raise UserError(
                f"{path} cannot be read ({error.strerror}): give the path of a study file, or "
                "write one with `understudy study init`"
            ) from error
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8: save it in that encoding") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark else ""
            reason = getattr(error, "problem", None) or "it is not YAML"
            raise UserError(f"{path}{where}: {reason}: correct the YAML there") from error
        if not isinstance(self.values, dict) or self._root is None:
            raise UserError(f"{path} is no study file: write one with `understudy study init`")
        self._refuse_twins(self._root, ())

    def refusal(self, place: wording.Path, reason: str, others: int = 0) -> UserError:
        """The error for something at a place."""
        line, shown = self._find(place)
        more = f" (and {others} more)" if others else ""
        name = f" {shown}:" if shown else ""
        return UserError(f"{self.path}:{line}:{name} {reason}{more}")

    def _find(self, place: wording.Path) -> tuple[int, str]:
        """Line of the innermost part of a place that is in the file, and the place in words."""
        node, line, shown = self._root, self._root.start_mark.line + 1, ""
        for part in place:
            found = None
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(part):
                        found, line = value, key.start_mark.line + 1
                shown += f".{part}" if shown else str(part)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                shown += f"[{part}]"
                if part < len(node.value):
                    found = node.value[part]
                    line = found.start_mark.line + 1
            node = node if found is None else found
        return line, shown

    def untagged(self, place: wording.Path) -> wording.Path:
        """A place of pydantic's without the names of variants, which are not in the file."""
        value, kept = self.values, []
        for part in place:
            if isinstance(value, dict) and part in (value.get("kind"), value.get("rule")):
                value = {**value, "kind": None, "rule": None}  # the next part is a real one
                continue
            kept.append(part)
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                value = None
        return tuple(kept)

    def _refuse_twins(self, node: Any, place: wording.Path) -> None:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    raise UserError(
                        f"{self.path}:{key.start_mark.line + 1}: {key.value!r} is here for the "
                        "second time: keep one of the two"
                    )
                seen.add(key.value)
                self._refuse_twins(value, (*place, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._refuse_twins(value, (*place, index))


def load_study(path: Path) -> Study:
    """Reads and checks a study file.

    Raises:
        UserError: The first thing that is wrong with it, with its line.
    """
    source = Source(path)
    try:
        study = Study.model_validate(source.values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        place, reason = _told(dict(problems[0]))
        raise source.refusal(source.untagged(place), reason, len(problems) - 1) from None
    found = mistakes(study)
    if found:
        raise source.refusal(*found[0], len(found) - 1)
    return study


def _told(problem: dict[str, Any]) -> tuple[wording.Path, str]:
    """A pydantic error as a place and a reason with its fix."""
    place, kind, given = tuple(problem["loc"]), problem["type"], problem.get("input")
    context = problem.get("ctx", {})
    if kind == "unknown_key":
        key, allowed = context["key"], context["allowed"].split(", ")
        near = difflib.get_close_matches(key, allowed, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed are {context['allowed']}"
        return (*place, key), f"there is no such key: {hint}"
    if kind == "missing":
        return place, "is missing: add it"
    if kind == "union_tag_not_found":
        return place, f"has no {context['discriminator']}: say which it is"
    if kind == "union_tag_invalid":
        return place, (
            f"there is no {context['discriminator'].strip(chr(39))} {context['tag']!r}: "
            f"choose {context['expected_tags']}"
        )
    reason = str(context["error"]) if "error" in context else problem["msg"]
    reason = reason[0].lower() + reason[1:]
    shown = json.dumps(given, default=str, ensure_ascii=False)
    return place, f"is {shown if len(shown) <= 60 else shown[:57] + '…'}, but {reason}"
