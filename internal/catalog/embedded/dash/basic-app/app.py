"""Shows how savings grow, beside money that is kept at home."""

import flask
import plotly.graph_objects as go
from dash import Dash, Input, Output, callback, dcc, html

app = Dash(__name__, title="Savings")
server = app.server  # what the platform starts: gunicorn app:server


def control(label: str, name: str, low: float, high: float, value: float, step: float) -> html.Div:
    slider = dcc.Slider(low, high, step, value=value, id=name, marks=None)
    return html.Div([html.Label(label, htmlFor=name), slider])


def log_out() -> list[html.A]:
    """Returns a link, where a login in front of the app has set the header."""
    if not flask.has_request_context() or not flask.request.headers.get("X-Auth-Name"):
        return []
    # Not dcc.Link, which stays inside the page: the log-out needs a request.
    return [html.A("Log out", href="/logout")]


def layout() -> html.Main:
    """Makes the page. A function, so that it is made for each visit and not once for all."""
    return html.Main(
        [
            *log_out(),
            html.H1("Savings"),
            control("Saved a month (EUR)", "monthly", 0, 1000, 200, 50),
            control("Interest a year (%)", "rate", 0, 10, 4, 0.5),
            control("Years", "years", 1, 40, 20, 1),
            dcc.Graph(id="growth", config={"displaylogo": False}),
        ]
    )


app.layout = layout


def grow(monthly: float, rate: float, years: int) -> list[float]:
    """Returns what there is at the start and at the end of each year."""
    saved, balance = [0.0], 0.0
    for _ in range(years):
        for _ in range(12):
            balance = (balance + monthly) * (1 + rate / 100 / 12)
        saved.append(balance)
    return saved


@callback(Output("growth", "figure"), Input("monthly", "value"), Input("rate", "value"), Input("years", "value"))
def draw(monthly: float, rate: float, years: int) -> go.Figure:
    x = list(range(years + 1))
    figure = go.Figure()
    figure.add_scatter(x=x, y=grow(monthly, rate, years), name="with interest", fill="tozeroy")
    figure.add_scatter(x=x, y=grow(monthly, 0, years), name="at home")
    figure.update_layout(xaxis_title="year", yaxis_title="EUR", template="plotly_white", margin={"t": 20})
    return figure


if __name__ == "__main__":
    app.run(debug=True)
