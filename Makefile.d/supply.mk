##@ What the image is made of (SECURITY.md)

SBOM := dist/sbom.cdx.json

.PHONY: audit
audit: env ## Look for known weaknesses of the pinned packages in OSV's data; ends with 3 when they cannot be reached
	@$(BIN)/python -m tools.audit

.PHONY: sbom
sbom: env ## Write dist/sbom.cdx.json (CycloneDX): each Python package of the image with version and hashes
	@mkdir -p $(dir $(SBOM))
	@tools/env/list-packages $(BIN) $(SBOM)
	@echo $(SBOM)
