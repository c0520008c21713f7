"""What dbt brings together for every node, made once a process, or only when somebody asks for it.

dbt compiles the text of a model, a hook or a test whenever it comes to it, and makes an object of
each of six hundred macros for every node, of which the node calls twenty. Here the same text gives
the same code, whichever node it is of, and a macro is made when its name is looked up.
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any
from unittest.mock import patch

import jinja2.environment as templates
from dbt.clients.jinja import MacroGenerator
from dbt.context.base import BaseContext
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt_common.clients.jinja import MacroFuzzEnvironment

_compiled: dict[tuple[type, str], CodeType] = {}
_compile = MacroFuzzEnvironment.compile
_to_dict: Any = ManifestContext.to_dict
_new_context: Any = vars(templates)["new_context"]


class LazyDict(dict[str, Any]):
    """A dict that also holds what `find` finds (else it raises KeyError), once it is asked for."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__()
        self.names = names

    def find(self, name: str) -> Any:
        """Return the value of a name that is not there yet."""
        return self.names[name]

    def __missing__(self, name: str) -> Any:
        """Find a value, and keep it."""
        self[name] = value = self.find(name)
        return value

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a value, or one to be found."""
        return super().__contains__(name) or name in self.names

    def __iter__(self) -> Iterator[str]:
        """Return all names, also of what is to be found."""
        return iter({**dict.fromkeys(self.names), **dict.fromkeys(super().keys())})

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name, found or not yet."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> Any:
        """Return all names, also of what is to be found."""
        return list(self)


class Macros(LazyDict):
    """The macros of a package by name; each is made for its node when it is asked for."""

    def __init__(self, macros: Mapping[str, Any], builder: Any, context: Any) -> None:
        super().__init__(macros)
        self.makes_of = (context, builder.node, builder.thread_ctx)

    def find(self, name: str) -> MacroGenerator:
        """Return what a template calls."""
        return MacroGenerator(self.names[name], *self.makes_of)


@contextmanager
def quick_contexts() -> Iterator[None]:
    """Let dbt compile each text once, and make the macros that are called, meanwhile."""
    with (
        patch.object(MacroFuzzEnvironment, "compile", _compile_once),
        patch.object(MacroNamespaceBuilder, "build_namespace", _name_macros),
        patch.object(ManifestContext, "_build_namespace", _build_namespace),
        patch.object(ManifestContext, "to_dict", _to_lazy_dict),
        patch.object(templates, "new_context", _new_lazy_context),
    ):
        yield


def _compile_once(environment: MacroFuzzEnvironment, source: Any, **options: Any) -> Any:
    if options or not isinstance(source, str):
        return _compile(environment, source, **options)
    key = (type(environment), source)
    if key not in _compiled:
        _compiled[key] = _compile(environment, source)
    return _compiled[key]


def _name_macros(
    self: MacroNamespaceBuilder, macros: Mapping[str, Mapping[str, Any]], context: Any
) -> MacroNamespace:
    """Return what each name means in the templates of a package, as dbt's own does."""
    dbts: dict[str, Any] = {}
    for package in reversed(self.internal_package_names_order):
        dbts |= macros.get(package, {})
    packages: dict[str, Any] = {
        package: Macros(those, self, context)
        for package, those in macros.items()
        if package not in self.internal_package_names
    }
    nothing = Macros({}, self, context)
    return MacroNamespace(
        global_namespace=packages.get(self.root_package, nothing),
        local_namespace=packages.get(self.search_package, nothing),
        global_project_namespace=Macros(dbts, self, context),
        packages=packages,
    )


def _build_namespace(self: Any) -> MacroNamespace:
    self._ctx = LazyDict({})
    macros = self.manifest.get_macros_by_package()
    names: MacroNamespace = self._get_namespace_builder().build_namespace(macros, self._ctx)
    self._ctx.names = names
    return names


def _to_lazy_dict(self: Any) -> Any:
    """Return all that a template may name; a macro is found when it is named."""
    if not isinstance(self._ctx, LazyDict):
        return _to_dict(self)
    context = BaseContext.to_dict(self)
    for name in [name for name in dict.keys(context) if name in self.namespace]:
        context[name] = self.namespace[name]
    return context


def _new_lazy_context(
    environment: Any,
    template_name: str | None,
    blocks: Any,
    vars: Any = None,
    shared: bool = False,
    globals: Any = None,
    locals: Any = None,
) -> Any:
    """Return a template's context over what it may name, of which Jinja's own makes a copy."""
    if shared or locals or not (isinstance(vars, LazyDict) or globals):
        return _new_context(environment, template_name, blocks, vars, shared, globals, locals)
    names = LazyDict(ChainMap(vars or {}, globals or {}))
    return environment.context_class(environment, names, template_name, blocks)
