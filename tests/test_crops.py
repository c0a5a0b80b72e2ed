"""Crops on the device are those of the host."""

import numpy as np
import pytest
import torch

from bench import crops, store, transfers
from bench.crops import Crop
from bench.transfers import numbers

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def held():
    rng = np.random.default_rng(1)
    shapes = [(40, 61), (70, 33), (24, 24)]
    return store.collect(
        (f"p{i}", rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
        for i, shape in enumerate(shapes)
    )


@pytest.fixture
def on_device(monkeypatch):
    """The device's way, walked by the CPU."""

    class Device:
        type = "accelerator"

    monkeypatch.setattr(store, "numbers", lambda rows, _: numbers(rows, CPU))
    monkeypatch.setattr(store, "sent", lambda host, _: host)
    return Device()


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("size", [16, 24, 32, 50])
def test_a_seed_gives_the_same_crops_on_a_device(held, on_device, size, resident):
    """The reference is torch's own antialiased interpolation, of each crop alone."""
    held.resident.clear()
    if resident:
        held.resident[on_device] = torch.from_numpy(held.pixels)
    seeds = [torch.Generator().manual_seed(3) for _ in range(2)]
    expected = held.batch(9, size, seeds[0])
    torch.testing.assert_close(
        held.batch(9, size, seeds[1], device=on_device), expected, atol=2e-6, rtol=0
    )
    assert seeds[0].get_state().equal(seeds[1].get_state())


def test_a_crop_of_the_right_size_is_not_touched(held, on_device):
    held.resident[on_device] = torch.from_numpy(held.pixels)
    for flip in (False, True):
        seeds = [torch.Generator().manual_seed(5) for _ in range(2)]
        given = {"indices": [0, 1, 2, 2], "scale": (0, 0), "flip": flip}
        expected = held.batch(4, 20, seeds[0], **given)
        assert held.batch(4, 20, seeds[1], **given, device=on_device).equal(expected)


def test_resampling_by_hand():
    """Halving a row 0, 30, 90, 150: triangles of four pixels' width, cut at the edges.

    New pixel 0 lies at 1 of the old scale, old pixels at 0.5, 1.5, 2.5: weights 0.75, 0.75, 0.25;
    and at the other end alike.
    """
    row = torch.tensor([0, 30, 90, 150], dtype=torch.uint8)
    cut = row.expand(2, 3, 4, 4)
    table = torch.tensor([Crop(0, 0, 0, 4, False), Crop(0, 0, 0, 4, True)], dtype=torch.int64)
    resized = crops.resample(cut, table, 2)
    first = (0.75 * 0 + 0.75 * 30 + 0.25 * 90) / 1.75 / 255
    last = (0.25 * 30 + 0.75 * 90 + 0.75 * 150) / 1.75 / 255
    torch.testing.assert_close(resized[0, 1, 0], torch.tensor([first, last]))
    torch.testing.assert_close(resized[1, 2, 1], torch.tensor([last, first]))


@pytest.mark.parametrize(("free", "resident"), [(None, 0), (1, 0), (10**9, 1)])
def test_only_what_fits_is_brought_to_the_device(held, monkeypatch, free, resident):
    held.resident.clear()
    monkeypatch.setattr(store, "free_memory", lambda device: free)
    held.place(torch.device("meta"))
    assert len(held.resident) == resident


def test_to_cuda_the_copy_has_a_stream_that_the_current_one_waits_for(monkeypatch):
    events = []

    class Host:
        def to(self, device, non_blocking):
            events.append(f"copy {non_blocking}")
            return self

        def record_stream(self, stream):
            events.append(f"kept for {stream}")

    class Inside:
        def __enter__(self):
            events.append("copying stream")

        def __exit__(self, *error):
            events.append("left")

    class Current:
        def wait_stream(self, stream):
            events.append(f"waits for {stream}")

        def __str__(self):
            return "current"

    monkeypatch.setattr(transfers, "on_cuda", lambda device: True)
    monkeypatch.setattr(transfers, "copying_stream", lambda device: "copying")
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Current())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: Inside())
    transfers.sent(Host(), torch.device("cuda", 0))
    assert events == [
        "copying stream", "copy True", "left", "waits for copying", "kept for current"
    ]  # fmt: skip


def test_resize_of_an_even_picture_is_even():
    resized = crops.resize(torch.full((1, 3, 20, 30), 0.25), 7, 50)
    assert resized.shape == (1, 3, 7, 50)
    torch.testing.assert_close(resized, torch.full_like(resized, 0.25))
