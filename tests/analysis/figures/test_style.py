"""One look for all figures, and what becomes of an SVG on a page."""

import re

import matplotlib
from matplotlib.figure import Figure

from snn_tune.analysis.figures import style


def figure(label: str = "cost, $ and <b>") -> Figure:
    with style.styled():
        drawn, (panel,) = style.panels(3, 2)
        panel.plot([1, 2], [3, 4], "o", color=style.BLUE)
        panel.set_xlabel(label)
    return drawn


def svg(label: str = "cost, $ and <b>") -> str:
    with style.styled():
        return style.as_svg(figure(label))


def test_the_same_figure_is_the_same_file_and_its_texts_are_texts() -> None:
    assert svg() == svg()
    assert ">cost, $ and &lt;b&gt;</text>" in svg()


def test_matplotlibs_own_settings_stay_as_they_were() -> None:
    before = dict(matplotlib.rcParams)
    svg()
    assert dict(matplotlib.rcParams) == before


def test_on_a_page_ids_are_its_own_and_colours_are_the_pages() -> None:
    one, other = (style.inlined(svg(), name) for name in ("one", "other"))
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for text, known in zip((one, other), ids, strict=True):
        used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
        assert used
        assert used <= known
    assert "var(--blue)" in one
    assert "var(--ink)" in one
    assert not any(light in one for light, _ in style.PALETTE.values())
    assert re.match(r'<svg [^>]*viewBox="0 0 216 144"', one)
    assert not re.match(r"<svg [^>]*\swidth=", one)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_texts_can_be_read_in_light_and_dark() -> None:
    for name in ("ink", "muted"):
        light, dark = style.PALETTE[name]
        assert contrast(light, "#ffffff") >= 4.5
        assert contrast(dark, "#0f141a") >= 4.5
    for name in ("blue", "orange", "green", "vermilion", "purple"):
        assert contrast(style.PALETTE[name][1], "#0f141a") >= 3
