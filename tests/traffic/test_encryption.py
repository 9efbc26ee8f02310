"""TLS that a Route leads on ends in the real Envoy: with the Secret's certificate, and with a renewed one at once."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.support.routers import Router, endpoint
from tests.support.traffic.authorities import Authority
from tests.support.traffic.clients import Client, Load, chat_body, encrypted, exchange, told
from tests.support.traffic.site import Place, Site
from tests.support.waiting import stays, wait_for

SECRET, AUTHORITY = "own", "authority"
HOST = "router.apps.example.com"
MORE = 50
"""So many further answers say that requests go on."""


def tls(termination: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the resource
    """Return the part of a specification that leads TLS on to Envoy."""
    given = {"termination": termination, "secretRef": {"name": SECRET}, **more}
    return {"openshift": {"routes": {"enabled": True, "hostname": HOST, "tls": given}}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the certificates, and whom the clients trust."""
    return Authority.create(tmp_path_factory.mktemp("authority"))


def inner(site: Site) -> str:
    """Return the name of the Service, by which a router of OpenShift checks the certificate behind a Route."""
    return f"router.{site.space.name}.svc"


@pytest.fixture(scope="module")
def router(site: Site, authority: Authority) -> Router:
    """A router of one model with a certificate of its own."""
    site.serve("llama")
    secret = {"metadata": {"name": SECRET}, "type": "kubernetes.io/tls"}
    site.space.create({"kind": "Secret", **secret, "stringData": authority.issue(HOST).files()})
    router = Router.create(site.space, {"vllmEndpoints": [endpoint("llama", "llama")], **tls("passthrough")})
    router.wait_condition("Available", "True")
    return router


@pytest.fixture(scope="module")
def place(site: Site, router: Router) -> Iterator[Place]:
    """The pod of the router, which lives through all tests of this module."""
    with site.run(router.deployment()) as running:
        yield running


@pytest.fixture(autouse=True)
def same_pods(router: Router, place: Place) -> Iterator[None]:
    """No renewal may change the pods: a router may need an hour to load its models."""
    before = router.deployment()["spec"]["template"]
    yield
    assert router.deployment()["spec"]["template"] == before
    place.pod.check_running()


def trusting(authority: Authority) -> ssl.SSLContext:
    """Return what a client encrypts with that trusts this authority alone."""
    return ssl.create_default_context(cafile=str(authority.pair.certificate))


def client_of(place: Place, context: ssl.SSLContext, name: str = HOST) -> Client:
    """Return a client that expects the certificate of ``name``."""
    return Client(encrypted(place.opener(), context, name))


def names_served(place: Place, authority: Authority) -> list[str]:
    """Return the DNS names of the certificate that a new connection is shown."""
    context = trusting(authority)
    context.check_hostname = False
    with encrypted(place.opener(), context, HOST)() as connection:
        shown: Mapping[str, Any] = connection.getpeercert() or {}  # type: ignore[attr-defined] # it is encrypted
    return [name for _, name in shown["subjectAltName"]]


def renew(site: Site, data: Mapping[str, str]) -> None:
    """Put other files into the Secret, as who renews certificates does."""
    site.space.patch("Secret", SECRET, {"stringData": dict(data)})


def wait_answers(load: Load) -> None:
    """Wait until further requests have been answered."""
    seen = len(load.answers)
    wait_for(lambda: len(load.answers) >= seen + MORE, timeout=60, what="requests go on", poll=0.02)


def test_a_client_talks_tls_with_the_certificate_of_the_secret(place: Place, authority: Authority) -> None:
    assert told(client_of(place, trusting(authority)).chat("llama"))["served_by"] == "llama"


def test_events_arrive_one_by_one_through_tls(site: Site, place: Place, authority: Authority) -> None:
    slow = site.backends[0].server
    with client_of(place, trusting(authority)).stream("llama", events=1) as response:
        slow.steps.release()  # type: ignore[attr-defined] # it is a model server
        assert response.readline() == b"data: 0\n"
        slow.steps.release()  # type: ignore[attr-defined]
        assert response.read() == b"\ndata: [DONE]\n\n"


def test_the_same_port_still_serves_plain_http_inside_the_cluster(place: Place) -> None:
    assert told(place.client().chat("llama"))["served_by"] == "llama"


