"""Numbers in sentences."""


def count(number: int, noun: str) -> str:
    """`1 trial`, `81 trials`, `10,000 trials`."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def done(number: int, pruned: int) -> str:
    """`81 done`, `81 done (60 pruned)`: what ASHA stopped is over, and is not run again."""
    return f"{number} done" + f" ({pruned} pruned)" * bool(pruned)
