##@ Metrics and alerts (docs/operations/alerts.md)

.PHONY: test-monitoring
test-monitoring: env cluster-build ## Play every alert, and have a real Prometheus scrape the operator (Debian: fetches its package)
	@echo "==> metrics and alerts"
	$(BIN)/python -m pytest tests/monitoring

.PHONY: dashboard-picture
dashboard-picture: env cluster-build ## Draw the dashboard anew, from minutes of a real operator (Debian: fetches Prometheus)
	@$(BIN)/python -m tools.dashboard
