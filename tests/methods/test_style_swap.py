"""Style-Swap, and others whose styles have no mean."""

import pytest
from helpers.trained import loaded, tensor

from bench.contract.phases import adapt
from bench.errors import BenchError
from bench.stylize import style_files


@pytest.mark.parametrize(
    ("name", "values"),
    [("style-swap", {}), ("avatar-net", {}), ("adain", {"preserve_color": True})],
)
def test_styles_without_a_mean_are_not_mixed(name, values, context, tmp_path):
    method = loaded(name, context, tmp_path, **values)
    before = style_files.state(method)
    adapt(method, tensor(1, 3, 32, 32).sigmoid())
    style = style_files.taken(method, before, "a")
    style_files.take_up(method, [style], [1.0])
    with pytest.raises(BenchError, match="give one --weights"):
        style_files.take_up(method, [style, style], [0.5, 0.5])
