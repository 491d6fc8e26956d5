"""Ask the deployed model for a completion.

usage: python test-vllm.py [BASE_URL]
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

MODEL = "{{MODEL}}"
BASE_URL = "https://{{PROJECT}}.ploomber.app"


def api_key():
    """The key that the server was deployed with, from the environment or .env."""
    if "VLLM_API_KEY" in os.environ:
        return os.environ["VLLM_API_KEY"]
    for line in Path(".env").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VLLM_API_KEY":
            return value.strip("'\"")
    sys.exit("VLLM_API_KEY is neither in the environment nor in .env")


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else BASE_URL
    request = urllib.request.Request(
        f"{base.rstrip('/')}/v1/completions",
        data=json.dumps({"model": MODEL, "prompt": "San Francisco is a", "max_tokens": 7}).encode(),
        headers={"Authorization": f"Bearer {api_key()}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        print(json.load(reply)["choices"][0]["text"])


if __name__ == "__main__":
    main()
