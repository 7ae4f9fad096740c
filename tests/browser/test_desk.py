"""The dashboard in a real browser: it stays up to date by itself, fits, and can be used by all."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from studies import schema
from studies.web.server import StudyServer
from tests.browser.accessibility import serious
from tests.browser.conftest import Visitor
from tests.studies.bots import Bot, Player
from tests.studies.desk import HASH, PASSWORD
from tests.studies.files import small
from tests.studies.serving import serving

Visit = Callable[..., Visitor]
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StudyServer]:
    study = small(tutorial=None, quiz=None)
    with serving(str(tmp_path / "s.db"), study, password=HASH, countdown_ms=0) as running:
        yield running


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StudyServer, list[str]]]:
    """A server with somebody who is done and somebody in a round, and its pages."""
    folder = tmp_path_factory.mktemp("desk")
    study = small(tutorial=None, quiz=None)
    with serving(str(folder / "s.db"), study, password=HASH, countdown_ms=0) as running:
        bot = Bot(running.url)
        bot.enter("?PROLIFIC_PID=A")
        bot.take_until("ended")
        away = Bot(running.url)
        away.enter("?PROLIFIC_PID=B")
        away.take_until("round")
        with Player(away) as player:
            player.play(until=3)
        who, r = running.config.store.find("A"), schema.rounds.c
        with running.config.store.engine.connect() as connection:
            query = sa.select(r.id).where(r.participant_id == who)
            name = connection.execute(query).scalars().first()
        yield running, ["/desk", "/desk/payments", f"/desk/people/{who}", f"/desk/watch/{name}"]


def log_in(me: Visitor, server: StudyServer) -> Page:
    me.page.goto(f"{server.url}/desk")
    me.page.get_by_label("Password").fill(PASSWORD)
    me.page.get_by_role("button", name="Log in").click()
    expect(me.page.get_by_text("Recruiting", exact=True)).to_be_visible()
    return me.page


def test_what_happens_is_seen_without_a_reload(visit: Visit, server: StudyServer) -> None:
    me = visit()
    page = log_in(me, server)
    expect(page.get_by_text("Nobody is here at the moment.")).to_be_visible()
    bot = Bot(server.url)
    bot.enter("?PROLIFIC_PID=A")
    here = page.locator("#live-people tbody tr")
    expect(here).to_have_count(1)
    expect(here).to_contain_text("consent")
    name = here.get_by_role("link").first
    name.focus()
    bot.take_until("round")
    expect(here).to_contain_text("round 1")
    expect(name).to_be_focused()  # the keyboard stays where it was
    with Player(bot) as player:
        player.play(until=5)
    expect(here.get_by_role("link", name="Watch")).to_be_visible()
    page.get_by_role("button", name="Pause recruitment").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume recruitment").click()
    expect(page.get_by_text("Recruiting", exact=True)).to_be_visible()
    assert me.errors == []


def test_a_game_is_watched_while_it_is_played(visit: Visit, server: StudyServer) -> None:
    bot = Bot(server.url)
    bot.enter()
    bot.take_until("round")
    with Player(bot) as player:
        player.play(until=8)  # and the round stands still
    with server.config.store.engine.connect() as connection:
        name = connection.execute(sa.select(schema.rounds.c.id)).scalar_one()
    me = visit()
    page = log_in(me, server)
    page.goto(f"{server.url}/desk/watch/{name}")
    status = page.locator("#status")
    expect(status).to_contain_text("Live: step")
    expect(page.locator("#minds")).to_contain_text("%")
    drawn = (
        "() => { const c = document.getElementById('canvas'); return c.width > 100 && "
        "new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 50 }"
    )
    page.wait_for_function(drawn)
    with Player(bot) as player:
        player.play()
    expect(status).to_contain_text("over after 30 steps")
    expect(page.locator("#position")).to_have_text("30 / 30")
    page.locator("#scrub").fill("0")
    expect(page.locator("#position")).to_have_text("0 / 30")
    me.shot("desk-watch")
    assert me.errors == []


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ((1280, 860), "light"),
        ((390, 800), "dark"),
        pytest.param((1280, 860), "dark", marks=pytest.mark.full),
        pytest.param((390, 800), "light", marks=pytest.mark.full),
    ],
    ids=["laptop-light", "phone-dark", "laptop-dark", "phone-light"],
)
def test_every_page_fits_and_has_no_serious_finding(
    visit: Visit, played: tuple[StudyServer, list[str]], size: tuple[int, int], scheme: str
) -> None:
    server, paths = played
    me = visit(*size, color_scheme=scheme)
    for path in ("/desk/login", *paths):
        if path == "/desk":
            log_in(me, server)
        me.page.goto(server.url + path)
        me.page.wait_for_load_state("networkidle")
        assert serious(me.page) == [], path
        wide = me.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is wider than the screen"
        me.shot(f"{'-'.join(path.split('/')[1:3])}-{scheme}-{size[0]}")
    assert me.errors == []
