"""Other libraries read an exported network and classify alike; docs/nir.md says what they must be told."""

from pathlib import Path

import pytest
import torch
from test_model import DATA, PARAMETERS, trained

from snn_tune.datasets.dataset import Samples
from snn_tune.model import read, write

pytest.importorskip("nirtorch", reason="needs the extra 'bench'")


@pytest.mark.parametrize(("library", "reset"), [("snntorch", "zero"), ("snntorch", "subtract"), ("norse", "zero")])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("scaled_input", [False, True])
def test_another_library_gives_the_same_logits(
    library: str, reset: str, layers: int, scaled_input: bool, tmp_path: Path
) -> None:
    pytest.importorskip(library, reason="needs the extra 'bench'")
    from benchmarks import nir_elsewhere

    data = DATA.load(30, Path())
    kind = {"recurrent": False, "reset": reset, "scaled_input": scaled_input, "nb_layers": layers}
    changes = kind | {"init_scale": 4.0, "nb_epochs": 4}
    torch.save(trained(PARAMETERS.model_copy(update=changes), data)[0].model, tmp_path / "model.pt")
    model = read(tmp_path / "model.pt")
    path = write(model, tmp_path / "model.nir", nir_elsewhere.SNNTORCH_DT if library == "snntorch" else None)
    samples = Samples(data.train.source, None)
    make = getattr(nir_elsewhere, library)
    found, furthest = nir_elsewhere.classes(lambda: make(path), model, samples)
    assert (found == model.logits(samples).argmax(1).numpy()).mean() > 0.99
    assert len(set(found)) > 1
    assert furthest < 1e-4  # no spike is another
