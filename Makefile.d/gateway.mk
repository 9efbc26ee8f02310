##@ The real Envoy Gateway (docs/reference/traffic.md)

.PHONY: test-gateway
test-gateway: env cluster-build gateway-build ## Let the real Envoy Gateway take routes, and send requests through its Envoy
	@echo "==> the real Envoy Gateway"
	$(BIN)/python -m pytest tests/gateway

.PHONY: gateway-build
gateway-build: env ## Build Envoy Gateway now, if the cache does not have it
	@$(BIN)/python -m tests.support.gateways.program >/dev/null
