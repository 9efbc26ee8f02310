"""Makes the leadership that the settings ask for."""

import os
import random
import socket
import uuid
from pathlib import Path

from playbook_engine.cluster.client import RealCluster
from playbook_engine.fence import Fence
from playbook_engine.leadership.election import Alone, Election, Leadership
from playbook_engine.leadership.leases import LEASE, Timing
from playbook_engine.objects import ObjectKey
from playbook_engine.settings.table import Settings

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def make_leadership(settings: Settings, fence: Fence) -> Leadership:
    """Make it; with an election the fence is closed until it is won.

    Raises OSError when nothing says in which namespace the Lease is.
    """
    if not settings.leader_elect:
        return Alone()
    namespace = settings.leader_election_namespace or _own_namespace()
    return Election(
        RealCluster(),  # the Lease is written in front of the fence
        ObjectKey(gvk=LEASE, namespace=namespace, name=settings.leader_election_id),
        identity=f"{socket.gethostname()}_{uuid.uuid4()}",
        timing=Timing(
            duration=settings.lease_seconds,
            renew_deadline=settings.renew_deadline_seconds,
            retry=settings.retry_seconds,
        ),
        fence=fence,
        chance=random.random,
    )


def _own_namespace() -> str:
    try:
        return POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = "not in a pod, so --leader-election-namespace has to say where the Lease is"
        raise OSError(error.errno, reason, os.fspath(POD_NAMESPACE)) from error
