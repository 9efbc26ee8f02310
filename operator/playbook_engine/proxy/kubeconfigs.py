"""The kubeconfig of a run: all that it needs to come here, and nowhere else."""

import base64
import json


def kubeconfig(*, port: int, authority: bytes, token: str, namespace: str) -> str:
    """Give its text; ``authority`` is the certificate of the server as PEM, ``namespace`` the one that is meant first.

    It is JSON, which is YAML too.
    """
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    context = {"cluster": "engine", "user": "run", **({"namespace": namespace} if namespace else {})}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "engine", "cluster": cluster}],
            "users": [{"name": "run", "user": {"token": token}}],
            "contexts": [{"name": "run", "context": context}],
            "current-context": "run",
        }
    )
