"""The types in the part ``routing`` of the router's configuration file.

The definition leaves ``spec.config.routing`` and parts of ``spec.config.decisions`` open, so the API server
cannot refuse a value there that the router's loader cannot decode. Keys that are not in the table are ignored
by the loader, and so they are here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_TABLE = """
routing.modelCards[]: name param_size context_window_size:int description capabilities[]
    quality_score:number modality tags[]
routing.modelCards[].loras[]: name description
routing.signals.keywords[]: name operator keywords[] case_sensitive:bool method fuzzy_match:bool
    fuzzy_threshold:int bm25_threshold:number ngram_threshold:number ngram_arity:int
routing.signals.embeddings[]: name threshold:number candidates[] aggregation_method query_modality
routing.signals.domains[]: name description mmlu_categories[]
routing.signals.domains[].model_scores[]: model score:number use_reasoning:bool
routing.signals.fact_check[]: name description
routing.signals.user_feedbacks[]: name description
routing.signals.reasks[]: name description threshold:number lookback_turns:int
routing.signals.preferences[]: name description examples[] threshold:number
routing.signals.language[]: name description threshold:number
routing.signals.context[]: name min_tokens max_tokens description
routing.signals.structure[]: name description
routing.signals.structure[].feature: type
routing.signals.structure[].feature.source: type pattern keywords[] case_sensitive:bool sequences[]:list
routing.signals.structure[].predicate: gt:number gte:number lt:number lte:number
routing.signals.complexity[]: name threshold:number description
routing.signals.complexity[].hard: candidates[] image_candidates[]
routing.signals.complexity[].easy: candidates[] image_candidates[]
routing.signals.complexity[].composer: type name label on_error operator conditions[]:rule
routing.signals.complexity[].composer.predicate: gt:number gte:number lt:number lte:number
routing.signals.modality[]: name description
routing.signals.role_bindings[]: name description role
routing.signals.role_bindings[].subjects[]: kind name
routing.signals.jailbreak[]: name method threshold:number include_history:bool description
    jailbreak_patterns[] benign_patterns[]
routing.signals.pii[]: name threshold:number pii_types_allowed[] include_history:bool description
routing.signals.kb[]: name kb match
routing.signals.kb[].target: kind value
routing.signals.conversation[]: name description
routing.signals.conversation[].feature: type
routing.signals.conversation[].feature.source: type role
routing.signals.conversation[].predicate: gt:number gte:number lt:number lte:number
routing.signals.events[]: name description event_types[] severities[] action_codes[] temporal:bool
routing.signals.metadata[]: name description key
routing.signals.metadata[].predicate: equals in[] exists:bool
routing.signals.classifiers[]: name description type model model_path labels[] instructions use_cpu:bool
routing.projections.partitions[]: name semantics temperature:number members[] default
routing.projections.scores[]: name method
routing.projections.scores[].inputs[]: type name kb metric weight:number value_source match:number
    miss:number
routing.projections.mappings[]: name source method
routing.projections.mappings[].calibration: method slope:number
routing.projections.mappings[].outputs[]: name lt:number lte:number gt:number gte:number
routing.decisions[]: name description priority:int tier:int output_contract
routing.decisions[].output_contract_spec: type
routing.decisions[].output_contract_spec.choice_set: values[]
routing.decisions[].output_contract_spec.json_schema: schema_ref
routing.decisions[].output_contract_spec.reference: source id_format
routing.decisions[].output_contract_spec.render: mode template
routing.decisions[].output_contract_spec.extract: mode sources[]
routing.decisions[].output_contract_spec.normalize: field_order[]
routing.decisions[].output_contract_spec.normalize.defaults: *
routing.decisions[].output_contract_spec.on_violation: repair:bool fallback
routing.decisions[].output_contract_spec.postprocess[]: type
routing.decisions[].rules: type name label on_error operator conditions[]:rule
routing.decisions[].rules.predicate: gt:number gte:number lt:number lte:number
routing.decisions[].modelRefs[]: model lora_name weight:number use_reasoning:bool reasoning_description
    reasoning_effort
routing.decisions[].algorithm: type on_error
routing.decisions[].algorithm.confidence: confidence_method threshold:number on_error escalation_order
    cost_quality_tradeoff:number token_filter verifier_server_url verifier_timeout_seconds:int
routing.decisions[].algorithm.confidence.hybrid_weights: logprob_weight:number margin_weight:number
routing.decisions[].algorithm.ratings: max_concurrent:int on_error
routing.decisions[].algorithm.remom: breadth_schedule[]:int model_distribution temperature:number
    include_reasoning:bool compaction_strategy compaction_tokens:int synthesis_template synthesis_model
    max_concurrent:int max_completion_tokens:int round_timeout_seconds:int min_successful_responses:int
    on_error shuffle_seed:int include_intermediate_responses:bool max_responses_per_round:int
routing.decisions[].algorithm.fusion: model analysis_models[] max_concurrent:int max_completion_tokens:int
    round_timeout_seconds:int min_successful_responses:int temperature:number include_analysis:bool on_error
    analysis_template synthesis_template judge_prompt_version include_intermediate_responses:bool
