"""The folders that the local cluster uses: nothing is written outside them.

- the cache (``$XDG_CACHE_HOME/taskyard``): programs and base images, kept forever, keyed by version
- ``.cluster/`` in the checkout: kubeconfig and logs of the cluster, for people to read
- ``/var/lib/taskyard-cluster``: the running cluster's own state, removed with it
- ``/run/taskyard-cluster``: the record of the running cluster, one for each machine
"""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE_ROOT = REPOSITORY / "deploy" / "local"
PROGRAM_SOURCES = PACKAGE_ROOT / "programs"

CLUSTER = REPOSITORY / ".cluster"
KUBECONFIG = CLUSTER / "kubeconfig"
LOGS = CLUSTER / "logs"

STATE = Path("/var/lib/taskyard-cluster")
RUN = Path("/run/taskyard-cluster")


def cache() -> Path:
    """The user's cache folder for Taskyard (not created here)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "taskyard"
