"""Pieces as Ray tasks on this machine: order, results, and a worker that is killed."""

import os
from pathlib import Path

import pytest

from play.worlds.errors import UserError
from tests.training.reproduce.test_classic_five import policies_of, train_small
from training.reproduce import tasks
from training.reproduce.tasks import Task, run_here, run_on_cluster


def append(path, word):
    with Path(path).open("a") as file:
        file.write(f"{word}\n")
    return word != "unfinished"


def train_and_die(out):
    """Trains a piece; at the first attempt its worker is killed on the way."""
    mark = Path(out) / "attempts"
    append(mark, "attempt")
    first = mark.read_text().split() == ["attempt"]
    train_small(out, dies_after=5 if first else None)
    return True


@pytest.fixture(scope="module")
def local_ray():
    """Ray with two processors of this machine."""
    ray = pytest.importorskip("ray")
    root = Path(__file__).parents[3]
    environment = {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False,
        runtime_env={"env_vars": environment},
    )  # fmt: skip
    yield ray
    ray.shutdown()


def chain(path):
    return [
        Task("one", append, (path, "1"), (), 1),
        Task("two", append, (path, "2"), ("one",), 1),
        Task("three", append, (path, "3"), ("two",), 1),
    ]


def test_what_comes_before_is_done_before(local_ray, tmp_path):
    path = str(tmp_path / "order")
    assert run_on_cluster(chain(path))
    assert Path(path).read_text().split() == ["1", "2", "3"]


def test_what_follows_an_unfinished_task_is_not_begun(local_ray, tmp_path):
    path = str(tmp_path / "order")
    first = Task("one", append, (path, "unfinished"), (), 1)
    assert not run_on_cluster([first, *chain(path)[1:]])
    assert Path(path).read_text().split() == ["unfinished"]


def test_a_piece_whose_worker_is_killed_comes_to_the_same_end(local_ray, tmp_path):
    torn, whole = tmp_path / "torn", tmp_path / "whole"
    torn.mkdir()
    assert run_on_cluster([Task("train", train_and_die, (str(torn),))])
    assert len((torn / "attempts").read_text().split()) == 2
    train_small(whole)
    assert policies_of(torn) == policies_of(whole)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_same_tasks_run_without_a_cluster(tmp_path, processes):
    path = str(tmp_path / "order")
    alone = Task("alone", append, (path, "0"))
    side_by_side = [Task(f"{n}", append, (path, f"{n}"), ("alone",), 1) for n in (1, 2)]
    assert run_here([alone, *side_by_side], processes)
    assert sorted(Path(path).read_text().split()) == ["0", "1", "2"]
    assert not run_here([Task("alone", append, (path, "unfinished")), alone], processes)
    assert Path(path).read_text().split()[-1] == "unfinished"


def test_without_ray_the_way_to_it_is_told(monkeypatch):
    import builtins

    own = builtins.__import__

    def absent(name, *arguments):
        if name == "ray":
            raise ModuleNotFoundError("No module named 'ray'")
        return own(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match="--cluster needs ray, which is not installed"):
        run_on_cluster([])
    assert tasks.RETRIES > 0
