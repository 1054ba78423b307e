"""What the command line takes, and what of it is impossible."""

from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.run_options import parse_axes, parser, storage


@pytest.mark.parametrize(
    ("texts", "axes"),
    [
        ([], {}),
        (["nb_hidden=50,100", "lr=1e-3"], {"nb_hidden": [50, 100], "lr": [1e-3]}),
        (["reset=zero,subtract"], {"reset": ["zero", "subtract"]}),
        (["recurrent=true,false"], {"recurrent": [True, False]}),
        (["scale = 1.0 , 2"], {"scale": [1.0, 2]}),
    ],
)
def test_axes_are_parsed(texts: list[str], axes: dict) -> None:
    assert parse_axes(texts) == axes


@pytest.mark.parametrize("text", ["nb_hidden", "nb_hidden=", "=5", "nb_hidden=5,,6"])
def test_a_malformed_axis_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="must be NAME=V1,V2"):
        parse_axes([text])


def test_an_axis_set_twice_is_refused() -> None:
    with pytest.raises(UserError, match="lr is set twice"):
        parse_axes(["lr=1e-3", "lr=1e-2"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--epochs", "0"], "--epochs: 0 is not at least 1"),
        (["--seeds", "-1"], "--seeds: -1 is not"),
        (["--cpus-per-trial", "nan"], "--cpus-per-trial: nan"),
        (["--gpus-per-trial", "1.5"], "--gpus-per-trial: 1.5"),
        (["--gpus-per-trial", "x"], "--gpus-per-trial: invalid share value"),
        (["--epoch", "3"], "unrecognized arguments: --epoch 3 (did you mean '--epochs'?)"),
        (["--sed=nb_hidden=5"], "(did you mean '--seeds'?)"),
        (["--samples", "0"], "--samples: 0 is not at least 1"),
        (["--confirm", "0"], "--confirm: 0 is not at least 1"),
        (["--search", "tpe"], "--search: invalid choice: 'tpe' (choose from"),
        (["--scheduler", "hyperband"], "--scheduler: invalid choice: 'hyperband'"),
    ],
)
def test_an_impossible_option_is_one_line(option: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["randman", *option])
    printed = capsys.readouterr().err
    assert ended.value.code == 2
    assert printed.startswith("error: ")
    assert message in printed
    assert printed.count("\n") == 1


def test_storage_is_a_folder_that_is_the_same_everywhere(tmp_path: Path) -> None:
    assert storage(None) is storage("") is None
    assert storage(str(tmp_path / "new")) == str(tmp_path / "new")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("checkpoints", "--storage checkpoints: must be an absolute path"),
        (__file__, "is not a folder; name another one"),
    ],
)
def test_a_storage_that_cannot_be_is_refused(given: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        storage(given)
