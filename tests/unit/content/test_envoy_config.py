"""Envoy's configuration: its structure, what real Envoy says about it, and what real Envoy does with it."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import (
    Address,
    Backends,
    Endpoint,
    Model,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import (
    DIRECTORY,
    INTERNAL_HEADERS,
    render_envoy,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_ready import (
    LAST,
    LEAST_SECONDS,
    READY_PORT,
    drain_path,
    ready_port,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_tls import (
    DIRECTORY as CERTIFICATE_DIRECTORY,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import to_json
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import (
    Port,
    Ports,
    everywhere_of,
    ports_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import true
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.envoy_files import ENVOY, validate
from tests.support.waiting import wait_for

RESOURCE = {
    "apiVersion": "vllm.ai/v1alpha1",
    "kind": "SemanticRouter",
    "metadata": {"name": "test-router", "namespace": "ml", "uid": "1"},
}
PORTS = ports_of(RESOURCE)
CHAT = "/v1/chat/completions"

type Documents = dict[str, dict[str, Any]]


def endpoint(model: str, host: str, port: int = 8000, weight: int = 1, *, tls: bool = False) -> Endpoint:
    return Endpoint(
        name=f"{host}-{port}", model=model, address=Address(host=host, port=port, tls=tls), weight=weight
    )


def model(name: str, *endpoints: Endpoint, loras: tuple[str, ...] = ()) -> Model:
    return Model(name=name, endpoints=endpoints, loras=tuple({"name": lora} for lora in loras))


def simple(name: str, **given: Any) -> Model:  # noqa: ANN401 - handed on
    return model(name, endpoint(name, "vllm.ml.svc.cluster.local"), **given)


def rendered(
    *models: Model,
    ports: Ports = PORTS,
    directory: str = DIRECTORY,
    tls: bool = False,
    **spec: Any,  # noqa: ANN401 - as kubectl would have it
) -> Documents:
    backends = Backends(models=models, condition=true("Resolved", "all"))
    return render_envoy({**RESOURCE, "spec": spec}, backends, ports, directory=directory, tls=tls)


def routes(documents: Documents) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = documents["routes.yaml"]["resources"][0]["virtual_hosts"][0]["routes"]
    return found


def selected_routes(documents: Documents) -> dict[str, dict[str, Any]]:
    """Return the routes of models by what ``x-selected-model`` must be."""
    return {
        header["string_match"]["exact"]: route
        for route in routes(documents)
        for header in route["match"].get("headers", ())
        if "string_match" in header
    }


def default_route(documents: Documents) -> dict[str, Any]:
    absent = [{"name": "x-selected-model", "present_match": True, "invert_match": True}]
    return next(route for route in routes(documents) if route["match"].get("headers") == absent)


def cluster(documents: Documents) -> dict[str, Any]:
    (only,) = documents["clusters.yaml"]["resources"]
    found: dict[str, Any] = only
    return found


def lb_endpoints(documents: Documents) -> list[dict[str, Any]]:
    (locality,) = cluster(documents)["load_assignment"]["endpoints"]
    found: list[dict[str, Any]] = locality["lb_endpoints"]
    return found


def manager(documents: Documents) -> dict[str, Any]:
    (listener,) = documents["listeners.yaml"]["resources"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def ext_proc(documents: Documents) -> dict[str, Any]:
    found: dict[str, Any] = manager(documents)["http_filters"][0]["typed_config"]
    return found


def error(route: dict[str, Any]) -> dict[str, Any]:
    response = route["direct_response"]
    found: dict[str, Any] = json.loads(response["body"]["inline_string"])["error"]
    assert found["code"] == response["status"]
    return found


def asks_router(route: dict[str, Any]) -> bool:
    per_filter = route.get("typed_per_filter_config", {})
    return not per_filter.get("envoy.filters.http.ext_proc", {}).get("disabled", False)


class TestRoutes:
    def test_the_routers_own_api_comes_first_and_does_not_ask_the_router(self) -> None:
        found = routes(rendered(simple("a")))
        api = [route for route in found if route.get("route", {}).get("cluster") == "router_api"]
        assert found[: len(api)] == api
        assert not any(asks_router(route) for route in api)
        assert [route["match"] for route in api] == [
            {"path": "/health"},
            {"path": "/ready"},
            {"path": "/v1/models"},
            {"path": "/docs"},
            {"path": "/openapi.json"},
            {"path": "/info/models"},
            {"prefix": "/api/v1/"},
        ]

    def test_each_model_has_a_route_by_its_exact_name(self) -> None:
        found = selected_routes(rendered(simple("org/a.*"), simple("b")))
        assert list(found) == ["org/a.*", "b"]
        assert len({route["route"]["cluster"] for route in found.values()}) == 2

    def test_an_adapter_leads_to_its_model_and_never_takes_the_name_of_one(self) -> None:
        found = selected_routes(rendered(simple("a", loras=("sql", "b")), simple("b", loras=("sql",))))
        target = {name: route["route"]["cluster"] for name, route in found.items()}
        assert target["sql"] == target["a"]
        assert target["b"] != target["a"]
        assert list(target) == ["a", "b", "sql"]

    def test_a_request_without_a_choice_goes_to_the_first_model(self) -> None:
        documents = rendered(simple("z"), simple("a"))
        first = selected_routes(documents)["z"]["route"]["cluster"]
        assert default_route(documents)["route"]["cluster"] == first

    def test_a_choice_that_has_no_route_is_refused_instead_of_sent_to_another_model(self) -> None:
        refusal = routes(rendered(simple("a")))[-2]
        assert refusal["match"] == {"prefix": "/v1/"}
        assert error(refusal)["type"] == "no_backend"

    def test_any_other_path_is_not_found(self) -> None:
        last = routes(rendered(simple("a")))[-1]
        assert last["match"] == {"prefix": "/"}
        assert error(last)["code"] == 404
        assert not asks_router(last)

    def test_a_generation_may_take_long_but_not_be_silent_for_long(self) -> None:
        route = selected_routes(rendered(simple("a")))["a"]["route"]
        assert route["timeout"] == "0s"
        assert manager(rendered(simple("a")))["stream_idle_timeout"] == "300s"

    def test_the_host_is_rewritten_to_the_backends(self) -> None:
        assert selected_routes(rendered(simple("a")))["a"]["route"]["auto_host_rewrite"] is True

    def test_only_requests_that_no_backend_has_seen_are_tried_again(self) -> None:
        policy = selected_routes(rendered(simple("a")))["a"]["route"]["retry_policy"]
        assert policy["retry_on"] == "connect-failure,refused-stream,reset-before-request"


class TestModelsWithoutEndpoints:
    def test_a_model_without_an_address_answers_503_and_has_no_cluster(self) -> None:
        documents = rendered(model("lost"), simple("a"))
        assert error(selected_routes(documents)["lost"]) == {
            "message": "no backend of model lost has an address",
            "type": "no_backend",
            "code": 503,
        }
        assert len(documents["clusters.yaml"]["resources"]) == 1

    def test_a_model_whose_endpoints_all_have_weight_0_answers_503(self) -> None:
        documents = rendered(model("idle", endpoint("idle", "h", weight=0)))
        assert error(default_route(documents))["message"] == "no backend of model idle has a weight above 0"
        assert documents["clusters.yaml"]["resources"] == []

    def test_the_router_is_asked_even_when_the_first_model_has_no_address(self) -> None:
        documents = rendered(model("lost"), simple("a"))
        assert asks_router(default_route(documents))
        assert "direct_response" in default_route(documents)

    def test_without_models_chat_answers_503_without_asking_the_router(self) -> None:
        route = default_route(rendered())
        assert error(route) == {
            "message": "this router has no models: add entries to spec.vllmEndpoints",
            "type": "no_backend",
            "code": 503,
        }
        assert not asks_router(route)


class TestClusters:
    def test_weights_are_kept_and_weight_0_is_left_out(self) -> None:
        found = lb_endpoints(
            rendered(
                model(
                    "a",
                    endpoint("a", "x", weight=90),
                    endpoint("a", "y", weight=0),
                    endpoint("a", "z", weight=10),
                )
            )
        )
        weights = {one["endpoint"]["hostname"]: one["load_balancing_weight"] for one in found}
        assert weights == {"x": 90, "z": 10}

    def test_an_address_given_twice_has_the_sum_of_its_weights(self) -> None:
        found = lb_endpoints(rendered(model("a", endpoint("a", "x", weight=2), endpoint("a", "x", weight=3))))
        assert [one["load_balancing_weight"] for one in found] == [5]

    def test_plain_endpoints_have_no_transport_socket(self) -> None:
        assert "transport_socket_matches" not in cluster(rendered(simple("a")))

    def test_only_https_endpoints_match_the_tls_socket(self) -> None:
        documents = rendered(model("a", endpoint("a", "safe", 443, tls=True), endpoint("a", "plain")))
        tls, plain = cluster(documents)["transport_socket_matches"]
        assert (tls["match"], plain["match"]) == ({"tls": True}, {})
        context = tls["transport_socket"]["typed_config"]
        assert context["auto_host_sni"] is True
        assert context["auto_sni_san_validation"] is True
        authorities = context["common_tls_context"]["validation_context"]["trusted_ca"]
        assert authorities == {"filename": "/etc/ssl/certs/ca-certificates.crt"}
        marked = {one["endpoint"]["hostname"]: "metadata" in one for one in lb_endpoints(documents)}
        assert marked == {"safe": True, "plain": False}

    def test_a_failing_backend_is_left_out_for_a_while_but_never_more_than_half(self) -> None:
        found = cluster(rendered(simple("a")))
        assert (found["type"], found["connect_timeout"]) == ("STRICT_DNS", "5s")
        detection = found["outlier_detection"]
        assert (detection["consecutive_5xx"], detection["max_ejection_percent"]) == (5, 50)

    @pytest.mark.parametrize(
        "names", [("a/b", "a-b", "a.b", "A-B"), ("extproc", "admin", "router_api"), ("é", "è")]
    )
    def test_names_of_clusters_are_safe_and_differ(self, names: tuple[str, ...]) -> None:
        found = rendered(*map(simple, names))["clusters.yaml"]["resources"]
        clusters = {one["name"] for one in found}
        assert len(clusters) == len(names)
        assert not clusters & {"extproc", "admin", "router_api"}
        assert all(name.replace("_", "").replace("-", "").isalnum() and name.isascii() for name in clusters)


class TestListeners:
    def test_internal_headers_of_clients_are_gone_before_a_route_is_chosen(self) -> None:
        (early,) = manager(rendered(simple("a")))["early_header_mutation_extensions"]
        removed = [mutation["remove"] for mutation in early["typed_config"]["mutations"]]
        assert removed == list(INTERNAL_HEADERS)
        assert "x-selected-model" in removed

    def test_the_router_is_asked_and_a_missing_answer_closes_the_way(self) -> None:
        found = ext_proc(rendered(simple("a")))
        assert found["grpc_service"]["envoy_grpc"]["cluster_name"] == "extproc"
        assert found["failure_mode_allow"] is False
        assert found["allow_mode_override"] is True
        assert found["message_timeout"] == "300s"
        assert found["route_cache_action"] == "CLEAR"

    def test_a_setting_opens_the_way(self) -> None:
        found = ext_proc(rendered(simple("a"), envoy={"failOpen": True}))
        assert found["failure_mode_allow"] is True
        assert "status_on_error" not in found

    def test_how_long_a_model_may_be_silent_can_be_set(self) -> None:
        documents = rendered(simple("a"), envoy={"idleTimeoutSeconds": 900})
        assert manager(documents)["stream_idle_timeout"] == "900s"

    def test_tls_stands_beside_plain_http_on_the_same_port(self) -> None:
        documents = rendered(simple("a"), tls=True)
        (listener,) = documents["listeners.yaml"]["resources"]
        encrypted, plain = listener["filter_chains"]
        assert encrypted["filter_chain_match"] == {"transport_protocol": "tls"}
        assert encrypted["filters"] == plain["filters"]
        assert "transport_socket" not in plain
        assert "certificate.yaml" not in rendered(simple("a"))

    def test_the_path_that_drains_is_another_for_every_resource(self) -> None:
        other = {**RESOURCE, "metadata": {**RESOURCE["metadata"], "uid": "2"}}  # type: ignore[dict-item]
        assert drain_path(identity_of(RESOURCE)) != drain_path(identity_of(other))
        assert RESOURCE["metadata"]["uid"] not in drain_path(identity_of(RESOURCE)).split("/")[-1:]  # type: ignore[index]

    def test_requests_are_shown_whole_and_streams_of_events_are_not_held_back(self) -> None:
        documents = rendered(simple("a"))
        mode = ext_proc(documents)["processing_mode"]
        assert (mode["request_header_mode"], mode["request_body_mode"]) == ("SEND", "BUFFERED")
        assert (mode["response_header_mode"], mode["response_body_mode"]) == ("SEND", "STREAMED")
        (listener,) = documents["listeners.yaml"]["resources"]
        assert listener["per_connection_buffer_limit_bytes"] == 50 * 1024 * 1024

    def test_the_ready_listener_is_on_all_addresses(self) -> None:
        address, _ = ready_addresses(rendered())
        assert address == {"address": "0.0.0.0", "port_value": READY_PORT}  # noqa: S104

    def test_admin_is_on_loopback_only(self) -> None:
        address = rendered()["envoy.yaml"]["admin"]["address"]["socket_address"]
        assert address == {"address": "127.0.0.1", "port_value": PORTS.envoy_admin}

    @pytest.mark.parametrize("taken", [{"api": READY_PORT}, {"api": READY_PORT, "grpc": READY_PORT + 1}])
    def test_the_ready_port_gives_way_to_the_users(self, taken: dict[str, int]) -> None:
        service = {name: {"targetPort": port} for name, port in taken.items()}
        ports = ports_of({"spec": {"service": service}})
        assert ready_port(ports) == READY_PORT + len(taken)

    def test_backends_change_what_is_watched_and_not_what_envoy_starts_with(self) -> None:
        one, other = rendered(simple("a")), rendered(simple("a"), simple("b"))
        same = {name for name in one if one[name] == other[name]}
        assert same == {"envoy.yaml", "listeners.yaml"}

    def test_every_file_is_watched_by_its_directory(self) -> None:
        documents = rendered(directory="/somewhere")
        dynamic = documents["envoy.yaml"]["dynamic_resources"]
        sources = [dynamic["lds_config"], dynamic["cds_config"], manager(documents)["rds"]["config_source"]]
        assert [source["path_config_source"] for source in sources] == [
            {"path": f"/somewhere/{name}", "watched_directory": {"path": "/somewhere"}}
            for name in ("listeners.yaml", "clusters.yaml", "routes.yaml")
        ]


NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=253),
    st.sampled_from(
        ["y", "n", "~", "null", "1e5", "0x10", "{{ x }}", "${HOME}", "%REQ(A)%", ".*", "a\r\nb: c"]
    ),
)
ENDPOINTS = st.builds(
    endpoint,
    st.just("model"),
    st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.svc\.cluster\.local)?", fullmatch=True)
    | st.sampled_from(["10.0.0.1", "::1"]),
    st.integers(1, 65535),
    st.integers(0, 1_000_000),
    tls=st.booleans(),
)
MODELS = st.lists(
    st.builds(
        lambda name, endpoints, loras: model(name, *endpoints, loras=tuple(loras)),
        NAMES,
        st.lists(ENDPOINTS, max_size=4),
        st.lists(NAMES, max_size=2),
    ),
    max_size=5,
    unique_by=lambda one: one.name,
)


class TestProperties:
    @given(MODELS)
    @settings(deadline=None)
    def test_every_name_is_only_ever_an_exact_value(self, models: list[Model]) -> None:
        text = json.dumps(rendered(*models))
        assert "safe_regex" not in text
        names = {one.name for one in models} | {str(lora["name"]) for one in models for lora in one.loras}
        assert set(selected_routes(rendered(*models))) == names

    @given(MODELS)
    @settings(deadline=None)
    def test_every_route_leads_to_a_cluster_that_is_there(self, models: list[Model]) -> None:
        documents = rendered(*models)
        there = [one["name"] for one in documents["clusters.yaml"]["resources"]]
        used = {route["route"]["cluster"] for route in routes(documents) if "route" in route} - {"router_api"}
        assert used == set(there)
        assert len(there) == len(used)

    @given(MODELS)
    @settings(deadline=None)
    def test_the_same_input_gives_the_same_text(self, models: list[Model]) -> None:
        assert to_json(rendered(*models)) == to_json(rendered(*models))


class TestValidation:
    def test_envoy_accepts_the_bootstrap_as_it_is_mounted(self, tmp_path: Path) -> None:
        documents = rendered(simple("y"), directory=str(tmp_path))
        for name, document in documents.items():
            (tmp_path / name).write_text(to_json(document), encoding="utf-8")
        assert validate(to_json(documents["envoy.yaml"])) == ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def error(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/json"
        found: dict[str, Any] = json.loads(self.text)["error"]
        return found


def ask(port: int, path: str, headers: dict[str, str] | None = None, body: str | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET" if body is None else "POST", path, body=body, headers=headers or {})
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    names = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=names, text=text)


class Echo(BaseHTTPRequestHandler):
    """Tell who answers, and what it was sent."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: otherwise the second waits for an acknowledgement

    gate = threading.Event()

    def do_GET(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length") or 0))
        if b"stream" in asked:
            self.stream()
        else:
            self.echo()

    def stream(self) -> None:
        """Send one event, and another when the gate is open."""
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"7\r\nfirst\n\n\r\n")
        self.wfile.flush()
        self.gate.wait(timeout=60)
        self.wfile.write(b"6\r\nlast\n\n\r\n0\r\n\r\n")

    def echo(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = {"port": self.connection.getsockname()[1], "path": self.path, "headers": headers}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
        """Say nothing."""


@contextmanager
def server(certificate: Path | None = None) -> Iterator[int]:
    """Run an Echo on loopback and give its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield int(running.server_address[1])
        finally:
            running.shutdown()
            thread.join()


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def ports_with(router_api: int, api: int, grpc: int, metrics: int, admin: int) -> Ports:
    return Ports(
        api=Port(name="api", port=api, target=api),
        grpc=Port(name="grpc", port=grpc, target=grpc),
        metrics=Port(name="metrics", port=metrics, target=metrics),
        metrics_enabled=True,
        router_api=router_api,
        envoy_admin=admin,
    )


def mount(directory: Path, texts: dict[str, str]) -> None:
    """Change files at once, as the kubelet does with a ConfigMap or a Secret."""
    version = Path(mkdtemp(prefix="..version_", dir=directory))
    for name, text in texts.items():
        (version / name).write_text(text, encoding="utf-8")
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    (directory / "..data_tmp").symlink_to(version.name)
    (directory / "..data_tmp").rename(directory / "..data")


def mount_certificate(directory: Path, certificate: Path) -> None:
    both = certificate.read_text()
    mount(directory, {"tls.crt": both, "tls.key": certificate.with_suffix(".key").read_text()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An Envoy with files that are laid out as the kubelet does with a ConfigMap."""

    ports: Ports
    ready: int
    directory: Path

    def write(self, documents: Documents) -> None:
        for address in ready_addresses(documents):  # several Envoys share this machine's addresses
            address["port_value"] = self.ready
        texts = {name: to_json(document) for name, document in documents.items()}
        quick = f"local least = {LEAST_SECONDS}"
        assert quick in texts["envoy.yaml"]
        texts["envoy.yaml"] = texts["envoy.yaml"].replace(quick, "local least = 1")
        mount(self.directory, texts)

    def change(self, *models: Model) -> None:
        self.write(open_documents(self, *models))

    def ask(self, path: str, headers: dict[str, str] | None = None, body: str | None = None) -> Answer:
        return ask(self.ports.api.target, path, headers, body)

    def ask_ready(self, path: str) -> Answer:
        return ask(self.ready, path)

    def chat(self, headers: dict[str, str] | None = None) -> Answer:
        return self.ask(CHAT, headers, '{"model": "auto"}')

    def backend(self) -> int:
        """Return the port of the backend that answers a chat."""
        answer = self.chat()
        assert answer.status == 200, answer
        return int(json.loads(answer.text)["port"])

    def shows(self, certificate: Path) -> bool:
        """Whether a client that trusts nothing but this certificate gets an answer by TLS."""
        context = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection(
            "localhost", self.ports.api.target, timeout=30, context=context
        )
        try:
            with closing(connection):
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
        except OSError:
            return False

    def rejected(self) -> int:
        """Count the files that Envoy did not take."""
        lines = ask(self.ports.envoy_admin, "/stats?filter=update_rejected").text.splitlines()
        assert lines
        return sum(int(line.rpartition(" ")[2]) for line in lines)


def ready_addresses(documents: Documents) -> list[dict[str, Any]]:
    """Return where the ready listener listens, and where the cluster of its own hook finds it."""
    static = documents["envoy.yaml"]["static_resources"]
    (listener,) = static["listeners"]
    (cluster,) = (one for one in static["clusters"] if one["name"] == "ready")
    (locality,) = cluster["load_assignment"]["endpoints"]
    (endpoint,) = locality["lb_endpoints"]
    addresses = (listener["address"], endpoint["endpoint"]["address"])
    return [address["socket_address"] for address in addresses]


def open_documents(running: Running, *models: Model, tls: bool = False) -> Documents:
    """Return documents with which requests go on without a router: none runs in these tests."""
    return rendered(
        *models, ports=running.ports, directory=str(running.directory), tls=tls, envoy={"failOpen": True}
    )


@contextmanager
def started(running: Running) -> Iterator[subprocess.Popen[str]]:
    command = [ENVOY, "--disable-hot-restart", "--concurrency", "1", "-l", "warning"]
    command += ["--file-flush-interval-msec", "50", "-c", str(running.directory / "envoy.yaml")]
    log = running.directory / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output, text=True) as process,
    ):
        try:
            wait_for(lambda: is_ready(running, process), timeout=60, what="Envoy is ready")
            yield process
        finally:
            process.terminate()


