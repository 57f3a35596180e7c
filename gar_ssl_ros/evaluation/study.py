"""An ablation: one dataset under several settings, each a variant. The paper's are in `studies/`, a YAML file each.

title: Analysis trials
about: How often the analysis is repeated.
tables: ["3", "4"]        # of the paper, to be shown beside
base: {tau_av: 0.5}       # settings of all variants
variants:
- {name: N = 1, trials: 1}
- {name: N = 5, trials: 5}
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gar_ssl_ros.errors import OptionError, UserError, sentence
from gar_ssl_ros.evaluation.settings import Settings, reasoner_settings, settings_from_values
from gar_ssl_ros.files import read_text
from gar_ssl_ros.reasoners import OURS, known, refuse_unused

STUDIES_FOLDER = Path(__file__).with_name("studies")


class StudyError(UserError):
    """A study that cannot be read: one sentence that names the file, what is wrong and what to do."""


@dataclass(frozen=True)
class Variant:
    """Settings under a name. folder: where its results go."""

    name: str
    folder: str
    settings: Settings


@dataclass(frozen=True)
class Study:
    """See above; `variants` as they are to be run."""

    title: str
    about: str
    tables: tuple[str, ...]
    variants: tuple[Variant, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)  # a table's id may be 3

    title: str = Field(min_length=1)
    about: str = ""
    tables: tuple[str, ...] = ()
    base: dict[str, Any] = {}
    variants: tuple[dict[str, Any], ...] = Field(min_length=1)


def names() -> list[str]:
    """Of the studies that come with the package."""
    return sorted(path.stem for path in STUDIES_FOLDER.glob("*.yaml"))


def read_study(study: str, given: Mapping[str, Any]) -> Study:
    """One that comes with the package, by its name, or a file's. given: settings that the file does not say.

    What is given about a model is for the variants that ask one. Raises StudyError, and UsageError where none does.
    """
    path = STUDIES_FOLDER / f"{study}.yaml" if study in names() else Path(study)
    file = _read(path)
    variants = [_variant(path, number, given, {**file.base, **told}) for number, told in enumerate(file.variants, 1)]
    for variant in variants:
        _check_reasoner(path, variant, given)
    if not any(OURS[name].declared for name in {one.settings.reasoner for one in variants} if name in OURS):
        refuse_unused(variants[0].settings.reasoner, None, given)
    twice = [folder for folder, count in Counter(variant.folder for variant in variants).items() if count > 1]
    if twice:
        raise StudyError(f"{path}: two variants go by the name {twice[0]}: give each its own")
    return Study(title=file.title, about=file.about, tables=file.tables, variants=tuple(variants))


def _read(path: Path) -> _File:
    try:
        content = read_text(path)
    except OSError as problem:
        known = ", ".join(names())
        raise StudyError(f"{path} cannot be read ({problem.strerror}): give a YAML file, or one of {known}") from None
    try:
        return _File.model_validate(yaml.safe_load(content))
    except ValidationError as problem:
        raise StudyError(f"{path} is no study: {_first(problem, _File)}") from None
    except Exception as problem:  # YAMLError, and of odd documents RecursionError, ValueError, TypeError and more
        raise StudyError(f"{path} is no YAML ({sentence(problem)}): mend it there") from None


def _variant(path: Path, number: int, given: Mapping[str, Any], told: Mapping[str, Any]) -> Variant:
    settings = {**given, **told}
    spec = OURS.get(str(settings.get("reasoner")))
    others = {one.name for one in reasoner_settings()} - {one.name for one in (spec.declared if spec else ())}
    settings = {name: value for name, value in settings.items() if name in told or name not in others}
    name = settings.pop("name", None)
    if isinstance(name, (int, float)) and not isinstance(name, bool):  # as YAML reads `name: 0.9`
        name = str(name)
    if name is None:
        raise StudyError(f"{path}: variant {number} has no name: give it one")
    if not isinstance(name, str):
        raise StudyError(f"{path}: variant {number} has the name {name!r}, which is no text: put it in quotes")
    if not _folder(name):
        raise StudyError(f"{path}: variant {number} has the name {name!r}: a letter or a digit must be in it")
    try:
        return Variant(name=name, folder=_folder(name), settings=settings_from_values(settings))
    except OptionError as problem:
        raise StudyError(f"{path}: variant {name!r}: {problem}") from None


def _check_reasoner(path: Path, variant: Variant, given: Mapping[str, Any]) -> None:
    """Raises StudyError where a file, which may come from anywhere, would have code run that nobody named."""
    named = given.get("reasoner")
    if not known(variant.settings.reasoner, named=(str(named),)):
        raise StudyError(
            f"{path}: variant {variant.name!r} has the reasoner {variant.settings.reasoner!r}, which a study cannot "
            "name: give it with --reasoner, or have its package declare it (docs/security.md)"
        )


def _folder(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-.").lower()


def _first(problem: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong with what was to be a `model`; a misspelt name before what it leaves missing."""
    first = min(problem.errors(), key=lambda error: error["type"] != "extra_forbidden")
    where = ".".join(map(str, first["loc"])) or "it"
    if first["type"] == "extra_forbidden":
        return f"{where}: there is no such thing to set: choose among {', '.join(model.model_fields)}"
    return f"{where}: {first['msg']}"
