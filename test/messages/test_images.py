"""Every encoding of a camera comes out as the RGB that went in."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.messages import images
from gar_ssl_ros.messages.images import BAYER, PACKED, ImageError, rgb_from_compressed, rgb_from_image


def picture(width: int = 8, height: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(width: int = 64, height: int = 48) -> np.ndarray:
    """What survives having its colours shared between neighbours."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([60 + x * 2, 50 + y * 3, 200 - x], axis=-1).astype(np.uint8)


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big: bool = False, **changes) -> SimpleNamespace:
    """Rows of a picture of (height, width[, values]) as an Image holds them, `padding` bytes after each."""
    stored = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<"))
    rows = np.frombuffer(stored.tobytes(), np.uint8).reshape(pixels.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=7)
    facts = {
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": encoding,
        "is_bigendian": int(big),
        "step": padded.shape[1],
        "data": padded.tobytes(),
    }
    return SimpleNamespace(**(facts | changes))


ORDER = {"rgb": [0, 1, 2], "bgr": [2, 1, 0], "rgba": [0, 1, 2, 0], "bgra": [2, 1, 0, 0]}


@pytest.mark.parametrize("order", ORDER)
@pytest.mark.parametrize("padding", [0, 5, 16])
def test_8_bit_colours_in_any_order_and_padding(order, padding):
    rgb = picture()
    np.testing.assert_array_equal(rgb_from_image(message(rgb[..., ORDER[order]], f"{order}8", padding)), rgb)


@pytest.mark.parametrize("order", ORDER)
@pytest.mark.parametrize("big", [False, True])
def test_16_bit_colours_of_both_byte_orders(order, big):
    rgb = picture()
    deep = (rgb.astype(np.uint16) * 257)[..., ORDER[order]]
    np.testing.assert_array_equal(rgb_from_image(message(deep, f"{order}16", padding=2, big=big)), rgb)


