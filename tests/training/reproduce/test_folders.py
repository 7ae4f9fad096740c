"""What a folder of an experiment is refused for."""

import pytest

from play.worlds.errors import UserError
from training.reproduce.folders import PIECES, check_same, write_record


@pytest.mark.parametrize("home", PIECES)
@pytest.mark.parametrize("part", [False, True])
def test_pieces_with_other_settings_are_refused(tmp_path, home, part):
    settings = {"seeds": [0, 1], "steps": 80}
    check_same(tmp_path / "none", "mine", settings)
    write_record(tmp_path, "mine", {"settings": settings} if part else settings, finished=False)
    check_same(tmp_path, "mine", {"seeds": [3, 4]})  # nothing was made yet
    (tmp_path / home).mkdir()
    check_same(tmp_path, "mine", settings)
    check_same(tmp_path, "mine", settings | {"new": 1})  # of which an older record says nothing
    check_same(tmp_path, "theirs", {"seeds": [3, 4]})  # which `open_folder` refuses
    with pytest.raises(UserError, match=r"with steps 80, but steps 90 were asked for: give the"):
        check_same(tmp_path, "mine", settings | {"steps": 90})
