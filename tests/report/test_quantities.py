"""Times and memory in words."""

import pytest

from bench.report import quantities

DURATIONS = {
    0.0456: "45.6 ms", 3.25: "3.25 s", 59.4: "59.4 s", 59.6: "1 min", 250: "4 min 10 s",
    500.5: "8 min 21 s",
    3599.9: "1 h", 7500: "2 h 5 min", 86_400: "1 d", 100_000: "1 d 4 h",
}  # fmt: skip
MEMORY = {8e5: "800 kB", 45e6: "45 MB", 1.5e9: "1.5 GB", 2.3456e9: "2.35 GB"}


@pytest.mark.parametrize(("seconds", "words"), DURATIONS.items())
def test_durations_read_as_people_say_them(seconds, words):
    assert quantities.duration(seconds) == words


@pytest.mark.parametrize(("size", "words"), MEMORY.items())
def test_memory_reads_as_people_say_it(size, words):
    assert quantities.memory(size) == words
