"""Greets who is logged in and shows a plot. The login happens in front of the app: see README.md."""

import html
from urllib.parse import unquote

import numpy as np
import panel as pn
from bokeh.plotting import figure

pn.extension()


def user() -> str:
    """Returns the e-mail of the visitor.

    The proxy in front of the app sets the header and removes one that a browser sends. An app that is started
    without the proxy has no user.
    """
    encoded = pn.state.headers.get("X-Auth-Name-Encoded")  # only for names that are not ASCII
    return unquote(encoded) if encoded else pn.state.headers.get("X-Auth-Name", "Anonymous")


def wave(frequency: float):
    x = np.linspace(0, 2 * np.pi, 400)
    plot = figure(height=300, sizing_mode="stretch_width", y_range=(-1.1, 1.1))
    plot.line(x, np.sin(frequency * x), line_width=3, color="#2563eb")
    return plot


frequency = pn.widgets.FloatSlider(name="Frequency", start=0.5, end=8, value=2, step=0.5)

pn.Column(
    pn.Row(
        pn.pane.HTML(f"Logged in as <b>{html.escape(user())}</b>"),
        pn.layout.HSpacer(),
        pn.pane.HTML('<a href="/logout">Log out</a>'),
        sizing_mode="stretch_width",
    ),
    "# A wave",
    frequency,
    pn.pane.Bokeh(pn.bind(wave, frequency), sizing_mode="stretch_width"),
    max_width=900,
    sizing_mode="stretch_width",
    styles={"margin": "0 auto"},
).servable(title="Panel with Auth0")
