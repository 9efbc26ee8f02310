##@ Campaigns (docs/reliability.md)

SEED ?= 1
CAMPAIGN := $(BIN)/python -m pytest tests/campaigns -m campaign -s --campaign-seed $(SEED) $(if $(POINT),-k 'faults or unseen or drift or walks' --campaign-point '$(POINT)') $(if $(TABLE),--campaign-table $(TABLE)) $(if $(MINUTES),--campaign-minutes $(MINUTES))

.PHONY: campaign-short
campaign-short: env cluster-build ## Try some dozen faults on a real control plane; SEED=… chooses others
	@echo "==> campaigns, short form"
	$(CAMPAIGN)

.PHONY: campaign
campaign: env cluster-build ## Try every fault at every call (hours); POINT=… single ones, MINUTES=… a part, TABLE=… goes on with the next
	$(CAMPAIGN) --campaign long
