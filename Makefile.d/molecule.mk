##@ Scenarios of molecule

.PHONY: molecule
molecule: env cluster-build ## Run every scenario of molecule/ on a real control plane; SCENARIO=simple,drift chooses
	@$(BIN)/python -m tools.scenarios
