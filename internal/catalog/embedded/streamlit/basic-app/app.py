"""Shows how many bicycles passed three counters of a city, made up from weekdays and chance."""

import numpy as np
import pandas as pd
import streamlit as st

DAYS = 120
COUNTERS = {"Harbour": 900, "Old town": 1400, "University": 1100}  # bicycles on a usual day
WEEKDAY_SHARE = [1.0, 1.05, 1.1, 1.05, 0.95, 0.6, 0.5]  # Monday first

st.set_page_config(page_title="Bicycle counters", page_icon="🚲")


@st.cache_data
def load_counts() -> pd.DataFrame:
    """Returns one row a day and one column a counter. Kept between runs of the script."""
    random = np.random.default_rng(seed=7)
    days = pd.date_range("2026-01-01", periods=DAYS, name="day")
    weekday = np.array([WEEKDAY_SHARE[day.weekday()] for day in days])
    season = 1 + 0.4 * np.sin(np.linspace(-1.5, 1.5, DAYS))
    return pd.DataFrame(
        {
            name: (usual * weekday * season * random.normal(1, 0.08, DAYS)).round().astype(int)
            for name, usual in COUNTERS.items()
        },
        index=days,
    )


counts = load_counts()

if st.context.headers.get("X-Auth-Name"):  # set by a login in front of the app
    # The page keeps a connection open, which /exit ends before it logs out. target="_self" leaves the page.
    st.html('<a href="/exit" target="_self">Log out</a>')

st.title("Bicycle counters")
chosen = st.multiselect("Counters", list(counts.columns), default=list(counts.columns))
window = st.slider("Average over days", 1, 28, 7)

if not chosen:
    st.info("Choose a counter.")
    st.stop()

total = counts[chosen].sum(axis=1)
first, second, third = st.columns(3)
first.metric("Bicycles", f"{total.sum():,}")
second.metric("Busiest day", f"{total.idxmax():%d %b}", f"{total.max():,} bicycles", delta_color="off", delta_arrow="off")
third.metric("Last 30 days", f"{total[-30:].sum():,}", f"{total[-30:].sum() / total[-60:-30].sum() - 1:+.0%}")

st.line_chart(counts[chosen].rolling(window).mean().dropna(), y_label="bicycles a day")

with st.expander("The numbers"):
    st.dataframe(counts[chosen])
