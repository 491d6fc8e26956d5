"""Greets who is logged in and counts words. The login happens in front of the app: see README.md."""

from urllib.parse import unquote

import solara
import solara.lab

text = solara.reactive("")


def user() -> str:
    """Returns the e-mail of the visitor.

    The proxy in front of the app sets the header and removes one that a browser sends. An app that is started
    without the proxy has no user. Names are in lower case, and each has a list of values.
    """
    headers = solara.lab.headers.value or {}
    encoded = headers.get("x-auth-name-encoded")  # only for names that are not ASCII
    return unquote(encoded[0]) if encoded else headers.get("x-auth-name", ["Anonymous"])[0]


@solara.component
def Page():
    solara.Title("Solara with Auth0")
    with solara.AppBar():
        # A link and not solara.Link, which stays inside the page: the logout needs a request.
        solara.Button("Log out", icon_name="mdi-logout", text=True, attributes={"href": "/logout"})
    with solara.Column(style={"width": "100%", "max-width": "900px", "margin": "0 auto", "padding": "1rem"}):
        solara.Text(f"Logged in as {user()}")
        with solara.Card("Count words"):
            solara.InputTextArea("Text", value=text, continuous_update=True)
            words = text.value.split()
            solara.Info(f"{len(words)} words, {len(set(map(str.lower, words)))} of them different")
