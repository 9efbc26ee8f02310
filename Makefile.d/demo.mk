##@ Demonstration

.PHONY: demo
demo: env ## Show the operator at work; KUBECONFIG=… on your own cluster, KEEP=1 leaves it running
	@[ -n "$${KUBECONFIG:-}" ] || $(MAKE) cluster-build
	@$(BIN)/python -m tools.demo

.PHONY: demo-down
demo-down: env ## End a demonstration that KEEP=1 left running
	@$(BIN)/python -m tools.demo down
