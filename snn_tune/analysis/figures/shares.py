"""How much each parameter and each interaction matters, as bars."""

import pandas as pd

from snn_tune.analysis import words
from snn_tune.analysis.effects import Effects
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing

SHOWN = 10
COLOURS = {0: style.FAINT, 1: style.BLUE, 2: style.ORANGE}  # by order; seeds have none
HIGHER = style.PURPLE


def draw(found: Effects) -> Drawing | None:
    """None without shares."""
    if not found.effects:
        return None
    shown = found.effects[:SHOWN]
    rest = sum(one.share for one in found.effects[SHOWN:])
    names = [one.label for one in shown] + ([f"{len(found.effects) - SHOWN} others"] if rest else [])
    shares = [100 * one.share for one in shown] + ([100 * rest] if rest else [])
    colours = [COLOURS.get(one.order, HIGHER) for one in shown] + ([style.FAINT] if rest else [])
    with style.styled():
        figure, (panel,) = style.panels(style.WIDE, 0.8 + 0.27 * len(names))
        bars = panel.barh(range(len(names)), shares, color=colours, height=0.68)
        panel.bar_label(bars, [f"{share:.1f} %" for share in shares], padding=4, color=style.INK, fontsize=9)
        panel.set_yticks(range(len(names)), names)
        panel.invert_yaxis()
        panel.set_xlim(0, 1.12 * max(shares))
        panel.set_xlabel("% of the variance" if found.kind == "variance" else "% of the importances")
        panel.grid(axis="y", visible=False)
    numbers = pd.DataFrame(
        {"effect": one.label, "order": one.order, "share": one.share, "p": one.p} for one in found.effects
    )
    title = "Shares of the variance" if found.kind == "variance" else "Importances"
    alt = f"Bars: {', '.join(f'{name} {share:.1f} %' for name, share in zip(names, shares, strict=True))}."
    return Drawing("effects", title, alt, figure, numbers, words.effects(found), wide=True)
