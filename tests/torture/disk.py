"""Small disks that can be full at any moment: in memory, mounted where no other process of the machine sees them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NOT_POSSIBLE = "A FULL DISK IS NOT TESTED HERE: this machine lets us mount nothing (only root may)"

_SIZE = 2 << 30
_INSIDE = "TORTURE_NAMESPACE"
_SLACK = 64 << 10


def move_into_own_namespace() -> None:
    """Start this process anew where its mounts are its own and go with it; stay where that cannot be done."""
    if os.environ.get(_INSIDE) or os.geteuid() != 0 or shutil.which("unshare") is None:
        return
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.torture", *sys.argv[1:]]
    os.execvpe(command[0], command, {**os.environ, _INSIDE: "1"})


@dataclass(frozen=True)
class Disk:
    """A directory with a disk of its own; `can_fill` is False where none could be mounted."""

    path: Path
    can_fill: bool

    def fill(self) -> None:
        """Leave next to no room."""
        used = shutil.disk_usage(self.path).used
        # What was written since we looked makes it too small to be taken: then there is a little more room.
        for slack in (_SLACK, 1 << 20, 8 << 20):
            if self._resize(used + slack):
                return

    def empty(self) -> None:
        """Plenty of room again."""
        if self.can_fill and not self._resize(_SIZE):
            raise RuntimeError(f"{self.path} cannot be made larger")

    def _resize(self, size: int) -> bool:
        command = ["mount", "-o", f"remount,size={size}", str(self.path)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def new_disk(path: Path) -> Disk:
    """A disk at the path, which is made; a plain directory where nothing can be mounted."""
    path.mkdir(mode=0o755)
    if not os.environ.get(_INSIDE):
        return Disk(path, can_fill=False)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=755", "tmpfs", str(path)], capture_output=True, check=False
    )
    return Disk(path, can_fill=mounted.returncode == 0)
