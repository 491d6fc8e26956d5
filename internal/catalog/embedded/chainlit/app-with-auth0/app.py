"""A chat that knows who is logged in. The login happens in front of the app: see README.md."""

import os
import secrets
from datetime import date
from urllib.parse import unquote

import chainlit as cl

# Chainlit signs its own session with this key. One for each start is enough here, because the proxy in front
# of the app logs the user in again; set it in .env where sessions should outlive a start.
os.environ.setdefault("CHAINLIT_AUTH_SECRET", secrets.token_urlsafe(32))


@cl.header_auth_callback
def login(headers) -> cl.User:
    """Takes the user that the proxy names.

    The proxy sets the header and removes one that a browser sends. An app that is started without the proxy
    has no user.
    """
    encoded = headers.get("X-Auth-Name-Encoded")  # only for names that are not ASCII
    name = unquote(encoded) if encoded else headers.get("X-Auth-Name")
    return cl.User(identifier=name or "Anonymous")


@cl.on_chat_start
async def start() -> None:
    user = cl.user_session.get("user")
    await cl.Message(
        f"Hello `{user.identifier}`! Write a date such as 2026-12-24 and I say how far away it is. [Log out](/logout)"
    ).send()


@cl.on_message
async def on_message(message: cl.Message) -> None:
    try:
        days = (date.fromisoformat(message.content.strip()) - date.today()).days
    except ValueError:
        await cl.Message("That is not a date I can read. Write it like 2026-12-24.").send()
        return
    await cl.Message(f"{abs(days)} days {'from now' if days >= 0 else 'ago'}.").send()
