"""Greets who is logged in. The login happens in front of the app: see README.md."""

from urllib.parse import unquote

from flask import Flask, render_template, request

app = Flask(__name__)


def user() -> str:
    """Returns the e-mail of who sent the request.

    The proxy in front of the app sets the header and removes one that a browser sends. An app that is started
    without the proxy has no user, so that everybody is "Anonymous".
    """
    encoded = request.headers.get("X-Auth-Name-Encoded")  # only for names that are not ASCII
    return unquote(encoded) if encoded else request.headers.get("X-Auth-Name", "Anonymous")


@app.get("/")
def index():
    return render_template("index.html", user=user(), user_id=request.headers.get("X-Auth-Sub", "none"))
