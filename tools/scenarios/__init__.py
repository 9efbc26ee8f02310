"""Runs molecule's scenarios on a control plane of their own."""
