##@ Benchmarks

.PHONY: bench
bench: env cluster-build ## Measure the operator, warm and cold and beside a conventional twin (about 40 minutes on two cores)
	@$(BIN)/python -m benchmarks --json bench.json $(BENCH_FLAGS)

.PHONY: bench-short
bench-short: env cluster-build ## Check that warm runs are still so many times cheaper than cold ones
	@$(BIN)/python -m benchmarks --short $(BENCH_FLAGS)
