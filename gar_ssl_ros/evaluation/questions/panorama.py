"""Panoramas of rooms in which things stand: equirectangular, all around, ahead in the middle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.questions.catalog import Cutout
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.places import QuestionRoom
from gar_ssl_ros.evaluation.scenes.things import Random
from gar_ssl_ros.spatial.questions.forms import Spot

OVERSAMPLING = 2
WALLS = ((214, 205, 188), (190, 200, 205), (205, 190, 176), (186, 198, 178), (222, 218, 210), (176, 170, 184))
FLOORS = ((150, 112, 74), (116, 84, 58), (168, 160, 150), (126, 130, 132), (142, 96, 82))
DOORS, FRAMES, SKY = (122, 82, 52), (236, 232, 224), (178, 208, 232)
STAND_M, STAND = 0.05, (92, 84, 78)  # its width, and its colour
SHADOW = 0.35  # of the light that is taken away under a thing
NOISE = 2.5  # of the sensor, standard deviation in grey levels
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PlacedPicture:
    """A cutout, how high it is, m, and where its middle is."""

    cutout: Cutout
    height: float
    spot: Spot


def render(
    random: Random, ground: Image, room: QuestionRoom, placed: Sequence[PlacedPicture], options: QuestionOptions
) -> Image:
    """(height, width, 3), RGB. ground: of the room, as of `empty_room`."""
    image = ground.astype(np.float32) * random.uniform(0.85, 1.1)
    for one in placed:
        _cast_shadow(image, one, room, options)
    for one in sorted(placed, key=lambda each: -each.spot.distance):
        _stand(image, one, room, options)
        _put(image, one, options)
    image += random.standard_normal(image.shape, np.float32) * NOISE
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def width_of(picture: PlacedPicture) -> float:
    """How wide it looks, degrees."""
    height, width = picture.cutout.shape[:2]
    return 2 * math.degrees(math.atan(picture.height * width / height / 2 / picture.spot.distance))


def empty_room(room: QuestionRoom, options: QuestionOptions) -> Image:
    """What the listener sees of a room, (height, width, 3), RGB."""
    width, height = OVERSAMPLING * options.width, OVERSAMPLING * options.height
    right = ((np.arange(width) + 0.5) / width - 0.5) * 2 * math.pi
    up = (0.5 - (np.arange(height) + 0.5) / height) * 2 * math.radians(options.half_height)
    turned = room.yaw - right[None]
    level = np.cos(up)[:, None]
    rays = np.stack(
        [level * np.cos(turned), level * np.sin(turned), np.broadcast_to(np.sin(up)[:, None], (height, width))], axis=-1
    )
    size, place = np.array(room.size), np.array(room.place)
    with np.errstate(divide="ignore"):
        reach = np.where(rays > 0, size - place, -place) / np.where(rays == 0, 1e-9, rays)
    axis = reach.argmin(axis=-1)
    far = np.take_along_axis(reach, axis[..., None], axis=-1)[..., 0]
    points = (place + far[..., None] * rays).astype(np.float32)
    random = np.random.default_rng(room.look)
    colours = np.empty((height, width, 3), np.float32)
    ahead = np.take_along_axis(rays, axis[..., None], axis=-1)[..., 0] > 0
    floor, ceiling = (axis == 2) & ~ahead, (axis == 2) & ahead
    colours[ceiling] = 238
    colours[floor] = _floor(random, points[floor])
    wall = np.array(WALLS[int(random.integers(len(WALLS)))], np.float32)
    for across, far_side in ((0, False), (0, True), (1, False), (1, True)):
        own = (axis == across) & (ahead == far_side)
        along = points[own][:, 1 - across]
        colours[own] = _wall(random, wall, along, points[own][:, 2], room.size[1 - across], room.size[2])
    # Corners get less light, and what is far is hardly darker.
    near = np.sort(np.minimum(points, size - points), axis=-1)[..., 1]
    light = (0.72 + 0.28 * (1 - np.exp(-near / 0.45))) * np.array([0.94, 1.0, 0.97])[axis]
    shaded = np.clip(colours * light[..., None].astype(np.float32), 0, 255)
    small = cv2.resize(shaded, (options.width, options.height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.round(small), np.uint8)


def _floor(random: Random, points: Floats) -> Floats:
    """Boards or tiles."""
    base = np.array(FLOORS[int(random.integers(len(FLOORS)))], np.float32)
    if random.random() < 0.5:
        wide = random.uniform(0.12, 0.2)
        board = np.floor(points[:, 0] / wide)
        much = 0.9 + 0.2 * np.modf(np.abs(np.sin(board * 12.9898) * 43758.5453))[0]
        much *= np.where(np.abs(points[:, 0] / wide - board - 0.5) > 0.47, 0.75, 1.0)
    else:
        wide = random.uniform(0.35, 0.7)
        cells = np.floor(points[:, :2] / wide)
        much = np.where(cells.sum(axis=1) % 2 == 0, 0.92, 1.08)
        much *= np.where((np.abs(points[:, :2] / wide - cells - 0.5) > 0.48).any(axis=1), 0.8, 1.0)
    return np.asarray(base * much[:, None], np.float32)


def _wall(random: Random, base: Floats, along: Floats, height: Floats, length: float, top: float) -> Floats:
    """With a skirting board, and a door, a window or a picture on it."""
    tint = base * np.float32(random.uniform(0.94, 1.04))
    colours = np.broadcast_to(tint, (len(along), 3)).copy()
    if random.random() < 0.35:
        stripe = np.floor(along / random.uniform(0.2, 0.35)) % 2 == 0
        colours[stripe] *= 0.965
    colours[height < 0.09] = np.array(FRAMES, np.float32) * 0.82
    middle = length * random.uniform(0.25, 0.75)
    kind = str(random.choice(["door", "window", "picture", "none"]))
    if kind == "none":
        return colours
    wide, low, high = {"door": (0.9, 0.0, 2.05), "window": (1.4, 0.9, 2.1), "picture": (0.8, 1.3, 1.95)}[kind]
    high = min(high, top - 0.15)
    beside = np.abs(along - middle)
    frame = (beside < wide / 2 + 0.07) & (height > low - 0.07) & (height < high + 0.07)
    inside = (beside < wide / 2) & (height > low) & (height < high)
    colours[frame] = np.array(FRAMES, np.float32) * (0.9 if kind != "picture" else 0.35)
    if kind == "door":
        colours[inside] = np.array(DOORS, np.float32) * np.float32(random.uniform(0.8, 1.3))
    elif kind == "window":
        sky = np.array(SKY, np.float32)
        colours[inside] = sky * (0.85 + 0.2 * (height[inside] - low) / (high - low))[:, None]
        colours[inside & (np.abs(along - middle) < 0.03)] = np.array(FRAMES, np.float32)
    else:
        hues = random.uniform(60, 200, (2, 3)).astype(np.float32)
        share = ((height[inside] - low) / (high - low))[:, None]
        colours[inside] = hues[0] * share + hues[1] * (1 - share)
    return colours


def _put(image: Floats, one: PlacedPicture, options: QuestionOptions) -> None:
    degree = options.width / 360
    wide = width_of(one) * degree / math.cos(math.radians(one.spot.elevation))
    tall = 2 * math.degrees(math.atan(one.height / 2 / one.spot.distance)) * degree
    size = max(2, round(wide)), max(2, round(tall))
    shown = cv2.resize(one.cutout, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    x, y = options.pixels(one.spot.azimuth, one.spot.elevation)
    top, left = round(y - size[1] / 2), round(x - size[0] / 2)
    first, last = max(0, top), min(options.height, top + size[1])
    if last <= first:
        return
    rows, columns = slice(first, last), np.arange(left, left + size[0]) % options.width  # the picture goes all around
    shown = shown[first - top : last - top]
    ground = image[rows][:, columns]
    image[rows, columns] = ground + (shown[..., :3] - ground) * (shown[..., 3:] / 255)


def _stand(image: Floats, one: PlacedPicture, room: QuestionRoom, options: QuestionOptions) -> None:
    """A post from the floor up to it, so that nothing floats."""
    out, base, floor = _feet(one, room)
    if base <= -room.place[2] + 0.03:
        return
    wide = max(1, round(math.degrees(STAND_M / out) * options.width / 360))
    x, top = options.pixels(one.spot.azimuth, math.degrees(math.atan2(base, out)))
    _, bottom = options.pixels(0.0, floor)
    columns = np.arange(round(x - wide / 2), round(x - wide / 2) + wide) % options.width
    rows = slice(max(0, round(top - 1)), min(options.height, round(bottom)))
    image[rows, columns] = np.array(STAND, np.float32) * np.linspace(1.15, 0.85, wide)[:, None]


def _cast_shadow(image: Floats, one: PlacedPicture, room: QuestionRoom, options: QuestionOptions) -> None:
    """On the floor beneath it."""
    out, _, floor = _feet(one, room)
    half_wide = max(1.0, width_of(one) / 2 * options.width / 360)
    half_deep = max(1.0, half_wide * 0.35 * room.place[2] / out)
    x, y = options.pixels(one.spot.azimuth, floor)
    rows = np.arange(max(0, math.floor(y - half_deep)), min(options.height, math.ceil(y + half_deep) + 1))
    columns = np.arange(math.floor(x - half_wide), math.ceil(x + half_wide) + 1)
    away = ((columns[None] - x) / half_wide) ** 2 + ((rows[:, None] - y) / half_deep) ** 2
    much = 1 - SHADOW * np.clip(1 - away, 0, 1)
    image[rows[:, None], columns[None] % options.width] *= much[..., None].astype(np.float32)


def _feet(one: PlacedPicture, room: QuestionRoom) -> tuple[float, float, float]:
    """How far away it is along the floor, how high its lower edge is above the listener, m, and the elevation of the
    floor under it, degrees.
    """
    out = one.spot.distance * math.cos(math.radians(one.spot.elevation))
    base = one.spot.distance * math.sin(math.radians(one.spot.elevation)) - one.height / 2
    return out, base, math.degrees(math.atan2(-room.place[2], out))
