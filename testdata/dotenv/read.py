"""Reads .env files with python-dotenv for the tests: one JSON object a line in, one a line out.

in:  {"data": base64, "env": {name: value}}
out: {"values": [[key, value or null], ...], "raw": the same before expansion, "lines": [first line of each
      statement that python-dotenv skips]}, or {"error": "not UTF-8"}
"""
import base64
import io
import json
import logging
import os
import sys
from importlib.metadata import version

import dotenv
from dotenv.parser import parse_stream

logging.disable(logging.CRITICAL)

# 1.2.3 changed how a BOM and a backslash before a closing quote are read, 1.2.4 "KEY= # comment"
if tuple(map(int, version("python-dotenv").split(".")[:3])) < (1, 2, 4):
    sys.exit("python-dotenv 1.2.4 or newer is needed, this is " + version("python-dotenv"))


def opened(data):
    # what open(path, encoding="utf-8") gives: strict, with universal newlines
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")


def skipped(data):
    for binding in parse_stream(opened(data)):
        if binding.error:
            text = binding.original.string
            yield binding.original.line + text[:len(text) - len(text.lstrip())].count("\n")


def read(data, env):
    os.environ.clear()
    os.environ.update(env)
    try:
        values = dotenv.dotenv_values(stream=opened(data))
    except UnicodeDecodeError:
        return {"error": "not UTF-8"}
    raw = dotenv.dotenv_values(stream=opened(data), interpolate=False)
    return {"values": list(values.items()), "raw": list(raw.items()), "lines": list(skipped(data))}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        answer = read(base64.b64decode(request["data"]), request.get("env") or {})
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
