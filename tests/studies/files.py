"""Study files that tests share: the smallest that is whole, and changed copies of it."""

from pathlib import Path
from typing import Any

import yaml

from studies.design import Study
from studies.loading import load_study

SMALL = (Path(__file__).parent / "small.yaml").read_text(encoding="utf-8")


def small(**changes: Any) -> Study:
    """The small study with some keys replaced."""
    return Study.model_validate({**yaml.safe_load(SMALL), **changes})


def study_from(folder: Path, text: str) -> Study:
    """Loads a study from a file with this text."""
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)
