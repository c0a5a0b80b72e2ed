"""A server on this machine, whose faults tests choose."""

import http.server
import threading

import pytest
from helpers.served import BODY, Handler


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body, server.tag, server.kind, server.ranges = (
        BODY,
        '"one"',
        "application/octet-stream",
        True,
    )
    server.cuts, server.seen = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
