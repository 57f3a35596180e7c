"""How a room carries a sound to an array: impulse responses by image sources, and noise that comes from everywhere.

pyroomacoustics finds the images of a source in a shoebox room; each reaches every channel of the array in its time, and
as loud as that channel hears from there: evenly, as first-order ambisonics, or as the MIT KEMAR head's ears do.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError, pip_install, sentence
from gar_ssl_ros.files import check_file
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.transforms import Vector

SOUND_M_S = 343.0
DELAY_TAPS = 81  # of the filter by which an image comes between two samples
SINC_STEPS = 20  # of its table, a sample
HEAD_STEP_HZ = 10  # of the spectrum by which a head's are resampled; both rates are whole numbers of it
MIN_HEAD_DIRECTIONS = 50  # of a whole head's: KEMAR's are 710
HEAD_TAPS = 320  # what is kept of them: 20 ms
HEAD_LEAD = 32  # samples before them, into which the resampling's ringing goes
NUMBER_OF_HEADS_AT_ONCE = 64  # directions whose spectra are held at a time
Response = NDArray[np.float64]


@lru_cache(maxsize=8)
def impulse_responses(
    size: Vector, rt60: float, source: Vector, place: Vector, yaw: float, array: MicrophoneArray
) -> Response:
    """Of each of an array's channels to a source: (channels, taps) at SPEECH_RATE_HZ.

    size: of a shoebox room, m. rt60: s, by Sabine's formula; 0 for no reflection at all. source, place: of the source
    and the array's middle in the room, m, from a corner. yaw: of the array's frame in the room, rad. Raises UserError
    where pyroomacoustics, or for a head slab, is not installed, or no such room can be.
    """
    images, gains = _images(size, rt60, source)
    seen = (images - np.array(place)) @ _turn(yaw)  # in the array's frame
    if array.kind is Kind.MICROPHONES:
        return _together([_built(_lengths(seen - at), gains, rt60) for at in array.points])
    distances = _lengths(seen)
    units = seen / distances[:, None]
    if array.kind is Kind.AMBISONIC:  # AmbiX: W Y Z X, SN3D
        heard = (np.ones(len(units)), units[:, 1], units[:, 2], units[:, 0])
        return _together([_built(distances, gains * one, rt60) for one in heard])
    return _at_ears(distances, units, gains, rt60, array.responses)


def require_rooms(array: MicrophoneArray) -> None:
    """Raises UserError where what simulates rooms about an array is not installed."""
    _pyroomacoustics()
    if array.kind is Kind.BINAURAL:
        _head(array.responses)


def check_installed() -> None:
    """Raises UserError where what simulates rooms is not installed."""
    _pyroomacoustics()


def diffuse_noise(random: np.random.Generator, array: MicrophoneArray, count: int) -> Response:
    """White noise that comes evenly from everywhere: (channels, count), of power 1 in a channel that hears evenly."""
    white = random.standard_normal((count, len(array.channels)))
    mixing = _mixing(array, count)
    return np.asarray(np.fft.irfft(np.einsum("fij,fj->if", mixing, np.fft.rfft(white, axis=0)), count, axis=1))


@lru_cache(maxsize=4)
def _mixing(array: MicrophoneArray, count: int) -> NDArray[np.complex128]:
    """What makes of independent noises such as are heard in a diffuse field: (bins, channels, channels)."""
    hertz = np.fft.rfftfreq(count, 1 / SPEECH_RATE_HZ)
    if array.kind is Kind.AMBISONIC:
        return np.asarray(np.broadcast_to(np.diag(np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])), (len(hertz), 4, 4)), complex)
    if array.kind is Kind.MICROPHONES:
        apart = np.linalg.norm(array.points[:, None] - array.points[None], axis=2)
        coherence = np.sinc(2 * hertz[:, None, None] * apart / SOUND_M_S)
    else:
        spectra = np.fft.rfft(_head(array.responses)[1], 4096, axis=2)  # (directions, ears, bins)
        mean = np.einsum("dif,djf->fij", spectra, spectra.conj()) / len(spectra)
        nearest = np.round(hertz / SPEECH_RATE_HZ * 4096).astype(int)
        coherence = mean[nearest] / np.einsum("fii->f", mean).real.mean() * 2
    return np.asarray(np.linalg.cholesky(coherence + 1e-6 * np.eye(coherence.shape[1])), complex)


def _images(size: Vector, rt60: float, source: Vector) -> tuple[Points, Response]:
    """Where a source and its reflections are, (n, 3), m, and how loud each is before it has come any way, (n,)."""
    pra = _pyroomacoustics()
    if not rt60:
        return np.array([source]), np.ones(1)
    try:
        absorption, order = pra.inverse_sabine(rt60, size)
    except ValueError:
        raise UserError(f"no room of {size} m can have a reverberation time of {rt60:g} s: make it longer") from None
    room = pra.ShoeBox(size, fs=SPEECH_RATE_HZ, materials=pra.Material(absorption), max_order=order)
    room.add_source(source)
    room.add_microphone_array(np.array([source]).T)
    room.image_source_model()
    found = room.sources[0]
    images, gains = np.asarray(found.images.T, np.float64), np.asarray(found.damping[0], np.float64)
    near = _lengths(images - np.array(source)) < SOUND_M_S * rt60 * 1.2
    return images[near], gains[near]


def _built(distances: Response, gains: Response, rt60: float) -> NDArray[np.float32]:
    """The impulse response (taps,) of all that comes over these distances, m."""
    from pyroomacoustics import libroom

    taps = round((rt60 + 0.03) * SPEECH_RATE_HZ) + DELAY_TAPS
    times = distances / SOUND_M_S + (DELAY_TAPS // 2) / SPEECH_RATE_HZ
    within = times * SPEECH_RATE_HZ < taps - DELAY_TAPS
    built = np.zeros(taps, np.float32)
    arrive, loud = times[within].astype(np.float32), (gains / distances)[within].astype(np.float32)
    if within.any():  # one thread, so that what is added is added in the same order each time
        libroom.rir_builder(built, arrive, loud, SPEECH_RATE_HZ, DELAY_TAPS, SINC_STEPS, 1)
    return built


def _at_ears(distances: Response, units: Points, gains: Response, rt60: float, responses: str) -> Response:
    """(2, taps): each image through the head's response from the measured direction nearest to it."""
    from scipy.fft import next_fast_len  # which librosa brings

    directions, heads = _head(responses)
    nearest = np.concatenate([np.argmax(part @ directions.T, axis=1) for part in np.array_split(units, 64)])
    order = np.argsort(nearest, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(nearest[order])) + 1)
    total: Any = 0.0
    for first in range(0, len(groups), NUMBER_OF_HEADS_AT_ONCE):
        some = groups[first : first + NUMBER_OF_HEADS_AT_ONCE]
        rooms = np.array([_built(distances[group], gains[group], rt60) for group in some])
        taps = rooms.shape[1] + HEAD_TAPS
        count = next_fast_len(taps, real=True)  # one that is a prime by little else takes several times as long
        through = np.fft.rfft(heads[[nearest[group[0]] for group in some]], count, axis=2)
        total = total + np.einsum("df,dif->if", np.fft.rfft(rooms, count, axis=1), through)
    return np.asarray(np.fft.irfft(total, count, axis=1)[:, :taps])


