"""A server's answers, with the faults that tests choose."""

import hashlib
import http.server

from bench import Weights

BODY = bytes(range(256)) * 4096  # 1 MiB, more than a block


DIGEST = hashlib.sha256(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.body`, with ranges; `server.cuts` are lengths after which it hangs up."""

    def do_GET(self):
        server = self.server
        server.seen.append(dict(self.headers))
        if self.path == "/moved.pth":  # as GitHub's releases do
            self.send_response(302)
            self.send_header("Location", "/file.pth")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.path != "/file.pth":
            return self.send_error(404)
        start, status = 0, 200
        wanted = self.headers.get("Range")
        if wanted and server.ranges and self.headers.get("If-Range", server.tag) == server.tag:
            start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
            if start >= len(server.body):
                return self.send_error(416)
        self.send_response(status)
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(server.body) - start))
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        end = len(server.body)
        if server.cuts:
            end = min(end, start + server.cuts.pop(0))
        self.wfile.write(server.body[start:end])

    def log_message(self, *_):
        pass


def declared(server, sha256=DIGEST, path="file.pth"):
    return Weights("file.pth", sha256, f"http://127.0.0.1:{server.server_port}/{path}", "CC0")
