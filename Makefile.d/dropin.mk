##@ Projects for ansible-operator (docs/guides/from-ansible-operator.md)

.PHONY: test-dropin
test-dropin: env cluster-build ## Run a project for ansible-operator on the engine, warm and cold
	@echo "==> a project for ansible-operator"
	$(BIN)/python -m pytest tests/dropin

.PHONY: bench-dropin
bench-dropin: env cluster-build ## Measure it, warm and cold, beside plain runs of ansible-runner
	@$(BIN)/python -m benchmarks.dropin
