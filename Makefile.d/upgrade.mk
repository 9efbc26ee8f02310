##@ Upgrades (docs/operations/upgrades.md)

.PHONY: test-upgrade
test-upgrade: env cluster-build ## Upgrade from the last release, and from the version before, to this one and back
	@echo "==> upgrades"
	$(BIN)/python -m pytest tests/upgrades
