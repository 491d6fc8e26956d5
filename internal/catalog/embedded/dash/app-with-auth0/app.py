"""Greets who is logged in and keeps score of a game. The login happens in front of the app: see README.md."""

from random import choice
from urllib.parse import unquote

import flask
from dash import Dash, Input, Output, State, callback, ctx, dcc, html

app = Dash(__name__, title="Dash with Auth0")
MOVES = ["Rock", "Paper", "Scissors"]  # each beats the one before it

server = app.server  # what the platform starts: gunicorn app:server


def user() -> str:
    """Returns the e-mail of who sent the request.

    The proxy in front of the app sets the header and removes one that a browser sends. An app that is started
    without the proxy has no user, nor has the one layout that Dash makes at the start, to check it.
    """
    if not flask.has_request_context():
        return "Anonymous"
    headers = flask.request.headers
    encoded = headers.get("X-Auth-Name-Encoded")  # only for names that are not ASCII
    return unquote(encoded) if encoded else headers.get("X-Auth-Name", "Anonymous")


def layout() -> html.Div:
    """Makes the page. A function, so that it is made for each visit and not once for all."""
    return html.Div(
        [
            html.Header(
                [
                    html.Span(["Logged in as ", html.B(user())]),
                    # Not dcc.Link, which stays inside the page: the logout needs a request.
                    html.A("Log out", href="/logout"),
                ]
            ),
            html.Main(
                [
                    html.H1("Rock, paper, scissors"),
                    html.Div([html.Button(move, id=move.lower()) for move in MOVES], className="moves"),
                    html.P("Make a move.", id="result"),
                    dcc.Store(id="score", data={"won": 0, "lost": 0, "even": 0}),
                ]
            ),
        ]
    )


app.layout = layout


@callback(
    Output("result", "children"),
    Output("score", "data"),
    State("score", "data"),
    [Input(move.lower(), "n_clicks") for move in MOVES],
    prevent_initial_call=True,
)
def play(score: dict[str, int], *_clicks: int):
    mine = MOVES.index(ctx.triggered_id.capitalize())
    theirs = choice(range(len(MOVES)))
    outcome = ["even", "won", "lost"][(mine - theirs) % 3]
    score[outcome] += 1
    tally = ", ".join(f"{name} {count}" for name, count in score.items())
    return f"{MOVES[mine]} against {MOVES[theirs]}: {outcome}. So far: {tally}.", score


if __name__ == "__main__":
    app.run(debug=True)
