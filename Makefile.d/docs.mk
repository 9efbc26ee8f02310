##@ Documentation

.PHONY: docs
docs: env ## Build the documentation into dist/docs; a link that leads nowhere fails
	@$(BIN)/python -m mkdocs build --strict --quiet
	@echo "dist/docs/index.html"

.PHONY: test-pages
test-pages: env cluster-build ## Type the commands of all pages, one after the other, on a real control plane
	@echo "==> the commands of the pages"
	$(BIN)/python -m pytest tests/pages
