"""Reasoners of one's own: those that installed packages declare, and those named as `module:factory`.

A package declares its own as entry points: in its pyproject.toml, under [project.entry-points."gar_ssl_ros.reasoners"],
`name = "module:factory"`. What `factory()` gives is held against `gar.reasoner.Reasoner` here, once; what that answers,
in `gar.foreign`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.foreign import ForeignReasoner
from gar_ssl_ros.gar.reasoner import Reasoner, ReasonerError
from gar_ssl_ros.options import Options, from_values, options_of, values_from_text

BROKEN = (Exception, SystemExit)  # what foreign code may raise, and what ends neither a node nor a command


def make(name: str, factory: str, options: str = "") -> Reasoner:
    """What `factory`, as module:factory, gives.

    name: by which it was chosen. options: as name=value, for a factory whose first parameter is annotated with a class
    of `gar_ssl_ros.options.Options`. Raises ReasonerError, and OptionError where it has no such option.
    """
    module, _, path = factory.partition(":")
    call = _factory(name, module, path)
    kind = _options_type(name, call)
    declared = () if kind is None else options_of(kind)
    values = values_from_text(declared, options, name)
    try:
        arguments = () if kind is None else (from_values(kind, values),)
        inspect.signature(call).bind(*arguments)
    except UserError:  # of an option's value
        raise
    except TypeError as problem:
        raise ReasonerError(
            f"{name} is called without arguments, and it wants some ({problem}): default them, or let it take a class "
            "of gar_ssl_ros.options.Options"
        ) from None
    except ValueError:  # it does not tell what it takes
        arguments = ()
    try:
        made = call(*arguments)
    except UserError:
        raise
    except BROKEN as problem:
        raise ReasonerError(f"{name}() failed ({_told(problem)}): mend it, or choose another reasoner") from None
    return _checked(name, made)


def _options_type(name: str, call: Callable[..., Any]) -> type[Options] | None:
    """Of its first parameter, where that is annotated with one."""
    target = call.__init__ if inspect.isclass(call) else call
    try:
        hints = get_type_hints(target)
        first = next(iter(inspect.signature(call).parameters), None)
    except (TypeError, ValueError):  # it does not tell what it takes
        return None
    except Exception as problem:  # annotations may say anything
        raise ReasonerError(f"the annotations of {name} cannot be read ({_told(problem)}): mend them") from None
    kind = hints.get(first or "")
    return kind if inspect.isclass(kind) and issubclass(kind, Options) else None


def _factory(name: str, module: str, path: str) -> Callable[..., Any]:
    top = module.partition(".")[0]
    if find_spec(top) is None and (Path.cwd() / top).exists() | (Path.cwd() / f"{top}.py").exists():
        sys.path.append(str(Path.cwd()))  # a console script does not look there, unlike python itself
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as problem:
        if problem.name is None or not f"{module}.".startswith(f"{problem.name}."):
            raise ReasonerError(f"{name} needs {problem.name}, which is not installed: install it") from None
        raise ReasonerError(
            f"there is no reasoner {name}: Python finds no module {problem.name}: run it in the folder that holds "
            f"{problem.name.rpartition('.')[2]}.py, or name that folder in PYTHONPATH"
        ) from None
    except AttributeError as problem:
        if inspect.ismodule(getattr(problem, "obj", None)) or isinstance(getattr(problem, "obj", None), type):
            raise ReasonerError(f"there is no reasoner {name}: {module} has no {path}: check its name") from None
        raise ReasonerError(f"{module} cannot be imported ({_told(problem)}): mend it") from None
    except BROKEN as problem:
        raise ReasonerError(f"{module} cannot be imported ({_told(problem)}): mend it") from None
    if not callable(found):
        raise ReasonerError(f"{name} is neither class nor function, but {found!r:.60}: name one that gives a reasoner")
    return found  # type: ignore[no-any-return]


def _checked(name: str, made: Any) -> Reasoner:
    try:
        wrong = [part for part, right in _parts(made) if not right]
    except BROKEN as problem:  # its properties may do anything
        wrong = [f"parts that can be read ({_told(problem)})"]
    if wrong:
        raise ReasonerError(
            f"{name}() gave a {type(made).__name__} without {', '.join(wrong)}: a reasoner has name (a text), model (a "
            "text, or None) and read(window, deadline); see gar_ssl_ros/gar/reasoner.py"
        )
    return ForeignReasoner(made)


def _parts(made: Any) -> list[tuple[str, bool]]:
    """What a reasoner has, and whether this one has it."""
    said, model, read = (getattr(made, part, ...) for part in ("name", "model", "read"))
    return [
        ("name", isinstance(said, str) and bool(said)),
        ("model", model is None or isinstance(model, str)),
        ("read(window, deadline)", callable(read) and _takes_two(read)),
    ]


def _takes_two(read: Callable[..., Any]) -> bool:
    try:
        inspect.signature(read).bind(None, None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _told(problem: BaseException) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())
