"""Rolls dice and shows how often each sum came up."""

from collections import Counter
from random import Random

from flask import Flask, render_template, request

ROLLS = 2000
MOST_DICE = 6

app = Flask(__name__)


def roll(dice: int, seed: int) -> dict[int, int]:
    """Returns sum -> times it came up, for every sum that is possible."""
    random = Random(seed)
    seen = Counter(sum(random.randint(1, 6) for _ in range(dice)) for _ in range(ROLLS))
    return {total: seen[total] for total in range(dice, 6 * dice + 1)}


@app.get("/")
def index():
    # type=int: an entry that is no number becomes the default instead of an error page.
    dice = request.args.get("dice", 2, type=int)
    dice = max(1, min(dice, MOST_DICE))
    seed = request.args.get("seed", 1, type=int)
    counts = roll(dice, seed)
    return render_template(
        "index.html",
        dice=dice,
        most_dice=MOST_DICE,
        seed=seed,
        rolls=ROLLS,
        counts=counts,
        highest=max(counts.values()),
    )
