"""What docs/guides/gateway.md tells the owner of a Gateway to apply, as it stands there."""

from typing import Any

import yaml

from tests.support.cluster import CHECKOUT


def guide_policy() -> dict[str, Any]:
    """Return the ClientTrafficPolicy of the guide."""
    text = (CHECKOUT / "docs" / "guides" / "gateway.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    (policy,) = [
        found for block in blocks if (found := yaml.safe_load(block)).get("kind") == "ClientTrafficPolicy"
    ]
    return dict(policy)
