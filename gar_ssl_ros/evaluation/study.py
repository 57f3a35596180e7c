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
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.evaluation.results import Settings
from gar_ssl_ros.files import read_text

SHIPPED = Path(__file__).with_name("studies")


class StudyError(UserError):
    """A study that cannot be read: one sentence that names the file, what is wrong and what to do."""


class Variant(BaseModel):
    """Settings under a name. folder: where its results go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    folder: str
    settings: Settings


class Study(BaseModel):
    """See above; `variants` as they are to be run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    about: str
    tables: tuple[str, ...]
    variants: tuple[Variant, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1)
    about: str = ""
    tables: tuple[str, ...] = ()
    base: dict[str, Any] = {}
    variants: tuple[dict[str, Any], ...] = Field(min_length=1)


def names() -> list[str]:
    """Of the studies that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_study(study: str, given: Mapping[str, Any]) -> Study:
    """One that comes with the package, by its name, or a file's. given: settings that the file does not say.

    Raises StudyError.
    """
    path = SHIPPED / f"{study}.yaml" if study in names() else Path(study)
    file = _read(path)
    variants = [_variant(path, number, {**given, **file.base, **told}) for number, told in enumerate(file.variants, 1)]
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
        raise StudyError(f"{path} is no study: {_first(problem)}") from None
    except Exception as problem:  # YAMLError, and of odd documents RecursionError, ValueError, TypeError and more
        raise StudyError(f"{path} is no YAML ({sentence(problem)}): mend it there") from None


def _variant(path: Path, number: int, told: Mapping[str, Any]) -> Variant:
    settings = dict(told)
    name = settings.pop("name", None)
    if not isinstance(name, str) or not _folder(name):
        raise StudyError(f"{path}: variant {number} has no name: give it one")
    try:
        return Variant(name=name, folder=_folder(name), settings=Settings.model_validate(settings))
    except ValidationError as problem:
        raise StudyError(f"{path}: variant {name!r}: {_first(problem)}") from None


def _folder(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-.").lower()


def _first(problem: ValidationError) -> str:
    first = problem.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
