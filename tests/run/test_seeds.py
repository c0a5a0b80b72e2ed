import torch

from bench.run.seeds import seed


def drawn(*place):
    seed(*place)
    return torch.rand(4)


def test_a_place_has_its_numbers_whatever_was_drawn_before():
    first = drawn(0, "adain", "wave", 64)
    drawn(0, "wct", "wave", 64)
    assert torch.equal(drawn(0, "adain", "wave", 64), first)


def test_every_part_of_a_place_and_the_runs_seed_count():
    places = [
        (0, "adain", "wave", 64),
        (1, "adain", "wave", 64),
        (0, "wct", "wave", 64),
        (0, "adain", "wave", 65),
        (0, "adain", "wave", 64, "load"),
        (0, "adain", "wav", "e", 64),
    ]
    assert len({tuple(drawn(*place).tolist()) for place in places}) == len(places)


def test_seeds_of_records_are_those_of_earlier_versions():
    """The same seed gives the same pictures in a run that is gone on with: CRC-32 of the text."""
    seed(3, "cin", 128)
    assert torch.initial_seed() == 0x57EB7EC0