def is_ready(running: Running, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, (running.directory / "log").read_text()
    try:
        return running.ask_ready("/ready").status == 200
    except OSError:
        return False


@contextmanager
def envoy(
    directory: Path, *models: Model, closed: bool = False, service_address: str = ""
) -> Iterator[Running]:
    with server() as router_api:
        *others, ready = free_ports(5)
        ports = replace(ports_with(router_api, *others), everywhere=everywhere_of(service_address))
        running = Running(ports=ports, ready=ready, directory=directory)
        documents = rendered(*models, ports=running.ports, directory=str(directory))
        running.write(documents if closed else open_documents(running, *models))
        with started(running):
            yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run one Envoy, with the files as they are rendered, for the tests that change nothing."""
    models = (simple("Qwen/Qwen2.5-7B"), model("lost"))
    with envoy(tmp_path_factory.mktemp("envoy"), *models, closed=True) as found:
        yield found


class TestWithoutRouter:
    """Real Envoy, the router's API, and a router that does not answer for chat."""

    def test_every_file_is_taken(self, running: Running) -> None:
        assert running.rejected() == 0

    @pytest.mark.parametrize("path", ["/health", "/v1/models", "/docs", "/api/v1/classify/intent?a=b"])
    def test_the_routers_own_api_is_reached(self, running: Running, path: str) -> None:
        answer = running.ask(path)
        assert answer.status == 200
        assert json.loads(answer.text)["port"] == running.ports.router_api
        assert json.loads(answer.text)["path"] == path

    @pytest.mark.parametrize("path", ["/config", "/config/hash", "/api/v1/../../config", "/", "/healthz"])
    def test_nothing_else_of_the_router_is_shown(self, running: Running, path: str) -> None:
        answer = running.ask(path)
        assert answer.status == 404
        assert answer.error["type"] == "not_found"

    @pytest.mark.parametrize("forged", [{}, {"x-selected-model": "lost"}, {"X-Selected-Model": "other"}])
    def test_chat_gets_a_clear_503(self, running: Running, forged: dict[str, str]) -> None:
        answer = running.chat(forged)
        assert answer.status == 503
        assert answer.error == {
            "message": "the semantic router does not answer; try again in a moment",
            "type": "router_unavailable",
            "code": 503,
        }

    def test_statistics_are_shown_by_model_and_nothing_else_of_the_admin(self, running: Running) -> None:
        statistics = running.ask_ready("/stats/prometheus")
        assert statistics.status == 200
        name = next(one for one in selected_routes(rendered(simple("Qwen/Qwen2.5-7B"))).values())
        assert f'{{envoy_cluster_name="{name["route"]["cluster"]}"}}' in statistics.text
        for path in ("/config_dump", "/stats", "/quitquitquit", "/stats/prometheus/../../config_dump"):
            assert running.ask_ready(path).status == 404

    def test_the_access_log_is_json_on_standard_output(self, running: Running) -> None:
        running.ask("/health?marker")

        def logged() -> dict[str, Any] | None:
            lines = (running.directory / "log").read_text().splitlines()
            entries = [json.loads(line) for line in lines if line.startswith("{")]
            return next((entry for entry in entries if entry["path"] == "/health?marker"), None)

        found = wait_for(logged, timeout=30, what="the request is in the access log")
        assert (found["code"], found["cluster"], found["method"]) == (200, "router_api", "GET")


def test_in_a_cluster_of_ipv6_envoy_answers_on_both_families(tmp_path: Path) -> None:
    with envoy(tmp_path, service_address="fd00:10:96::1") as running:
        for host in ("::1", "127.0.0.1"):
            for port, path in ((running.ports.api.target, "/health"), (running.ready, "/ready")):
                with closing(http.client.HTTPConnection(host, port, timeout=30)) as connection:
                    connection.request("GET", path)
                    assert connection.getresponse().status == 200, (host, path)


class TestBackends:
    """Real Envoy and real backends; requests go on without the router."""

    def test_a_forged_choice_has_no_effect_and_internal_headers_do_not_arrive(self, tmp_path: Path) -> None:
        ours = [*INTERNAL_HEADERS, "x-envoy-upstream-rq-timeout-ms", "x-envoy-max-retries"]
        with server() as first, server() as second:
            models = (
                model("a", endpoint("a", "localhost", first)),
                model("b", endpoint("b", "localhost", second)),
            )
            with envoy(tmp_path, *models) as running:
                forged = dict.fromkeys(ours, "9") | {
                    "x-selected-model": "b",
                    "x-mine": "kept",
                }
                seen = json.loads(running.chat(forged).text)
        assert seen["port"] == first
        assert seen["headers"].keys() & set(ours) == set()
        assert "x-envoy-internal" not in seen["headers"], (
            "Envoy obeys x-envoy headers of whom it calls internal"
        )
        assert (seen["headers"]["x-mine"], seen["headers"]["host"]) == ("kept", "localhost")

    def test_a_path_that_hides_slashes_is_refused(self, tmp_path: Path) -> None:
        with envoy(tmp_path, simple("a")) as running:
            assert running.ask("/api/v1/..%2f..%2fconfig").status == 400

    def test_the_hook_of_kubernetes_is_answered_when_the_last_request_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = threading.Event()
        monkeypatch.setattr(Echo, "gate", gate)
        with (
            server() as port,
            envoy(tmp_path, model("a", endpoint("a", "localhost", port))) as running,
            ThreadPoolExecutor() as pool,
        ):
            connection = http.client.HTTPConnection("127.0.0.1", running.ports.api.target, timeout=30)
            with closing(connection):
                connection.request("POST", CHAT, '{"stream": true}')
                response = connection.getresponse()
                assert response.readline() == b"first\n"
                hooks = [
                    pool.submit(running.ask_ready, drain_path(identity_of(RESOURCE)) + end)
                    for end in ("", LAST)
                ]
                wait_for(lambda: running.ask_ready("/ready").status == 503, timeout=30, what="it drains")
                assert running.chat().status == 200, "who has not heard of it yet is served"
                assert running.chat().headers["connection"] == "close"
                assert not any(hook.done() for hook in hooks)
                gate.set()
                assert response.read() == b"\nlast\n\n"
            assert [hook.result(timeout=30).status for hook in hooks] == [200, 200]

    def test_nobody_drains_it_without_knowing_the_path(self, tmp_path: Path) -> None:
        with envoy(tmp_path, simple("a")) as running:
            for path in (
                "/drain",
                "/drain/",
                "/healthcheck/fail",
                f"{drain_path(identity_of(RESOURCE))[:-1]}",
            ):
                assert running.ask_ready(path).status == 404
                assert running.ask(path).status == 404
            assert running.ask_ready("/ready").status == 200

    def test_a_certificate_that_is_renewed_is_served_without_a_restart(self, tmp_path: Path) -> None:
        directory, secret = tmp_path / "envoy", tmp_path / "secret"
        directory.mkdir()
        secret.mkdir()
        old, new = (self_signed(tmp_path / f"{name}.pem") for name in ("old", "new"))
        mount_certificate(secret, old)
        with server() as port:
            of_model = model("a", endpoint("a", "localhost", port))
            with envoy(directory, of_model) as running:
                documents = open_documents(running, of_model, tls=True)
                certificate = documents["certificate.yaml"]["resources"][0]["tls_certificate"]
                assert certificate["watched_directory"] == {"path": CERTIFICATE_DIRECTORY}
                text = to_json(certificate).replace(CERTIFICATE_DIRECTORY, str(secret))
                documents["certificate.yaml"]["resources"][0]["tls_certificate"] = json.loads(text)
                running.write(documents)
                wait_for(lambda: running.shows(old), timeout=30, what="TLS is served")
                assert running.chat().status == 200, "plain HTTP goes on"
                mount_certificate(secret, new)
                wait_for(lambda: running.shows(new), timeout=30, what="the new certificate is served")
                assert running.rejected() == 0

    def test_requests_are_shared_by_weight(self, tmp_path: Path) -> None:
        with server() as many, server() as few:
            of_model = model("a", endpoint("a", "localhost", many, 75), endpoint("a", "localhost", few, 25))
            with envoy(tmp_path, of_model) as running:
                shares = Counter(running.backend() for _ in range(400))
        assert abs(shares[many] - 300) <= 10

    def test_a_changed_file_is_taken_live(self, tmp_path: Path) -> None:
        with (
            server() as old,
            server() as new,
            envoy(tmp_path, model("a", endpoint("a", "::1", 1))) as running,
        ):
            for port in (old, new):
                running.change(model("a", endpoint("a", "127.0.0.1", port)))
                wait_for(lambda: running.backend() == port, timeout=30, what="the backend answers")  # noqa: B023
            running.change(model("a", endpoint("a", "127.0.0.1", new, 0)))
            refused = wait_for(lambda: no_backend(running), timeout=30, what="the model has no backend")
            running.change(model("y", endpoint("y", "127.0.0.1", old)))
            wait_for(lambda: running.backend() == old, timeout=30, what="another model answers")
            assert running.rejected() == 0
        assert refused == {
            "message": "no backend of model a has a weight above 0",
            "type": "no_backend",
            "code": 503,
        }

    def test_no_request_fails_while_endpoints_and_weights_change(self, tmp_path: Path) -> None:
        with (
            server() as one,
            server() as other,
            envoy(tmp_path, model("a", endpoint("a", "localhost", one))) as running,
        ):
            found = []
            for weight in range(12):
                running.change(
                    model("a", endpoint("a", "localhost", one), endpoint("a", "localhost", other, weight % 4))
                )
                found += [running.chat().status for _ in range(20)]
        assert Counter(found) == {200: 240}

    def test_a_stream_is_not_held_back_and_outlives_its_backend_in_the_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = threading.Event()
        monkeypatch.setattr(Echo, "gate", gate)
        with server() as port, envoy(tmp_path, model("a", endpoint("a", "localhost", port))) as running:
            connection = http.client.HTTPConnection("127.0.0.1", running.ports.api.target, timeout=30)
            with closing(connection):
                connection.request("POST", CHAT, '{"stream": true}')
                response = connection.getresponse()
                assert response.readline() == b"first\n"
                running.change(model("a"))
                wait_for(lambda: no_backend(running), timeout=30, what="the backend is gone")
                gate.set()
                assert response.read() == b"\nlast\n\n"

    def test_a_backend_that_does_not_listen_gives_a_clear_503(self, tmp_path: Path) -> None:
        (closed,) = free_ports(1)
        with envoy(tmp_path, model("a", endpoint("a", "127.0.0.1", closed))) as running:
            answer = running.chat()
        assert (answer.status, answer.error["type"], answer.error["code"]) == (
            503,
            "backend_unavailable",
            503,
        )

    def test_https_and_plain_backends_of_one_model_both_answer(self, tmp_path: Path) -> None:
        certificate = self_signed(tmp_path / "localhost.pem")
        directory = tmp_path / "envoy"
        directory.mkdir()
        with server(certificate) as safe, server() as plain:
            of_model = model(
                "a", endpoint("a", "localhost", safe, tls=True), endpoint("a", "127.0.0.1", plain)
            )
            with envoy(directory, of_model) as running:
                documents = open_documents(running, of_model)
                trust(documents, certificate)
                running.write(documents)
                seen = wait_for(lambda: both(running, safe, plain), timeout=30, what="both backends answer")
        assert seen == {safe, plain}

    def test_an_https_backend_that_nobody_vouches_for_is_not_used(self, tmp_path: Path) -> None:
        certificate = self_signed(tmp_path / "localhost.pem")
        directory = tmp_path / "envoy"
        directory.mkdir()
        with server(certificate) as safe:
            of_model = model("a", endpoint("a", "localhost", safe, tls=True))
            with envoy(directory, of_model) as running:
                assert running.chat().error["type"] == "backend_unavailable"


def no_backend(running: Running) -> dict[str, Any] | None:
    answer = running.chat()
    return answer.error if answer.status == 503 and "no_backend" in answer.text else None


def both(running: Running, *wanted: int) -> set[int]:
    seen = {running.backend() for _ in range(4)}
    assert seen == set(wanted)
    return seen


def trust(documents: Documents, certificate: Path) -> None:
    context = cluster(documents)["transport_socket_matches"][0]["transport_socket"]["typed_config"]
    context["common_tls_context"]["validation_context"]["trusted_ca"]["filename"] = str(certificate)


def self_signed(path: Path) -> Path:
    """Make a certificate of ``localhost`` and its key in one file."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    key = path.with_suffix(".key")
    subprocess.run([*command, "-keyout", key, "-out", path], check=True, capture_output=True, timeout=60)
    path.write_text(path.read_text() + key.read_text())
    return path
