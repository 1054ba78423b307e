"""The page in a browser: it shows, sorts and prints, and the console stays silent."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from logged import log, trained
from small import study

from snn_tune import analysis
from snn_tune.analysis import page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0"),
    *("--virtual-time-budget=8000", "--window-size=1200,3000"),
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser is installed: {', '.join(NAMES)}")

PROBE = """
<script>
const table = document.querySelector("table.sortable"), head = [...table.tHead.rows[0].cells];
const texts = (column) => [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
const column = head.findIndex((cell) => cell.textContent === "valid %");
const button = head[column].querySelector("button"), order = [];
for (let i = 0; i < 3; i++) {
  if (i) { button.focus(); button.click(); }
  order.push([head[column].ariaSort, texts(column)]);
}
head[0].querySelector("button").click();
document.title = JSON.stringify({
  order, focused: document.activeElement === button, first: texts(0), cleared: head[column].ariaSort,
  shown: [...document.querySelectorAll("figure svg")].filter((svg) => svg.getBoundingClientRect().height > 80).length,
  figures: document.querySelectorAll("figure").length,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ink: getComputedStyle(document.querySelector("figure svg text")).fill,
  page: getComputedStyle(document.body).backgroundColor,
});
</script>
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    uri = log(study(), root, trained(study(), root))
    return page.write(analysis.analyse("small", uri), uri, root)


def browse(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def probed(report: Path, folder: Path, *flags: str) -> tuple[dict, str]:
    """What the page says of itself, and its console."""
    copy = folder / "probe.html"
    copy.write_text(report.read_text().replace("</body>", f"{PROBE}</body>"))
    done = browse(folder, *flags, "--dump-dom", copy.as_uri())
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title, done.stderr
    return json.loads(html.unescape(title[1])), "\n".join(re.findall(r".*CONSOLE.*", done.stderr))


def test_it_shows_and_sorts_and_says_nothing_in_the_console(report: Path, tmp_path: Path) -> None:
    found, console = probed(report, tmp_path)
    assert console == ""
    assert found["shown"] == found["figures"] >= 6
    assert found["wide"] == 0  # nothing but tables scrolls sideways
    (_, first), (down, falling), (up, rising) = found["order"]
    assert (down, up) == ("descending", "ascending")
    assert list(map(float, falling)) == sorted(map(float, first), reverse=True)
    assert list(map(float, rising)) == sorted(map(float, first))
    assert found["cleared"] == "none"
    assert list(map(float, found["first"])) == sorted(map(float, found["first"]), reverse=True)


def test_in_dark_mode_page_and_figures_are_dark(report: Path, tmp_path: Path) -> None:
    light, _ = probed(report, tmp_path)
    dark, _ = probed(report, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert (light["page"], light["ink"]) == ("rgb(255, 255, 255)", "rgb(36, 41, 47)")
    assert (dark["page"], dark["ink"]) == ("rgb(15, 20, 26)", "rgb(230, 237, 243)")


def test_it_prints(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", report.as_uri())
    printed = target.read_bytes()
    assert printed.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8
