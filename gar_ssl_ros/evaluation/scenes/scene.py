"""A rendered scene whose truth is known: things on a textured ground, of which some make the sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.scenes import sounds, things
from gar_ssl_ros.evaluation.scenes.options import LOOKS, Difficulty, Kind, SceneOptions
from gar_ssl_ros.evaluation.scenes.sounds import Samples, SceneSound
from gar_ssl_ros.gar.boxes import Box, box_from_reply
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Audio, Frame, Window

__all__ = ["Actor", "Difficulty", "Kind", "Scene", "SceneOptions", "TrueSource", "Truth"]

Random = np.random.Generator
MIN_CHANGE_GREY_LEVELS = 3.0  # a thing whose luminance changes less than this on average is not seen to move
MAX_DRAWS = 100  # things that are drawn until one is seen to move; in a scene of a few frames none may be
MAX_RHYTHM_CORRELATION = 0.4  # two rhythms that go together more than this are not out of time with each other


@dataclass(frozen=True)
class TrueSource:
    """One thing that sounds.

    label: as an honest listener would call it. motion: how it goes with its sound. boxes: in each frame, None where
    it is out of sight. part: of a face, the boxes of its mouth. masks, part_masks: what is seen of them in each frame;
    empty where nobody asked.
    """

    label: str
    motion: str
    boxes: tuple[Box | None, ...]
    part: tuple[Box | None, ...] | None = None
    masks: tuple[Mask | None, ...] = ()
    part_masks: tuple[Mask | None, ...] = ()


@dataclass(frozen=True)
class Truth:
    """What a localizer should say of a scene: the outcome's name, what is to be heard, and where it is made."""

    options: SceneOptions
    outcome: str
    labels: tuple[str, ...]
    sources: tuple[TrueSource, ...]


@dataclass(frozen=True, eq=False)
class Actor:
    """A thing that is drawn. place: of its middle, pixels. heard: True if it makes the sound."""

    picture: things.Picture
    place: tuple[float, float]
    way: str
    motion: things.Motion
    drive: tuple[things.Drive, ...]
    heard: bool
    label: str
    rides: int | None = None  # on another actor, as a mouth on its head


