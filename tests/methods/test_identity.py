"""The anchor of content: the content unchanged."""

import torch
from helpers.anchored import transfer


def test_identity_returns_the_content_in_a_new_tensor():
    content = torch.rand(2, 3, 5, 7)
    output = transfer("identity", torch.zeros(1, 3, 4, 4), content)
    assert torch.equal(output, content)
    assert output.data_ptr() != content.data_ptr()
