"""Keys, gamepads, settings, widgets and sounds."""

import json

import numpy as np
import pygame
import pytest

from play.desktop.keys import CODES, SCANCODES, Controls, default_keys, key_label
from play.desktop.settings import Settings, load_settings, save_settings
from play.desktop.sound import EFFECTS, RATE, Speaker, cue, synthesise
from play.desktop.widgets import Navigator, Row, Rows
from play.worlds.errors import UserError
from play.worlds.registry import make_world

NORTH, SOUTH, EAST, WEST, STAY, INTERACT = range(6)


@pytest.fixture(scope="module")
def facts():
    return make_world("kitchen/cramped_room", compiled=False).facts


def key(code, down=True):
    kind = pygame.KEYDOWN if down else pygame.KEYUP
    return pygame.event.Event(kind, key=0, mod=0, scancode=SCANCODES[code])


def axis(number, value, pad=0):
    return pygame.event.Event(pygame.JOYAXISMOTION, axis=number, value=value, instance_id=pad)


def hat(x, y):
    return pygame.event.Event(pygame.JOYHATMOTION, value=(x, y), instance_id=0)


def test_key_names_are_one_to_one():
    assert len(CODES) == len(SCANCODES)
    assert [key_label(code) for code in ("KeyW", "ArrowUp", "Digit3", "Space")] == [
        "W",
        "Up",
        "3",
        "Space",
    ]


def test_arrows_wasd_and_space_press_and_release(facts):
    controls = Controls(facts, default_keys(facts))
    pairs = {"ArrowUp": NORTH, "KeyS": SOUTH, "KeyD": EAST, "ArrowLeft": WEST, "Space": INTERACT}
    for code, action in pairs.items():
        assert controls.translate(key(code)) == [(action, True)]
        assert controls.translate(key(code, down=False)) == [(action, False)]
    assert controls.translate(key("KeyQ")) == []


def test_a_remapped_key_takes_the_action_alone(facts):
    settings = Settings().bound(facts, "interact", "KeyE").bound(facts, "north", "KeyD")
    controls = Controls(facts, settings.keys_for(facts))
    assert controls.translate(key("KeyE")) == [(INTERACT, True)]
    assert controls.translate(key("Space")) == []
    assert controls.translate(key("KeyD")) == [(NORTH, True)]  # no longer east
    assert controls.translate(key("ArrowRight")) == [(EAST, True)]
    assert settings.unbound(facts).keys_for(facts) == default_keys(facts)


def test_the_pad_moves_and_the_buttons_use(facts):
    controls = Controls(facts, default_keys(facts))
    assert controls.translate(hat(0, 1)) == [(NORTH, True)]
    assert controls.translate(hat(1, 0)) == [(NORTH, False), (EAST, True)]
    assert controls.translate(hat(0, 0)) == [(EAST, False)]
    press = pygame.event.Event(pygame.JOYBUTTONDOWN, button=0, instance_id=0)
    assert controls.translate(press) == [(INTERACT, True)]
    start = pygame.event.Event(pygame.JOYBUTTONDOWN, button=7, instance_id=0)
    assert controls.translate(start) == []


def test_a_trembling_stick_presses_once(facts):
    controls = Controls(facts, default_keys(facts))
    found = [controls.translate(axis(0, value)) for value in (0.2, 0.6, 0.5, 0.6, 0.4, 0.1, 0.2)]
    assert [change for changes in found for change in changes] == [(EAST, True), (EAST, False)]


def test_the_axis_pushed_last_wins(facts):
    controls = Controls(facts, default_keys(facts))
    controls.translate(axis(0, -1.0))
    assert controls.translate(axis(1, 1.0)) == [(WEST, False), (SOUTH, True)]
    assert controls.translate(axis(1, 0.0)) == [(SOUTH, False)]


def test_settings_survive(tmp_path, facts):
    path = tmp_path / "deep" / "desktop.json"
    assert load_settings(path) == Settings()
    settings = Settings(sound=False, full_screen=True).bound(facts, "interact", "KeyE")
    save_settings(path, settings)
    assert load_settings(path) == settings


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"volume": 3}', '{"sound": "yes"}', '{"keys": []}', '{"keys": {"kitchen": 3}}'],
)
def test_damaged_settings_are_a_sentence(tmp_path, text):
    path = tmp_path / "desktop.json"
    path.write_text(text)
    with pytest.raises(UserError, match="mend or delete the file"):
        load_settings(path)


def test_settings_on_a_read_only_disk_cost_no_game(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    save_settings(blocker / "desktop.json", Settings())


def test_settings_file_is_readable_json(tmp_path):
    save_settings(tmp_path / "desktop.json", Settings())
    assert json.loads((tmp_path / "desktop.json").read_text())["sound"] is True


def test_every_effect_is_heard_and_ends_in_silence():
    for name, notes in EFFECTS.items():
        samples = synthesise(notes).astype(float)
        assert np.abs(samples).max() > 2000, name
        assert np.abs(samples[-int(0.002 * RATE) :]).max() < 400, name
        assert len(samples) < RATE, name


def test_events_of_the_kitchen_have_their_sounds(facts):
    assert cue("soup_delivery") == "delivery"
    assert cue("potting_onion") == "potting"
    assert cue("dish_pickup") == "pickup"
    assert cue("useful_dish_pickup") is None  # told by dish_pickup already
    heard = {cue(event) for event in facts.events} - {None}
    assert heard <= set(EFFECTS)


def test_without_a_sound_card_nothing_happens(headless, monkeypatch, capfd):
    monkeypatch.setenv("SDL_AUDIODRIVER", "no such driver")
    speaker = Speaker(on=True)
    speaker.play("delivery")
    speaker.close()
    assert capfd.readouterr().err == ""


def down(number):
    return pygame.event.Event(pygame.KEYDOWN, key=number, mod=0, scancode=0)


def test_rows_are_used_by_keys_alone():
    done = []
    choice = [0]
    rows = Rows(
        [
            Row(
                "Kitchen", lambda: str(choice[0]), lambda by: choice.__setitem__(0, choice[0] + by)
            ),
            Row("Play", activate=lambda: done.append("play")),
        ]
    )
    navigator = Navigator()
    for number in (pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_LEFT, pygame.K_DOWN, pygame.K_RETURN):
        rows.step(navigator.read(down(number)))
    assert (choice, done, rows.focus) == ([1], ["play"], 1)


def test_a_gamepad_walks_through_rows():
    rows = Rows([Row("One", activate=list), Row("Two", activate=list), Row("Three", activate=list)])
    navigator = Navigator()
    for event in (axis(1, 0.9), axis(1, 0.8), axis(1, 0.0), axis(1, 0.9), hat(0, 1)):
        rows.step(navigator.read(event))
    assert rows.focus == 1
