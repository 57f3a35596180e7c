"""What is wrong with an array's channels: another count, and dead, duplicated or clipped ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray

DEAD = 0.02  # of the level of the middle one of the array's channels: one that has less hears nothing
CLIPPED_AT = 0.999  # of full scale
MAX_CLIPPED = 0.002  # of the samples; beyond it, they tell less of a direction


def count_problem(recorded: int, array: MicrophoneArray) -> str:
    """Why so many recorded channels are not this array's, one sentence; empty where they are."""
    needed = array.recorded or max(array.channels) + 1
    if recorded == needed or (not array.recorded and recorded > needed):
        return ""
    exact = "" if array.recorded else "at least "
    return (
        f"the audio has {_count(recorded, 'channel')}, and array {array.name} is recorded with {exact}{needed}: record "
        "all of its channels raw, or say in array_channels which they are"
    )


def usable(samples: NDArray[np.float32], array: MicrophoneArray) -> tuple[int, ...]:
    """Which of the array's channels, by their place in `array.channels`, are neither dead nor another's double.

    samples: (channels of the array, n), in its order.
    """
    dead, doubles = _dead(samples, array), _doubles(samples, array)
    return tuple(at for at in range(len(array.channels)) if at not in dead and at not in doubles)


def own_sound(audio: Audio, array: MicrophoneArray) -> Audio:
    """With the array's channels as its ears, of ambisonics what comes from all sides; as it is where it is not its.

    What a device plays itself, or has processed, is then not heard.
    """
    if count_problem(len(audio.samples), array):
        return audio
    return replace(audio, ears=array.channels[:1] if array.kind is Kind.AMBISONIC else array.channels)


def channel_problem(samples: NDArray[np.float32], array: MicrophoneArray) -> str:
    """What is wrong with an array's recording, one sentence that says what is done about it; empty where it is fine.

    samples: (recorded channels, n).
    """
    if wrong := count_problem(len(samples), array):
        return wrong
    own = samples[list(array.channels)]
    dead, doubles = _dead(own, array), _doubles(own, array)
    named = [f"{_named(dead, array)} {_is(dead)} dead"] if dead else []
    named += [f"channel {array.channels[at]} is the same as {array.channels[of]}" for at, of in doubles.items()]
    if named:
        left = len(own) - len(dead.union(doubles))
        done = f"directions are told by the other {left}" if left > 1 else "no direction can be told"
        return f"of array {array.name}, {', '.join(named)}: {done}; look at its wiring and at array_channels"
    share = (np.abs(own) >= CLIPPED_AT).mean(axis=1) if own.size else np.zeros(len(own))
    if clipped := set(np.flatnonzero(share > MAX_CLIPPED).tolist()):
        return f"of array {array.name}, {_named(clipped, array)} {_is(clipped)} clipped: lower the gain"
    return ""


def _dead(samples: NDArray[np.float32], array: MicrophoneArray) -> set[int]:
    """None where all are silent: that is silence. Of ambisonics, X, Y and Z are where nothing comes from there."""
    if array.kind is Kind.AMBISONIC:
        return set()
    moving = samples - samples.mean(axis=1, keepdims=True) if samples.size else samples
    level = np.sqrt((moving**2).mean(axis=1)) if samples.size else np.zeros(len(samples))
    return set(np.flatnonzero(level < DEAD * np.sort(level)[len(level) // 2]).tolist())


def _doubles(samples: NDArray[np.float32], array: MicrophoneArray) -> dict[int, int]:
    """Of which earlier channel each is the double."""
    found: dict[int, int] = {}
    for at in range(1, len(samples) if array.kind is not Kind.AMBISONIC else 0):
        same = [of for of in range(at) if of not in found and np.array_equal(samples[at], samples[of])]
        if same and samples[at].any():
            found[at] = same[0]
    return found


def _named(at: set[int], array: MicrophoneArray) -> str:
    numbers = [str(array.channels[one]) for one in sorted(at)]
    return f"channel{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def _is(at: set[int]) -> str:
    return "are" if len(at) > 1 else "is"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
