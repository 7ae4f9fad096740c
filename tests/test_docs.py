"""The numbers that the front page tells are those of the files that it names."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
METHODS = {"**SRPO**": "srpo", "self-play": "self-play", "IPPO": "ippo"}
COLUMNS = ("own pair", "with srpo", "with self-play", "with ippo", "beside greedy", "beside random")
LAYOUTS = (
    "cramped_room", "asymmetric_advantages", "coordination_ring", "forced_coordination",
    "counter_circuit_o_1order",
)  # fmt: skip


def told() -> dict[tuple[str, str], list[str]]:
    """Cells of README's table of results by layout and method."""
    table = (ROOT / "README.md").read_text().split("results -->")[1]
    cells, layout = {}, ""
    for line in table.splitlines()[3:-1]:
        first, method, *figures = (cell.strip() for cell in line.strip("|").split("|"))
        layout = first or layout
        cells[layout, METHODS[method]] = figures
    return cells


def test_results_of_the_readme_are_those_on_record() -> None:
    measured = {}
    for layout in LAYOUTS:
        record = json.loads((ROOT / "docs" / "results" / f"{layout}.json").read_text())
        for method, figures in record.items():
            measured[layout, method] = [
                f"{figures[column]['mean']:.0f}" if column in figures else "" for column in COLUMNS
            ]
    assert told() == measured


def test_results_on_the_cards_are_those_on_record() -> None:
    for layout in LAYOUTS:
        record = json.loads((ROOT / "docs" / "results" / f"{layout}.json").read_text())
        for method, names in ({m: [m] for m in ("srpo", "self-play")} | {
            "ippo": ["ippo-seat0", "ippo-seat1"]
        }).items():  # fmt: skip
            for name in names:
                path = ROOT / "assets" / "policies" / "kitchen" / layout / name / "card.json"
                card = json.loads(path.read_text())["results"]["cross_play"]
                assert {key: card[key] for key in record[method]} == record[method]
