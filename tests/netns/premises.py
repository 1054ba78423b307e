"""A cluster of one's own machines, made as cluster/README.md says: `ray up cluster/on_premise.yaml` on a laptop."""

import shutil
import sys
import time

import hosts

ADDRESSES = {"laptop": "10.77.0.9", "head": "10.77.0.1", "one": "10.77.0.2", "two": "10.77.0.3"}
UNSENT = shutil.ignore_patterns(".git", ".venv*", "runs", ".*_cache", ".hypothesis", "__pycache__")
OPTIONS = "~/snn_tune/studies/small.toml --kernel reference --cpus-per-trial 2"
RUN = f"python -m snn_tune.run {OPTIONS}"
WAIT = f"python ~/snn_tune/tests/netns/driver.py {OPTIONS} --set lr=0.2"  # a stand-in for training, 0.2 s an epoch
SMALL = """
[data]
name = "randman"
nb_train = 20
nb_valid = 10
nb_test = 10

[base]
nb_steps = 20
batch_size = 10
lr = 1e-3
tau_mem = 10e-3
tau_syn = 5e-3
scale = 10.0
regularizer = 0.0

[grid]
nb_hidden = [5, 6, 7, 8]

[budget]
nb_epochs = 10
"""
PATIENCE_S = 600  # on a busy machine
EXEC = "cd ~/snn_tune && ray exec cluster/on_premise.yaml"


class Cluster:
    """Head and workers by name, and the laptop that they are reached from."""

    def __init__(self, network: hosts.Network) -> None:
        self.network, self.laptop = network, network["laptop"]
        home = self.laptop.folder / "root"
        shutil.copy(network.folder / "key", home / ".ssh/id_ed25519")
        shutil.copytree(hosts.CHECKOUT, home / "snn_tune", ignore=UNSENT)
        self.file = home / "snn_tune/cluster/on_premise.yaml"
        (home / "snn_tune/studies/small.toml").write_text(SMALL)
        self.laptop.shell("ray get-auth-token --generate && chmod 600 ~/.ray/auth_token")

    def up(self, head: str, workers: list[str]) -> str:
        """Change the few values at the top, and type the line. Returns what it printed.

        Without the Internet its set-up cannot be: the environment that runs these tests stands for what it installs.
        """
        text = (hosts.CHECKOUT / "cluster/on_premise.yaml").read_text()
        addresses = ", ".join(ADDRESSES[name] for name in workers)
        changes = {"192.0.2.10\n": f"{ADDRESSES[head]}\n", "192.0.2.11, 192.0.2.12": addresses, "ubuntu\n": "root\n"}
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        self.file.write_text(
            text[: text.index("setup_commands:")] + f"setup_commands: [ln -sfn {sys.prefix} ~/snn_tune_env]\n"
        )
        self.head = self.network[head]
        printed = self.laptop.shell("cd ~/snn_tune && ray up -y cluster/on_premise.yaml", timeout=PATIENCE_S).stdout
        self.wait_for_nodes(1 + len(workers))
        return printed

    def nb_nodes(self) -> int:
        """Of those that Ray takes for alive."""
        count = "import ray; ray.init(log_to_driver=False); print('alive', sum(n['Alive'] for n in ray.nodes()))"
        printed = self.head.shell(f'. ~/.snn_tune.env; python -c "{count}" 2>&1', check=False).stdout
        return int(printed.partition("alive ")[2][:1] or 0)

    def wait_for_nodes(self, number: int) -> None:
        ends = time.monotonic() + PATIENCE_S
        while (found := self.nb_nodes()) != number:
            logs = "tail -n 40 /tmp/ray/session_latest/logs/monitor.*"
            assert time.monotonic() < ends, f"{found} nodes; {self.head.shell(logs, check=False).stdout}"
            time.sleep(2)

    def study(self, command: str) -> None:
        """Start one as the README has it, so that it goes on whatever becomes of the laptop."""
        (self.head.folder / "root/said").unlink(missing_ok=True)
        command = f"{command} >~/said 2>&1; echo status \\$? >>~/said"
        self.laptop.shell(f'{EXEC} --tmux "{command}"', timeout=PATIENCE_S)

    def wait_for_trials(self, *names: str) -> None:
        """Until each of these machines trains one at the same time."""
        trains = "pgrep -f '^ray::.*Train'"
        while any(self.network[name].shell(trains, check=False).returncode for name in names):
            assert "status" not in self.said(), self.said()
            time.sleep(0.5)

    def said(self) -> str:
        file = self.head.folder / "root/said"
        return file.read_text() if file.exists() else ""

    def wait_for(self, words: str) -> str:
        """Until the study has said so."""
        ends = time.monotonic() + PATIENCE_S
        while words not in self.said():
            assert time.monotonic() < ends, self.said()
            time.sleep(0.5)
        return self.said()
