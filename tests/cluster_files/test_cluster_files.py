"""Each file in cluster/ is what its reader takes, opens nothing to strangers, and pins the same versions."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from ray.autoscaler._private.util import prepare_config, validate_config

from snn_tune.search_settings import Search

FOLDER = Path(__file__).parents[2] / "cluster"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
ALL = {path.name: path.read_text() for path in sorted(FOLDER.iterdir())}
STARTED = ("gpu.yaml", "on_premise.yaml", "slurm.sh", "kuberay.yaml")


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = next(iter(yaml.safe_load_all(ALL[name])))
    return content


@pytest.mark.parametrize("name", ["gpu.yaml", "on_premise.yaml"])
def test_rays_own_code_takes_it(name: str) -> None:
    validate_config(prepare_config(load(name)))


def test_rays_own_code_refuses_an_unknown_field() -> None:
    with pytest.raises(jsonschema.ValidationError, match="head_start_ray_command"):
        validate_config(prepare_config({**load("gpu.yaml"), "head_start_ray_command": []}))


def test_kuberays_own_definition_takes_it() -> None:
    definition = json.loads((Path(__file__).parent / "rayjob.json").read_text())
    jsonschema.validate(load("kuberay.yaml"), definition)
    with pytest.raises(jsonschema.ValidationError, match="entrypoints"):
        jsonschema.validate({**load("kuberay.yaml"), "spec": {"entrypoints": "ls"}}, definition)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_sound(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", path], check=True)


@pytest.mark.parametrize("name", ["gpu.yaml", "on_premise.yaml"])
def test_ray_starts_by_way_of_the_script_that_turns_the_token_on(name: str) -> None:
    config = load(name)
    for commands, role in (("head_start_ray_commands", "head"), ("worker_start_ray_commands", "worker")):
        assert [command.split()[:2] for command in config[commands]] == [["~/snn_tune/cluster/node.sh", role]]
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in config["head_start_ray_commands"][0]


def test_the_token_is_on_everywhere() -> None:
    assert "export RAY_AUTH_MODE=token" in ALL["node.sh"]
    assert "export RAY_AUTH_MODE=token" in ALL["slurm.sh"]
    assert load("kuberay.yaml")["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


def test_nothing_is_opened_to_the_world() -> None:
    for name, text in ALL.items():
        if name != "security.md":
            assert "0.0.0.0" not in text, name
            assert "::/0" not in text, name
    for kind in load("gpu.yaml")["available_node_types"].values():
        assert kind["node_config"]["SecurityGroupIds"]  # Ray's own group lets all the world in by SSH
    assert load("kuberay.yaml")["spec"]["rayClusterSpec"]["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_machines_of_aws_end() -> None:
    config = load("gpu.yaml")
    for kind in config["available_node_types"].values():
        assert kind["node_config"]["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert config["available_node_types"]["head"]["resources"] == {"CPU": 0, "GPU": 0}
    assert config["max_workers"] == config["available_node_types"]["gpu"]["max_workers"]


def test_the_firewall_covers_each_port_that_ray_is_given() -> None:
    script = ALL["node.sh"]
    covered: set[int] = set()
    for part in re.search(r"ours='(.*?)'", script)[1].split(", "):  # type: ignore[index]
        first, _, last = part.partition("-")
        covered |= set(range(int(first), int(last or first) + 1))
    given = {int(port) for port in re.findall(r"-port=(\d+)", script)} | {6379, 10001, 44217, 44227}
    assert given <= covered


def test_versions_agree() -> None:
    pins = set(
        re.findall(
            r"(?:ray\[[a-z,]+\]==|rayproject/ray:|rayVersion: \"?|snn_tune:)(\d+\.\d+\.\d+)", "".join(ALL.values())
        )
    )
    assert len(pins) == 1
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    ray = next(name for name in project["dependencies"] if name.startswith("ray["))
    assert Version(pins.pop()) in SpecifierSet(ray.partition("]")[2])
    pythons = set(re.findall(r"(?<![\w.])(?:py|python)(3\.?\d\d)\b", "".join(ALL[name] for name in STARTED)))
    assert {version.replace(".", "") for version in pythons} == {"311"}
    assert Version("3.11") in SpecifierSet(project["requires-python"])


def test_slurms_job_ends_by_itself_before_its_time_does() -> None:
    hours, minutes, _ = re.search(r"--time=(\d+):(\d+):(\d+)", ALL["slurm.sh"]).groups()  # type: ignore[union-attr]
    budget = re.search(r"^budget=(\S+)", ALL["slurm.sh"], re.MULTILINE)[1]  # type: ignore[index]
    assert 0 < Search(time_budget=budget).budget_s < 3600 * int(hours) + 60 * int(minutes)
