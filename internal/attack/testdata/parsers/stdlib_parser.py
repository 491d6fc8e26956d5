"""The same as Python's own http.server parses them."""
import base64
import io
import json
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    def __init__(self, wire):
        self.rfile, self.wfile, self.client_address, self.found = io.BytesIO(wire), io.BytesIO(), ("127.0.0.1", 1), []
        self.close_connection = False
        while not self.close_connection:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                break
            if not self.parse_request():
                break
            self.found.append([self.command, self.path.partition("?")[0]])
            self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, *args):
        pass


for line in sys.stdin:
    print(json.dumps(Handler(base64.b64decode(line)).found), flush=True)
