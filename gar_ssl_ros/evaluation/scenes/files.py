"""Scenes on disk: a clip, and beside it what is true of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gar_ssl_ros.errors import UserError, misfit
from gar_ssl_ros.evaluation.scenes.heard import HeardScene, HeardTruth
from gar_ssl_ros.evaluation.scenes.scene import Scene, TrueSource
from gar_ssl_ros.evaluation.scenes.score import matched
from gar_ssl_ros.evaluation.scenes.sounds import Samples
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Audio
from gar_ssl_ros.output.video import LAYOUTS, VideoWriter


class TruthError(UserError):
    """A file that is no truth of a scene: one sentence that names it and what is wrong."""


class SceneTruth(BaseModel):
    """What is true of one clip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: str = Field(description="the clip, beside this file")
    audio: str | None = Field(description="its sound, beside this file; null where it is in the clip")
    scene: dict[str, Any] = Field(description="the options that it was rendered from")
    fps: float = Field(gt=0, description="frames a second")
    frames: int = Field(ge=1, description="frames in the clip")
    outcome: str = Field(description="what a localizer should say of the whole: LOCALIZED, SILENT or OFF_SCREEN")
    labels: tuple[str, ...] = Field(description="what is to be heard, coarsely")
    sources: tuple[TrueSource, ...] = Field(description="what makes it, with its box and mask in each frame")
    heard: HeardTruth | None = Field(default=None, description="where it is heard from; null without an array")

    def boxes_at(self, time: float) -> list[Box]:
        """The boxes of all sources in sight in the frame nearest `time`, s."""
        index = min(self.frames - 1, max(0, round(time * self.fps)))
        return [box for source in self.sources if (box := source.boxes[index]) is not None]

    def overlaps(self, found: Sequence[Box], time: float) -> list[float]:
        """For each source in sight at `time`, s, the intersection over union of its own found box with it, else 0.

        Of a talking face that is the head: who boxes the mouth has not found it.
        """
        return matched(found, self.boxes_at(time))


def write_scene(scene: Scene, folder: Path, name: str, separate_audio: bool = False) -> Path:
    """Render a scene into `folder`/`name`.mp4 (its sound muxed in, or apart as a .wav) and `name`.truth.json.

    Returns the clip's path. Raises OSError where something cannot be written.
    """
    video = folder / f"{name}.mp4"
    with _video(video, scene, sound=not separate_audio) as writer:
        _add(scene, writer, start=0.0, sound=not separate_audio)
    if separate_audio:
        write_wav(video.with_suffix(".wav"), _sound(scene))
    sound = video.with_suffix(".wav").name if separate_audio else None
    told = truth_of_scene(scene, video.name, sound, masks=True)
    truth_of(video).write_text(told.model_dump_json() + "\n", encoding="utf-8")
    return video


def write_film(scenes: Sequence[Scene], video: Path) -> list[SceneTruth]:
    """Render scenes of one size, rate and length, one after the other, into one clip. Returns what is true of each.

    Raises OSError where it cannot be written.
    """
    with _video(video, scenes[0], sound=True) as writer:
        for index, scene in enumerate(scenes):
            _add(scene, writer, start=index * scene.options.seconds, sound=True)
    return [truth_of_scene(scene, video.name) for scene in scenes]


def truth_of_scene(scene: Scene, video: str, audio: str | None = None, masks: bool = False) -> SceneTruth:
    """What is true of a scene that is rendered into the files of those names. masks: as of `Scene.truth`."""
    truth = scene.truth(masks)
    return SceneTruth(
        video=video,
        audio=audio,
        scene=asdict(scene.options),
        fps=scene.options.fps,
        frames=scene.frames,
        outcome=truth.outcome,
        labels=truth.labels,
        sources=truth.sources,
        heard=scene.heard_truth() if isinstance(scene, HeardScene) else None,
    )


def _video(path: Path, scene: Scene, sound: bool) -> VideoWriter:
    options = scene.options
    fps = Fraction(options.fps).limit_denominator(1001)
    first = Audio(0, _sound(scene), SPEECH_RATE_HZ) if sound else None
    lossless = isinstance(scene, HeardScene)  # what a listener is not to hear tells an array the direction
    return VideoWriter(path, options.width, options.height, fps, first, crf=14, lossless=lossless)


def _sound(scene: Scene) -> Samples:
    """(channels, samples)."""
    return scene.recorded if isinstance(scene, HeardScene) else scene.samples[None]


def _add(scene: Scene, writer: VideoWriter, start: float, sound: bool) -> None:
    """The scene from `start`, s, on, a second of its sound beside the frames of the same time."""
    fps, samples = scene.options.fps, _sound(scene)
    for index in range(scene.frames):
        writer.add_image(scene.image(index), round((start + index / fps) * SECOND))
        if sound and index % round(fps) == 0:
            first = int(index // round(fps)) * SPEECH_RATE_HZ
            part = samples[:, first : first + SPEECH_RATE_HZ]
            if part.size:
                writer.add_audio(Audio(round((start + first / SPEECH_RATE_HZ) * SECOND), part, SPEECH_RATE_HZ))


def truth_of(video: Path) -> Path:
    """Where the truth of a scene's clip lies."""
    return video.with_suffix(".truth.json")


def read_truth(path: Path) -> SceneTruth:
    """Raises TruthError where it is missing or says something else."""
    try:
        return SceneTruth.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise TruthError(f"{path} cannot be read ({problem.strerror}): render it with `gar-ssl scenes`") from None
    except ValidationError as problem:
        raise TruthError(f"{path} is no truth of a scene: {misfit(problem)}") from None


def write_wav(path: Path, samples: Samples) -> None:
    """(samples,) or (channels, samples), 8 channels at most, as 16-bit PCM at SPEECH_RATE_HZ."""
    layout = LAYOUTS[len(np.atleast_2d(samples)) - 1]
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=SPEECH_RATE_HZ, layout=layout)
        packed = np.ascontiguousarray((samples.T * 32767).astype(np.int16)).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = SPEECH_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
