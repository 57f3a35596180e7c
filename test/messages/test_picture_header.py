"""What a header says decides whether a picture is decoded at all."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.messages.images import MOST_PIXELS, ImageError, frame_from_message, rgb_from_compressed, rgb_from_image
from gar_ssl_ros.messages.picture_header import picture_header


def png(width: int, height: int, depth: int = 8, colour: int = 2, content: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def encoded(pixels: np.ndarray, codec: str, *options: int) -> bytes:
    return cv2.imencode(f".{codec}", pixels, options)[1].tobytes()


def compressed(data: bytes, form: str = "jpeg") -> SimpleNamespace:
    return SimpleNamespace(format=form, data=data)


SHAPES = [(48, 64, 3), (48, 64), (33, 47, 3)]
DEEP = [("png", shape, dtype) for shape in (*SHAPES, (48, 64, 4)) for dtype in (np.uint8, np.uint16)]


@pytest.mark.parametrize(("codec", "shape", "dtype"), [*DEEP, *(("jpg", shape, np.uint8) for shape in SHAPES)])
def test_the_header_of_what_a_camera_sends_tells_its_size(codec, shape, dtype):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    content = encoded(pixels, codec)
    header = picture_header(content)
    assert header is not None
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (header.height, header.width) == decoded.shape[:2]
    assert header.pixels * header.pixel_bytes >= decoded.nbytes


def test_scans_of_a_progressive_jpeg_are_counted():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    plain, progressive = encoded(pixels, "jpg"), encoded(pixels, "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert picture_header(plain).scans == 1
    assert picture_header(progressive).scans == progressive.count(b"\xff\xda") > 1
    assert rgb_from_compressed(compressed(progressive)).shape == pixels.shape


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (png(40_000, 40_000), "40000x40000 pixels: a picture may have at most 16777216, as 4096x4096 has"),
        (png(2**31 - 1, 2**31 - 1), "a picture may have at most"),
        (png(0, 0), "it is 0x0 pixels"),
        (png(4096, 4096, 16, 6), "take more than"),
        (png(64, 64), "no whole picture of 64x64 pixels"),
        (b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n" + bytes(8), "jpeg or png"),
        (b"II*\0\x08\0\0\0" + bytes(40), "jpeg or png"),
        (b"BM" + bytes(60), "jpeg or png"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + bytes(40), "jpeg or png"),
        (png(64, 64)[:33] + b"\x7f\xff\xff\xffIDAT" + bytes(200), "jpeg or png"),
        (png(64, 64)[:-12], "jpeg or png"),
        (png(64, 64)[:33] + b"\0\0\0\x08acTL" + bytes(12) + png(64, 64)[33:], "jpeg or png"),
        (png(64, 64)[:33] + b"\0\0\0\0teXt\0\0\0\0" * 100_000, "jpeg or png"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "jpeg or png"),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 5000 + b"\xff\xc0\x00\x11\x08\x00\x10\x00\x10\x03", "jpeg or png"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + bytes(60), "65535x65535"),
    ],
)
def test_a_picture_that_is_too_large_or_none_is_refused_before_it_is_decoded(content, problem):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageError, match=problem):
        frame_from_message(headed(compressed(content)), 0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_jpeg_of_endless_scans_is_refused():
    pixels = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    content = encoded(pixels, "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    last = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="come in 1010 scans"):
        rgb_from_compressed(compressed(content[:-2] + last * 1000 + content[-2:]))


@given(seed=st.integers(0, 2**32 - 1), codec=st.sampled_from(["jpg", "png"]), count=st.integers(1, 40))
def test_a_damaged_picture_is_a_frame_or_an_image_error(seed, codec, count):
    chance = np.random.default_rng(seed)
    content = bytearray(encoded(chance.integers(0, 256, (24, 32, 3), dtype=np.uint8), codec))
    for _ in range(count):
        content[chance.integers(len(content))] = chance.integers(256)
    try:
        frame = frame_from_message(headed(compressed(bytes(content))), 0)
    except ImageError:
        return
    assert frame.width * frame.height <= MOST_PIXELS


def test_grey_with_alpha_is_a_picture():
    rows = b"".join(b"\0" + bytes([value, 255] * 4) for value in range(4))
    content = png(4, 4, 8, 4, zlib.compress(rows))
    assert frame_from_message(headed(compressed(content, "png")), 0).image.shape == (4, 4, 3)


def headed(message: SimpleNamespace, sec: int = 1, nanosec: int = 0, frame_id: str = "camera") -> SimpleNamespace:
    stamp = SimpleNamespace(sec=sec, nanosec=nanosec)
    message.header = SimpleNamespace(stamp=stamp, frame_id=frame_id)
    return message


def raw(**changes) -> SimpleNamespace:
    facts = {"encoding": "rgb8", "width": 2, "height": 2, "step": 6, "is_bigendian": 0, "data": bytes(12)} | changes
    return SimpleNamespace(**facts)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ({"sec": -1}, "its stamp -1 s 0 ns is no time"),
        ({"nanosec": 4_000_000_000}, "is no time"),
        ({"sec": 2**31 - 1}, "is no time"),
        ({"frame_id": "x" * 1_000_000}, "its frame_id has 1000000 characters"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(header, problem):
    with pytest.raises(ImageError, match=problem):
        frame_from_message(headed(raw(), **header), 0)


def test_data_beyond_the_picture_is_not_kept_in_memory():
    frame = frame_from_message(headed(raw(data=bytes(10_000_000))), 0)
    base = frame.image
    while base.base is not None and isinstance(base.base, np.ndarray):
        base = base.base
    assert base.nbytes < 1000


def test_the_largest_picture_is_one_and_a_larger_one_is_not():
    side = int(MOST_PIXELS**0.5)
    assert rgb_from_image(raw(width=side, height=side, step=side, encoding="mono8", data=bytes(side * side))).size
    with pytest.raises(ImageError, match="4096x4097 pixels"):
        rgb_from_image(raw(width=side, height=side + 1, step=side, encoding="mono8", data=b""))


def test_a_hostile_encoding_is_shown_in_few_characters():
    with pytest.raises(ImageError) as told:
        rgb_from_image(raw(encoding="\x1b[2J" * 100_000))
    assert len(str(told.value)) < 800
    assert io.StringIO(str(told.value)).read().isprintable()