def test_a_client_that_trusts_another_authority_is_not_served(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        client_of(place, trusting(Authority.create(tmp_path))).chat("llama")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_http_2_is_offered_and_old_tls_is_refused(place: Place, authority: Authority) -> None:
    modern, old = trusting(authority), trusting(authority)
    modern.set_alpn_protocols(["h2", "http/1.1"])
    with encrypted(place.opener(), modern, HOST)() as connection:
        assert connection.selected_alpn_protocol() == "h2"  # type: ignore[attr-defined]
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        encrypted(place.opener(), old, HOST)()


def test_a_renewed_certificate_is_served_without_a_restart_or_a_failed_request(
    site: Site, place: Place, authority: Authority
) -> None:
    context = trusting(authority)
    context.check_hostname = False  # the renewed one has another name, by which it is told
    load = Load(encrypted(place.opener(), context, HOST))
    once = Load(encrypted(place.opener(), context, HOST), anew=True)
    renewed = f"renewed.{HOST}"
    with load.running(), once.running():
        wait_answers(load)
        renew(site, authority.issue(renewed).files())
        place.pod.refresh_volumes()
        wait_for(
            lambda: names_served(place, authority) == [renewed], timeout=30, what="the new one is served"
        )
        wait_answers(load)
        wait_answers(once)
    assert load.failures() == []
    assert once.failures() == []
    assert told(client_of(place, trusting(authority), renewed).chat("llama"))["served_by"] == "llama"


def test_a_secret_that_holds_no_certificate_leaves_the_last_good_one_in_service(
    site: Site, place: Place, authority: Authority
) -> None:
    before = names_served(place, authority)
    good = authority.issue("good").files()
    renew(site, {"tls.crt": good["tls.crt"], "tls.key": authority.issue("other").files()["tls.key"]})
    place.pod.refresh_volumes()
    wait_for(lambda: refused_certificates(place) > 0, timeout=30, what="Envoy refuses the pair")
    assert stays(lambda: names_served(place, authority), seconds=1) == before
    renew(site, good)
    place.pod.refresh_volumes()
    wait_for(lambda: names_served(place, authority) == ["good"], timeout=30, what="a good one is served")


def refused_certificates(place: Place) -> int:
    """Return how often Envoy has refused what it read of the certificate."""
    answer = place.admin.ask("/stats?filter=sds.certificate.key_rotation_failed")
    return sum(int(line.rpartition(" ")[2]) for line in answer.body.decode().splitlines())


def test_a_reencrypting_route_names_the_authority_that_envoy_s_certificate_is_checked_with(
    site: Site, router: Router, place: Place, authority: Authority, tmp_path: Path
) -> None:
    """What a router of OpenShift does: the authority out of the Route, the Service's name in the certificate."""
    config_map = {"metadata": {"name": AUTHORITY}, "data": {"ca.crt": authority.pair.certificate.read_text()}}
    site.space.create({"kind": "ConfigMap", **config_map})
    renew(site, authority.issue(inner(site)).files())
    place.pod.refresh_volumes()
    router.edit(tls("reencrypt", destinationCACertificate={"name": AUTHORITY, "key": "ca.crt"}))

    def named() -> str:
        found = site.space.get("Route", router.name)["spec"]["tls"]
        assert found["termination"] == "reencrypt"
        return str(found["destinationCACertificate"])

    (tmp_path / "ca.crt").write_text(wait_for(named, timeout=60, what="the Route encrypts anew"))
    wait_for(
        lambda: names_served(place, authority) == [inner(site)], timeout=30, what="its certificate is served"
    )
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    assert told(client_of(place, context, inner(site)).chat("llama"))["served_by"] == "llama"


def test_a_connection_that_was_open_goes_on_with_the_certificate_it_was_shown(
    site: Site, place: Place, authority: Authority
) -> None:
    context = trusting(authority)
    with encrypted(place.opener(), context, inner(site))() as opened:
        connection = http.client.HTTPConnection(HOST)
        connection.sock = opened
        assert exchange(connection, "/health").status == HTTPStatus.OK
        renew(site, authority.issue("later").files())
        place.pod.refresh_volumes()
        wait_for(
            lambda: names_served(place, authority) == ["later"], timeout=30, what="the new one is served"
        )
        assert (
            exchange(connection, "/v1/chat/completions", body=chat_body("llama", "hello")).status
            == HTTPStatus.OK
        )
