"""A chat that guesses a number by halving. It needs no language model and no key."""

import chainlit as cl

LOW, HIGH = 1, 100

# One pair for each answer: how it is sent and how its button reads.
ANSWERS = {"lower": "Lower", "higher": "Higher", "right": "That is it"}


async def guess() -> None:
    low, high = cl.user_session.get("range")
    if low > high:
        await cl.Message("These answers do not fit together. Let us start again.").send()
        await start()
        return
    buttons = [cl.Action(name="answer", payload={"value": value}, label=label) for value, label in ANSWERS.items()]
    question = cl.Message(f"Is it {(low + high) // 2}?", actions=buttons)
    cl.user_session.set("question", question)
    await question.send()


def log_out() -> str:
    """Returns a link, where a login in front of the app has set the header."""
    behind_login = getattr(cl.context.session, "environ", {}).get("HTTP_X_AUTH_NAME")
    return " [Log out](/logout)" if behind_login else ""


@cl.on_chat_start
async def start() -> None:
    cl.user_session.set("range", (LOW, HIGH))
    cl.user_session.set("guesses", 1)
    await cl.Message(
        f"Think of a number from {LOW} to {HIGH}. Answer with a button, or write lower, higher or right.{log_out()}"
    ).send()
    await guess()


async def take(answer: str) -> None:
    await cl.user_session.get("question").remove_actions()  # answered: its buttons mean nothing now
    low, high = cl.user_session.get("range")
    guesses = cl.user_session.get("guesses")
    middle = (low + high) // 2
    if answer == "right":
        await cl.Message(f"{middle}, in {guesses} guesses. Think of another one.").send()
        await start()
        return
    cl.user_session.set("range", (low, middle - 1) if answer == "lower" else (middle + 1, high))
    cl.user_session.set("guesses", guesses + 1)
    await guess()


@cl.action_callback("answer")
async def on_button(action: cl.Action) -> None:
    await take(action.payload["value"])


@cl.on_message
async def on_message(message: cl.Message) -> None:
    answer = message.content.strip().lower()
    if answer not in ANSWERS:
        await cl.Message("Please write lower, higher or right.").send()
        return
    await take(answer)
