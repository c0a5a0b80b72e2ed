"""A report as wide data."""

import numpy as np
import pytest
from helpers.report import CORE, frames_of

from bench.report import table


def test_table_has_the_unrounded_numbers(fake_run):
    frames = frames_of(fake_run(core=CORE, limit=7.5, seed=3))
    frame = table(frames, all_metrics=True).set_index("method")
    fast = frame.loc["fast"]
    assert fast[["adapt_s", "adapt_s_n", "adapt_ended"]].tolist() == [3, 2, 0]
    assert fast[["adapt_s_low", "adapt_s_high"]].isna().all()
    assert np.allclose(fast[["core_ms", "core_ms_low", "core_ms_high"]].astype(float), [12, 10, 14])
    assert fast["core_ms_p90"] == pytest.approx(14.4)  # 0.4 of the way from 14 to 15
    assert fast[["adapt_limit_s", "seed", "bench"]].tolist() == [7.5, 3, "0.1.0"]
    assert fast["params_m"] == 1.679235
    assert fast["gram/1@judge"] == pytest.approx(0.4)
    assert fast[["pairs", "styles", "contents", "gram/1@judge n"]].tolist() == [4, 2, 2, 4]
    assert frame["gram/1@trainer"].tolist() == [2.0, 0.0, 0.5]
    assert list(frame.index) == ["identity", "style-copy", "fast"]
    assert "gram/1@trainer" not in table(frames_of(fake_run()))
