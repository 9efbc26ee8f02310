"""What Ansible does with much work and no effect on a result, done with less. Installed once, in the server.

The share of a run that each took is in ``docs/benchmarks.md``; whether results are the same is what the conformance
tests are for.
"""

import inspect
import sys
from collections.abc import Iterator
from copy import copy
from types import FrameType, SimpleNamespace
from typing import Any

from ansible._internal._templating import _engine
from ansible.module_utils._internal import _datatag, _stack
from ansible.plugins import loader
from ansible.utils.collection_loader import AnsibleCollectionRef
from ansible.utils.collection_loader._collection_finder import _get_collection_metadata
from ansible.vars import manager

_TEXTS = (str, _datatag._AnsibleTaggedStr)  # noqa: SLF001 - what this module is for
_REMEMBERED, _REMEMBERED_PLUGINS = "_playbook_engine_remembered", "_playbook_engine_remembered_plugins"
_DOTS, _LEGACY = 2, "ansible.legacy."
_SCALARS = ("Str", "Bytes", "Int", "Float", "DateTime", "Date", "Time")


def install() -> None:
    """Put the shortcuts in place; raises AttributeError when Ansible is not as expected."""
    _share_scalars()
    _pass_plain_texts()
    _look_only_at_frames()
    _remember_filters()
    _remember_plugins()
    _forget_with_caches()
    _clean_only_facts()


def _share_scalars() -> None:
    """Let deep copies share texts, numbers and times, as Python lets them share plain ones: nobody can change them.

    Ansible marks every value of a file with where it comes from, so that a copy takes each apart, and with it what
    it is marked with. A role's argument specification alone has thousands.
    """
    for name in _SCALARS:
        getattr(_datatag, f"_AnsibleTagged{name}").__deepcopy__ = _itself
    _datatag.AnsibleDatatagBase.__deepcopy__ = _itself
    _datatag._AnsibleTagsMapping.__deepcopy__ = _itself  # noqa: SLF001 - what this module is for


def _itself(self: Any, _memo: object) -> Any:  # noqa: ANN401 - any of Ansible's values
    return self


def _pass_plain_texts() -> None:
    """Give a text that can be no template back at once, where it is part of something that is being templated.

    A filter that reads the whole custom resource reads thousands of them, and each would get a context of its own.
    Texts on the first level are finished by Ansible, which may change their type.
    """
    stock = _engine.TemplateEngine.template

    def template(self: Any, variable: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        if not options.keys() - {"lazy_options"} and type(variable) in _TEXTS:
            inside = _engine.TemplateContext.current(optional=True) is not None
            if inside and not _engine.is_possibly_template(variable, _engine.TemplateOverrides.DEFAULT):
                return variable
        return stock(self, variable, **options)

    _engine.TemplateEngine.template = template


def _look_only_at_frames() -> None:
    """Find out which plugin calls by the names of the files on the stack, without reading their source.

    Each skipped task that Ansible tells of asks for that.
    """
    assert _stack._inspect is inspect  # noqa: S101, SLF001 - else it is another Ansible
    _stack._inspect = SimpleNamespace(stack=_frames, FrameInfo=inspect.FrameInfo)  # noqa: SLF001


def _frames() -> Iterator[inspect.FrameInfo]:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - public in all but its name
    while frame is not None:
        code = frame.f_code
        yield inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None)
        frame = frame.f_back


def _remember_filters() -> None:
    """Find a filter or test of a collection once: Ansible goes through all files of the collection for each use.

    The same is done for those of Jinja, which Ansible looks for in its own collection before it finds none there. One
    of which its collection has something to say, as that it is deprecated or has moved, is looked up as ever.
    """
    stock = loader.Jinja2Loader.get_with_context

    def get_with_context(self: Any, name: str, *given: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        known = self.__dict__.setdefault(_REMEMBERED, {})
        if name in known:
            return known[name]
        found = stock(self, name, *given, **options)
        is_jinjas = found.object is None and "." not in name
        if (
            not given
            and not options
            and (is_jinjas or found.object is not None)
            and not _is_routed(name, self.type)
        ):
            known[name] = found
        return found

    loader.Jinja2Loader.get_with_context = get_with_context


def _remember_plugins() -> None:
    """Find where the plugin or module of a full name is once: each task asks for its own four times.

    That depends on the collections alone. What has moved or is deprecated is looked up as ever, since that is told of.
    """
    stock = loader.PluginLoader.find_plugin_with_context

    def find_plugin_with_context(self: Any, name: str, *given: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        if (
            given
            or options.keys() - {"collection_list"}
            or name.count(".") < _DOTS
            or name.startswith(_LEGACY)
        ):
            return stock(self, name, *given, **options)
        known = self.__dict__.setdefault(_REMEMBERED_PLUGINS, {})
        if name not in known:
            found = stock(self, name, **options)
            if found.redirect_list != [name] or found.deprecated or found.raw_error_list:
                return found
            known[name] = found
        return copy(known[name])

    loader.PluginLoader.find_plugin_with_context = find_plugin_with_context


def _forget_with_caches() -> None:
    """Forget what a loader remembers whenever Ansible has it clear its caches; those of filters do as all do."""
    stock = loader.PluginLoader._clear_caches  # noqa: SLF001 - what this module is for

    def clear_caches(self: Any) -> None:  # noqa: ANN401 - Ansible's
        for remembered in (_REMEMBERED, _REMEMBERED_PLUGINS):
            self.__dict__.pop(remembered, None)
        stock(self)

    loader.PluginLoader._clear_caches = clear_caches  # noqa: SLF001 - what this module is for


def _clean_only_facts() -> None:
    """Leave out to clean the facts of a host that has none: Ansible lists the files of all connections for that."""
    stock = manager.clean_facts

    def clean_facts(facts: Any) -> Any:  # noqa: ANN401 - Ansible's
        return stock(facts) if facts else {}

    manager.clean_facts = clean_facts


def _is_routed(name: str, kind: str) -> bool:
    """Whether the collection of a filter or test, without a name that of Ansible, says something of it."""
    reference = AnsibleCollectionRef.try_parse_fqcr(name, kind)
    collection = reference.collection if reference else "ansible.builtin"
    if collection == "ansible.legacy":
        return True
    routing = _get_collection_metadata(collection).get("plugin_routing", {})
    return name.removeprefix(f"{collection}.") in routing.get(kind, {})
