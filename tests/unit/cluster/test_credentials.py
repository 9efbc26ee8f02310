"""Where credentials come from: kubeconfigs as kubectl reads them, plugins, and the service account of a pod."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from playbook_engine.cluster.credentials import log_in
from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.login import Login
from tests.support.kubeconfigs import encoded, kubeconfig

CA = "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n"
V1 = "client.authentication.k8s.io/v1"


def config(
    path: Path,
    *,
    user: Mapping[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
    **more: object,
) -> Path:
    """Write a kubeconfig."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = kubeconfig({"server": "https://api:6443", **(cluster or {})}, user or {}, **more)
    path.write_text(text, encoding="utf-8")
    return path


def logged_in(
    *files: Path, home: Path = Path("/nowhere"), pod: Path = Path("/nowhere"), **more: str
) -> Login:
    environ = {"HOME": str(home), **more, **({"KUBECONFIG": ":".join(map(str, files))} if files else {})}
    return log_in(environ, pod)


def refusal(*files: Path, **given: Any) -> str:  # noqa: ANN401 - of ``logged_in``
    with pytest.raises(NoCredentialsError) as caught:
        logged_in(*files, **given)
    return str(caught.value)


def plugin(tmp_path: Path, printed: object, *, script: str = "", **spec: object) -> Path:
    """Write a plugin, and a kubeconfig that names it by a path that begins beside it."""
    credential = {"apiVersion": V1, "kind": "ExecCredential", "status": printed}
    (tmp_path / "answer").write_text(printed if isinstance(printed, str) else json.dumps(credential), "utf-8")
    program = tmp_path / "bin" / "plugin"
    program.parent.mkdir()
    program.write_text(
        script or f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >&2\ncat {tmp_path}/answer\n', "utf-8"
    )
    program.chmod(0o700)
    exec_ = {"apiVersion": V1, "command": "./bin/plugin", **spec}
    return config(
        tmp_path / "kubeconfig", user={"exec": exec_}, cluster={"certificate-authority-data": encoded(CA)}
    )


def test_a_token_and_an_authority_in_the_file(tmp_path: Path) -> None:
    path = config(tmp_path / "k", user={"token": "t"}, cluster={"certificate-authority-data": encoded(CA)})
    expected = Login(server="https://api:6443", namespace="kitchen", authority=CA, authorization="Bearer t")
    assert logged_in(path) == expected
    assert "Bearer" not in repr(expected), "credentials are shown nowhere"


def test_the_file_in_the_home_directory_is_the_usual_one(tmp_path: Path) -> None:
    config(tmp_path / ".kube" / "config", user={"token": "t"})
    assert logged_in(home=tmp_path).server == "https://api:6443"


def test_several_files_count_as_one_and_the_first_that_says_something_is_right(tmp_path: Path) -> None:
    first = config(tmp_path / "1", user={"token": "first"}, clusters=None, **{"current-context": None})
    second = config(tmp_path / "2", user={"token": "second"}, cluster={"server": "https://second"})
    found = logged_in(tmp_path / "absent", first, second)
    assert (found.server, found.authorization) == ("https://second", "Bearer first")


def test_relative_paths_begin_at_the_file_that_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    for name in ("ca", "cert", "key"):
        (tmp_path / "pki" / name).write_text(name, encoding="utf-8")
    user = {"client-certificate": "pki/cert", "client-key": "pki/key"}
    found = logged_in(config(tmp_path / "k", user=user, cluster={"certificate-authority": "pki/ca"}))
    assert (found.authority, found.certificate, found.key) == ("ca", "cert", "key")


