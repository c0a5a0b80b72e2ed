"""A run whose adaptations were observed, with losses by hand."""

from bench import results

METRICS = {
    "perceptual/1@trainer": {"axis": "both", "encoder": "trainer", "judge": False,
                             "training_loss_of": ["slow", "quick"]},
    "content/1@judge": {"axis": "content", "encoder": "judge", "judge": True},
    "ssim/1": {"axis": "content", "encoder": None, "judge": True, "direction": "higher"},
}  # fmt: skip


# loss by method, style and step; a step costs a second after half a second of preparation
LOSSES = {
    "slow": {"a": {0: 9.0, 10: 3.0, 100: 1.0}, "b": {0: 8.0, 10: 4.0, 100: 2.0}},
    "quick": {"a": {0: 2.0, 2: 1.0, 10: 0.5}, "b": {0: 5.0, 2: 3.0, 10: 2.5}},
    "identity": {"a": {0: 0.5}, "b": {0: 0.5}},
}


PREPARED = 0.5


def seconds(step):
    return PREPARED + step


def write(run, name, style, losses, contents, missing):
    """Put steps into a cell, and its losses, ± 0.25 of the two contents, into the scores."""
    path = results.record_path(run, "cells", name, style, 64)
    cell = results.read_json(path)
    if cell["status"] != "ok":
        return
    *way, last = losses
    cell["adapt"] |= {"steps": last, "seconds": seconds(last)}
    cell["observed"] = [
        {
            "step": step,
            "seconds": seconds(step),
            "contents": [
                {"content": content, "image": f"images/{step}/{content}.png", "seconds": 0.1}
                for content in contents
            ],
        }
        for step in way
    ]
    results.write_json(path, cell)
    path = results.record_path(run, "scores", name, style, 64)
    scores = results.read_json(path)
    scores["scores"] = [
        {
            "step": step if step != last else None,
            "metric": metric,
            "content": content,
            "value": None if (step, content) in missing else loss + shift,
            "status": "ok",
            "reason": "",
        }
        for metric in METRICS
        for step, loss in losses.items()
        for content, shift in zip(contents, (0.25, -0.25), strict=True)
    ]
    results.write_json(path, scores)


def loss(frame):
    return frame[frame["metric"] == "perceptual/1@trainer"]
