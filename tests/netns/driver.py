"""The command `python -m snn_tune.run`, with trials that wait instead of training: lr is the seconds of an epoch."""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import standin
from ray import cloudpickle

import snn_tune.search as search
from snn_tune.run import main

if __name__ == "__main__":
    cloudpickle.register_pickle_by_value(standin)
    search.run = partial(search.run, fit=standin.fit)
    sys.exit(main())
