"""axe-core on a page: what would keep somebody out.

The engine is Deque's axe-core 4.14.1, vendored for the tests only; see vendor/axe.LICENSE.txt.
"""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")


def serious(page: Page) -> list[str]:
    """The serious and critical findings of the page as it is now."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['impact']} {one['id']}: {one['help']} ({node['html'][:200]})"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
