"""The pixels of a thing in an image, and their compressed form, as COCO has it.

COCO's run lengths go down the columns, the first one of pixels that are not the thing's. In the compressed form each
length, from the fourth on less the one two before it, is a number in groups of 5 bits, the lowest first, with a 6th
bit where another group follows; a character for each group, from "0" on (pycocotools, common/maskApi.c).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

FIRST_CHARACTER = 48  # "0", of a group of bits that are all 0
GROUP_BITS = 5  # of a number, in one character
MORE, SIGN = 0x20, 0x10  # bits of a group: another one follows; of the last one: the number is negative
MAX_PIXELS = 2**28  # of an image whose mask is read
COUNTS = re.compile(r"([P-o]{0,7}[0-O])*")  # whole numbers, each of 8 groups at most


@dataclass(frozen=True, eq=False)
class Mask:
    """pixels: bool (height, width), True where the thing is; read-only. Raises ValueError where it is no such array."""

    pixels: NDArray[np.bool_]

    def __post_init__(self) -> None:
        given = self.pixels
        if given.ndim != 2 or given.dtype != np.bool_:
            raise ValueError(f"a mask is bool (height, width), not {given.dtype} {given.shape}")
        if given.flags.writeable:
            given = given.copy()
            given.flags.writeable = False
        object.__setattr__(self, "pixels", given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and np.array_equal(self.pixels, other.pixels)

    def __hash__(self) -> int:
        return hash((self.pixels.shape, self.area))

    @property
    def width(self) -> int:
        """Pixels, of the image."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels, of the image."""
        return int(self.pixels.shape[0])

    @cached_property
    def area(self) -> int:
        """Pixels, of the thing."""
        return int(np.count_nonzero(self.pixels))

    @cached_property
    def box(self) -> Box | None:
        """The tightest box about it; None where it is empty."""
        rows, columns = np.flatnonzero(self.pixels.any(axis=1)), np.flatnonzero(self.pixels.any(axis=0))
        return Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None

    def iou(self, other: Mask) -> float:
        """Intersection over union with another mask of the same image, 0..1; 0 where both are empty.

        Raises ValueError where it is of an image of another size.
        """
        if self.pixels.shape != other.pixels.shape:
            raise ValueError(f"masks of {self.pixels.shape} and {other.pixels.shape} pixels cannot be compared")
        both = int(np.count_nonzero(self.pixels & other.pixels))
        return both / max(1, self.area + other.area - both)

    @property
    def rle(self) -> dict[str, Any]:
        """COCO's compressed run lengths: {"size": [height, width], "counts": text}."""
        return {"size": [self.height, self.width], "counts": self._counts}

    @cached_property
    def _counts(self) -> str:
        flat = self.pixels.ravel(order="F")
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts = [0, 0] if flat.size and flat[0] else [0]
        lengths = np.diff(np.concatenate([starts, changes, [flat.size]])).astype(np.int64)
        lengths[3:] -= lengths[1:-2].copy()
        return "".join(map(_written, lengths.tolist()))

    @classmethod
    def from_rle(cls, rle: Any) -> Mask:
        """The way back. Raises ValueError, one sentence, where it is none."""
        if not isinstance(rle, dict) or set(rle) != {"size", "counts"}:
            raise ValueError('a mask is written as {"size": [height, width], "counts": text}')
        size, counts = rle["size"], rle["counts"]
        whole = isinstance(size, (list, tuple)) and len(size) == 2 and all(type(s) is int and s >= 0 for s in size)
        if not whole or size[0] * size[1] > MAX_PIXELS:
            raise ValueError(f"a mask's size is its [height, width] of {MAX_PIXELS} pixels at most, not {size!r:.60}")
        if not isinstance(counts, str) or not COUNTS.fullmatch(counts):
            raise ValueError("a mask's counts are no text of compressed run lengths")
        lengths = _numbers(counts)
        for place in range(3, len(lengths)):
            lengths[place] += lengths[place - 2]
        height, width = size
        if any(length < 0 for length in lengths) or sum(lengths) != height * width:
            raise ValueError(f"a mask's runs do not fill its {height} x {width} pixels")
        flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
        pixels = flat.reshape((height, width), order="F")
        pixels.flags.writeable = False
        return cls(pixels)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """In JSON, where pydantic is what writes and reads it, a mask is its compressed run lengths."""
        from pydantic_core import core_schema

        side = core_schema.int_schema(ge=0)
        size = core_schema.typed_dict_field(core_schema.list_schema(side, min_length=2, max_length=2))
        counts = core_schema.typed_dict_field(core_schema.str_schema())
        written = core_schema.typed_dict_schema({"size": size, "counts": counts}, extra_behavior="forbid")
        read = core_schema.no_info_after_validator_function(cls.from_rle, written)
        serialized = core_schema.plain_serializer_function_ser_schema(lambda mask: mask.rle, return_schema=written)
        return core_schema.union_schema([core_schema.is_instance_schema(cls), read], serialization=serialized)


def _written(number: int) -> str:
    characters = []
    while True:
        group, number = number & 0x1F, number >> GROUP_BITS
        more = number != (-1 if group & SIGN else 0)
        characters.append(chr(FIRST_CHARACTER + (group | (MORE if more else 0))))
        if not more:
            return "".join(characters)


def _numbers(text: str) -> list[int]:
    numbers, number, shift = [], 0, 0
    for character in text.encode():
        group = character - FIRST_CHARACTER
        number |= (group & 0x1F) << shift
        shift += GROUP_BITS
        if not group & MORE:
            numbers.append(number - (1 << shift) if group & SIGN else number)
            number, shift = 0, 0
    return numbers
