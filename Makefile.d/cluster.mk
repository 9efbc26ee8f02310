##@ A control plane on loopback (devcluster)

DEVCLUSTER := devcluster/devcluster

.PHONY: cluster-up
cluster-up: ## Start a control plane and print its KUBECONFIG= line; with KUBECONFIG set, check that cluster instead
	@if [ -n "$${KUBECONFIG:-}" ]; then \
		$(DEVCLUSTER) kubectl --name none-of-ours -- version >&2 || { echo "the cluster of KUBECONFIG=$$KUBECONFIG does not answer" >&2; exit 1; }; \
		echo "KUBECONFIG=$$KUBECONFIG"; \
	else \
		$(DEVCLUSTER) up; \
	fi

.PHONY: cluster-down
cluster-down: ## Stop the control plane of cluster-up and throw its data away
	@$(DEVCLUSTER) down

.PHONY: cluster-status
cluster-status: ## Say whether the control plane runs, and where its kubeconfig, logs and audit log are
	@$(DEVCLUSTER) status

.PHONY: cluster-build
cluster-build: ## Build the control plane now, if the cache does not have it
	@$(DEVCLUSTER) build >/dev/null
