"""What model cards say of a training, as they are written and as the shipped ones are."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from bench.contract import Precision
from bench.training import Progress, model_card
from bench.weights import SHIPPED, Training, training


def test_a_card_says_what_the_training_took(tmp_path):
    (tmp_path / "net.md").write_text(
        "# net\n\n"
        "- device and precision: cuda, bfloat16\n"
        "- torch 2.9.0, 4 threads, 2 processes\n"
        "- steps: 7; wall time: 90.5 minutes\n"
        "- from step 0:\n"
        '  - options: `{"lr": 0.1, "start": "folder/START.safetensors"}`\n'
        "  - machine: Abacus 9\n"
    )
    machine = "Abacus 9, cuda, bfloat16, 4 threads, 2 processes"
    assert training(tmp_path / "net.safetensors") == Training(5430.0, machine, "START.safetensors")


@pytest.mark.parametrize("text", ["", "# net\n\n- steps: 7\n", "- steps: 7; wall time: long\n"])
def test_what_says_no_time_is_no_card(tmp_path, text):
    (tmp_path / "net.md").write_text(text)
    assert training(tmp_path / "net.safetensors") is None
    assert training(tmp_path / "other.safetensors") is None


@pytest.mark.parametrize("options", ["[]", "{", '{"start": 3}', '{"start": null}'])
def test_a_card_without_a_start_has_none(tmp_path, options):
    (tmp_path / "net.md").write_text(
        f"- steps: 7; wall time: 1.0 minutes\n- from step 0:\n  - options: `{options}`\n"
    )
    assert training(tmp_path / "net.safetensors") == Training(60.0, "", "")


def test_the_card_that_a_training_writes_is_understood(tmp_path):
    task = SimpleNamespace(
        context=SimpleNamespace(photographs=[0], device="cpu", precision=Precision("float32")),
        styles=[0],
    )
    part = {"step": 0, "options": {"start": None}, "machine": "Abacus 9"}
    card = model_card("net", task, Progress(step=7, seconds=5430.0, parts=[part]))
    (tmp_path / "net.md").write_text(card)
    found = training(tmp_path / "net.safetensors")
    assert found is not None
    assert found.seconds == 5430.0
    assert found.machine.startswith("Abacus 9, cpu, float32")
    assert found.machine.endswith("1 processes")
    assert found.start == ""


def test_every_trained_network_that_is_shipped_says_its_time():
    named = [card.stem for card in SHIPPED.glob("*.md") if "bench train" in card.read_text()]
    found = {name: training(SHIPPED / f"{name}.safetensors") for name in named}
    assert found.keys() >= {"adain", "ghiasi", "metastyle"}
    assert all(found.values())
    assert found["adain"] == Training(
        24 * 60.0, "cpu, bfloat16/channels_last, 1 threads, 1 processes", ""
    )
    assert found["ghiasi"].seconds == pytest.approx(121.0 * 60)
    assert found["cin"].seconds == pytest.approx((28.0 + 121.0) * 60)
    assert found["metastyle"].seconds == pytest.approx((155.0 + 121.0) * 60)
    assert found["cin"].start == ""
    assert found["metanet"].seconds == pytest.approx((39.0 + 121.0) * 60)


def card(folder, name, minutes, start=None, named=None):
    options = "{}" if start is None else json.dumps({"start": start})
    (folder / f"{name}.md").write_text(
        f"- device and precision: {name}\n- steps: 7; wall time: {minutes} minutes\n"
        + (f"- started from: `{named}`\n" if named else "")
        + f"- from step 0:\n  - options: `{options}`\n"
    )


def test_what_a_training_started_from_is_counted_too(tmp_path):
    card(tmp_path, "first", 30.0, start="elsewhere/lost.safetensors")
    card(tmp_path, "second", 20.0, start="gone/first.safetensors")
    card(tmp_path, "third", 10.0, start="START.safetensors", named="second.safetensors")
    found = training(tmp_path / "third.safetensors")
    assert found == Training(3600.0, "first; second; third", "lost.safetensors")


@pytest.mark.parametrize("start", ["..", ".", "/", "a\0b", "x" * 5000])
def test_a_start_that_is_no_files_name_is_not_counted(tmp_path, start):
    card(tmp_path, "net", 1.0, start=start)
    found = training(tmp_path / "net.safetensors")
    assert found is not None
    assert found.seconds == 60.0


def test_cards_that_start_from_each_other_end(tmp_path):
    card(tmp_path, "one", 1.0, start="two.safetensors")
    card(tmp_path, "two", 2.0, start="one.safetensors")
    assert training(tmp_path / "one.safetensors") == Training(180.0, "two; one", "one.safetensors")
    card(tmp_path, "self", 1.0, start="self.safetensors")
    assert training(tmp_path / "self.safetensors") == Training(60.0, "self", "self.safetensors")
