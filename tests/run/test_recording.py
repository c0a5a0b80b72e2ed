"""What a run writes of itself before it begins."""

from dataclasses import fields
from pathlib import Path

from helpers.strangers import BASE, run
from PIL import Image

from bench import files, results
from bench.cli import main, parser
from bench.errors import StorageError
from bench.plugins.registry import load
from bench.run import recording
from bench.run.plan import Chosen


def test_a_run_killed_before_it_began_is_no_run(plugin, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "fetch_encoders", killed)
    assert main(["run", "--plugin", plugin, *BASE, "--method", "fine"]) == 130
    assert results.find_runs(Path("runs")) == []


def test_every_option_of_a_run_is_recorded():
    options = vars(parser().parse_args(["run"])).keys()
    of_commands = {"run_command", "interrupted", "failure"}
    of_the_call = {"resume", "retry_failed", "runs", "quiet", "show"}
    of_the_call |= {"on", "engine", "workers", "plan"}  # where it is done, and whether
    named_one_by_one = {"all", "sweep", "runtime"}  # in `method`
    recorded = {field.name for field in fields(results.Specification)}
    assert recorded == options - of_commands - of_the_call - named_one_by_one


def test_a_full_disk_while_inputs_are_prepared_is_no_property_of_a_picture(
    plugin, monkeypatch, capsys
):
    def full(path, data, **_):
        if "style" in path.parts:
            raise StorageError(f"{path} cannot be written (No space left on device): make room")
        write(path, data)

    write = files.write
    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        assert main(["run", "--plugin", plugin, *BASE, "--method", "fine"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert list(Path("runs").iterdir()) == []  # nothing that would be resumed with less


def test_a_plugin_that_came_later_does_not_join_a_run_of_all(plugin, capsys):
    _, folder = run(plugin, "--method", "fine", "--metric", "ssim")
    record = results.read_run(folder)
    assert record.specification.metric == ["ssim/1"]
    assert record.specification.method == ["identity", "style-copy", "fine"]
    assert "--method identity --method style-copy --method fine" in record.command


def test_a_bad_picture_is_named_and_the_run_goes_on(plugin, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (80, 70), "teal").save(photos / "good.png")
    (photos / "bad.png").write_bytes(b"no picture")
    words = [word for word in BASE if word not in ("--dataset", "synthetic")]
    status = main(
        ["run", "--plugin", plugin, *words, "--method", "fine", "--contents", "2", "--content",
         str(photos), "--style", str(photos / "good.png")]
    )  # fmt: skip
    assert status == 0
    record = results.read_run(results.latest(Path("runs")))
    assert record.contents == ["good"]
    assert [entry.name for entry in record.skipped] == ["bad"]
    assert "left out content bad:" in capsys.readouterr().err


def test_a_run_records_what_the_training_of_its_methods_took(tmp_path):
    registry = load()

    def took(name, **options):
        cls = registry.method(name)
        return list(recording.trainings(Chosen(cls, cls.Options(**options))))

    (shipped,) = took("adain")
    assert (shipped.file, shipped.seconds) == ("adain.safetensors", 24 * 60.0)
    assert shipped.machine == "cpu, bfloat16/channels_last, 1 threads, 1 processes"
    assert took("gatys") == []
    assert took("johnson") == []  # it trains in its adaptation
    (own,) = took("adain", weights=str(tmp_path / "own.safetensors"))
    assert (own.file, own.seconds) == ("own.safetensors", None)


def test_the_record_has_the_trainings(plugin):
    _, folder = run(plugin, "--method", "fine")
    record = results.read_run(folder)
    assert record.methods["fine"].trainings == []
