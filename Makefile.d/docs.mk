##@ Documentation

.PHONY: docs
docs: env ## Build the documentation into dist/docs; a link that leads nowhere fails
	@$(BIN)/python -m mkdocs build --strict --quiet
	@echo "dist/docs/index.html"
