"""The import directions of the project, and that playing never loads torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# package -> project packages that it may import from (besides itself)
ALLOWED = {
    "play.worlds": set(),
    "agents": {"play.worlds"},
    "play": {"play.worlds", "agents"},
    "training": {"play.worlds", "agents"},
    "studies": {"play.worlds", "play", "agents", "training.evaluation"},
}
PROJECT = ("play", "agents", "training", "studies")


def package_of(module: str) -> str:
    """The row of `ALLOWED` that a module belongs to."""
    for special in ("play.worlds", "training.evaluation"):
        if module == special or module.startswith(special + "."):
            return special
    return module.split(".")[0]


def imports_of(path: Path, package: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                stem = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*stem, base]).rstrip(".")
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def modules() -> list[tuple[str, Path]]:
    return [
        (".".join(path.relative_to(ROOT).with_suffix("").parts), path)
        for package in PROJECT
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def upward_imports(module: str, path: Path) -> list[str]:
    row = package_of(module)
    row = "training" if row == "training.evaluation" else row
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    package = package.removesuffix(".__init__")
    wrong = []
    for name in imports_of(path, package):
        if name.split(".")[0] not in PROJECT:
            continue
        target = package_of(name)
        same = target == row or (row == "training" and target == "training.evaluation")
        if name in PROJECT or same or target in ALLOWED[row]:
            continue
        wrong.append(name)
    return wrong


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: str(value))
def test_imports_run_in_one_direction(module: str, path: Path) -> None:
    assert upward_imports(module, path) == []


def test_the_check_sees_an_upward_import(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("from play.session import Session\n")
    found = upward_imports("play.worlds.kitchen.bad", bad)
    assert set(found) == {"play.session", "play.session.Session"}


@pytest.mark.parametrize("package", ["play", "agents", "studies", "training/evaluation"])
def test_no_torch_where_people_play(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        heads = {name.split(".")[0] for name in imports_of(path, "x")}
        assert "torch" not in heads, f"{path} imports torch"


def test_package_inits_are_empty() -> None:
    for package in PROJECT:
        for path in (ROOT / package).rglob("__init__.py"):
            assert path.read_text().strip() == "", f"{path} must stay empty"


def test_run_time_never_imports_the_reference_engine() -> None:
    for package in PROJECT:
        for path in (ROOT / package).rglob("*.py"):
            heads = {name.split(".")[0] for name in imports_of(path, "x")}
            assert not heads & {"overcooked_ai_py", "gym", "mpe2"}, f"{path} imports the oracle"


def test_the_command_line_starts_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['understudy', '--help']\n"
        "import play.main\n"
        "try:\n    play.main.main()\n"
        "except SystemExit as stop:\n    assert stop.code in (0, None)\n"
        "assert 'torch' not in sys.modules and 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_an_install_that_is_not_editable_carries_pages_art_and_policies() -> None:
    code = (
        "from setuptools.dist import Distribution\n"
        "dist = Distribution({'script_name': 'setup.py'}); dist.parse_config_files()\n"
        "dist.include_package_data = False  # what an install before left in its own list\n"
        "build = dist.get_command_obj('build_py'); build.ensure_finalized()\n"
        "for _, folder, _, names in build.data_files:\n"
        "    for name in names: print(f'{folder}/{name}')\n"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    carried = {line for line in found.stdout.splitlines() if "/" in line}
    wanted = {
        str(path.relative_to(ROOT))
        for package in (*PROJECT, "assets")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert len(wanted) > 100
    assert wanted <= carried
