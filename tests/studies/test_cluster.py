"""Several server processes behind nginx, with Redis and PostgreSQL, all real, on loopback."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import yaml

from play.episode import SUFFIX, verify
from play.worlds.errors import UserError
from studies.records import record_text
from studies.store import Store
from studies.web.cluster import Cluster
from tests.studies.bots import Bot, Player
from tests.studies.databases import PostgresServer
from tests.studies.desk import HASH, Researcher
from tests.studies.files import SMALL
from tests.studies.hosting import Served, nginx, redis_server, servers

# The client library leaves its own end open when a server hangs up.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
HOSTING = Path(__file__).resolve().parents[2] / "assets" / "hosting"


@dataclass
class Site:
    """A study behind nginx."""

    url: str
    database: str
    queue: str
    processes: dict[str, Served]

    def home(self, bot: Bot) -> str:
        """The process that the bot's browser is sent to."""
        return str(bot.http.cookies["process"])


def study_text(steps: int) -> str:
    text = re.sub(r"tutorial: .*\n", "", SMALL)
    text = re.sub(r"quiz:\n(  .*\n)+", "", text)
    return text.replace("steps: 30", f"steps: {steps}")


@pytest.fixture
def site(tmp_path: Path, postgres: PostgresServer) -> Iterator[Site]:
    (tmp_path / "study.yaml").write_text(study_text(60), encoding="utf-8")
    (tmp_path / "small.secret").write_text("a secret that only the tests know")
    database = postgres.new_database()
    with redis_server() as queue, servers(tmp_path) as start:
        shared = ("--database", database, "--queue", queue)
        processes = {
            name: start(*shared, "--name", name, UNDERSTUDY_PASSWORD_HASH=HASH)
            for name in ("one", "two")
        }
        with nginx(tmp_path, processes["one"].port, processes["two"].port) as url:
            yield Site(url, database, queue, processes)


def test_a_game_of_a_killed_process_goes_on_in_another_from_its_record(
    site: Site, tmp_path: Path
) -> None:
    bot = Bot(site.url)
    bot.enter()
    bot.take_until("round")
    first = site.home(bot)
    second = {"one": "two", "two": "one"}[first]
    with Player(bot) as player:
        player.play(until=15)
        # It is watched at the other process's dashboard; the first state is a frame too.
        researcher = Researcher(site.processes[second])
        assert researcher.get(f"/desk/rounds/{player.begin()['id']}") == 200
        watched = researcher.answer.json()
        assert watched["ended"] is None
        assert len(watched["frames"]) > 15
        site.processes[first].kill()
        assert player.lost.wait(20)
        told = player.ticks()
    with Player(bot) as player:  # the browser, which still names the process that is gone
        assert player.wait("wait")
        game = player.begin()
        assert game["t"] >= told[-1]
        player.play()
        assert player.ticks() == list(range(game["t"] + 1, 61))
    assert bot.get("/study") == 200
    assert bot.kind == "questions"
    store = Store(site.database)
    lines = record_text(store, game["id"])
    store.close()
    assert lines.count('"kind":"resumed"') == 1
    record = tmp_path / f"{game['id']}{SUFFIX}"
    record.write_text(lines)
    assert verify(record).steps == 60
    bot.take()
    deadline = time.monotonic() + 20
    while True:  # once the dead process counts as dead, new rounds are given to the other
        bot.get("/study")
        if site.home(bot) == second:
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    bot.take_until("ended")
    assert bot.code == "DONE-1"


@pytest.mark.full
def test_of_two_tabs_at_two_processes_one_wins_and_one_writes(site: Site, tmp_path: Path) -> None:
    bot = Bot(site.processes["one"].url)
    bot.enter()
    bot.take_until("round")
    first = Player(bot)
    first.play(until=5)
    bot.url = site.processes["two"].url
    with Player(bot) as second:
        assert first.wait("replaced")
        assert first.lost.wait(20)  # it was disconnected through the queue
        assert second.wait("wait")
        game = second.begin()
        second.play()
        ticks = second.ticks()
    first.close()
    assert ticks == list(range(game["t"] + 1, 61))
    assert game["t"] >= first.ticks()[-1]
    store = Store(site.database)
    record = tmp_path / f"{game['id']}{SUFFIX}"
    record.write_text(record_text(store, game["id"]))
    store.close()
    assert verify(record).steps == 60


@pytest.mark.full
def test_without_redis_people_play_on(site: Site) -> None:
    bot = Bot(site.url)
    bot.enter()
    bot.take_until("round")
    with redis.Redis.from_url(site.queue) as client:
        client.shutdown(nosave=True)
    with Player(bot) as player:
        player.play()
    assert bot.get("/study") == 200
    assert bot.kind == "questions"


def test_places_follow_who_is_alive() -> None:
    with redis_server() as queue:
        one, two = Cluster(queue, "one", "s"), Cluster(queue, "two", "s")
        assert one.home("p", together=False) == "one"
        assert two.home("p", together=False) == "two"
        two.arrive("p", "sid-1")
        assert one.home("p", together=False) == "two"
        assert {p.home("p", together=True) for p in (one, two)} == {"one"}
        one.close()
        assert two.home("p", together=True) == "two"
        two._beat()  # it becomes the meeting place of those to come
        three = Cluster(queue, "three", "s")
        assert three.home("q", together=True) == "two"
        two.close()
        assert three.home("p", together=False) == "three"
        three.close()
        other = Cluster(queue, "one", "another-study")
        assert other.home("p", together=False) == "one"
        other.close()


def test_a_cluster_that_cannot_be_is_told_in_a_sentence() -> None:
    with pytest.raises(UserError, match="small letters"):
        Cluster("redis://127.0.0.1:1/0", "One; two", "s")
    with pytest.raises(UserError, match="Redis cannot be reached"):
        Cluster("redis://:secret@127.0.0.1:1/0", "one", "s")


def test_hosting_files_name_the_same_processes() -> None:
    compose = yaml.safe_load((HOSTING / "compose.yaml").read_text())
    site = (HOSTING / "nginx.conf").read_text()
    names = [
        name for name, service in compose["services"].items() if f"--name={name}" in str(service)
    ]
    assert names == ["one", "two"]
    for name in names:
        assert re.search(rf"upstream study_{name} {{\n    server {name}:5100", site)
        assert re.search(rf"^    {name} +study_{name};$", site, re.MULTILINE)
    published = [name for name, service in compose["services"].items() if "ports" in service]
    assert published == ["proxy"]  # nobody reaches the database or Redis from outside