@cache
def _head(responses: str) -> tuple[Points, Response]:
    """Directions (n, 3), x forward, y left, z up, and the responses of both ears, the left one first, (n, 2, taps).

    responses: of MicrophoneArray.
    """
    try:
        from slab import HRTF
    except (ImportError, OSError) as problem:  # OSError: sounddevice, which slab imports, without PortAudio
        remedy = pip_install("spatial-scenes") if isinstance(problem, ImportError) else "install libportaudio2"
        raise UserError(f"a head's ears need slab, which cannot be loaded ({problem}): {remedy}") from None
    measured = _of_sofa(HRTF, responses) if responses else HRTF.kemar()
    directions = np.asarray(measured.sources.cartesian, np.float64)
    rate = round(float(measured.samplerate))
    spectra = np.fft.rfft([one.data.T for one in measured.data], rate // HEAD_STEP_HZ, axis=2)
    count = SPEECH_RATE_HZ // HEAD_STEP_HZ
    heads = np.roll(np.fft.irfft(spectra[..., : count // 2 + 1], count, axis=2), HEAD_LEAD, axis=2)
    return directions / _lengths(directions)[:, None], heads[..., :HEAD_TAPS] * (SPEECH_RATE_HZ / rate)


def _of_sofa(hrtf: Any, path: str) -> Any:
    """Raises UserError where the file has no head's impulse responses from all around."""
    try:
        check_file(Path(path))
        measured = hrtf(path)
        rate = float(measured.samplerate)
        ears = {one.data.shape[1] for one in measured.data}
        whole = rate >= SPEECH_RATE_HZ and rate % HEAD_STEP_HZ == 0
        if measured.datatype != "FIR" or ears != {2} or len(measured.data) < MIN_HEAD_DIRECTIONS or not whole:
            told = f"{measured.datatype} of {sorted(ears)} ears from {len(measured.data)} directions at {rate:g} Hz"
            raise UserError(f"{path} has {told}: give one of the convention SimpleFreeFieldHRIR, of a whole head")
    except ImportError:
        raise UserError(f"SOFA files are read by h5netcdf, not found here: {pip_install('sofa')}") from None
    except UserError:
        raise
    except OSError as problem:
        raise UserError(f"{path} cannot be read as SOFA ({sentence(problem)}): give a SimpleFreeFieldHRIR") from None
    except Exception as problem:  # whatever slab makes of another convention
        told = f"{path} is no SOFA file of a head's impulse responses ({sentence(problem)})"
        raise UserError(f"{told}: give one of the convention SimpleFreeFieldHRIR") from None
    return measured


def _pyroomacoustics() -> Any:
    try:
        import pyroomacoustics
    except ImportError:
        remedy = pip_install("spatial-scenes")
        raise UserError(f"rooms need pyroomacoustics, which is not installed: {remedy}") from None
    return pyroomacoustics


def _together(built: list[NDArray[np.float32]]) -> Response:
    return np.array(built, np.float64)


def _lengths(vectors: Points) -> Response:
    return np.asarray(np.linalg.norm(vectors, axis=1))


def _turn(yaw: float) -> Points:
    """Its columns are the axes of a frame that is turned by yaw: rows of vectors times it are in that frame."""
    return np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
