"""Which resource a path names."""

import pytest

from playbook_engine.proxy.targets import Target, target_of

CORE = {"prefix": "/api/v1", "group": "", "version": "v1"}
APPS = {"prefix": "/apis/apps/v1", "group": "apps", "version": "v1"}


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/nodes", Target(**CORE, plural="nodes")),
        ("/api/v1/nodes/n", Target(**CORE, plural="nodes", name="n")),
        ("/api/v1/namespaces", Target(**CORE, plural="namespaces")),
        ("/api/v1/namespaces/ns", Target(**CORE, plural="namespaces", name="ns")),
        (
            "/api/v1/namespaces/ns/finalize",
            Target(**CORE, plural="namespaces", name="ns", subresource="finalize"),
        ),
        ("/api/v1/namespaces/ns/pods", Target(**CORE, plural="pods", namespace="ns")),
        ("/api/v1/namespaces/ns/pods/p", Target(**CORE, plural="pods", namespace="ns", name="p")),
        (
            "/api/v1/namespaces/ns/pods/p/proxy/a/b",
            Target(**CORE, plural="pods", namespace="ns", name="p", subresource="proxy/a/b"),
        ),
        (
            "/apis/apps/v1/namespaces/ns/deployments/d/scale",
            Target(**APPS, plural="deployments", namespace="ns", name="d", subresource="scale"),
        ),
        (
            "/apis/apps/v1/namespaces/ns/deployments/d%3Ae",
            Target(**APPS, plural="deployments", namespace="ns", name="d:e"),
        ),
    ],
)
def test_a_path_of_a_resource(path: str, target: Target) -> None:
    assert target_of(path) == target


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/openapi/v3/apis/apps/v1"],
)
def test_a_path_of_no_resource(path: str) -> None:
    assert target_of(path) is None
