"""The microphone arrays that are known, and one's own: from files and options to what an array is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from gar_ssl_ros.errors import OptionError, sentence, shortened
from gar_ssl_ros.files import read_text
from gar_ssl_ros.spatial.hearing.array import ArrayError, Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.transforms import Vector

FORM = "see docs/spatial.md for its form"


class _Description(BaseModel):
    """An array as its file has it; see MicrophoneArray."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[int, ...]
    positions: tuple[Vector, ...] = ()
    kind: Kind = Kind.MICROPHONES
    recorded: int = 0
    source: str = ""


@cache
def arrays() -> Mapping[str, MicrophoneArray]:
    """Those that are known, by name."""
    files = [one for one in (resources.files(__package__) / "arrays").iterdir() if one.name.endswith(".yaml")]
    described = {one.name.removesuffix(".yaml"): one.read_text(encoding="utf-8") for one in files}
    return MappingProxyType({name: _array(name, described[name]) for name in sorted(described)})


def array_of(options: HearingOptions) -> MicrophoneArray | None:
    """The array that they ask for; None where they ask for none.

    Raises OptionError where there is no such array or a value cannot be read, ArrayError where it is no array.
    """
    if options.array and options.array_positions:
        raise OptionError(f"array is {options.array!r}, and array_positions are given too: leave one of them empty")
    channels = _channels(options.array_channels)
    if options.array_positions:
        positions = _positions(options.array_positions)
        return MicrophoneArray("of array_positions", channels or tuple(range(len(positions))), positions)
    if not options.array:
        if channels:
            raise OptionError("array_channels are given, and no array: set array or array_positions")
        return None
    found = arrays().get(options.array) or _own(options.array)
    # Who picks the channels may record them otherwise than the device does.
    return replace(found, channels=channels, recorded=0) if channels else found


def _channels(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.replace(",", " ").split()))


def _positions(text: str) -> tuple[Vector, ...]:
    found = []
    for each in (part for part in text.split(";") if part.strip()):
        try:
            x, y, z = map(float, each.replace(",", " ").split())
        except ValueError:
            told = f"array_positions has {shortened(each.strip())!r}, which are not three numbers"
            raise OptionError(f"{told}: give x y z of each microphone, m, with ; between them") from None
        found.append((x, y, z))
    return tuple(found)


def _own(name: str) -> MicrophoneArray:
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        near = get_close_matches(name, arrays(), 1)
        meant = f"is it {near[0]!r}?" if near else f"choose one of {', '.join(arrays())}, or a YAML file of your own"
        raise OptionError(f"array is {shortened(name)!r}, which is not known: {meant}")
    try:
        return _array(path.stem, read_text(path))
    except OSError as problem:
        raise OptionError(f"the array's description cannot be read: {sentence(problem)}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
        raise ArrayError(f"{path} describes no microphone array ({said}): {FORM}") from None
    except (yaml.YAMLError, RecursionError) as problem:
        raise ArrayError(f"{path} is no YAML ({' '.join(str(problem).split())[:160]}): {FORM}") from None


def _array(name: str, text: str) -> MicrophoneArray:
    return MicrophoneArray(name, **dict(_Description.model_validate(yaml.safe_load(text))))
