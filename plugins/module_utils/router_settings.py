"""The part ``global`` of the router's configuration file that ``spec.config`` says, field by field."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import laid_over
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain

type Config = Mapping[str, Any]

TOOLS_FILE = "config/tools_db.json"

OLDER_NAMES = {
    ("sampling", "probability"): ("rate", "1.0"),
    ("resource", "environment"): ("deployment_environment", "development"),
}
"""Fields of ``tracing`` by their older names: the newer name, and the default that the API server gives it.

That default is there even when the user wrote the older name only, so it counts as absent.
"""


def settings_of(config: Config) -> dict[str, Any]:
    """Return what stands below ``global``, without the stores and the management API. Fractions are numbers."""
    made = {
        "router": {"strategy": config.get("strategy")},
        "services": {"api": _api(config), "observability": _observability(config)},
        "integrations": {"tools": _tools(config)},
        "model_catalog": {
            "embeddings": {"semantic": _embeddings(config)},
            "modules": {
                "prompt_guard": _numbers(section(config, "prompt_guard"), "threshold"),
                "classifier": _classifiers(config),
            },
        },
    }
    result: dict[str, Any] = _without_empty(plain(made))
    return result


def _without_empty(value: Any) -> Any:  # noqa: ANN401 - as deep as the value
    """Leave out mappings in which nothing is said."""
    if not isinstance(value, Mapping):
        return value
    inner = {key: _without_empty(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item is not None and item != {}}


def _numbers(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Copy ``given`` with numbers in place of the texts that the CRD has for fractions."""
    written = {name: float(given[name]) for name in names if given.get(name) is not None}
    return {**given, **written}


def _api(config: Config) -> dict[str, Any]:
    batch = section(config, "api", "batch_classification")
    metrics = _numbers(section(batch, "metrics"), "sample_rate")
    if metrics.get("duration_buckets") is not None:
        metrics["duration_buckets"] = [float(bound) for bound in metrics["duration_buckets"]]
    return {"batch_classification": {**batch, "metrics": metrics}}


def _observability(config: Config) -> dict[str, Any]:
    tracing = plain(section(config, "observability", "tracing"))
    for (part, older), (newer, default) in OLDER_NAMES.items():
        fields = tracing.get(part) or {}
        value = fields.pop(older, None)
        if value is not None and fields.get(newer) in (None, default):
            fields[newer] = value
    return {"tracing": {**tracing, "sampling": _numbers(tracing.get("sampling") or {}, "rate")}}


def _tools(config: Config) -> dict[str, Any]:
    given = _numbers(section(config, "tools"), "similarity_threshold")
    return {**given, "tools_db_path": given.get("tools_db_path") or TOOLS_FILE}


def _embeddings(config: Config) -> dict[str, Any]:
    """Lay both blocks together.

    The API server says ``use_cpu: true`` for the user, so a false one is the user's wish, wherever it stands.
    """
    given, bert = section(config, "embedding_models"), section(config, "bert_model")
    wishes = [block["use_cpu"] for block in (given, bert) if block.get("use_cpu") is not None]
    matching = _numbers(section(given, "embedding_config"), "min_score_threshold")
    made = {
        "bert_model_path": bert.get("model_id"),
        "use_cpu": all(wishes) if wishes else None,
        "embedding_config": matching,
    }
    return dict(laid_over(given, made))


def _classifiers(config: Config) -> dict[str, Any]:
    """The classifier of personal data has no ``use_modernbert`` in the router any more."""
    domain = section(config, "classifier", "category_model")
    pii = _numbers(section(config, "classifier", "pii_model"), "threshold")
    pii.pop("use_modernbert", None)
    return {"domain": _numbers(domain, "threshold"), "pii": pii}
