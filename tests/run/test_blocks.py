"""What may move, what stays together, and what that takes: by numbers worked out by hand."""

import pytest
from helpers.checkout import ROOT

from bench.run.blocks import Block, Grid, moving
from bench.run.forecast import Cost, cost_at, forecast, simulate

STYLES = ["a", "b", "c", "d", "e"]
GRID = Grid(sizes=[64, 128], styles=STYLES, methods=["x", "y"], contents=10)


def test_what_is_timed_stays_for_all_methods_alike():
    assert GRID.cells == 20
    styles = {name: {s for _, s, method in GRID.staying if method == name} for name in "xy"}
    assert styles == {"x": {"a", "b", "c"}, "y": {"a", "b", "c"}}
    assert {size for size, _, _ in GRID.staying} == {64, 128}


def test_where_time_decides_what_a_cell_holds_every_cell_stays():
    by_time = Grid([64], STYLES, ["x", "y"], 10, by_time=True)
    assert len(by_time.staying) == by_time.cells == 10


def test_blocks_hold_every_cell_once_the_largest_pictures_first():
    blocks = moving(GRID, workers=2)  # 20 cells, 4 blocks each: 2 cells
    places = [(b.size, b.method, style) for b in blocks for style in b.styles]
    assert sorted(places) == sorted((s, m, t) for s in (64, 128) for m in "xy" for t in STYLES)
    assert blocks[:3] == [Block(128, "x", ("a", "b")), Block(128, "x", ("c", "d")),
                          Block(128, "x", ("e",))]  # fmt: skip
    assert [block.size for block in blocks] == sorted((b.size for b in blocks), reverse=True)


def test_what_is_finished_is_in_no_block():
    done = {"x__a__64", "x__c__64", "y__e__128"}
    blocks = moving(GRID, done)
    assert {key for block in blocks for key in block.keys}.isdisjoint(done)
    assert sum(len(block.styles) for block in blocks) == 17
    assert moving(Grid([64], ["a"], ["x"], 1), {"x__a__64"}) == []


def test_there_are_blocks_for_every_worker():
    large = Grid([64], [f"s{number}" for number in range(100)], ["x"], 1)
    lengths = [len(block.styles) for block in moving(large, workers=1)]
    assert lengths == [8] * 12 + [4]
    assert len(moving(large, workers=5)) == 20
    assert len(moving(large, workers=1000)) == 100


def test_one_worker_does_one_block_after_the_other():
    # starts at 10; each of the three is handed out in 1 s and takes 4
    after = simulate([4.0] * 3, 1, start=10, dispatch=1)
    assert after.seconds == 10 + 3 * (1 + 4)
    assert after.busy == 12 / 25


def test_two_workers_wait_for_a_scheduler_that_does_one_thing_at_a_time():
    # handed out at 1, 2, then when the first is free again at 1 + 4 = 5: at 6, until 10
    after = simulate([4.0] * 3, 2, start=0, dispatch=1)
    assert after.seconds == 10
    assert after.busy == 12 / 20


def test_a_scheduler_is_the_limit_where_blocks_are_short():
    assert simulate([0.001] * 1000, 1000, start=0, dispatch=0.01).seconds == pytest.approx(10.001)


def test_nothing_to_do_takes_nothing():
    assert simulate([], 5).seconds == 0


def test_a_cost_between_sizes_is_linear_in_pixels():
    # seconds = 1 + 2 · (pixels / 100²)
    known = {100: Cost(3, 3, 3, 3), 200: Cost(9, 9, 9, 9)}
    assert cost_at(known, 100) == Cost(3, 3, 3, 3)
    for value in vars(cost_at(known, 300)).values():
        assert value == pytest.approx(1 + 2 * 9)


def test_a_cost_of_one_size_goes_with_its_pixels():
    assert cost_at({100: Cost(1, 2, 3, 4)}, 200) == Cost(4, 8, 12, 16)


def test_a_forecast_adds_up():
    grid = Grid([100], STYLES, ["x", "y", "z"], contents=10)
    kinds = {name: (name, "{}") for name in "xyz"}
    costs = {
        ("x", "{}"): {100: Cost(adapt=5, picture=1, score=2, size_bytes=100)},
        ("y", "{}"): {100: Cost(adapt=0, picture=0.5, score=2, size_bytes=10)},
    }
    blocks = moving(grid)
    expected = forecast(grid, kinds, costs, blocks)
    # three styles each are made here: 5 + 10 · 1 and 10 · 0.5
    assert expected.staying == 3 * 15 + 3 * 5
    # 15 cells by one worker, in blocks of 3 and 2: the first three styles are only scored, 10 · 2
    assert [block.styles for block in blocks] == [("a", "b", "c"), ("d", "e")] * 3
    assert list(expected.moving) == [60, 2 * 35, 60, 2 * 25, 0, 0]
    assert expected.size_bytes == 5 * 10 * (100 + 10)
    assert expected.unknown == ["z"]


def test_the_page_has_what_the_simulation_gives():
    """docs/machines.md: 12 methods, 73 styles, 40 contents; a second for a picture at 256 px."""
    sizes = (256, 512, 1024)
    grid = Grid(sizes, [f"s{n}" for n in range(73)], [f"m{n}" for n in range(12)], 40)
    kinds = {name: (name, "{}") for name in grid.methods}
    by_size = {
        side: Cost(0.0, 0.8 * (side / 256) ** 2, 0.2 * (side / 256) ** 2, 0.0) for side in sizes
    }
    page = (ROOT / "docs/machines.md").read_text(encoding="utf-8")
    for workers in (1, 10, 100, 1000):
        blocks = moving(grid, workers=workers)
        expected = forecast(grid, kinds, dict.fromkeys(kinds.values(), by_size), blocks)
        after = simulate(expected.moving, workers)
        line = f"| {workers:,} | {len(blocks):,} | {expected.staying / 3600:.2f} "
        assert f"{line}| {after.seconds / 3600:.2f} | {after.busy:.0%} |".replace("%", " %") in page
