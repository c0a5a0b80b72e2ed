"""Studies: their commands are real ones, what is done is not done twice."""

import shlex
from pathlib import Path

import pytest

from bench import options
from bench.cli import main, parser
from bench.commands import study
from bench.errors import BenchError
from bench.plugins import registry
from bench.run.engines import WorkersLostError
from bench.study import studies


def setting(folder, **changes):
    values = {
        "folder": folder, "content": ["photos"], "style": ["art", "more"], "size": 64,
        "budget": 240, "start": None, "machine": ["--seed", "3"],
    }  # fmt: skip
    return studies.Setting(**{**values, **changes})


def test_the_cost_of_an_outer_step_by_hand():
    # two styles: an inner gradient that is differentiated again counts three, an outer one one
    assert studies.gradients({}) == 2 * (3 + 1)
    assert studies.gradients({"inner_steps": 5}) == 2 * (15 + 1)
    assert studies.gradients({"rule": "first-order"}) == 2 * (1 + 1)
    assert studies.gradients({"rule": "reptile", "inner_steps": 10}) == 20
    assert studies.gradients({"rule": "plain"}) == 2  # one batch of four


def test_every_command_of_the_ablations_is_a_real_one(tmp_path):
    steps = studies.ablations(setting(tmp_path))
    loaded = registry.load()
    task = loaded.method("metastyle").training
    for step in steps[:-1]:
        args = parser().parse_args(list(step.words))
        assert args.style == ["art", "more"]
        assert args.seed == 3
        assert args.out == step.makes
        given = options.parse_pairs(args.option)["metastyle"]
        options.build(task.Options, given, "metastyle")
    run = parser().parse_args(list(steps[-1].words))
    assert len(run.method) == len(studies.ABLATIONS) == len(steps) - 2
    weights = [w for w in run.option if ".weights=" in w]
    outputs = [str(step.makes) for step in steps[1:-1]]
    assert [w.partition("=")[2] for w in weights] == outputs


def test_all_arms_have_one_budget_and_one_start(tmp_path):
    steps = studies.ablations(setting(tmp_path, start=tmp_path / "s.safetensors", budget=2400))
    for (name, arm), step in zip(studies.ABLATIONS.items(), steps[:-1], strict=True):
        args = parser().parse_args(list(step.words))
        spent = args.steps * studies.gradients(arm)
        assert 2400 - studies.gradients(arm) < spent <= 2400, name
        assert f"metastyle.start={tmp_path / 's.safetensors'}" in args.option


def test_dry_run_only_shows(tmp_path, capsys):
    words = ["--content", "photos", "--style", "art", "--out", str(tmp_path / "out"), "--dry-run"]
    assert main(["study", "metastyle-ablations", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(studies.ABLATIONS) + 2
    assert all(line.split("] ")[1].startswith("bench ") for line in lines)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing"], "did you mean|metastyle-ablations"),
        (["metastyle-ablations", "--start", "absent.safetensors"], "no such file"),
        (["metastyle-ablations", "--budget", "21"], "--budget 21 is not one step of every arm"),
        (["metastyle-ablations"], "absent-photos"),
    ],
)
def test_bad_input_is_one_line(words, says, tmp_path, capsys):
    rest = ["--content", "absent-photos", "--style", "a", "--out", str(tmp_path)]
    assert main(["study", words[0], *rest, *words[1:]]) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert any(part in captured.err for part in says.split("|"))


def test_what_is_done_is_not_done_twice_and_what_is_begun_goes_on(tmp_path, monkeypatch):
    """Two arms of one outer step each on the embedded pictures, in place of the ten."""
    import bench.cli

    pictures = Path(str(study.__file__)).parents[2] / "datasets" / "pictures"
    arms = {"plain": {"rule": "plain"}, "first": {"rule": "first-order"}}
    monkeypatch.setattr(studies, "ABLATIONS", arms)
    done = []
    real = main

    def counted(words):
        done.append(words)
        if words[0] == "run":  # the runner has tests of its own
            (tmp_path / "runs" / "x").mkdir(parents=True, exist_ok=True)
            (tmp_path / "runs" / "x" / "run.json").write_text("{}")
            return 0
        return real(words)

    monkeypatch.setattr(bench.cli, "main", counted)
    command = [
        "study", "metastyle-ablations", "--content", str(pictures / "content"),
        "--style", str(pictures / "style"), "--out", str(tmp_path), "--size", "32",
        "--budget", "4", "--quiet", "--threads", "1", "--precision", "float32",
    ]  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert real(command) == 0
    assert [words[0] for words in done] == ["train", "train", "train", "run"]
    assert "--resume" not in shlex.join(done[1])

    done.clear()
    (tmp_path / "first.safetensors").unlink()  # as if it had been killed before the end
    assert real(command) == 0
    assert [words[0] for words in done] == ["train", "run"]
    assert done[0][-1] == "--resume"
    assert done[1] == ["run", "--resume", str(tmp_path / "runs" / "x"), "--quiet"]


def test_a_study_goes_on_with_the_plugins_that_are_named_now(tmp_path):
    folder = tmp_path / "runs" / "x"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    words = ("run", "--all", "--plugin", "mine.py", "--metric", "mine", "--quiet")
    assert study.going_on(studies.Step(words, tmp_path / "runs")) == [
        "run", "--resume", str(folder), "--quiet", "--plugin", "mine.py",
    ]  # fmt: skip


def test_arms_wait_for_their_start_and_the_run_for_all_arms(tmp_path):
    steps = studies.ablations(setting(tmp_path))
    assert studies.waves(steps) == [[steps[0]], list(steps[1:-1]), [steps[-1]]]
    given = studies.ablations(setting(tmp_path, start=tmp_path / "s.safetensors"))
    assert studies.waves(given) == [list(given[:-1]), [given[-1]]]
    judging = studies.judging(setting(tmp_path))
    assert studies.waves(judging) == [[step] for step in judging]


def test_a_lost_worker_s_commands_go_on_and_a_failure_is_told(tmp_path, monkeypatch, capsys):
    steps = [studies.Step(["degrade", str(n)], tmp_path / str(n)) for n in range(4)]
    asked = []

    class Loses:
        def work(self, task, jobs, folder):
            asked.append(len(jobs))
            for number, words in enumerate(jobs):
                if number == 2 and len(asked) == 1:
                    raise WorkersLostError("one")
                (tmp_path / words[1]).touch()
                yield words

    study.do_elsewhere(Loses(), steps, tmp_path)
    assert asked == [4, 2]
    assert capsys.readouterr().out.count("finished: bench degrade") == 4
    with pytest.raises(BenchError, match=r"bench report --runs nowhere: .+ no run in nowhere"):
        study.Command(tmp_path)(("report", "--runs", "nowhere"))