@pytest.mark.parametrize("big", [False, True])
def test_grey_of_8_and_16_bits(big):
    grey = picture()[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(rgb_from_image(message(grey, "mono8", padding=3)), expected)
    np.testing.assert_array_equal(
        rgb_from_image(message(grey.astype(np.uint16) * 257, "mono16", padding=4, big=big)), expected
    )


@pytest.mark.parametrize("name", BAYER)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_bayer_mosaic_gives_back_an_even_colour(name, bits):
    """The pattern's name is the colours of its first two rows, from the left."""
    colour = {"r": 200, "g": 120, "b": 40}
    cell = np.array([[colour[c] for c in name[6:8]], [colour[c] for c in name[8:10]]])
    mosaic = np.tile(cell, (8, 8)).astype(np.uint8)
    deep = mosaic if bits == 8 else mosaic.astype(np.uint16) * 257
    rgb = rgb_from_image(message(deep, f"{name}{bits}", padding=2))
    np.testing.assert_array_equal(rgb[2:-2, 2:-2], np.broadcast_to(np.array([200, 120, 40]), (12, 12, 3)))


def yuv(rgb: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 with headroom, as video has it: float Y, U, V of each pixel."""
    matrix = np.array([[0.257, 0.504, 0.098], [-0.148, -0.291, 0.439], [0.439, -0.368, -0.071]])
    return rgb @ matrix.T + np.array([16, 128, 128])


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual.astype(int) - expected).max() <= 5


@pytest.mark.parametrize(
    ("encoding", "order"), [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")]
)
@pytest.mark.parametrize("padding", [0, 6])
def test_yuv422_in_both_orders(encoding, order, padding):
    rgb = smooth()
    y, u, v = np.moveaxis(yuv(rgb), -1, 0).round().astype(np.uint8)
    colours = np.empty_like(y)
    colours[:, ::2], colours[:, 1::2] = u[:, ::2], v[:, ::2]
    pair = [colours, y] if order == "uyvy" else [y, colours]
    close(rgb_from_image(message(np.stack(pair, axis=-1), encoding, padding)), rgb)


@pytest.mark.parametrize("padding", [0, 4])
def test_nv21_and_nv24(padding):
    rgb = smooth()
    y, u, v = np.moveaxis(yuv(rgb), -1, 0).round().astype(np.uint8)
    shared = np.empty((y.shape[0] // 2, y.shape[1]), np.uint8)
    shared[:, ::2], shared[:, 1::2] = v[::2, ::2], u[::2, ::2]
    padded = np.pad(np.vstack([y, shared]), ((0, 0), (0, padding)))
    close(rgb_from_image(message(y, "nv21", step=y.shape[1] + padding, data=padded.tobytes())), rgb)
    own = np.empty((y.shape[0], 2 * y.shape[1]), np.uint8)
    own[:, ::2], own[:, 1::2] = u, v
    data = np.pad(y, ((0, 0), (0, padding))).tobytes() + np.pad(own, ((0, 0), (0, 2 * padding))).tobytes()
    close(rgb_from_image(message(y, "nv24", step=y.shape[1] + padding, data=data)), rgb)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"encoding": "32FC1"}, "encoding '32FC1' is not known"),
        ({"encoding": ""}, "encoding '' is not known"),
        ({"data": b"\0" * 100}, "it has 100 bytes, not the 144"),
        ({"data": b""}, "it has 0 bytes"),
        ({"step": 10}, "rows of 10 bytes are too short"),
        ({"width": 0}, "it is 0x6 pixels"),
        ({"width": 2**31, "height": 2**31}, "pixels"),
        ({"encoding": "yuv422", "width": 7, "step": 24}, "their number is odd"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(changes, problem):
    with pytest.raises(ImageError, match=problem):
        rgb_from_image(message(picture(), **({"encoding": "rgb8"} | changes)))


@given(
    encoding=st.one_of(st.sampled_from([*PACKED, "nv21", "nv24"]), st.text(max_size=12)),
    width=st.integers(0, 9),
    height=st.integers(0, 9),
    step=st.integers(0, 80),
    length=st.integers(0, 700),
    big=st.booleans(),
)
def test_any_header_with_any_data_is_a_picture_of_its_size_or_an_image_error(
    encoding, width, height, step, length, big
):
    given_message = SimpleNamespace(
        encoding=encoding, width=width, height=height, step=step, is_bigendian=big, data=bytes(length)
    )
    try:
        rgb = rgb_from_image(given_message)
    except ImageError:
        return
    assert rgb.shape == (height, width, 3)
    assert rgb.dtype == np.uint8


def compressed(pixels: np.ndarray, codec: str, form: str) -> SimpleNamespace:
    return SimpleNamespace(format=form, data=cv2.imencode(f".{codec}", pixels)[1].tobytes())


@pytest.mark.parametrize("form", ["png", "rgb8; png compressed bgr8", ""])
def test_a_png_comes_out_as_it_was(form):
    rgb = picture()
    np.testing.assert_array_equal(rgb_from_compressed(compressed(rgb[..., ::-1], "png", form)), rgb)


def test_a_jpeg_comes_out_nearly_as_it_was():
    rgb = smooth()
    close(rgb_from_compressed(compressed(rgb[..., ::-1], "jpg", "rgb8; jpeg compressed bgr8")), rgb)


def test_compressed_pictures_with_alpha_in_grey_of_16_bits_and_stored_as_rgb():
    rgb = picture()
    four = np.dstack([rgb[..., ::-1], rgb[..., 0]])
    np.testing.assert_array_equal(rgb_from_compressed(compressed(four, "png", "bgra8; png compressed bgra8")), rgb)
    grey = np.repeat(rgb[..., :1], 3, axis=2)
    np.testing.assert_array_equal(rgb_from_compressed(compressed(rgb[..., 0], "png", "mono8; png compressed")), grey)
    deep = rgb[..., 0].astype(np.uint16) * 257
    np.testing.assert_array_equal(rgb_from_compressed(compressed(deep, "png", "mono16; png compressed ")), grey)
    np.testing.assert_array_equal(rgb_from_compressed(compressed(rgb, "png", "rgb8; png compressed rgb8")), rgb)


def test_a_compressed_bayer_mosaic_is_coloured():
    mosaic = np.tile(np.array([[200, 120], [120, 40]], np.uint8), (8, 8))
    rgb = rgb_from_compressed(compressed(mosaic, "png", "bayer_rggb8; png compressed "))
    assert tuple(rgb[8, 8]) == (200, 120, 40)


@pytest.mark.parametrize(
    ("form", "data", "problem"),
    [
        ("jpeg", b"", "0 bytes are no whole picture"),
        ("jpeg", b"\xff\xd8\xff" + b"x" * 50, "53 bytes are no whole picture of the format 'jpeg'"),
        ("16UC1; compressedDepth png", b"x", "depth image"),
    ],
)
def test_a_compressed_picture_that_is_none_is_refused(form, data, problem):
    with pytest.raises(ImageError, match=problem):
        rgb_from_compressed(SimpleNamespace(format=form, data=data))


def test_cv_bridge_where_it_is_installed_gives_the_same_pixels(monkeypatch):
    pytest.importorskip("cv_bridge", reason="needs cv_bridge, which comes with ROS 2")
    for encoding, (size, values, _) in PACKED.items():
        deep = np.random.default_rng(1).integers(0, 256**size, (12, 16, values)).astype([np.uint8, np.uint16][size - 1])
        given_message = message(deep, encoding)
        bridged = rgb_from_image(given_message)
        with monkeypatch.context() as patch:
            patch.setattr(images, "_cv_bridge", lambda: None)
            np.testing.assert_array_equal(rgb_from_image(given_message), bridged, err_msg=encoding)
