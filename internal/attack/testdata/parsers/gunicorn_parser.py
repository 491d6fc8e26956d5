"""Reads what a connection carried, base64, a line each, and answers with the requests in it as gunicorn parses them."""
import base64
import json
import sys

from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

for line in sys.stdin:
    found = []
    try:
        for request in RequestParser(Config(), iter([base64.b64decode(line)]), ("127.0.0.1", 1)):
            found.append([request.method, request.path])
            request.body.read()
    except Exception:
        pass  # what it refuses is no request
    print(json.dumps(found), flush=True)
