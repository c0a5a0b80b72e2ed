"""The command line as a user meets it: help, and thirty-odd ways of getting it wrong."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bench import cli
from bench.cli import main

SMOKE = ["--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with the files that the wrong commands name."""
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 48), "red").save("good.png")
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "hookless.py").write_text("x = 1\n")
    (tmp_path / "file").write_text("a file where a folder should be")
    (tmp_path / "w.safetensors").write_bytes(b"rubbish")
    runs = tmp_path / "runs" / "20260101-000000-dead"
    runs.mkdir(parents=True)
    (runs / "run.json").write_text("{")


RUN = ["run", *SMOKE]
STYLIZE = ["stylize", "--quiet", "--method", "identity", "--style", "good.png"]
TRAIN = ["train", "metastyle", "--quiet", "--content", "good.png", "--style", "good.png"]
META = [*RUN, "--method", "metastyle"]

WRONG = [
    (["rnu"], "did you mean run"),
    ([], "required: COMMAND"),
    (["run", "--frobnicate"], "unrecognized arguments: --frobnicate"),
    (RUN, "no method: give --method"),
    ([*RUN, "--method", "metastyel"], "unknown method 'metastyel'; did you mean metastyle or"),
    ([*RUN, "--method", "identity", "--metric", "sim"], "unknown metric 'sim'; did you mean ssim"),
    (["run", "--method", "identity", "--dataset", "defualt"], "did you mean default?"),
    (["run", "--method", "identity", "--profile", "qick"], "did you mean quick?"),
    ([*RUN, "--method", "identity", "--size", "7"], "7 is not a size in pixels from 32 to 8192"),
    ([*RUN, "--method", "identity", "--size", "big"], "big is not a size"),
    ([*RUN, "--method", "identity", "--contents", "0"], "0 is not a whole number from 1 to"),
    ([*RUN, "--method", "identity", "--adapt-seconds", "nan"], "nan is not a number above 0"),
    ([*RUN, "--method", "identity", "--device", "tpu9"], "--device tpu9 cannot be used here"),
    ([*RUN, "--method", "identity", "--precision", "int4"], "unknown --precision 'int4'"),
    ([*META, "--option", "metastyle.stps=3"], "unknown option of metastyle 'stps'; did you mean"),
    ([*META, "--option", "metastyle.steps=many"], "metastyle.steps=many is not a whole number"),
    ([*META, "--option", "metastyle.steps=-1"], "out of range: at least 0"),
    ([*META, "--option", "metastyle.update=some"], "choose one of all, norm"),
    ([*META, "--option", "steps=3"], "write it as PLUGIN.OPTION=VALUE"),
    ([*META, "--option", "gaty.steps=3"], "unknown plugin in --option 'gaty'; did you mean gatys"),
    ([*RUN, "--method", "identity", "--option", "johnson.steps=3"], "johnson takes no part"),
    ([*META, "--option", "metastyle.weights=no.safetensors"], "no.safetensors are missing"),
    ([*META, "--option", "metastyle.weights=w.safetensors"], "cannot be read as safetensors"),
    ([*META, "--option", "metastyle.encoder=vg"], "unknown encoder 'vg'"),
    (["run", "--method", "identity", "--content", "nowhere", "--style", "good.png"],
     "nowhere is not there"),
    (["run", "--method", "identity", "--content", "empty", "--style", "good.png"],
     "empty holds no picture"),
    (["run", "--method", "identity", "--content", "bad.png", "--style", "good.png"],
     "bad.png is not a picture"),
    ([*RUN, "--method", "identity", "--content", "good.png"], "go with the dataset folder"),
    ([*RUN, "--method", "identity", "--plugin", "broken.py"], "No module named 'no_such_module'"),
    ([*RUN, "--method", "identity", "--plugin", "hookless.py"], "it has no hook"),
    ([*RUN, "--method", "identity", "--plugin", "none.py"], "no such file"),
    ([*RUN, "--method", "identity", "--runs", "file"], "file is a file"),
    (["run", "--resume", "runs/nothing"], "run.json cannot be read"),
    (["run", "--resume"], "is damaged"),
    (["run", "--resume", "--runs", "empty"], "no run in empty"),
    (["run", "--resume", "--method", "gatys"], "leave out --method"),
    (["run", "--retry-failed", "--method", "identity"], "--retry-failed goes with --resume"),
    ([*RUN, "--method", "identity", "--seed", "99999999999999999999"],
     "from 0 to 9223372036854775807"),
    ([*RUN, "--method", "identity", "--device", "meta"], "--device meta cannot be used here"),
    ([*TRAIN, "--out", "file/x.safetensors", "--steps", "1"], "file"),
    (["report", "--runs", "empty"], "no run in empty: make one with bench run"),
    (["report", "nowhere"], "run.json cannot be read"),
    (["report", "--format", "xls"], "unknown --format 'xls'"),
    (["list", "methdos"], "did you mean methods"),
    ([*TRAIN, "--out", "x.pt", "--steps", "1"], "must end in .safetensors"),
    ([*TRAIN, "--out", "x.safetensors"], "give --minutes or --steps"),
    ([*TRAIN, "--out", "x.safetensors", "--steps", "1", "--resume"], "there is no x.state"),
    (["train", "identity", *TRAIN[2:], "--out", "x.safetensors", "--steps", "1"],
     "identity has nothing to train; these have: adain, avatar-net"),
    (["train", "metastyle", "--quiet", "--content", "bad.png", "--style", "good.png", "--out",
      "x.safetensors", "--steps", "1"], "none of the 1 pictures in bad.png can be used"),
    ([*STYLIZE, "good.png"], "required: -o/--out"),
    ([*STYLIZE, "good.png", "-o", "out.gif"], "use .png or .jpg"),
    ([*STYLIZE, "bad.png", "-o", "out.png"], "bad.png is not a picture"),
    (["stylize", "--method", "identity", "--style", "bad.png", "good.png", "-o", "out.png"],
     "bad.png is not a picture"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), WRONG, ids=[" ".join(w[-4:]) for w, _ in WRONG])
