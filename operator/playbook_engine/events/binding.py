"""The only importer of kopf: it watches, and hands every event on. Nothing of kopf is written onto objects."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import kopf

from playbook_engine.events.intake import Intake
from playbook_engine.objects import GroupVersionKind, key_of, mapping, uid_of
from playbook_engine.observability.logs import get_logger

DEFINITIONS = GroupVersionKind(group="apiextensions.k8s.io", version="v1", kind="CustomResourceDefinition")
"""Watched to notice that a kind is served from now on."""

log = get_logger(__name__)

type Served = Callable[[str, str], None]
"""Called with group and kind of a definition that came, changed or went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """``ready`` is called once kopf has set up the process, ``served`` when a definition came or changed."""

    ready: Callable[[], None]
    served: Served


async def watch(
    kinds: tuple[GroupVersionKind, ...],
    intake: Intake,
    *,
    namespaces: tuple[str, ...],
    stop: asyncio.Event,
    hooks: Hooks,
) -> None:
    """Watch until ``stop`` is set."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_login)
    for gvk in kinds:
        kopf.on.event(group=gvk.group, version=gvk.version, kind=gvk.kind, registry=registry)(
            _handler(intake)
        )
    if DEFINITIONS not in kinds:
        group, version, kind = DEFINITIONS.group, DEFINITIONS.version, DEFINITIONS.kind
        kopf.on.event(group=group, version=version, kind=kind, registry=registry)(_definition(hooks.served))
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = 300
    started = asyncio.Event()
    starting = asyncio.create_task(_call_after(started, hooks.ready))
    try:
        await _operate(registry, settings, namespaces=namespaces, stop=stop, started=started)
    finally:
        starting.cancel()


async def _call_after(event: asyncio.Event, call: Callable[[], None]) -> None:
    await event.wait()
    call()


async def _operate(
    registry: kopf.OperatorRegistry,
    settings: kopf.OperatorSettings,
    *,
    namespaces: tuple[str, ...],
    stop: asyncio.Event,
    started: asyncio.Event,
) -> None:
    await kopf.operator(
        registry=registry,
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
        ready_flag=started,
    )


def _login(**given: Any) -> Any:  # noqa: ANN401 - kopf's own records
    """Use the kubeconfig, or the pod's service account: like everything else that talks to the API server."""
    return kopf.login_with_kubeconfig(**given) or kopf.login_with_service_account(**given)


def _handler(intake: Intake) -> Any:  # noqa: ANN401 - any callable, to kopf
    async def handle(*, event: Mapping[str, Any], **_: object) -> None:
        found = event["object"]
        if event.get("type") == "DELETED":
            intake.gone(key_of(found), uid_of(found))
        else:
            intake.seen(found)

    return handle


def _definition(served: Served) -> Any:  # noqa: ANN401 - any callable, to kopf
    async def handle(*, event: Mapping[str, Any], **_: object) -> None:
        spec = mapping(mapping(event["object"]).get("spec"))
        served(str(spec.get("group")), str(mapping(spec.get("names")).get("kind")))

    return handle
