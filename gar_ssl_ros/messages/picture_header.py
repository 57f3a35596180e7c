"""What a compressed picture's header says of it, read before any decoder sees the rest.

PNG (www.w3.org/TR/png, 11.2.1) and JPEG (ITU-T T.81, annex B) are known, the formats in which cameras send. Whatever
deviates from their letter before the picture's size is told is not read on: a decoder might read another size there.
Nor are PNGs whose chunks do not fit into them, since OpenCV takes their lengths at their word, or whose frames move.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
PNG_VALUES = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}  # decoded, by the colour type: a palette gives colours, grey may get alpha
MAX_PNG_CHUNKS = 2**15  # of a PNG: more than the largest has in pieces of 8 KiB, as libpng writes them
MAX_JPEG_SEGMENTS = 2**11  # before a JPEG's size: more than ICC profile and EXIF together can fill
SCAN = b"\xff\xda"


@dataclass(frozen=True)
class PictureHeader:
    """width, height: pixels. pixel_bytes: of a pixel, decoded. scans: how often the decoder goes over the pixels."""

    width: int
    height: int
    pixel_bytes: int
    scans: int

    @property
    def pixels(self) -> int:
        """Their number."""
        return self.width * self.height


def picture_header(content: bytes) -> PictureHeader | None:
    """The header of a PNG or JPEG; None where the content is neither."""
    return _png(content) if content.startswith(PNG) else _jpeg(content) if content.startswith(JPEG) else None


def _png(content: bytes) -> PictureHeader | None:
    if content[8:16] != b"\0\0\0\rIHDR" or not _whole_png(content):
        return None
    width, height, depth, colour = struct.unpack_from(">IIBB", content, 16)
    if colour not in PNG_VALUES:
        return None
    return PictureHeader(width, height, PNG_VALUES[colour] * (2 if depth == 16 else 1), 1)


def _whole_png(content: bytes) -> bool:
    """True if its chunks fit one after another, up to the last, and none of them makes frames that move."""
    at = len(PNG)
    for _ in range(MAX_PNG_CHUNKS):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")  # length and kind before, checksum after
        kind = content[at + 4 : at + 8]
        if end > len(content) or kind == b"acTL":
            return False
        if kind == b"IEND":
            return True
        at = end
    return False


def _jpeg(content: bytes) -> PictureHeader | None:
    at = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        if len(content) < at + 10 or content[at] != 0xFF:
            return None
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame: tables and JPG are not
            _, height, width, values = struct.unpack_from(">BHHB", content, at + 4)
            return PictureHeader(width, height, max(3, values), content.count(SCAN, at))
        elif 0xC0 <= marker < 0xD0 or marker > 0xDA:
            at += 2 + length
        else:  # a restart, a beginning, an end or a scan, which come before no frame
            return None
    return None
