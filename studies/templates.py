"""The study files that `understudy study init` starts from."""

import re
from pathlib import Path

from agents.library import list_partners
from play.worlds.errors import UserError

TEMPLATES = Path(__file__).resolve().parent.parent / "assets" / "studies" / "templates"


def template_names() -> list[str]:
    """Names of the templates, the first the default."""
    names = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
    return sorted(names, key=lambda name: name != "two-partners")


def write_template(name: str, out: Path) -> None:
    """Writes a template, with the hash of each policy as it is here.

    Raises:
        UserError: `out` exists or cannot be written.
    """
    hashes = {partner.name: partner.sha256 for partner in list_partners()}

    def pinned(found: re.Match[str]) -> str:
        digest = hashes.get(found[1])
        return f"{{policy: {found[1]}, sha256: {digest[:16]}}}" if digest else found[0]

    text = (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\{policy: ([^,}\s]+)\}", pinned, text)
    try:
        with open(out, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{out} already exists: choose another name") from error
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror}): choose another name"
        ) from error
