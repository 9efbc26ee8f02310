##@ Use it on the cluster of KUBECONFIG

# The kubectl of the machine, or the one that belongs to devcluster.
KUBECTL ?= $(shell command -v kubectl || echo "$(CURDIR)/devcluster/devcluster kubectl --name none --")
APPLY := $(KUBECTL) apply --server-side --force-conflicts --field-manager=semantic-router-operator-install

.PHONY: install
install: ## Install the CustomResourceDefinition
	@$(APPLY) -f crds/vllm.ai_semanticrouters.yaml
	@for again in 1 2 3 4 5; do \
		$(KUBECTL) wait --for=condition=Established crd/semanticrouters.vllm.ai --timeout=60s && exit 0; sleep 1; \
	done; exit 1 # kubectl cannot wait for a definition that has no status yet

.PHONY: uninstall
uninstall: env ## Delete every SemanticRouter, wait until the operator let go of them, then the definition
	@KUBECTL="$(KUBECTL)" $(BIN)/python -m tools.demo.removal uninstall

.PHONY: run
run: env ## Run the operator in the foreground, against the cluster of KUBECONFIG
	@$(BIN)/semantic-router-operator run --watches-file watches.yaml

# The directory of deploy/ that is installed: base, namespaced or openshift.
OVERLAY ?= base

.PHONY: deploy
deploy: env install ## Put the operator into the cluster: make deploy IMG=… OVERLAY=base, namespaced or openshift
	@manifests=$$(KUBECTL="$(KUBECTL)" $(BIN)/python -m tools.manifests $(OVERLAY) $(IMG)); \
	printf '%s\n' "$$manifests" | $(APPLY) -f -

.PHONY: undeploy
undeploy: env ## Remove the operator from the cluster; refuses while SemanticRouters exist
	@KUBECTL="$(KUBECTL)" OVERLAY=$(OVERLAY) $(BIN)/python -m tools.demo.removal undeploy
