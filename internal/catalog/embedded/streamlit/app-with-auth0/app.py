"""Greets who is logged in and keeps a list for the visit. The login happens in front: see README.md."""

from urllib.parse import unquote

import streamlit as st

st.set_page_config(page_title="Streamlit with Auth0", page_icon="🔑")

# The proxy in front of the app sets the header and removes one that a browser sends. An app that is started
# without the proxy has no user.
encoded = st.context.headers.get("X-Auth-Name-Encoded")  # only for names that are not ASCII
user = unquote(encoded) if encoded else st.context.headers.get("X-Auth-Name", "Anonymous")

with st.sidebar:
    st.caption("Logged in as")
    st.text(user)  # as text: a name may hold characters that mean something in Markdown
    # The page keeps a connection open, which /exit ends before it logs out. target="_self" leaves the page.
    st.html('<a href="/exit" target="_self">Log out</a>')

st.title("Things to do")

if "todo" not in st.session_state:
    st.session_state.todo = []

with st.form("new", clear_on_submit=True):
    thing = st.text_input("What is there to do?")
    if st.form_submit_button("Add") and thing.strip():
        st.session_state.todo.append(thing.strip())

for number, thing in enumerate(st.session_state.todo):
    st.checkbox(thing, key=f"done-{number}")

if not st.session_state.todo:
    st.caption("Nothing yet. The list is yours alone and ends with the visit.")
