"""An adaptation that begins at what is predicted."""

import json

import torch
from helpers.trained import METHODS, loaded, tensor

from bench import options
from bench.contract.phases import adapt, stylize
from bench.weights import write


def test_predict_adapt_begins_as_ghiasi_and_goes_on(context, tmp_path):
    """No step leaves the predicted network; each further one moves it towards the style."""
    predicted = loaded("ghiasi", context, tmp_path)
    norms = predicted.generator.predict
    torch.nn.init.normal_(norms.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    file = tmp_path / "ghiasi.safetensors"
    about = {"options": json.dumps({"encoder": "tiny"})}
    write(file, predicted.generator.state_dict(), about)
    style, content = (tensor(1, 3, 32, 32, seed=s).sigmoid() for s in (3, 4))
    adapt(predicted, style)
    cls = METHODS["predict-adapt"]
    values = {"weights": str(file), "encoder": "tiny", "steps": 4, "batch": 2, "size": 32}
    method = cls(context, options.build(cls.Options, values, "predict-adapt"))
    method.load()
    steps = method.adapt(style)
    next(steps)
    torch.testing.assert_close(
        stylize(method, content), stylize(predicted, content), atol=5e-3, rtol=0
    )  # the file holds half precision
    before = {name: p.detach().clone() for name, p in method.network.named_parameters()}
    assert len(list(steps)) == 4
    moved = {n for n, p in method.network.named_parameters() if not p.equal(before[n])}
    assert {"up.0.conv.weight", "up.0.norm.weight", "out.bias"} <= moved
