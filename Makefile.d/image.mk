##@ Packages and images (docs/guides/image.md)

IMG ?= ghcr.io/vllm-project/semantic-router-operator:latest
CONTAINER_TOOL ?= docker
# The image with Python that the others are built on; a digest makes builds repeat.
PYTHON_IMAGE ?= docker.io/library/python:3.13-slim-trixie
# operator, or engine for the playbook engine alone.
IMAGE_TARGET ?= operator
# Such as linux/amd64,linux/arm64; empty for that of the builder.
PLATFORMS ?=
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' operator/playbook_engine/__init__.py)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

# docker buildx, podman and buildah differ in how several platforms get one name.
BUILD := $(if $(filter buildah,$(notdir $(CONTAINER_TOOL))),bud --layers --format docker,build)
MANY := $(if $(PLATFORMS),--platform $(PLATFORMS))
NAME = $(if $(and $(PLATFORMS),$(filter-out docker,$(notdir $(CONTAINER_TOOL)))),--manifest,--tag)
PUSH = $(if $(and $(PLATFORMS),$(filter-out docker,$(notdir $(CONTAINER_TOOL)))),manifest push --all $(1) docker://$(1),push $(1))

.PHONY: build
build: env ## Build the Python package and the Ansible collection into dist/
	@rm -rf dist
	@$(BIN)/pyproject-build --no-isolation --outdir dist . >/dev/null
	@$(BIN)/ansible-galaxy collection build --force --output-path dist . >/dev/null
	@ls dist

.PHONY: docker-build
docker-build: ## Build the image IMG with CONTAINER_TOOL (docker, podman or buildah); PLATFORMS=… for several
	$(CONTAINER_TOOL) $(BUILD) $(BUILD_FLAGS) $(MANY) --target $(IMAGE_TARGET) \
		--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		$(NAME) $(IMG) .

.PHONY: docker-push
docker-push: ## Push the image IMG
	$(CONTAINER_TOOL) $(call PUSH,$(IMG))

.PHONY: test-image
test-image: env cluster-build ## Build the image on a Debian base and run the operator from it (root; buildah, debootstrap, runc)
	@echo "==> the image"
	$(BIN)/python -m pytest tests/image -m image
