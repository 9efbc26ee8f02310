##@ The Operator Lifecycle Manager (docs/guides/olm.md)

BUNDLE_IMG ?= ghcr.io/vllm-project/semantic-router-operator-bundle:latest
CATALOG_IMG ?= ghcr.io/vllm-project/semantic-router-operator-catalog:latest
# What serves the catalog.
OPM_IMAGE ?= quay.io/operator-framework/opm:v1.60.0
OLM_FILES := dist/olm

.PHONY: bundle-build
bundle-build: env ## Build the image BUNDLE_IMG: the bundle, for the operator's image IMG
	@$(BIN)/python -m tools.olm files $(OLM_FILES) $(IMG) $(BUNDLE_IMG)
	$(CONTAINER_TOOL) $(BUILD) $(BUILD_FLAGS) --file bundle.Dockerfile --tag $(BUNDLE_IMG) $(OLM_FILES)

.PHONY: bundle-push
bundle-push: ## Push the image BUNDLE_IMG
	$(CONTAINER_TOOL) push $(BUNDLE_IMG)

.PHONY: catalog-build
catalog-build: env ## Build the image CATALOG_IMG: a catalog with the bundle BUNDLE_IMG
	@$(BIN)/python -m tools.olm files $(OLM_FILES) $(IMG) $(BUNDLE_IMG)
	$(CONTAINER_TOOL) $(BUILD) $(BUILD_FLAGS) --file catalog.Dockerfile --build-arg OPM_IMAGE=$(OPM_IMAGE) --tag $(CATALOG_IMG) $(OLM_FILES)

.PHONY: catalog-push
catalog-push: ## Push the image CATALOG_IMG
	$(CONTAINER_TOOL) push $(CATALOG_IMG)

.PHONY: bundle-check
bundle-check: env ## Check bundle and catalog with the validators of the Operator Framework and with opm
	@$(BIN)/python -m tools.olm.check

.PHONY: openshift-deploy
openshift-deploy: env ## Install the operator by OLM, from the catalog CATALOG_IMG
	@$(BIN)/python -m tools.olm subscription $(CATALOG_IMG) | $(APPLY) -f -
