"""The picture store: crops, randomness, the cache on disk."""

import json
import os

import numpy as np
import pytest
import torch

from bench import store
from bench.errors import BenchError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def picture(index, height, width):
    """Red tells the picture, green the row, blue the column."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[..., 0] = index
    pixels[..., 1] = np.arange(height)[:, None]
    pixels[..., 2] = np.arange(width)
    return pixels


def make(*shapes):
    return store.collect((f"p{i}", picture(i, *shape)) for i, shape in enumerate(shapes))


def test_collect_keeps_every_picture():
    shapes = [(20, 30), (30, 20), (7, 7)]
    pictures = make(*shapes)
    assert len(pictures) == 3
    assert list(pictures.names) == ["p0", "p1", "p2"]
    assert pictures.offsets.tolist() == [0, 1800, 3600]
    for i, shape in enumerate(shapes):
        np.testing.assert_array_equal(pictures.picture(i).permute(1, 2, 0), picture(i, *shape))


def test_batch_is_pictures_in_range():
    batch = make((20, 30), (30, 20), (64, 64)).batch(3, 16, generator())
    assert batch.shape == (3, 3, 16, 16)
    assert batch.dtype == torch.float32
    assert batch.is_contiguous()
    assert batch.min() >= 0
    assert batch.max() <= 1


def test_crops_lie_within_their_picture_and_reach_its_edges():
    """Unscaled, unmirrored crops keep the row and column marks: their origin can be read off."""
    pictures = make((20, 30))
    batch = pictures.batch(400, 16, generator(), indices=[0] * 400, scale=(0.1, 0.1), flip=False)
    marks = (batch * 255).round().int()
    top, left = marks[:, 1, 0, 0], marks[:, 2, 0, 0]
    steps = torch.arange(16)
    assert (marks[:, 1] == top[:, None, None] + steps[:, None]).all()
    assert (marks[:, 2] == left[:, None, None] + steps).all()
    assert sorted(set(top.tolist())) == list(range(5))  # 20 - 16 = 4
    assert sorted(set(left.tolist())) == list(range(15))  # 30 - 16 = 14


def test_whole_short_side_where_the_scale_is_one():
    batch = make((20, 30)).batch(50, 20, generator(), indices=[0] * 50, scale=(1, 1), flip=False)
    marks = (batch * 255).round().int()
    assert (marks[:, 1, 0, 0] == 0).all()
    assert (marks[:, 1, -1, 0] == 19).all()
    assert set(marks[:, 2, 0, 0].tolist()) == set(range(11))


def test_flip_mirrors_half_of_the_crops():
    batch = make((16, 16)).batch(400, 16, generator(), indices=[0] * 400, scale=(1, 1))
    mirrored = batch[:, 2, 0, 0] > batch[:, 2, 0, -1]
    assert 160 < int(mirrored.sum()) < 240
    assert batch[mirrored][0].flip(2).equal(batch[~mirrored][0])


def test_pictures_smaller_than_the_crop_are_enlarged():
    assert make((8, 9)).batch(1, 16, generator()).shape == (1, 3, 16, 16)


def test_indices_are_distinct_until_all_are_used():
    pictures = make(*[(16, 16)] * 6)

    def drawn(count, seed):
        return (
            pictures.batch(count, 16, generator(seed))[:, 0, 0, 0].mul(255).round().int().tolist()
        )

    for seed in range(5):
        assert sorted(drawn(6, seed)) == list(range(6))
        assert len(set(drawn(4, seed))) == 4
        many = drawn(15, seed)
        assert len(many) == 15
        assert sorted(many[:6]) == sorted(many[6:12]) == list(range(6))
    assert len({tuple(drawn(6, seed)) for seed in range(5)}) > 1


def test_named_indices_are_kept_in_order():
    pictures = make(*[(16, 16)] * 4)
    batch = pictures.batch(3, 16, generator(), indices=[2, 0, 2])
    assert batch[:, 0, 0, 0].mul(255).round().int().tolist() == [2, 0, 2]


def test_a_generator_decides_everything():
    pictures = make(*[(40, 50)] * 5)
    first = pictures.batch(4, 16, generator(3))
    torch.manual_seed(1)
    assert pictures.batch(4, 16, generator(3)).equal(first)
    assert not pictures.batch(4, 16, generator(4)).equal(first)
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    pictures.batch(4, 16, generator(3))
    assert torch.random.get_rng_state().equal(state)


def test_batch_does_not_touch_the_store():
    pictures = make((16, 16))
    before = pictures.pixels.copy()
    pictures.batch(2, 16, generator()).mul_(0)
    np.testing.assert_array_equal(pictures.pixels, before)


def test_an_empty_store_refuses():
    with pytest.raises(BenchError, match="no photograph to learn from"):
        store.collect([]).batch(1, 16)


# the cache on disk

SHAPES = [(20, 30), (30, 20), (16, 16)]


@pytest.fixture
def files(tmp_path):
    pictures = []
    for i, shape in enumerate(SHAPES):
        pictures.append(tmp_path / f"p{i}.npy")
        np.save(pictures[-1], picture(i, *shape))
    return pictures


def same(first, second):
    return (
        list(first.names) == list(second.names)
        and np.array_equal(first.pixels, second.pixels)
        and np.array_equal(first.shapes, second.shapes)
        and np.array_equal(first.offsets, second.offsets)
    )


def fresh(files):
    return store.collect((file.name, np.load(file)) for file in files)


def never(path):
    raise AssertionError(f"{path} was read again")


def test_cached_store_equals_the_one_in_memory(tmp_path, files):
    pictures = store.cached(files, np.load, tmp_path / "cache")
    again = store.cached(files, never, tmp_path / "cache")
    for cached in (pictures, again):
        assert same(cached, fresh(files))
        assert cached.batch(3, 16, generator()).equal(fresh(files).batch(3, 16, generator()))
    assert sorted(file.suffix for file in (tmp_path / "cache").iterdir()) == [".json", ".u8"]


def test_unreadable_files_are_left_out(tmp_path, files):
    pictures = store.cached(
        files, lambda f: None if f is files[1] else np.load(f), tmp_path / "cache"
    )
    assert same(pictures, fresh([files[0], files[2]]))
    none = store.cached(files, lambda f: None, tmp_path / "other")
    assert len(none) == 0


def test_progress_sees_every_file(tmp_path, files):
    seen = []

    def progress(items):
        for item in items:
            seen.append(item)
            yield item

    store.cached(files, np.load, tmp_path / "cache", progress)
    assert seen == files
    store.cached(files, never, tmp_path / "cache", progress)
    assert seen == files


def test_a_changed_file_list_tag_or_content_makes_a_new_cache(tmp_path, files):
    cache = tmp_path / "cache"
    store.cached(files, np.load, cache)
    assert same(store.cached(files[::-1], np.load, cache), fresh(files[::-1]))
    half = store.cached(files, lambda f: np.load(f)[::2, ::2], cache, tag="half")
    assert half.shapes.tolist() == [[10, 15], [15, 10], [8, 8]]
    stat = files[0].stat()
    np.save(files[0], picture(9, *SHAPES[0]))  # the same size, another content and time
    os.utime(files[0], ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    changed = store.cached(files, np.load, cache)
    assert changed.picture(0)[0, 0, 0] == 9
    assert len(list(cache.glob("*.json"))) == 4


def test_a_cache_interrupted_while_it_is_written_is_not_used(tmp_path, files):
    def interrupted(path):
        if path == files[2]:
            raise KeyboardInterrupt
        return np.load(path)

    with pytest.raises(KeyboardInterrupt):
        store.cached(files, interrupted, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.json"))
    assert same(store.cached(files, np.load, tmp_path / "cache"), fresh(files))


def cut_data(index, data):
    data.write_bytes(data.read_bytes()[:-1])


def lose_data(index, data):
    data.unlink()


def cut_index(index, data):
    index.write_text(index.read_text()[:20])


def strange_index(index, data):
    index.write_text(json.dumps([1, 2]))


@pytest.mark.parametrize("damage", [cut_data, lose_data, cut_index, strange_index])
def test_a_damaged_cache_is_made_again(tmp_path, files, damage):
    store.cached(files, np.load, tmp_path / "cache")
    (index,), (data,) = ((tmp_path / "cache").glob(kind) for kind in ("*.json", "*.u8"))
    damage(index, data)
    assert same(store.cached(files, np.load, tmp_path / "cache"), fresh(files))


def test_two_processes_may_write_the_same_cache(tmp_path, files, monkeypatch):
    """Another process finishes while this one is still reading; both stores are right."""
    others = []

    def read(path):
        if path == files[1] and not others:
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda: 0)
                others.append(store.cached(files, np.load, tmp_path / "cache"))
        return np.load(path)

    mine = store.cached(files, read, tmp_path / "cache")
    assert same(mine, fresh(files))
    assert same(others[0], fresh(files))
    assert same(store.cached(files, never, tmp_path / "cache"), fresh(files))
    assert not list((tmp_path / "cache").glob("*.part"))
