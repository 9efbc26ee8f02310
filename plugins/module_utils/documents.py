"""How pieces of the router's configuration file are put together, and how the user's texts stand in it."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain


def literal(value: object) -> Any:  # noqa: ANN401 - as deep as the value
    """Copy ``value`` so that the router reads every text in it as it is written here.

    The router expands ``$VAR`` and ``${VAR}`` in every text of its file, at any depth, and ``$$`` to one ``$``.
    It leaves the keys of mappings alone, and so does this.
    """
    return _with_texts(plain(value), "$", "$$")


def spoken(value: object) -> Any:  # noqa: ANN401 - as deep as the value
    """Undo ``literal``: the texts as the user wrote them."""
    return _with_texts(plain(value), "$$", "$")


def _with_texts(value: Any, old: str, new: str) -> Any:  # noqa: ANN401 - as deep as the value
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _with_texts(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, old, new) for item in value]
    return value


def laid_over(below: Any, above: Any) -> Any:  # noqa: ANN401 - as deep as the values
    """Lay ``above`` over ``below`` and return a new value; what ``above`` does not say stays.

    Mappings are laid over each other key by key. Onto a list of named things (every item is a mapping with a
    ``name``) those of the same name are laid, others are appended. So a model card of the user's adds to the one
    that is made from the endpoints. Everything else is replaced; null says nothing.
    """
    if above is None:
        return plain(below)
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        over = {key: laid_over(below.get(key), item) for key, item in above.items() if item is not None}
        return {**plain(below), **over}
    if _are_mappings(below) and _are_mappings(above) and all("name" in item for item in below):
        return _named_over(below, above)
    return plain(above)


def _are_mappings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _named_over(below: list[Mapping[str, Any]], above: list[Mapping[str, Any]]) -> list[Any]:
    result: list[Any] = [plain(item) for item in below]
    names = [item["name"] for item in below]
    for item in above:
        if item.get("name") in names:
            place = names.index(item["name"])
            result[place] = laid_over(result[place], item)
        else:
            result.append(plain(item))
    return result
