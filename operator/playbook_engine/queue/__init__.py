"""Which object next, and which of those that need a run: nothing here knows what a pass does."""
