"""Draws a population that grows towards a limit, or jumps around it when it grows too fast."""

import plotly.graph_objects as go
import solara
import solara.lab

rate = solara.reactive(2.9)
start = solara.reactive(0.1)
steps = solara.reactive(40)


def population(rate: float, start: float, steps: int) -> list[float]:
    """Returns the share of the limit that lives after each step (the logistic map)."""
    shares = [start]
    for _ in range(steps):
        shares.append(rate * shares[-1] * (1 - shares[-1]))
    return shares


@solara.component
def Chart():
    figure = go.Figure()
    figure.add_scatter(y=population(rate.value, start.value, steps.value), mode="lines+markers")
    figure.update_layout(
        xaxis_title="step",
        yaxis={"title": "share of the limit", "range": [0, 1]},
        template="plotly_white",
        height=420,
        margin={"t": 20},
    )
    solara.FigurePlotly(figure)


@solara.component
def Page():
    solara.Title("Population")
    if (solara.lab.headers.value or {}).get("x-auth-name"):  # set by a login in front of the app
        with solara.AppBar():
            # A link and not solara.Link, which stays inside the page: the log-out needs a request.
            solara.Button("Log out", icon_name="mdi-logout", text=True, attributes={"href": "/logout"})
    with solara.Column(style={"width": "100%", "max-width": "900px", "margin": "0 auto", "padding": "1rem"}):
        solara.Markdown("# Population")
        with solara.Card():
            solara.SliderFloat(f"Growth rate {rate.value:.2f}", value=rate, min=0.5, max=4, step=0.05)
            solara.SliderFloat(f"Share at the start {start.value:.2f}", value=start, min=0.01, max=0.99, step=0.01)
            solara.SliderInt(f"Steps {steps.value}", value=steps, min=5, max=100)
        Chart()
