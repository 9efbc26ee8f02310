"""How new pods take the place of old ones: what the volume allows decides it, by one table."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import CLAIM, Situation

NODE, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """``surge``: a new pod is ready before an old one goes. ``gap`` says why none can be.

    ``spread``: pods shall be on different nodes and zones. ``together``: on the one node that has the volume.
    """

    surge: bool = True
    spread: bool = False
    together: bool = False
    gap: str = ""

    @property
    def rolling(self) -> dict[str, Any]:
        """The ``strategy`` of the Deployment."""
        if not self.surge:
            return {"type": "Recreate"}
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


ANYWHERE = Strategy(spread=True)
ONE_NODE = Strategy(together=True)
ONE_POD = Strategy(surge=False, gap="its access mode ReadWriteOncePod lets one pod alone mount it")
APART = Strategy(
    surge=False,
    gap="it is on one node (ReadWriteOnce), and spec.affinity.podAntiAffinity keeps a second pod from that node",
)

NO_VOLUME = "no volume"
BY_VOLUME: Mapping[str, Strategy] = {
    NO_VOLUME: ANYWHERE,
    "ReadWriteMany": ANYWHERE,
    "ReadOnlyMany": ANYWHERE,
    "ReadWriteOnce": ONE_NODE,
    "ReadWriteOncePod": ONE_POD,
}
"""By access mode of the volume; of a volume with several, the first of this table counts."""


def strategy_of(situation: Situation) -> Strategy:
    """Return how pods are replaced."""
    modes = _access_modes(situation)
    chosen = next((found for mode, found in BY_VOLUME.items() if mode in modes), ONE_NODE)
    return APART if chosen is ONE_NODE and _keeps_itself_apart(situation) else chosen


def gap_of(situation: Situation) -> str:
    """Say why every roll-out has a time without a ready pod; empty when it has none."""
    gap = strategy_of(situation).gap
    if not gap:
        return ""
    claim = f"{CLAIM} {situation.identity.namespace}/{situation.volume.claim}"
    return f"each roll-out stops the old pods before it starts new ones, because of {claim}: {gap}"


def affinity(situation: Situation) -> dict[str, Any] | None:
    """Return the user's affinity, and with it the node of the volume when there is one.

    A term that selects the pod itself does not keep the first pod from starting: the scheduler lets it pass while no
    pod matches.
    """
    given = plain(spec_of(situation.resource).get("affinity"))
    if not strategy_of(situation).together:
        return dict(given) if given else None
    to_itself = {"labelSelector": {"matchLabels": situation.identity.selector}, "topologyKey": NODE}
    affinities = dict(given or {})
    pods = affinities.get("podAffinity") or {}
    return {**affinities, "podAffinity": {**pods, REQUIRED: [*(pods.get(REQUIRED) or ()), to_itself]}}


def spread(situation: Situation) -> list[dict[str, Any]] | None:
    """Return the topology spread constraints of the pods; wishes, since a pod on a full zone is better than none."""
    if not strategy_of(situation).spread:
        return None
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": situation.identity.selector},
        }
        for key in (NODE, ZONE)
    ]


def _access_modes(situation: Situation) -> Collection[str]:
    """Those of the claim that is there, else of the one that is going to be."""
    name = situation.volume.claim
    if not name:
        return (NO_VOLUME,)
    live = find(situation.observed, CLAIM, situation.identity, name) or {}
    referred = section(situation.observed, "references").get("claims") or ()
    for claim in (live, *(one for one in referred if one["metadata"]["name"] == name)):
        modes = section(claim, "spec").get("accessModes")
        if modes:
            return [str(mode) for mode in modes]
    return (situation.volume.access_mode,)


def _keeps_itself_apart(situation: Situation) -> bool:
    """Whether the user keeps pods of this router from one node, and so from one zone."""
    labels = situation.identity.labels.items()
    return any(
        term.get("topologyKey") in (NODE, ZONE) and selector and selector.items() <= labels
        for term in _anti_affinities(situation)
        for selector in (section(term, "labelSelector").get("matchLabels") or {},)
        if not section(term, "labelSelector").get("matchExpressions")
    )


def _anti_affinities(situation: Situation) -> Iterator[Mapping[str, Any]]:
    yield from section(spec_of(situation.resource), "affinity", "podAntiAffinity").get(REQUIRED) or ()
