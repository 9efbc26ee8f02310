"""The StorageClasses of the cluster: which one a new claim gets, and whether its volume may grow later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false

MOST_LISTED = 10
_FIELD = "spec.persistence.storageClassName"


@dataclass(frozen=True, slots=True)
class StorageClasses:
    """What was observed of them."""

    observed: Mapping[str, Any]

    @property
    def all(self) -> list[Mapping[str, Any]]:
        """Name, default, growth and age of each."""
        return list(section(self.observed, "references").get("storage_classes") or ())

    def growth_problem(self, name: str) -> str:
        """Say why volumes of a class may not grow, empty when they may."""
        if self._unreadable:
            return f"StorageClasses cannot be read now ({self._unreadable}); it is tried again"
        found = [one for one in self.all if one["name"] == name]
        if not found:
            return f"its StorageClass {name or '(none)'} does not exist, which would have to allow it"
        if not found[0].get("allowVolumeExpansion"):
            return f"StorageClass {name} does not let volumes grow (allowVolumeExpansion)"
        return ""

    def choice(self, asked: str) -> str:
        """Return the class that is asked for, else the default class: of several the newest, like the cluster."""
        if asked:
            return asked
        defaults = [one for one in self.all if one.get("isDefault") == "true"]
        newest = sorted(defaults, key=lambda one: (str(one.get("created") or ""), str(one["name"])))
        return str(newest[-1]["name"]) if newest else ""

    def problem(self, asked: str) -> Condition | None:
        """Return why no claim can be made of the class that is asked for, or of the default one."""
        if self._unreadable:
            text = f"StorageClasses cannot be read ({self._unreadable}), so no claim is made yet; it is tried again"
            return false("StorageClassUnknown", text)
        names = [str(one["name"]) for one in self.all]
        known = ", ".join(sorted(names)[:MOST_LISTED]) or "none"
        if asked and asked not in names:
            text = f"StorageClass {asked} does not exist, there is: {known}. Create it, or change {_FIELD}"
            return false("StorageClassNotFound", text)
        if not self.choice(asked):
            text = (
                f"the cluster has no default StorageClass, there is: {known}. Name one under {_FIELD}, or set"
                " spec.persistence.enabled to false"
            )
            return false("NoDefaultStorageClass", text)
        return None

    @property
    def _unreadable(self) -> str:
        errors = section(self.observed, "errors").get("storage_classes") or ()
        return next((str(error["reason"]) for error in errors), "")