def test_a_token_that_stands_in_a_file_is_one_that_somebody_renews(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("fresh\n", encoding="utf-8")
    found = logged_in(config(tmp_path / "k", user={"tokenFile": "token", "token": "old"}))
    assert (found.authorization, found.is_renewed) == ("Bearer fresh", True)


def test_what_a_cluster_says_of_the_way_to_it(tmp_path: Path) -> None:
    cluster = {
        "insecure-skip-tls-verify": True,
        "tls-server-name": "kubernetes",
        "proxy-url": "http://proxy:3128",
    }
    found = logged_in(config(tmp_path / "k", cluster=cluster))
    assert (found.insecure, found.server_name, found.proxy) == (True, "kubernetes", "http://proxy:3128")


def test_a_name_with_a_password(tmp_path: Path) -> None:
    found = logged_in(config(tmp_path / "k", user={"username": "me", "password": "secret"}))
    assert found.authorization == f"Basic {encoded('me:secret')}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"current-context": None}, "no current-context; choose one: kubectl config use-context NAME"),
        ({"current-context": "y"}, "there is no context 'y'"),
        ({"users": []}, "there is no user 'u'"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "cluster c: no server is given"),
        ({"user": {"client-key-data": "%"}}, "user u: client-key-data is not base64"),
        ({"user": {"client-key": "absent"}}, "absent cannot be read"),
        ({"user": {"auth-provider": {"name": "oidc"}}}, "user u: auth-provider went with Kubernetes 1.26"),
        ({"user": {"exec": {"apiVersion": V1}}}, "user u: exec.command is not given"),
        ({"user": {"exec": {"apiVersion": f"{V1}alpha1", "command": "x"}}}, "exec.apiVersion is"),
    ],
)
def test_what_is_wrong_is_told_with_its_file(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    said = refusal(config(tmp_path / "kubeconfig", **given))
    assert words in said
    assert str(tmp_path) in said


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("a: [", encoding="utf-8")
    assert refusal(path).startswith(f"{path}: not YAML: ")


def test_a_plugin_gives_a_token_that_ends(tmp_path: Path) -> None:
    status = {"token": "t", "expirationTimestamp": "2030-01-02T03:04:05Z"}
    found = logged_in(plugin(tmp_path, status))
    assert found.authorization == "Bearer t"
    assert found.expires == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_plugin_gives_a_certificate_with_its_key(tmp_path: Path) -> None:
    status = {"clientCertificateData": "cert", "clientKeyData": "key"}
    found = logged_in(plugin(tmp_path, status))
    assert (found.certificate, found.key, found.authorization) == ("cert", "key", "")


def test_a_plugin_is_told_what_the_kubeconfig_says_and_which_cluster_it_is_for(tmp_path: Path) -> None:
    script = f'#!/bin/sh\necho "$1 $FLAVOUR $KUBERNETES_EXEC_INFO" > {tmp_path}/told\ncat {tmp_path}/answer\n'
    path = plugin(
        tmp_path, {"token": "t"}, script=script,
        args=["get-token"], env=[{"name": "FLAVOUR", "value": "mint"}], provideClusterInfo=True,
    )  # fmt: skip
    logged_in(path, PATH="/usr/bin:/bin")
    argument, flavour, asked = (tmp_path / "told").read_text(encoding="utf-8").split(" ", 2)
    assert (argument, flavour) == ("get-token", "mint")
    cluster = {"server": "https://api:6443", "certificate-authority-data": encoded(CA)}
    spec = {"interactive": False, "cluster": cluster}
    assert json.loads(asked) == {"apiVersion": V1, "kind": "ExecCredential", "spec": spec}


@pytest.mark.parametrize(
    ("printed", "script", "words"),
    [
        ("secret-token", "", "did not print an ExecCredential as JSON"),
        (
            '{"apiVersion": "v1", "status": {"token": "secret-token"}}',
            "",
            f"answers in v1, and was asked in {V1}",
        ),
        ({"token": ""}, "", "gave neither a token nor a certificate with its key"),
        (
            {"token": "secret-token", "expirationTimestamp": "soon"},
            "",
            "gave 'soon' as expirationTimestamp",
        ),
        ("", "#!/bin/sh\necho secret-token\necho log in first >&2\nexit 3\n", "ended with 3: log in first"),
        ("", "#!/absent/sh\n", "cannot be run: No such file or directory. Get it from example.com"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_told_without_its_output(
    tmp_path: Path, printed: object, script: str, words: str
) -> None:
    said = refusal(plugin(tmp_path, printed, script=script, installHint="Get it from example.com"))
    assert f"user u: {tmp_path}/bin/plugin {words}" in said
    assert "secret-token" not in said


def pod(tmp_path: Path) -> Path:
    for name, content in (("token", "t\n"), ("namespace", "kitchen"), ("ca.crt", CA)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("host", "server"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_in_a_pod_it_is_the_service_account(tmp_path: Path, host: str, server: str) -> None:
    found = logged_in(pod=pod(tmp_path), KUBERNETES_SERVICE_HOST=host, KUBERNETES_SERVICE_PORT="443")
    expected = Login(
        server=server, namespace="kitchen", authority=CA, authorization="Bearer t", is_renewed=True
    )
    assert found == expected


def test_a_kubeconfig_goes_before_the_service_account(tmp_path: Path) -> None:
    path = config(tmp_path / "k", user={"token": "mine"})
    found = logged_in(path, pod=pod(tmp_path), KUBERNETES_SERVICE_HOST="10.0.0.1")
    assert found.authorization == "Bearer mine"


def test_without_anything_it_is_said_what_was_looked_for(tmp_path: Path) -> None:
    assert f"neither {tmp_path}/.kube/config nor a service account" in refusal(home=tmp_path)
    assert f"KUBECONFIG names {tmp_path}/absent, which is not there" in refusal(tmp_path / "absent")
    assert "KUBERNETES_SERVICE_HOST is not set" in refusal(pod=pod(tmp_path))
