"""Finds the credentials of this process: those of a kubeconfig, or the service account of its pod.

What is looked for is what client-go looks for: ``KUBECONFIG`` is a list of files of which absent ones do not count,
``~/.kube/config`` stands in for it, and in a pod without either it is the service account. Blocking: files are read,
and a plugin that a kubeconfig names is run.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.kubeconfig import read_kubeconfig
from playbook_engine.cluster.login import Login, bearer

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def log_in(environ: Mapping[str, str], service_account: Path = SERVICE_ACCOUNT) -> Login:
    """Read the credentials as they are now; raises NoCredentialsError, which names the file and what to do."""
    named = [Path(path).expanduser() for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    usual = Path(environ.get("HOME") or "~").expanduser() / ".kube" / "config"
    files = [path for path in named or [usual] if path.is_file()]
    if files:
        return read_kubeconfig(files, environ)
    if (service_account / "token").is_file():
        return _of_pod(environ, service_account)
    missing = f"KUBECONFIG names {', '.join(map(str, named))}, which is not there" if named else ""
    reason = missing or f"there is neither {usual} nor a service account in {service_account}"
    raise NoCredentialsError(
        f"no cluster to talk to ({reason}): set KUBECONFIG, or run in a pod with a service account"
    )


def _of_pod(environ: Mapping[str, str], directory: Path) -> Login:
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise NoCredentialsError(
            f"no cluster to talk to: {directory} is there, but KUBERNETES_SERVICE_HOST is not set, as it is in a pod"
        )
    namespace = directory / "namespace"
    try:
        return Login(
            server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            namespace=namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else "",
            authority=(directory / "ca.crt").read_text(encoding="utf-8"),
            authorization=bearer((directory / "token").read_text(encoding="utf-8")),
            is_renewed=True,
        )
    except OSError as error:
        raise NoCredentialsError(f"the service account of the pod cannot be read: {error}") from error