def test_what_is_wrong_is_said_in_one_line(words, says, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    try:
        status = main(words)
    except SystemExit as exit:
        status = exit.code
    out, err = capsys.readouterr()
    message = [line for line in err.splitlines() if line]
    assert status in (1, 2), out
    assert says in message[-1], err
    assert len(message) == 1 or all("bad.png" in line for line in message), err
    assert "Traceback" not in out + err


def test_a_broken_plugin_that_nobody_asked_for_hurts_nobody(capsys):
    assert main(["list", "methods"]) == 0
    assert "metastyle" in capsys.readouterr().out


def test_stylize_writes_the_picture_at_its_own_size(capsys):
    assert main([*STYLIZE, "good.png", "-o", "new/out.png"]) == 0
    with Image.open("new/out.png") as picture:
        assert picture.size == (64, 48)
    assert "new/out.png" in "".join(capsys.readouterr())


def test_stylize_writes_a_folder_for_several_pictures():
    Image.new("RGB", (40, 40), "blue").save("second.jpg")
    assert main([*STYLIZE, "good.png", "second.jpg", "-o", "out"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {"good.png", "second.png"}


def test_stylize_never_writes_two_pictures_to_one_place(capsys):
    for name in ("one", "two"):
        Path(name).mkdir()
        Image.new("RGB", (40, 40), "blue").save(f"{name}/a.png")
    Image.new("RGB", (40, 40), "blue").save("one/a-2.png")
    assert main([*STYLIZE, "one/a-2.png", "one/a.png", "two/a.png", "-o", "out"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {"a.png", "a-2.png", "a-3.png"}
    assert main([*STYLIZE, "one/a.png", "two/a.png", "-o", "out.png"]) == 1
    assert "name a folder for 2 pictures" in capsys.readouterr().err


def test_a_method_that_fails_is_one_line_in_stylize(capsys):
    Path("bad.py").write_text(
        "from bench import Method, hookimpl\n"
        "class Bad(Method):\n"
        "    name, family = 'bad', 'arbitrary'\n"
        "    def stylize(self, content): return content * 3 if content.mean() > 0.4 else 1 / 0\n"
        "@hookimpl\n"
        "def bench_methods(): return [Bad]\n"
    )
    Image.new("RGB", (40, 40), "white").save("white.png")
    words = ["stylize", "--quiet", "--method", "bad", "--plugin", "bad.py", "--style", "good.png"]
    assert main([*words, "good.png", "-o", "out.png"]) == 1
    assert main([*words, "white.png", "-o", "out.png"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("bench: bad: ZeroDivisionError: division by zero")
    assert "not in [0, 1]" in second
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_an_interrupted_training_says_so_as_other_commands_do(
    monkeypatch, capsys, number, status, said
):
    from bench import training

    monkeypatch.setattr(
        training, "train", lambda *_, **__: training.Progress(step=3, interrupted=number)
    )
    assert main([*TRAIN, "--out", "x.safetensors", "--steps", "9"]) == status
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"bench: {said} before its budget was used up; step 3 is saved"
    )


def test_ctrl_c_while_the_command_line_is_read(monkeypatch, capsys):
    monkeypatch.setattr(cli, "parser", lambda *_: signal.raise_signal(signal.SIGINT))
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "bench: interrupted\n"


def test_photographs_to_adapt_on_go_with_any_dataset(capsys):
    assert main([*RUN, "--method", "identity", "--adapt-content", "good.png"]) == 0
    words = ["run", "--profile", "smoke", "--quiet", "--method", "identity"]
    clash = ["--content", "good.png", "--style", "good.png", "--adapt-content", "good.png"]
    assert main([*words, *clash]) == 1
    assert "good.png is a content: do not adapt on it too" in capsys.readouterr().err


def test_interrupting_says_how_to_go_on(monkeypatch, capsys):
    from bench.run import execution

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "execute", interrupt)
    assert main([*RUN, "--method", "identity"]) == 130
    assert "go on with bench run --resume runs/" in capsys.readouterr().err


def test_sigterm_ends_as_ctrl_c_does_and_says_so(monkeypatch, capsys):
    from bench.run import execution

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(execution, "execute", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert main([*RUN, "--method", "identity"]) == 143
    said = capsys.readouterr().err
    assert "ended by SIGTERM; what is finished is kept: go on with bench run --resume" in said
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_working_directory_that_is_gone_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["list", "methods"]) == 1
    said = capsys.readouterr().err
    assert said == "bench: the working directory: No such file or directory\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("where", "status", "says"),
    [
        ("> /dev/full", 1, "bench: standard output: No space left on device"),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">&- 2>&- <&-", 0, ""),
        ("| true; exit ${PIPESTATUS[0]}", 0, ""),
    ],
)
def test_where_nothing_can_be_printed(where, status, says, fake_run):
    command = f'{sys.executable} -m bench report "$0" {where}'
    words = ["bash", "-c", command, str(fake_run())]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (status, says)


def test_no_command_needs_more_than_its_arguments_to_print_its_help():
    """Every command's parser is made for any help: what one imports, all wait for."""
    heavy = {"torch", "numpy", "pandas", "scipy", "matplotlib", "PIL", "tqdm", "jinja2"}
    code = (
        f"import sys; from bench.cli import parser; parser(); print(*{heavy!r} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("words", [["--help"], ["report", "--help"], ["report", "--runs", "empty"]])
def test_help_and_report_do_not_import_torch(words):
    code = (
        "import sys\nfrom bench.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize("command", [[], ["run"], ["train"], ["stylize"], ["report"]])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert "examples:\n  bench" in capsys.readouterr().out


OF_NUMBERS = [
    ("run", "--threads", "1024"),
    ("run", "--size", "8192"),
    ("run", "--seed", str(2**63 - 1)),
    ("run", "--contents", "1000000000"),
    ("run", "--observe", "1000000000"),
    ("vote", "--port", "65535"),
]


@pytest.mark.parametrize(("command", "option", "most"), OF_NUMBERS)
@pytest.mark.parametrize("text", ["\u00b2", "\u0661", "1_0", "+1", "-1", "1.5", "9" * 5000, "nan"])
def test_whole_numbers_are_ascii_and_in_range(command, option, most, text, capsys):
    for value in (text, str(int(most) + 1)):
        with pytest.raises(SystemExit, match="2"):
            main([command, f"{option}={value}"])
        (line,) = capsys.readouterr().err.splitlines()
        assert option in line
        assert len(line) < 300


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--content", ""],
        ["run", "--runs", ""],
        ["run", "--resume", ""],
        ["run", "--plugin", ""],
        ["report", "-o", ""],
        ["report", ""],
        ["stylize", "", "-o", "x.png"],
        ["adapt", "--style", "", "-o", "x.safetensors"],
        ["train", "metastyle", "--content", "c", "--style", "s", "--out", ""],
        ["vote", ""],
        ["gate", ""],
    ],
)
def test_an_empty_path_is_refused(words, capsys):
    """Else it is the working directory, or the newest run, which nobody asked for."""
    with pytest.raises(SystemExit, match="2"):
        main(words)
    said = capsys.readouterr().err
    assert "is empty: give a value, or leave it out" in said
    assert "COMMAND" not in said
    options = [
        word for word in words if word.startswith("-") and words[words.index(word) + 1] == ""
    ]
    assert all(option in said for option in options)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_in_a_terminal_without_arrows_signs_stay_different(encoding):
    code = "import sys; from bench import cli; cli.main(['--help']) if 0 else None\n"
    code += "sys.stdout.reconfigure(errors=cli._NEAREST); print('↑ ↓ † ‡ § – … × ∞ é')"
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    words = finished.stdout.decode(encoding).split()
    assert words[:2] == ["^", "v"]
    assert len(set(words[:5])) == 5
    assert "?" not in words[:8]


def test_what_a_message_quotes_is_neither_endless_nor_does_it_steer_the_terminal(capsys):
    for words in (["run", "--threads"], ["report"], ["run", "--resume"], ["new", "method"]):
        for text in ("9" * 5000, "\x1b[31m\u202e"):
            with contextlib.suppress(SystemExit):
                main([*words, text])
            said = capsys.readouterr().err
            assert 0 < len(said) < 2000
            assert said.removesuffix("\n").isprintable()
