"""Fakes of the engine's outer parts, shipped for tests; contract tests hold each against the real part."""
