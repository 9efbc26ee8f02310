##@ Metrics and alerts (docs/operations/alerts.md)

.PHONY: test-monitoring
test-monitoring: env cluster-build ## Play every alert, and have a real Prometheus scrape the operator (Debian: fetches its package)
	@echo "==> metrics and alerts"
	$(BIN)/python -m pytest tests/monitoring
