"""A router with two servers, and what is chosen for whom: said once for every way by which requests come in."""

from typing import Any

from tests.support.routers import endpoint

CONFIG: dict[str, Any] = {
    "routing": {"signals": {"keywords": [{"name": "code", "operator": "OR", "keywords": ["python"]}]}},
    "decisions": [
        {
            "name": "programming",
            "priority": 10,
            "rules": {"operator": "OR", "conditions": [{"type": "keyword", "name": "code"}]},
            "modelRefs": [{"model": "qwen/coder-2.5"}],
        }
    ],
}
ENDPOINTS = (
    endpoint("llama", "llama"),
    endpoint("qwen/coder-2.5", "coder", name="coder", loras=[{"name": "sql"}]),
)
CHATS = (
    ("auto", "how are you?", "llama", "llama"),
    ("auto", "write Python", "coder", "qwen/coder-2.5"),
    ("qwen/coder-2.5", "how are you?", "coder", "qwen/coder-2.5"),
    ("sql", "how are you?", "coder", "sql"),
    ("llama", "write Python", "llama", "llama"),
)
"""The model that is asked for, what is said, the server that answers, and the model that it is asked for."""
