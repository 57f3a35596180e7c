"""Who or what makes which sound, as a picture would show it: AudioSet's sounds and a detector's kinds, from a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib import resources
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.perception.tags import Tags


class By(str, Enum):
    """How a maker makes it: see makers.yaml."""

    VOICE = "voice"
    FACE = "face"
    HANDS = "hands"
    ITSELF = "itself"
    ALL = "all"


class Group(BaseModel):
    """Sounds that the same things make.

    seen: kinds of things, the likeliest first. only: True if nothing else makes them. mostly: True if they are often
    heard without their maker in view. broad: True if they only say what others, heard as surely, say better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    by: By
    seen: tuple[str, ...]
    sounds: tuple[str, ...]
    only: bool = False
    mostly: bool = False
    broad: bool = False


@dataclass(frozen=True)
class Heard:
    """A group that is heard. share: how sure that is, 0..1. sound: the surest of its sounds."""

    group: Group
    share: float
    sound: str


TELLING = 0.5  # how sure a sound must be to stand for a broader one
GROUPS = TypeAdapter(tuple[Group, ...])


class Makers:
    """The project's groups, and before them one's own. Raises OptionError where a file of one's own is no such list."""

    def __init__(self, own: Path | None = None) -> None:
        groups = GROUPS.validate_python(
            yaml.safe_load(resources.files(__package__).joinpath("makers.yaml").read_text(encoding="utf-8"))
        )
        if own is not None:
            groups = _own(own) + groups
        self.groups = groups
        self._group = {sound: group for group in reversed(groups) for sound in group.sounds}

    def heard(self, tags: Tags) -> list[Heard]:
        """The groups of a window's tags, the surest first."""
        best: dict[str, Heard] = {}
        for name, score in zip(tags.names, tags.all().tolist(), strict=True):
            group = self._group.get(name)
            if group is not None and (group.name not in best or best[group.name].share < score):
                best[group.name] = Heard(group, float(score), name)
        return sorted(best.values(), key=lambda heard: -heard.share)

    def label(self, tags: Tags) -> tuple[str, float]:
        """The most telling of the sounds that are heard, and how sure it is; context, such as a room's, is none."""
        scores = tags.all().tolist()
        known = [(score, name) for name, score in zip(tags.names, scores, strict=True) if name in self._group]
        telling = [(score, name) for score, name in known if not self._group[name].broad and score >= TELLING]
        score, name = max(telling or known)
        return name, score


def _own(path: Path) -> tuple[Group, ...]:
    try:
        return GROUPS.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise OptionError(f"{path} cannot be read ({problem.strerror}): check the path") from None
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
        said = " ".join(str(problem).split())[:160]
        raise OptionError(f"{path} is no list of makers ({said}): see docs/senses.md for its form") from None
