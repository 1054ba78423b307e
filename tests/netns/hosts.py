"""Machines on this machine: each has an address, processes, /tmp, home and sshd of its own; one folder is shared.

They are namespaces of Linux, joined by a bridge that is in a namespace, too: nothing of them is seen from outside.
"""

import os
import shutil
import signal
import site
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SHARED = "/srv/snn_tune"  # as in cluster/on_premise.yaml
NEEDED = ("ip", "nsenter", "unshare", "nft", "sudo", "ssh", "ssh-keygen", "rsync", "tmux", "/usr/sbin/sshd")
SSHD = """HostKey /run/sshd/key
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile /root/.ssh/authorized_keys
Subsystem sftp internal-sftp
"""
INIT = """set -e
cd {folder}
hostname {name}
ip link set lo up
for path in {seen}; do mkdir -p .$path; mount --rbind $path .$path; done
mkdir -p tmp srv/snn_tune
mount --bind {shared} srv/snn_tune
mount --bind hosts /etc/hosts
mount -t tmpfs shm /dev/shm
mount --rbind srv /srv
mount --rbind run /run
chmod 600 /run/sshd/key
/usr/sbin/sshd -f /run/sshd/config
mount --rbind root /root
mount --rbind tmp /tmp
while true; do sleep 1000 & wait; done
"""


def missing() -> str:
    """What this machine lacks, in words, or ""."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if lacking := [name for name in NEEDED if not shutil.which(name)]:
        return f"not installed: {', '.join(lacking)}"
    made = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    return made.stderr.strip()


class Network:
    """A bridge and the hosts on it, by name; `close` ends them.

    Args:
        folder: for all that they keep.
        addresses: of each host.
    """

    def __init__(self, folder: Path, addresses: dict[str, str]) -> None:
        self.folder, self.addresses = folder, addresses
        self.shared = folder / "shared"
        self.shared.mkdir()
        (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for n, a in addresses.items()))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
        self.switch = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        time.sleep(0.2)
        self.at_switch("ip link add bridge type bridge; ip link set bridge up")
        self.hosts: dict[str, Host] = {}
        for name in addresses:
            self.hosts[name] = Host(self, name)

    def __getitem__(self, name: str) -> "Host":
        return self.hosts[name]

    def at_switch(self, command: str) -> None:
        subprocess.run(["nsenter", "-t", str(self.switch.pid), "-n", "sh", "-ec", command], check=True)

    def close(self) -> None:
        for host in self.hosts.values():
            host.end()
        self.switch.kill()
        self.switch.wait()


class Host:
    """One machine. Its folders lie under those of its network."""

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.name, self.address = network, name, network.addresses[name]
        self.folder, self.port = network.folder / name, f"p{self.address.rpartition('.')[2]}"
        (self.folder / "root/.ssh").mkdir(parents=True)
        (self.folder / "run/sshd").mkdir(parents=True)
        shutil.copy(network.folder / "hosts", self.folder / "hosts")
        shutil.copy(network.folder / "key", self.folder / "run/sshd/key")
        shutil.copy(network.folder / "key.pub", self.folder / "root/.ssh/authorized_keys")
        (self.folder / "run/sshd/config").write_text(SSHD)
        self.start()

    def start(self) -> None:
        """Switch it on."""
        kept = {str(CHECKOUT), sys.prefix, sys.base_prefix, *site.getsitepackages(), *sys.path}
        seen = sorted(path for path in kept if path.startswith(("/tmp/", "/root/")) and Path(path).is_dir())
        seen = [path for path in seen if not any(path.startswith(f"{other}/") for other in seen)]
        init = INIT.format(folder=self.folder, name=self.name, seen=" ".join(seen), shared=self.network.shared)
        own = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        environment = {"PATH": os.environ["PATH"], "HOME": "/root", "LANG": "C.UTF-8"}
        with (self.folder / "init.log").open("ab") as log:
            self.unshare = subprocess.Popen(["unshare", *own, "bash", "-c", init], env=environment, stderr=log)
        self.pid = self._first_process()
        made = f"ip link add {self.port} type veth peer name eth0 netns {self.pid}"
        self.network.at_switch(f"{made}; ip link set {self.port} master bridge up")
        self.link(True)
        self.shell(f"ip address add {self.address}/24 dev eth0")
        self._wait_for_ssh()

    def _first_process(self) -> int:
        children = Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children")
        for _ in range(100):
            if found := children.read_text().split():
                return int(found[0])
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not start")

    def _wait_for_ssh(self) -> None:
        for _ in range(100):
            if (
                self.shell(
                    "mountpoint -q /tmp && ssh-keyscan -T 1 127.0.0.1 2>&1 | grep -q ssh-ed25519", check=False
                ).returncode
                == 0
            ):
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "init.log").read_text())

    def link(self, up: bool) -> None:
        """Plug its cable in, or pull it out."""
        self.shell(f"ip link set eth0 {'up' if up else 'down'}")

    def popen(self, command: str, **options: object) -> subprocess.Popen[str]:
        """A shell command on it, as its user root types it: a login shell, in the home folder."""
        enter = [
            "nsenter",
            "-t",
            str(self.pid),
            "-a",
            "--wd=/root",
            "env",
            "-i",
            "HOME=/root",
            "USER=root",
            "TERM=dumb",
        ]
        path = f"PATH={sys.prefix}/bin:{os.defpath}:/usr/sbin:/sbin:/usr/local/bin"
        return subprocess.Popen(
            [*enter, path, "LANG=C.UTF-8", "bash", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options,
        )  # fmt: skip

    def shell(self, command: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run it to its end; its output is in `stdout`."""
        process = self.popen(command, start_new_session=True)
        try:
            printed, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"{self.name}: {command}: still running; {process.communicate()[0]}") from None
        assert not check or process.returncode == 0, f"{self.name}: {command}: {printed}"
        return subprocess.CompletedProcess(command, process.returncode, printed)

    def end(self) -> None:
        """Cut its power."""
        self.unshare.kill()
        self.unshare.wait()
        self.network.at_switch(f"ip link del {self.port} 2>/dev/null || true")  # it would go by itself, but later
