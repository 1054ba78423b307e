"""gpu.yaml and aws.sh against a stand-in for AWS's API: what they ask for is there, and is closed to strangers."""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "cluster"
REGION = "us-west-2"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    moto = pytest.importorskip("moto.server", reason="pip install 'moto[server]' for an account to test with")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    urllib.request.urlopen(f"{url}/moto-api/reset", data=b"")  # what earlier tests of this process left
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    yield url
    server.stop()


def test_machines_start_with_the_groups_and_roles_that_the_file_names(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import boto3
    from ray.autoscaler._private.aws.config import bootstrap_aws
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler._private.util import prepare_config

    monkeypatch.setenv("HOME", str(tmp_path))  # Ray keeps the key that it makes there
    (tmp_path / ".ssh").mkdir()
    ec2, iam = boto3.client("ec2"), boto3.client("iam")
    group = ec2.create_security_group(GroupName="mine", Description="mine")["GroupId"]
    for part in ("head", "worker"):
        iam.create_instance_profile(InstanceProfileName=f"snn_tune_{part}")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]  # the stand-in resolves no parameters
    text = (FOLDER / "gpu.yaml").read_text().replace("sg-00000000000000000", group)
    config = prepare_config(yaml.safe_load(text))
    for kind in config["available_node_types"].values():
        assert kind["node_config"]["ImageId"].startswith("resolve:ssm:")
        kind["node_config"]["ImageId"] = image
    config = bootstrap_aws(config)
    provider = AWSNodeProvider(config["provider"], config["cluster_name"])
    for kind in config["available_node_types"].values():
        provider.create_node(kind["node_config"], {"ray-node-type": "worker"}, 1)
    machines = [one for reservation in ec2.describe_instances()["Reservations"] for one in reservation["Instances"]]
    assert sorted(one["InstanceType"] for one in machines) == ["g5.12xlarge", "m7i.xlarge"]
    assert all([one["GroupId"] for one in machine["SecurityGroups"]] == [group] for machine in machines)
    names = [one["GroupName"] for one in ec2.describe_security_groups()["SecurityGroups"]]
    assert not [name for name in names if name.startswith("ray-autoscaler")]  # Ray's own is open to the world


@pytest.mark.slow
def test_what_the_script_makes_is_closed_to_strangers(endpoint: str) -> None:
    if not shutil.which("aws"):
        pytest.skip("AWS's command line is not installed")
    import boto3

    script = [FOLDER / "aws.sh", "a-bucket", REGION]
    made = subprocess.run(script, env=os.environ | {"MY_ADDRESS": "203.0.113.7"}, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    ec2 = boto3.client("ec2")
    group = ec2.describe_security_groups(GroupNames=["snn_tune"])["SecurityGroups"][0]
    assert f"SecurityGroupIds [{group['GroupId']}], storage s3://a-bucket/snn_tune" in made.stdout
    sources = [
        (
            rule.get("FromPort"),
            [one["CidrIp"] for one in rule["IpRanges"]],
            [one["GroupId"] for one in rule["UserIdGroupPairs"]],
        )
        for rule in group["IpPermissions"]
    ]
    assert (22, ["203.0.113.7/32"], []) in sources
    assert [(addresses, groups) for port, addresses, groups in sources if port != 22] == [([], [group["GroupId"]])]
    blocked = boto3.client("s3").get_public_access_block(Bucket="a-bucket")["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    iam = boto3.client("iam")
    for part in ("head", "worker"):
        policy = iam.get_role_policy(RoleName=f"snn_tune_{part}", PolicyName="snn_tune")["PolicyDocument"]
        buckets = [one["Resource"] for one in policy["Statement"] if "s3:GetObject" in one["Action"]]
        assert buckets == [["arn:aws:s3:::a-bucket", "arn:aws:s3:::a-bucket/*"]]
        assert ("ec2:RunInstances" in str(policy)) == (part == "head")
