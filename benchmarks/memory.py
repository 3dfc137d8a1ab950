"""How much memory a process has held."""

from pathlib import Path


def peak_mb() -> float:
    """This process's own peak [MB].

    getrusage's is no good: a new program begins with that of whoever started it.
    [proc_pid_status(5): VmHWM]
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("the kernel does not tell a process's peak memory")