routing.decisions[].algorithm.fusion.analysis_overrides[]: model temperature:number
    max_completion_tokens:int
routing.decisions[].algorithm.fusion.grounding: enabled:bool reference policy min_score:number min_keep:int
    nli_contradiction_penalty:number on_error
routing.decisions[].algorithm.workflows: mode template max_steps:int max_parallel:int
    max_completion_tokens:int round_timeout_seconds:int min_successful_responses:int temperature:number
    include_intermediate_responses:bool on_error
routing.decisions[].algorithm.workflows.roles[]: name models[] prompt access_list[]
routing.decisions[].algorithm.workflows.final: model prompt
routing.decisions[].algorithm.workflows.planner: model max_completion_tokens:int
routing.decisions[].algorithm.router_dc: temperature:number dimension_size:int min_similarity:number
    use_query_contrastive:bool use_model_contrastive:bool require_descriptions:bool use_capabilities:bool
routing.decisions[].algorithm.automix: verification_threshold:number max_escalations:int
    cost_aware_routing:bool cost_quality_tradeoff:number discount_factor:number
    use_logprob_verification:bool
routing.decisions[].algorithm.hybrid: experience_weight:number router_dc_weight:number automix_weight:number
    cost_weight:number quality_gap_threshold:number normalize_scores:bool
routing.decisions[].algorithm.latency_aware: tpot_percentile:int ttft_percentile:int description
routing.decisions[].algorithm.multi_factor.weights: quality:number latency:number cost:number load:number
routing.decisions[].algorithm.multi_factor.slo: max_tpot_ms:number max_ttft_ms:number max_cost_per_1m:number
    max_inflight:int
routing.decisions[].algorithm.multi_factor: latency_percentile:int on_no_candidates
routing.decisions[].algorithm.prompt: model instructions timeout_seconds:int
routing.decisions[].adaptations: mode
routing.decisions[].adaptations.adaptation: mode candidate_set
routing.decisions[].adaptations.protection: mode stability_weight:number switch_margin:number
routing.decisions[].plugins[]: type configuration:any
routing.decisions[].candidateIterations[]: variable source
routing.decisions[].candidateIterations[].models[]: model lora_name weight:number use_reasoning:bool
    reasoning_description reasoning_effort
routing.decisions[].candidateIterations[].outputs[]: type value
routing.decisions[].emits[]: kind
routing.decisions[].emits[].retention: drop:bool ttl_turns:int keep_current_model:bool
    prefer_prefix_retention:bool
routing.decisions[].annotations: *:any
routing: strategy
"""
"""Of each object its fields, which are texts unless they say otherwise; ``rule`` has the fields of its object."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "int": (int,),
    "number": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
}
_SAID = {
    "text": "a text",
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "list": "a list",
    "object": "an object",
}


@dataclass(slots=True)
class Place:
    """One place below ``routing``: the type of its value, or what lies below it (``[]``, ``*``, a key)."""

    kind: str = ""
    below: dict[str, "Place"] = field(default_factory=dict)

    def at(self, path: str) -> "Place":
        """Return the place at ``path``, made when it is new."""
        place = self
        for part in path.replace("[]", ".[]").split("."):
            place = place.below.setdefault(part, Place())
        return place


@cache
def routing_types() -> Place:
    """Read the table into a tree, whose root is ``routing``."""
    root = Place()
    for line in _TABLE.strip().replace("\n    ", " ").splitlines():
        path, fields = line.split(": ")
        place = root.at(path)
        for name, _, kind in (text.partition(":") for text in fields.split()):
            if kind == "rule":
                place.at(name).below = place.below
            else:
                place.at(name).kind = kind or "text"
    return root.below["routing"]


def wrong_types(value: Any, place: Place, path: str) -> Iterator[str]:  # noqa: ANN401 - the user's free objects
    """Yield every value at ``path`` that the router's loader cannot decode, and how to write it."""
    if value is None or place.kind == "any":
        return
    if place.kind:
        if not _fits(value, place.kind):
            yield _said(value, place.kind, path)
    elif isinstance(value, list | tuple) and "[]" in place.below:
        for index, item in enumerate(value):
            yield from wrong_types(item, place.below["[]"], f"{path}[{index}]")
    elif isinstance(value, Mapping) and "[]" not in place.below:
        for key, item in value.items():
            below = place.below.get(str(key)) or place.below.get("*") or Place(kind="any")
            yield from wrong_types(item, below, f"{path}.{key}")
    else:
        yield _said(value, "list" if "[]" in place.below else "object", path)


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    return isinstance(value, _TYPES[kind])


def _said(value: object, kind: str, path: str) -> str:
    """Say what to write; the value itself is shown only when it is short."""
    shown = repr(value) if len(repr(value)) <= 40 else "what it is"  # noqa: PLR2004 - a line has room for it
    advice = "write it without quotes" if isinstance(value, str) and kind in {"int", "number", "bool"} else ""
    advice = "put it in quotes" if kind == "text" and isinstance(value, bool | int | float) else advice
    return f"{path}: the router wants {_SAID[kind]} here, not {shown}: {advice or f'write {_SAID[kind]}'}"
