"""Shows how a loan is paid back, recomputed while the sliders move."""

import pandas as pd
import panel as pn
from bokeh.models import NumeralTickFormatter
from bokeh.plotting import figure

pn.extension("tabulator", sizing_mode="stretch_width")

amount = pn.widgets.IntSlider(name="Loan (EUR)", start=10_000, end=500_000, step=10_000, value=200_000)
rate = pn.widgets.FloatSlider(name="Interest a year (%)", start=0.5, end=8, step=0.1, value=3.5)
years = pn.widgets.IntSlider(name="Years", start=5, end=40, value=20)


def plan(amount: float, rate: float, years: int) -> pd.DataFrame:
    """Returns one row a year, from the start: what is owed at its end, and the interest paid until then."""
    months, monthly = years * 12, rate / 100 / 12
    payment = amount * monthly / (1 - (1 + monthly) ** -months)
    owed, interest, rows = amount, 0.0, [{"year": 0, "owed": amount, "interest": 0.0}]
    for month in range(1, months + 1):
        interest += owed * monthly
        owed += owed * monthly - payment
        if month % 12 == 0:
            rows.append({"year": month // 12, "owed": max(owed, 0), "interest": interest})
    return pd.DataFrame(rows)


def chart(data: pd.DataFrame):
    plot = figure(height=320, sizing_mode="stretch_width", x_axis_label="year", y_axis_label="EUR")
    plot.line("year", "owed", source=data, line_width=3, color="#2563eb", legend_label="still owed")
    plot.line("year", "interest", source=data, line_width=3, color="#dc2626", legend_label="interest so far")
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.y_range.start = 0
    return plot


def table(data: pd.DataFrame):
    return pn.widgets.Tabulator(data.round().astype(int), show_index=False, disabled=True, height=320, layout="fit_columns")


def log_out() -> list:
    """Returns a link, where a login in front of the app has set the header."""
    return [pn.pane.HTML('<a href="/logout">Log out</a>')] if pn.state.headers.get("X-Auth-Name") else []


# Computed once for each setting, whatever shows it.
data = pn.rx(plan)(amount, rate, years)

pn.Column(
    *log_out(),
    "# Paying back a loan",
    pn.Row(amount, rate, years),
    pn.Tabs(("Chart", pn.pane.Bokeh(data.rx.pipe(chart))), ("Table", pn.bind(table, data))),
    max_width=900,
    styles={"margin": "0 auto"},
).servable(title="Paying back a loan")
