"""What a robot's camera and microphones took in, as a scene that the model can be asked about."""

from __future__ import annotations

import numpy as np

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.media.window import Audio, Frame
from gar_ssl_ros.spatial.camera import CameraError
from gar_ssl_ros.spatial.model.lessons import Scene
from gar_ssl_ros.spatial.model.options import ModelConfig
from gar_ssl_ros.spatial.panorama import band_of

EARS = 2


class SceneError(UserError):
    """What the model cannot look at or listen to: one sentence that says why and what to do."""


def scene_of(frame: Frame, audio: Audio | None, config: ModelConfig, calibrated: bool = False) -> Scene:
    """What a model of such a config takes of a picture and the sound around it.

    The ears are the first two channels, the left one first, of those that hear. calibrated: True if a CameraInfo
    describes the picture, which is no panorama then. Raises SceneError.
    """
    picture = sound = None
    if config.sees:
        if calibrated:
            raise SceneError("the image has a CameraInfo, so it is no panorama: give the localizer one of 360 degrees")
        try:
            picture = np.ascontiguousarray(band_of(frame.image))
        except CameraError as problem:
            raise SceneError(str(problem)) from None
    if config.hears != "nothing":
        if audio is None:
            raise SceneError("there is no sound to hear: see that the microphones record")
        sound = _ears(audio, config)
    return Scene(picture, sound, 1 if audio is None else audio.rate)


def _ears(audio: Audio, config: ModelConfig) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(2, samples): the loudest piece of so many seconds as the model hears."""
    if config.hears == "mono":
        heard = np.repeat(audio.mono(audio.rate)[None], EARS, axis=0)
    else:
        channels = audio.ears or tuple(range(len(audio.samples)))
        if len(channels) < EARS:
            raise SceneError("the sound has one channel to hear, and the model hears with two ears: record both")
        heard = audio.samples[list(channels[:EARS])]
    length = round(config.hearing.samples / config.hearing.rate * audio.rate)
    energy = np.concatenate([[0.0], np.cumsum((heard.astype(np.float64) ** 2).sum(axis=0))])
    if len(energy) <= length + 1:
        return np.asarray(heard, np.float32)
    begin = int((energy[length:] - energy[:-length]).argmax())
    return np.asarray(heard[:, begin : begin + length], np.float32)
