"""Who or what makes which sound, as a picture would show it: AudioSet's sounds and a detector's kinds, from a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from gar_ssl_ros.errors import OptionError, sentence, shortened
from gar_ssl_ros.files import read_text
from gar_ssl_ros.perception.tags import Tags, names


class By(str, Enum):
    """How a maker makes it: see makers.yaml."""

    VOICE = "voice"
    FACE = "face"
    HANDS = "hands"
    ITSELF = "itself"
    ALL = "all"


def _known(sound: str, info: ValidationInfo) -> str:
    """Raises ValueError where a sound is none that may ever be heard."""
    sounds: Collection[str] = (info.context or {}).get("sounds", (sound,))
    if sound not in sounds:
        near = get_close_matches(sound, sounds, 1, 0.0)
        raise ValueError(f"{shortened(sound)!r} is no sound of the tagger: is it {near[0]!r}?")
    return sound


Sound = Annotated[str, AfterValidator(_known)]


class Group(BaseModel):
    """Sounds that the same things make.

    seen: kinds of things, the likeliest first. things: what makes single sounds, for detectors that see more than
    COCO's kinds; where none are told, of hands, and of groups that see nothing, what the sound is called. only: True if
    nothing else makes them. mostly: True if they are often heard without their maker in view. played: True if a musical
    instrument makes them. broad: True if they only say what others, heard as surely, say better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    by: By
    seen: tuple[str, ...]
    sounds: tuple[Sound, ...]
    things: dict[Sound, tuple[str, ...]] = {}
    only: bool = False
    mostly: bool = False
    played: bool = False
    broad: bool = False

    @model_validator(mode="after")
    def _things_of_its_sounds(self) -> Group:
        if other := sorted(self.things.keys() - set(self.sounds)):
            raise ValueError(f"things has {other[0]!r}, which is none of its sounds")
        return self

    def made_with(self, sound: str) -> tuple[str, ...]:
        """The things with which one of its sounds is made, as a detector may know them."""
        called = (self.by is By.HANDS or not self.seen) and not self.mostly
        own = tuple(part.strip() for part in re.sub(r"\(.*?\)", "", sound).split(",")) if called else ()
        return self.things.get(sound, own)


@dataclass(frozen=True)
class Heard:
    """A group that is heard, what makes its sounds that are heard first of those that it has seen.

    share: how sure that is, 0..1. sound: the surest of its sounds.
    """

    group: Group
    share: float
    sound: str


MIN_SHARE_OF_SOUND = 0.3  # of its group's surest sound: a sound that has less says nothing of what makes it
TELLING = 0.5  # how sure a sound must be to stand for a broader one
GROUPS = TypeAdapter(tuple[Group, ...])


class Makers:
    """The project's groups, and before them one's own, which take the place of those of the same names.

    own: a file as makers.yaml. sounds: all that may be heard; AudioSet's, as YAMNet has them, where None. Raises
    OptionError where the file is no such list.
    """

    def __init__(self, own: Path | None = None, sounds: Collection[str] | None = None) -> None:
        ours = GROUPS.validate_python(
            yaml.safe_load(resources.files(__package__).joinpath("makers.yaml").read_text(encoding="utf-8"))
        )
        first = () if own is None else _own(own, sounds or names())
        replaced = {group.name for group in first}
        self.groups = (*first, *(group for group in ours if group.name not in replaced))
        self._group = {sound: group for group in reversed(self.groups) for sound in group.sounds}

    @property
    def kinds(self) -> frozenset[str]:
        """All that makes sounds, by name."""
        made_with = (thing for group in self.groups for sound in group.sounds for thing in group.made_with(sound))
        return frozenset(made_with).union(*(group.seen for group in self.groups))

    def heard(self, tags: Tags, sees: Callable[[str], bool] | None = None) -> list[Heard]:
        """The groups of a window's tags, the surest first. sees: True of a thing that can be seen."""
        sounds: dict[str, list[tuple[float, str]]] = {}
        for name, score in zip(tags.names, tags.all().tolist(), strict=True):
            if (group := self._group.get(name)) is not None:
                sounds.setdefault(group.name, []).append((float(score), name))
        found = []
        for heard in sounds.values():
            share, sound = max(heard, key=lambda one: one[0])
            group = self._group[sound]
            enough = sorted((one for one in heard if one[0] >= MIN_SHARE_OF_SOUND * share), key=lambda one: -one[0])
            things = [thing for _, one in enough for thing in group.made_with(one) if sees and sees(thing)]
            seen = tuple(dict.fromkeys((*things, *group.seen)))
            found.append(Heard(group.model_copy(update={"seen": seen}), share, sound))
        return sorted(found, key=lambda heard: -heard.share)

    def label(self, tags: Tags) -> tuple[str, float]:
        """The most telling of the sounds that are heard, and how sure it is; context, such as a room's, is none."""
        scores = tags.all().tolist()
        known = [(score, name) for name, score in zip(tags.names, scores, strict=True) if name in self._group]
        telling = [(score, name) for score, name in known if not self._group[name].broad and score >= TELLING]
        score, name = max(telling or known)
        return name, score


def _own(path: Path, sounds: Collection[str]) -> tuple[Group, ...]:
    form = "see docs/senses.md for its form"
    root = None
    try:
        text = read_text(path)
        root = yaml.compose(text, yaml.SafeLoader)
        groups = GROUPS.validate_python(yaml.safe_load(text), context={"sounds": sounds})
    except OSError as problem:
        raise OptionError(f"the list of makers cannot be read: {sentence(problem)}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where, key = first["loc"], ".".join(map(str, first["loc"][1:]))
        said = f"line {_line(root, where)}{', ' if key else ''}{key}: {first['msg'].removeprefix('Value error, ')}"
        raise OptionError(f"{path} is no list of makers ({said}): {form}") from None
    except (yaml.YAMLError, RecursionError) as problem:
        said = " ".join(str(problem).split())[:160]
        raise OptionError(f"{path} is no list of makers ({said}): {form}") from None
    twice = [name for name, count in Counter(group.name for group in groups).items() if count > 1]
    if twice:
        raise OptionError(f"{path} is no list of makers (two groups are named {twice[0]}): give each its own name")
    return groups


def _line(node: yaml.Node | None, where: Sequence[int | str]) -> int:
    """The line in which a value stands, or what it is missing in, from 1 on."""
    for step in where:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
    return 1 if node is None else node.start_mark.line + 1
