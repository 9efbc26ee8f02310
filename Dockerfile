# The operator's image, for Docker, Podman and Buildah; `make docker-build` builds it. Docs: docs/guides/image.md.
#
#   engine    the playbook engine with kubernetes.core, and no content: bring your own watches.yaml, playbooks and roles
#   drop-in   the engine in the shape of ansible-operator's image: a base for projects that were written for that
#   operator  the engine with the roles for SemanticRouter (the default)

# Any image with Python 3.12 or 3.13 as `python3` on Debian. Give it by digest where builds have to repeat:
# make docker-build PYTHON_IMAGE=docker.io/library/python@sha256:…
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

# Process 1 of the container, which collects what runs leave behind. Linked statically, so it needs nothing of the image.
FROM ${PYTHON_IMAGE} AS init
RUN apt-get update --quiet=2 \
    && apt-get install --quiet=2 --no-install-recommends tini \
    && install -D --mode=0755 /usr/bin/tini-static /out/tini \
    && install -D --mode=0644 /usr/share/doc/tini/copyright /out/licenses/tini/copyright

# Every package as a wheel, each checked against its hash. None is compiled, so no stage has a compiler.
FROM ${PYTHON_IMAGE} AS wheels
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /build
WORKDIR /src
COPY requirements/runtime.lock requirements/build.lock requirements/collections.txt requirements/
RUN /build/bin/pip download --quiet --no-deps --only-binary=:all: --require-hashes --requirement requirements/runtime.lock --dest /wheels \
    && /build/bin/pip download --quiet --no-deps --only-binary=:all: --require-hashes --requirement requirements/collections.txt --dest /collections \
    && /build/bin/pip install --quiet --no-deps --only-binary=:all: --require-hashes --requirement requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir /wheels .

# The environment as it is shipped. Byte code is made here, because nothing can be written where it runs. Half of the size were
# the asynchronous half of the Kubernetes client, which nothing imports, ansible-core's tests of collections, and sources in C.
FROM wheels AS environment
COPY tools/env/install_collections.py tools/env/
RUN python3 -m venv --without-pip /opt/operator \
    && /build/bin/pip --python /opt/operator/bin/python install --quiet --no-index --no-deps --no-compile /wheels/*.whl \
    && /opt/operator/bin/python tools/env/install_collections.py --wheel /collections/*.whl \
    && rm -rf /opt/operator/bin/ansible-test /opt/operator/lib/python3*/site-packages/ansible_test \
        /opt/operator/lib/python3*/site-packages/kubernetes/aio \
    && find /opt/operator/lib -name '*.c' -delete -o -name '*.cpp' -delete -o -name '*.pyx' -delete \
    && /opt/operator/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/operator/lib \
    && install -D --mode=0644 LICENSE /opt/operator/licenses/LICENSE

# What is in the image, for scanners. Only this stage has the program that writes it.
FROM wheels AS packages
COPY requirements/sbom.lock requirements/
COPY tools/env/list-packages tools/env/
RUN /build/bin/pip install --quiet --no-deps --only-binary=:all: --require-hashes --requirement requirements/sbom.lock \
    && tools/env/list-packages /build/bin /sbom.cdx.json

FROM ${PYTHON_IMAGE} AS engine
COPY --from=init /out/tini /usr/bin/tini
COPY --from=init /out/licenses /usr/share/doc
COPY --from=environment /opt/operator /opt/operator
COPY --from=packages /sbom.cdx.json /opt/operator/sbom.cdx.json
# HOME and TMPDIR are all that is written to; both are in the volume that the Deployment mounts, in memory.
ENV PATH=/opt/operator/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ANSIBLE_COLLECTIONS_PATH=/opt/ansible/collections
WORKDIR /opt/ansible
# Any other user works as well, as OpenShift gives each namespace its own.
USER 65532:0
EXPOSE 8080 8081
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8081/healthz', timeout=5)"]
ENTRYPOINT ["/usr/bin/tini", "--", "semantic-router-operator"]
CMD ["run"]

# The paths, the user and the environment are those that Dockerfiles of such projects count on; the arguments of their
# Deployments come after the entry point.
FROM engine AS drop-in
ENV HOME=/opt/ansible \
    USER_NAME=ansible \
    USER_UID=1001 \
    PLAYBOOK_ENGINE_COMPATIBILITY=ansible-operator \
    ANSIBLE_ROLES_PATH=/opt/ansible/roles \
    ANSIBLE_COLLECTIONS_PATH=/opt/ansible/.ansible/collections:/usr/share/ansible/collections
USER root
RUN mkdir -p /opt/ansible/.ansible && chown -R 1001:0 /opt/ansible && chmod -R u+rwX,g=u /opt/ansible
USER 1001:0
EXPOSE 6789 8443
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:6789/healthz', timeout=5)"]
ENTRYPOINT ["/usr/bin/tini", "--", "playbook-engine", "run", "--watches-file=./watches.yaml"]
CMD []

# The roles, which are also the collection vllm.semantic_router: by links, so that they are there once.
FROM environment AS content
COPY watches.yaml LICENSE /opt/ansible/
COPY crds/vllm.ai_semanticrouters.yaml /opt/ansible/crds/
COPY playbooks /opt/ansible/playbooks
COPY plugins /opt/ansible/plugins
COPY roles /opt/ansible/roles
RUN mkdir -p /opt/ansible/collections/ansible_collections/vllm/semantic_router \
    && ln -s /opt/ansible/playbooks /opt/ansible/plugins /opt/ansible/roles /opt/ansible/collections/ansible_collections/vllm/semantic_router \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/ansible/plugins

FROM engine AS operator
ARG VERSION=0.0.0
ARG REVISION=unknown
COPY --from=content /opt/ansible /opt/ansible
LABEL org.opencontainers.image.title="Semantic Router Operator" \
      org.opencontainers.image.description="Runs vLLM Semantic Router on Kubernetes and OpenShift" \
      org.opencontainers.image.documentation="https://vllm-semantic-router.com" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later" \
      org.opencontainers.image.vendor="vLLM Semantic Router" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.k8s.display-name="Semantic Router Operator" \
      io.k8s.description="Runs vLLM Semantic Router on Kubernetes and OpenShift"
