"""cluster/slurm.sh on two hosts, where `srun` and `scontrol` are stand-ins: SSH in place of Slurm's own daemons."""

import shutil
import sys
from pathlib import Path

import hosts
import pytest
from premises import ADDRESSES, PATIENCE_S, SMALL, UNSENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
if [[ $1 == hostname ]]; then exec "$@"; fi
ssh -o StrictHostKeyChecking=no root@one "$(export -p | grep -v 'declare -x TMPDIR'); $(printf '%q ' "$@")" &
"$@"
status=$?
wait
exit $status
"""
SCONTROL = "#!/bin/bash\ntr , '\\n' <<<\"$3\"\n"


def test_a_study_runs_on_all_nodes_of_a_job(tmp_path: Path) -> None:
    if reason := hosts.missing():
        pytest.skip(f"no network namespaces here: {reason}")
    network = hosts.Network(tmp_path, {name: ADDRESSES[name] for name in ("head", "one")})
    try:
        head, home = network["head"], network["head"].folder / "root"
        shutil.copytree(hosts.CHECKOUT, home / "snn_tune", ignore=UNSENT)
        (home / "snn_tune/studies/small.toml").write_text(SMALL)
        shutil.copy(network.folder / "key", home / ".ssh/id_ed25519")
        script = home / "snn_tune/cluster/slurm.sh"
        text = script.read_text()
        for old, new in {"$HOME/snn_tune_storage": hosts.SHARED, "$HOME/snn_tune_env": sys.prefix}.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        script.write_text(text)
        (home / "bin").mkdir()
        for name, content in (("srun", SRUN), ("scontrol", SCONTROL)):
            (home / "bin" / name).write_text(content)
            (home / "bin" / name).chmod(0o755)
        head.shell("ray get-auth-token --generate")
        shutil.copytree(home / ".ray", network["one"].folder / "root/.ray")  # nodes of Slurm share the home
        job = "export PATH=~/bin:$PATH SLURM_JOB_NODELIST=head,one SLURM_NNODES=2 SLURM_JOB_ID=7; cd ~/snn_tune"
        typed = "bash cluster/slurm.sh studies/small.toml --kernel reference --cpus-per-trial 2"
        said = head.shell(f"{job}; {typed} 2>&1", timeout=PATIENCE_S).stdout
        assert "small runs on cluster 10.77.0.1:6379 (2 nodes, " in said
        assert "trials finished: 4/4" in said
        assert len(list((network.shared / "mlflow").glob("*.db"))) >= 1
        for host in network.hosts.values():
            assert host.shell("pgrep raylet", check=False).stdout == ""
    finally:
        network.close()