class Scene:
    """A scene, drawn frame by frame."""

    def __init__(self, options: SceneOptions) -> None:
        self.options = options
        self._random = np.random.default_rng(options.seed)
        self._look = LOOKS[options.difficulty]
        self._unit = options.width / 320
        self.frames = max(1, round(options.seconds * options.fps))
        self._times = np.arange(self.frames) / options.fps
        self._camera()
        heard = self._heard()
        self._actors = self._cast(heard)
        self.samples = self._mixed(heard)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Frame `index`, RGB uint8 (H, W, 3)."""
        options = self.options
        shake = self._shake[index]
        picture = _drawn(self._ground, self._ground_at(index) + shake, (options.width, options.height))[..., :3].copy()
        for actor in self._actors:
            layer = self._layer(actor, index)
            drawn = _where_drawn(layer)
            layer, under = layer[drawn], picture[drawn]
            under += layer[..., 3:] * (layer[..., :3] + self._pose(actor, index).light - under)
        noise = np.random.default_rng([options.seed, index]).standard_normal(picture.shape)
        picture += noise.astype(np.float32) * options.noise
        return np.clip(picture, 0, 255).round().astype(np.uint8)

    def truth(self, masks: bool = False) -> Truth:
        """What is to be found. masks: True if with its pixels, which takes as long as to draw all frames."""
        options = self.options
        outcome = {Kind.SILENT: "SILENT", Kind.OFFSCREEN: "OFF_SCREEN"}.get(options.kind, "LOCALIZED")
        sources = []
        for actor, part in self._sounding():
            parts = None if part is None else self._boxes(part)
            sources.append(TrueSource(actor.label, (part or actor).way, self._boxes(actor), parts))
        if masks:
            seen = [self.masks(index) for index in range(self.frames)]
            for number, source in enumerate(sources):
                whole, part_masks = zip(*[frame[number] for frame in seen], strict=True)
                told = part_masks if source.part is not None else ()
                sources[number] = replace(source, masks=whole, part_masks=told)
        return Truth(options, outcome, self._labels, tuple(sources))

    def masks(self, index: int) -> list[tuple[Mask | None, Mask | None]]:
        """What is seen of each source in frame `index`, and of the part of it that moves, if it has one."""
        pairs = self._sounding()
        return [(self._mask(whole, index), None if part is None else self._mask(part, index)) for whole, part in pairs]

    def window(self) -> Window:
        """The whole scene as one window."""
        options = self.options
        frames = tuple(Frame(round(i * SECOND / options.fps), self.image(i)) for i in range(self.frames))
        return Window(0, round(options.seconds * SECOND), frames, Audio(0, self.samples[None], SPEECH_RATE_HZ))

    def _camera(self) -> None:
        options, look, random = self.options, self._look, self._random
        turn = random.uniform(0, 2 * np.pi)
        far = look.pan * self._unit
        wave = np.sin(2 * np.pi * self._times / 6.0 + random.uniform(0, 6))  # back and forth, so that it never ends
        self._pan = (far * 6.0 / (2 * np.pi) * (wave - wave[0]))[:, None] * [np.cos(turn), np.sin(turn)]
        self._carries = random.random() < 0.5  # the things with it, as a camera's pan does; or it moves behind them
        self._shake = random.normal(0, 1, (self.frames, 2)) * options.shake
        self._border = 4 + int(2 * far + 4 * options.shake + 1)
        self._ground = things.texture(
            random,
            options.width + 2 * self._border,
            options.height + 2 * self._border,
            look.ground,
            60 * self._unit,
        )
        self._ground[..., :3] += random.uniform(70, 185, 3)

    def _heard(self) -> list[SceneSound]:
        options, random = self.options, self._random
        make = list(sounds.KINDS.values())
        if options.kind is Kind.SILENT:
            self._labels: tuple[str, ...] = ("silence",)
            return [sounds.hush(random, options.seconds)]
        if options.kind is Kind.FACE:
            heard = [sounds.speech(random, options.seconds)]
        elif options.kind is Kind.TWO:
            first, second = random.choice(len(make), 2, replace=False)
            heard = [make[first](random, options.seconds)]
            heard.append(self._unlike(heard, make[second]))
        else:
            heard = [make[random.integers(len(make))](random, options.seconds)]
        self._labels = tuple(sound.label for sound in heard)
        return heard

    def _unlike(self, others: list[SceneSound], make: Callable[[Random, float], SceneSound]) -> SceneSound:
        """A sound whose rhythm does not go with any of the others'."""
        over = 1 / self.options.fps
        known = [other.level(self._times, over) for other in others]
        best: tuple[float, SceneSound] | None = None
        for _ in range(60):
            sound = make(self._random, self.options.seconds)
            level = sound.level(self._times, over)
            likeness = max((_likeness(level, other) for other in known), default=0.0)
            if best is None or likeness < best[0]:
                best = (likeness, sound)
            if likeness < MAX_RHYTHM_CORRELATION:
                break
        assert best is not None
        return best[1]

    def _cast(self, heard: list[SceneSound]) -> list[Actor]:
        options = self.options
        seen = heard if options.kind in (Kind.ONE, Kind.TWO, Kind.FACE) else []
        extras = options.distractors
        if extras is None:
            extras = 1 if options.kind is Kind.TWO else 2
        if not seen:
            extras += 1  # in the place of the source that is not there
        make = list(sounds.KINDS.values())
        unheard: list[SceneSound] = []
        for _ in range(extras):
            unheard.append(self._unlike(heard + unheard, make[self._random.integers(len(make))]))
        actors: list[Actor] = []
        taken: list[Box] = []
        for number, sound in enumerate(seen + unheard):
            sounding = number < len(seen)
            if sounding and options.kind is Kind.FACE:
                actors += self._speaker(sound, taken)
            else:
                actors.append(self._actor(sound, sounding, taken))
        return actors

    def _actor(self, sound: SceneSound, heard: bool, taken: list[Box]) -> Actor:
        random = self._random
        width, height = (round(self.options.width * random.uniform(*self._look.sizes)) for _ in range(2))
        x, y = self._place(width, height, taken)
        ground = self._ground[round(y) + self._border, round(x) + self._border, :3]
        best: tuple[float, Actor] | None = None
        for _ in range(MAX_DRAWS):
            picture = things.thing(random, width, height, ground, self._look.contrast)
            way, motion = things.motion(random, self._look.reach * self._unit)
            actor = Actor(picture, (x, y), way, motion, self._drive(sound), heard, sound.label)
            seen = self._seen(actor)
            if best is None or seen > best[0]:
                best = (seen, actor)
            if seen > MIN_CHANGE_GREY_LEVELS:
                break
        assert best is not None
        return best[1]

    def _seen(self, actor: Actor) -> float:
        """How much its motion changes the picture, grey levels a pixel: of a plain disc that turns, nothing."""
        levels = [drive.level for drive in actor.drive]
        flown = [1.0 if 0 < drive.since < 0.35 else 0.0 for drive in actor.drive]
        active = flown if actor.way == "hop" else levels
        quiet, loud = int(np.argmin(active)), int(np.argmax(active))
        layers = [self._layer(actor, index, steady=True) for index in (quiet, loud)]
        drawn = _where_drawn(layers[0] + layers[1])
        ground = self._ground[self._border :, self._border :, :3][: self.options.height, : self.options.width][drawn]
        looks = []
        for index, layer in zip((quiet, loud), (layer[drawn] for layer in layers), strict=True):
            light = actor.motion(actor.drive[index]).light
            look = ground + layer[..., 3:] * (layer[..., :3] + light - ground)
            looks.append(cv2.cvtColor(np.clip(look, 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY).astype(np.float32))
        changed = np.abs(looks[1] - looks[0])
        area = actor.picture[..., 3].sum()
        return float(changed.sum() / area)

    def _speaker(self, sound: SceneSound, taken: list[Box]) -> list[Actor]:
        random = self._random
        width = round(self.options.width * random.uniform(0.2, 0.3))
        height = round(width * 1.25)
        x, y = self._place(width, height, taken)
        sway = 1.5 * self._unit
        still = tuple(things.Drive(0.0, 9.0, i) for i in range(self.frames))
        period = random.uniform(20, 40)

        def nod(drive: things.Drive) -> things.Pose:
            return things.Pose(dx=sway * float(np.sin(drive.index / period * 6.28)))

        def speak(drive: things.Drive) -> things.Pose:
            return things.Pose(scale_y=0.12 + 0.88 * drive.level)

        head = Actor(things.face(random, width, height), (x, y), "sway", nod, still, True, sound.label)
        opening = things.mouth(round(width * 0.42), round(height * 0.22))
        below = (x, y + 0.25 * height)
        rides = len(taken) - 1
        return [head, Actor(opening, below, "mouth", speak, self._drive(sound), True, sound.label, rides=rides)]

    def _place(self, width: int, height: int, taken: list[Box]) -> tuple[float, float]:
        """A center at which a thing of this size keeps clear of the others and of the edges."""
        options, random = self.options, self._random
        clear = 1.2 * self._look.reach * self._unit + 3 + (0.25 * (width + height) / 2)
        best: tuple[float, float, float] | None = None
        for _ in range(200):
            x = random.uniform(
                min(width / 2 + clear, options.width / 2), max(options.width - width / 2 - clear, options.width / 2)
            )
            y = random.uniform(
                min(height / 2 + clear, options.height / 2),
                max(options.height - height / 2 - clear, options.height / 2),
            )
            box = Box(x - width / 2 - clear, y - height / 2 - clear, x + width / 2 + clear, y + height / 2 + clear)
            crowded = sum(box.iou(other) for other in taken)
            if best is None or crowded < best[0]:
                best = (crowded, x, y)
            if crowded == 0:
                break
        assert best is not None
        _, x, y = best
        taken.append(Box(x - width / 2 - 3, y - height / 2 - 3, x + width / 2 + 3, y + height / 2 + 3))
        return x, y

    def _drive(self, sound: SceneSound) -> tuple[things.Drive, ...]:
        level = sound.level(self._times, over=1.5 / self.options.fps)
        onsets = np.array((-9.0, *sound.onsets))
        since = [float(t - onsets[onsets <= t].max()) for t in self._times]
        return tuple(things.Drive(float(a), b, i) for i, (a, b) in enumerate(zip(level, since, strict=True)))

    def _mixed(self, heard: list[SceneSound]) -> Samples:
        mixed = np.zeros(len(heard[0].samples))
        for sound in heard:
            mixed += sound.samples
        if self.options.kind is not Kind.SILENT:
            mixed += self._random.normal(0, 1, len(mixed)) * 10 ** (self._random.uniform(-70, -50) / 20)
        return np.asarray(np.clip(mixed, -1, 1), np.float32)

    def _ground_at(self, index: int) -> NDArray[np.float64]:
        return np.asarray(self._pan[index] - self._border, np.float64)

    def _pose(self, actor: Actor, index: int) -> things.Pose:
        pose = actor.motion(actor.drive[index])
        if actor.rides is not None:
            carrier = self._actors[actor.rides]
            on = carrier.motion(carrier.drive[index])
            pose = replace(pose, dx=pose.dx + on.dx, dy=pose.dy + on.dy)
        return pose

    def _layer(self, actor: Actor, index: int, steady: bool = False) -> things.Picture:
        pose = self._pose(actor, index)
        height, width = actor.picture.shape[:2]
        turn = np.deg2rad(pose.angle)
        x, y = np.array(actor.place) + (pose.dx, pose.dy)
        if not steady:
            x, y = (x, y) + self._shake[index] + (self._pan[index] if self._carries else 0.0)
        linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag(
            [pose.scale_x, pose.scale_y]
        )
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        offset = np.array([x - 0.5, y - 0.5]) - linear @ middle
        layer = cv2.warpAffine(
            actor.picture,
            np.column_stack([linear, offset]),
            (self.options.width, self.options.height),
            flags=cv2.INTER_LINEAR,
        )
        return np.asarray(layer, np.float32)

    def _boxes(self, actor: Actor) -> tuple[Box | None, ...]:
        return tuple(self._bounds(self._layer(actor, i)) for i in range(self.frames))

    def _sounding(self) -> list[tuple[Actor, Actor | None]]:
        """What makes the sound, each with what rides on it."""
        on = {actor.rides: actor for actor in self._actors}
        return [(a, on.get(number)) for number, a in enumerate(self._actors) if a.heard and a.rides is None]

    def _mask(self, actor: Actor, index: int) -> Mask | None:
        """What is seen of it in a frame, and not of what is drawn over it later; of a head, with its mouth."""
        number = self._actors.index(actor)
        solid = _solid(self._layer(actor, index))
        for over in self._actors[number + 1 :]:
            if over.rides != number:
                solid &= ~_solid(self._layer(over, index))
        return Mask(solid) if solid.any() else None

    def _bounds(self, layer: things.Picture) -> Box | None:
        solid = _solid(layer)
        rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        if not len(rows):
            return None
        sides = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        return box_from_reply(sides, self.options.width, self.options.height)


def _drawn(picture: things.Picture, offset: NDArray[np.float64], size: tuple[int, int]) -> things.Picture:
    matrix = np.array([[1, 0, offset[0]], [0, 1, offset[1]]])
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR), np.float32)


def _solid(layer: things.Picture) -> NDArray[np.bool_]:
    return np.asarray(layer[..., 3] > 0.5)


def _where_drawn(layer: things.Picture) -> tuple[slice, slice]:
    """The rectangle outside which there is nothing of it."""
    x, y, width, height = cv2.boundingRect((layer[..., 3] > 0).astype(np.uint8))
    return slice(y, y + height), slice(x, x + width)


def _likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The greatest correlation of two rhythms, or of their changes, within two frames of each other."""
    best = 0.0
    for a, b in ((one, other), (np.abs(np.diff(one)), np.abs(np.diff(other)))):
        for lag in range(-2, 3):
            x, y = a[max(0, lag) : len(a) + min(0, lag)], b[max(0, -lag) : len(b) + min(0, -lag)]
            if len(x) > 2 and x.std() > 1e-9 and y.std() > 1e-9:
                best = max(best, float(np.corrcoef(x, y)[0, 1]))
    return best
