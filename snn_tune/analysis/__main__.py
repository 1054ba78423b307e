"""`python -m snn_tune.analysis STUDY`: a study's tables, from the tracking store alone."""

import sys
from pathlib import Path

from snn_tune import analysis
from snn_tune.errors import UserError
from snn_tune.options import OptionParser, add_root
from snn_tune.quiet import Screen
from snn_tune.tracking.store import tracking_uri


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 for something to mend, 130 if stopped."""
    parser = OptionParser("python -m snn_tune.analysis", __doc__)
    parser.add_argument("study", help="name of a study that has been run, or path of its file")
    add_root(parser)
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow store (default: a database in --root)")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON, and write no file")
    options = parser.parse_args(arguments)
    name = Path(options.study).name.removesuffix(".toml")
    try:
        if options.json:
            print(analysis.analyse(name, tracking_uri(options.tracking_uri, options.root)).tables.as_json())
        else:
            analysis.print_and_write(name, options.root, options.tracking_uri, Screen())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
