"""`python -m snn_tune.analysis STUDY`: a study's tables, from the tracking store alone; of two, their difference."""

import argparse
import json
import re
import sys
from pathlib import Path

from snn_tune import analysis
from snn_tune.analysis.compare import compare
from snn_tune.analysis.part import Part, titled
from snn_tune.analysis.place import Place, place
from snn_tune.analysis.side_by_side import SideBySide
from snn_tune.analysis.trials import StudyTrials, load
from snn_tune.command import exit_status
from snn_tune.errors import UserError, one_line
from snn_tune.options import OptionParser, add_root
from snn_tune.quiet import Screen
from snn_tune.run_options import parse_axes, positive

EPILOG = """STUDY is the name of a study in --root, the path of its file, or ROOT/STUDY, a study of another folder of
results. With OTHER the two are set side by side: OTHER less STUDY for each combination that both have, written to
--root/reports/STUDY_vs_OTHER. Both may be folders of results: then each study that both hold is compared."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 for something to mend, 130 if stopped."""
    parser = OptionParser("python -m snn_tune.analysis", __doc__, EPILOG)
    parser.add_argument("study", metavar="STUDY", help="a study that has been run")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="another one, to compare with it")
    add_root(parser)
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow store (default: a database in --root)")
    values = "analyse these values of a parameter alone; may be repeated"
    parser.add_argument("--set", action="append", default=[], metavar="NAME=V1,V2,...", help=values)
    parser.add_argument("--seeds", type=positive(int), metavar="N", help="analyse the first N seeds alone")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON, and write no file")
    options = parser.parse_args(arguments)
    return exit_status(lambda: _answer(options))


def _answer(options: argparse.Namespace) -> int:
    places = [
        place(one, options.root, options.tracking_uri) for one in (options.study, options.other) if one is not None
    ]
    part = Part(parse_axes(options.set), options.seeds)
    if options.other is not None:
        _compare(places[0], places[1], part, options.root, options.json)
    else:
        _analyse(places[0], part, options.json)
    return 0


def _analyse(one: Place, part: Part, as_json: bool) -> None:
    if not one.study:
        held = ", ".join(one.studies()) or "none"
        raise UserError(f"{one.given} is a folder of results; name one of its studies ({held}), or another folder")
    if as_json:
        print(analysis.analyse(one.study, one.uri, part).as_json())
    else:
        analysis.print_and_write(one.study, one.root, one.uri, Screen(), part)


def _compare(first: Place, second: Place, part: Part, root: Path, as_json: bool) -> None:
    found, refused = [], []
    for name, other in _pairs(first, second):
        try:
            before, after = load(name, first.uri, part), load(other, second.uri, part)
            found.append(SideBySide(_label(first, before), _label(second, after), compare(before, after)))
        except UserError as error:  # of many, the others are compared
            if first.study:
                raise
            refused.append(f"{name}: not compared: {one_line(error)}")
    if not found:
        raise UserError("; ".join(refused))
    if as_json:
        whole = [one.summary() for one in found]
        print(*refused, sep="\n", end="\n" * bool(refused), file=sys.stderr)
        print(json.dumps(whole if not first.study else whole[0], indent=2, allow_nan=False))
        return
    screen = Screen()
    for line in refused:
        screen.print(line)
    for one in found:
        one.show(screen)
        name = re.sub("[/ ]", "_", f"{one.first}_vs_{one.second}").lstrip(".")
        folder = root / "reports" / name
        screen.print(f"comparison: {one.write(folder)[0].parent}")
    if not first.study:
        alone = sorted(set(first.studies()) ^ set(second.studies()))
        screen.print(f"studies in one of them alone: {', '.join(alone) or 'none'}")


def _pairs(first: Place, second: Place) -> list[tuple[str, str]]:
    if bool(first.study) != bool(second.study):
        raise UserError(f"{first.given} and {second.given}: name two studies, or two folders of results")
    if first.study:
        return [(first.study, second.study)]
    common = [name for name in first.studies() if name in second.studies()]
    if not common:
        raise UserError(f"{first.given} and {second.given} have no study in common")
    return [(name, name) for name in common]


def _label(one: Place, trials: StudyTrials) -> str:
    """As the user named it, and its part."""
    named = Path(one.given).with_suffix("").name if one.given.endswith(".toml") else one.given
    whole = named if one.study else str(Path(one.given) / trials.study.name)
    return whole + titled(trials.study, trials.whole).removeprefix(trials.study.name)


if __name__ == "__main__":
    sys.exit(main())
