"""Envoy's second listener, for those who run the pod: is it ready, what are its statistics, and let it drain.

Kubernetes sends a container SIGTERM while requests still come, and Envoy ends at once. A ``preStop`` hook has to hold
that up, without a shell, which an image need not have. So it is an ``httpGet`` that Envoy itself answers when it has
nothing to do any more: a script in it asks its own admin interface, which is open on loopback only. The path has a part
that nobody can guess, since whoever knows it can drain the pod.
"""

from itertools import count
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_clusters import (
    ADMIN,
    READY,
    address,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_http import (
    FILTERS,
    connection_manager,
    router_filter,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import digest
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import Ports

READY_PORT = 19001
LAST = "?last"
"""Added to the path by Envoy's own hook: the router, whose hook asks too, is told first."""

LEAST_SECONDS = 10
"""How long a pod goes on at least: until everybody has heard that it is not one of the Service's any more."""

_LUA, _FAULT = "envoy.filters.http.lua", "envoy.filters.http.fault"
_SCRIPT = """
local least = {least}

local function ask(handle, cluster, method, path)
  local headers = {{[":method"] = method, [":path"] = path, [":authority"] = cluster}}
  local _, body = handle:httpCall(cluster, headers, "", 5000)
  return body or ""
end

function envoy_on_request(handle)
  ask(handle, "{admin}", "POST", "/healthcheck/fail")
  ask(handle, "{admin}", "POST", "/drain_listeners?graceful&skip_exit")
  local second = 0
  while true do
    ask(handle, "{ready}", "GET", "{pause}")
    second = second + 1
    local active = ask(handle, "{admin}", "GET", "/stats?filter=^http.api.downstream_rq_active$")
    if second >= least and tonumber(string.match(active, ": (%d+)")) == 0 then break end
  end
  if string.find(handle:headers():get(":path"), "{last}", 1, true) then
    ask(handle, "{ready}", "GET", "{pause}")
  end
end
"""


READY_PORT_NAME = "envoy-ready"
"""Of the port in the container."""


def ready_port(ports: Ports) -> int:
    """Return the port on which Envoy says that it is ready; another than all others of the pod."""
    taken = {ports.api.target, ports.grpc.target, ports.metrics.target, ports.router_api, ports.envoy_admin}
    return next(port for port in count(READY_PORT) if port not in taken)


def drain_path(identity: Identity) -> str:
    """Return the path whose answer comes when Envoy has drained; clients cannot guess it when there is a uid."""
    return f"/drain/{digest(['drain', identity.uid or [identity.namespace, identity.name]])[:32]}"


def ready_listener(ports: Ports, drain: str) -> dict[str, Any]:
    """Return the listener; Envoy is not ready while it drains."""
    health_check = {
        "name": "envoy.filters.http.health_check",
        "typed_config": {
            "@type": f"{FILTERS}.health_check.v3.HealthCheck",
            "pass_through_mode": False,
            "headers": [{"name": ":path", "string_match": {"exact": "/ready"}}],
        },
    }
    statistics = {"match": {"path": "/stats/prometheus"}, "route": {"cluster": ADMIN, "timeout": "30s"}}
    routes = [statistics, *_drain_routes(drain)]
    manager = {
        "stat_prefix": "ready",
        "route_config": {
            "name": "ready",
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        },
        "stream_idle_timeout": "0s",  # whoever waits for the drain hears nothing until its end
        "http_filters": [
            health_check,
            {"name": _LUA, "typed_config": {"@type": f"{FILTERS}.lua.v3.Lua"}},
            {"name": _FAULT, "typed_config": {"@type": f"{FILTERS}.fault.v3.HTTPFault"}},
            router_filter(),
        ],
    }
    return {
        "name": READY,
        "ignore_global_conn_limit": True,  # a busy Envoy is not a broken one
        "address": address(ports.everywhere, ready_port(ports)),
        "filter_chains": [{"filters": [connection_manager(manager)]}],
    }


def _drain_routes(path: str) -> list[dict[str, Any]]:
    pause = f"{path}/pause"
    script = _SCRIPT.format(least=LEAST_SECONDS, admin=ADMIN, ready=READY, pause=pause, last=LAST)
    drains = {"@type": f"{FILTERS}.lua.v3.LuaPerRoute", "source_code": {"inline_string": script}}
    waits = {
        "@type": f"{FILTERS}.fault.v3.HTTPFault",
        "delay": {"fixed_delay": "1s", "percentage": {"numerator": 100}},
    }
    done = {"direct_response": {"status": 200}}
    return [
        {"match": {"path": path}, **done, "typed_per_filter_config": {_LUA: drains}},
        {"match": {"path": pause}, **done, "typed_per_filter_config": {_FAULT: waits}},
    ]
