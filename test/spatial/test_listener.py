"""What an array hears, in the open air: sounds delayed exactly as their directions say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.array import ArrayError, Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.beam import beam
from gar_ssl_ros.spatial.hearing.catalog import array_of, arrays
from gar_ssl_ros.spatial.hearing.channels import channel_problem, own_sound
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.steering import delays

RATE = 16_000
ONE = HearingOptions(array_directions=1)
azimuths = st.floats(-math.pi, math.pi)
few = settings(max_examples=12, deadline=None)


def bursts(seed: int, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """Noise that comes and goes, (n,)."""
    random = np.random.default_rng(seed)
    n = round(seconds * rate)
    loud = np.repeat(random.random(n // (rate // 10) + 1) > 0.5, rate // 10)[:n]
    loud[: n // 5] = False
    loud[n // 5 : n // 2] = True
    return 0.1 * random.normal(size=n) * loud


def heard(array: MicrophoneArray, azimuth: float, elevation: float = 0.0, seed: int = 0, rate: int = RATE, **sound):
    """A recording of bursts from there, with a little noise of each channel's own: (recorded, n)."""
    random = np.random.default_rng(seed + 1)
    vector = np.array(body_of_angles(azimuth, elevation))
    dry = bursts(seed, rate=rate, **sound)
    recorded = 1e-4 * random.normal(size=(array.recorded or max(array.channels) + 1, len(dry)))
    if array.kind is Kind.AMBISONIC:
        own = np.array([1.0, vector[1], vector[2], vector[0]])[:, None] * dry
    else:
        late = delays(array, vector[None])[0]
        turns = np.exp(-2j * np.pi * np.fft.rfftfreq(len(dry), 1 / rate) * late[:, None])
        own = np.fft.irfft(np.fft.rfft(dry) * turns, len(dry))
    recorded[list(array.channels)] += own
    return recorded.astype(np.float32)


def apart(direction, azimuth: float, elevation: float = 0.0) -> float:
    return float(direction.apart(np.array([body_of_angles(azimuth, elevation)]))[0])


@pytest.mark.parametrize("name", arrays())
def test_each_known_array_says_who_says_so_and_tells_a_sound_in_the_open(name):
    array = arrays()[name]
    assert array.source
    listener = Listener(array, RATE, ONE)
    for azimuth in (-1.2, 0.1, 1.0):
        (told,) = listener.directions(heard(array, azimuth))
        assert apart(told, azimuth) < math.radians(1.0)
        assert told.probability > 0.9
        assert 0 < told.sd < math.radians(12)


@few
@given(azimuths, azimuths)
def test_an_array_that_turns_one_way_hears_its_sound_turn_the_other(azimuth, turn):
    array = arrays()["respeaker_usb_4"]
    turned = replace(
        array,
        positions=tuple(
            (math.cos(turn) * x - math.sin(turn) * y, math.sin(turn) * x + math.cos(turn) * y, z)
            for x, y, z in array.positions
        ),
    )
    (told,) = Listener(array, RATE, ONE).directions(heard(turned, azimuth))
    assert apart(told, azimuth - turn) < math.radians(1.0)


@few
@given(azimuths, st.floats(-1.4, 1.4), st.sampled_from(("tetrahedral", "foa")))
def test_an_array_in_space_tells_elevation_too(azimuth, elevation, name):
    (told,) = Listener(arrays()[name], RATE, ONE).directions(heard(arrays()[name], azimuth, elevation))
    assert told.elevation_known
    assert apart(told, azimuth, elevation) < math.radians(1.5)


@few
@given(st.floats(-1.5, 1.5), st.sampled_from(("pair", "binaural")))
def test_two_microphones_tell_the_angle_from_their_axis_and_that_front_and_back_are_not_known(azimuth, name):
    listener = Listener(arrays()[name], RATE, ONE)
    front, back = (listener.directions(heard(arrays()[name], at))[0] for at in (azimuth, math.pi - azimuth))
    assert not front.front_back_known
    assert front.vector[0] >= 0
    assert apart(front, azimuth) < math.radians(3)
    assert front.vector == pytest.approx(back.vector, abs=0.02)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.02, 0.5, 3.0])
def test_any_rate_and_length_is_heard(rate, seconds):
    array = arrays()["uma8"]
    told = Listener(array, rate, ONE).directions(heard(array, 0.7, rate=rate, seconds=seconds))
    assert seconds < 0.5 or apart(told[0], 0.7) < math.radians(1.5)


@few
@given(azimuths, st.floats(700, 2500), st.integers(0, 1000))
def test_beeps_of_one_pitch_are_heard_though_noise_is_at_all_others(azimuth, pitch, seed):
    array = arrays()["respeaker_usb_4"]
    times = np.arange(3 * RATE) / RATE
    late = delays(array, np.array([body_of_angles(azimuth, 0.0)]))[0]
    recorded = 0.1 * np.random.default_rng(seed).normal(size=(array.recorded, len(times)))
    recorded[list(array.channels)] += 0.14 * np.sin(math.tau * pitch * (times - late[:, None])) * (times % 0.5 > 0.3)
    (told,) = Listener(array, RATE, ONE).directions(recorded.astype(np.float32))
    assert apart(told, azimuth) < math.radians(12)
    assert apart(told, azimuth) < 3 * told.sd


def test_two_sources_are_told_apart():
    array = arrays()["uma8"]
    both = heard(array, 0.4, seed=3, seconds=3.0) + heard(array, -1.3, seed=8, seconds=3.0)
    told = Listener(array, RATE, HearingOptions(array_directions=2)).directions(both)
    assert len(told) == 2
    for azimuth in (0.4, -1.3):
        assert min(apart(one, azimuth) for one in told) < math.radians(3)


@pytest.mark.parametrize("name", arrays())
def test_silence_and_each_microphones_own_noise_come_from_nowhere(name):
    array = arrays()[name]
    listener = Listener(array, RATE, HearingOptions())
    shape = array.recorded or max(array.channels) + 1, 3 * RATE
    assert listener.directions(np.zeros(shape, np.float32)) == ()
    noise = np.random.default_rng(5).normal(size=(10, *shape)).astype(np.float32)
    assert [listener.directions(each * 1e-3) for each in noise] == [()] * 10


def test_with_a_dead_microphone_the_others_tell_and_that_is_said():
    array = arrays()["respeaker_usb_4"]
    recorded = heard(array, 1.0)
    assert channel_problem(recorded, array) == ""
    recorded[2] = 0
    assert channel_problem(recorded, array) == (
        "of array respeaker_usb_4, channel 2 is dead: directions are told by the other 3; look at its wiring and at "
        "array_channels"
    )
    (told,) = Listener(array, RATE, ONE).directions(recorded)
    assert told.front_back_known
    assert apart(told, 1.0) < math.radians(1.5)
    recorded[3] = recorded[1]
    assert "channel 3 is the same as 1" in channel_problem(recorded, array)
    (told,) = Listener(array, RATE, ONE).directions(recorded)
    assert not told.front_back_known
    recorded[4] = 0
    with pytest.raises(ArrayError, match="too few"):
        Listener(array, RATE, ONE).directions(recorded)


def test_what_is_clipped_or_another_count_is_said():
    array = arrays()["respeaker_usb_4"]
    recorded = heard(array, 1.0)
    recorded[3] = np.clip(recorded[3] * 100, -1, 1)
    assert channel_problem(recorded, array) == "of array respeaker_usb_4, channel 3 is clipped: lower the gain"
    told = (
        "the audio has 1 channel, and array respeaker_usb_4 is recorded with 6: record all of its channels raw, or say "
        "in array_channels which they are"
    )
    assert channel_problem(recorded[:1], array) == told
    with pytest.raises(ArrayError) as problem:
        Listener(array, RATE, ONE).directions(recorded[:1])
    assert str(problem.value) == told


def test_a_beam_hears_its_direction_better_than_one_microphone():
    array = arrays()["uma8"]
    sound, random = heard(array, 0.8), np.random.default_rng(1)
    noise = random.normal(scale=0.03, size=sound.shape).astype(np.float32)
    vector = body_of_angles(0.8, 0.0)

    def to_noise(at) -> float:
        return float(10 * np.log10((at(sound) ** 2).mean() / (at(noise) ** 2).mean()))

    gain = to_noise(lambda each: beam(each, array, RATE, vector)) - to_noise(lambda each: each[0])
    assert gain == pytest.approx(10 * math.log10(7), abs=0.5)
    dry = bursts(0)
    assert np.abs(beam(sound, array, RATE, vector) - dry)[200:-200].max() < 0.01


def test_an_array_of_ones_own_is_by_positions_or_a_file(tmp_path):
    own = array_of(HearingOptions(array_positions="0 0.1 0; 0 -0.1 0", array_channels="3, 1"))
    assert own.channels == (3, 1)
    assert own.positions == ((0, 0.1, 0), (0, -0.1, 0))
    path = tmp_path / "mine.yaml"
    path.write_text("channels: [0, 1, 2]\npositions: [[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]]\n")
    assert array_of(HearingOptions(array=str(path))).name == "mine"
    assert array_of(HearingOptions(array="uma8")) is arrays()["uma8"]
    assert array_of(HearingOptions()) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"array": "uma"}, "array is 'uma', which is not known: is it 'uma8'?"),
        ({"array": "uma8", "array_positions": "0 0 0"}, "leave one of them empty"),
        ({"array_channels": "1,2"}, "array_channels are given, and no array"),
        ({"array_positions": "0 0; 1 1 1"}, "array_positions has '0 0', which are not three numbers"),
        ({"array_positions": "0 0 0; 0 0.1 0", "array_channels": "1"}, "it has 1 channels and 2 positions"),
        ({"array": "uma8", "array_channels": "0, 1"}, "it has 2 channels and 7 positions"),
        ({"array": "/nowhere/mine.yaml"}, "cannot be read"),
    ],
)
def test_what_describes_no_array_is_told_in_one_sentence(options, said):
    with pytest.raises((OptionError, ArrayError)) as problem:
        array_of(HearingOptions(**options))
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels: [0, a]", "channels.1"),
        ("[", "is no YAML"),
        ("", "describes no microphone array"),
        ("channels: [0, 1]\ncolour: red", "colour"),
        ("channels: [0, 1]\npositions: [[0, 0, 0], [0, 0, 0]]", "0 to 0 m apart"),
    ],
)
def test_a_file_that_describes_no_array_is_told_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ArrayError, match=said) as problem:
        array_of(HearingOptions(array=str(path)))
    assert "\n" not in str(problem.value)


def test_what_a_device_plays_itself_is_in_no_window_s_sound():
    array = arrays()["respeaker_usb_4"]
    samples = np.zeros((6, 1600), np.float32)
    samples[list(array.channels)], samples[5] = 0.1, 0.9
    own = own_sound(Audio(0, samples, RATE), array)
    assert own.samples.shape == (6, 1600)
    np.testing.assert_allclose(own.mono(RATE), 0.1, rtol=1e-6)
    assert own_sound(Audio(0, samples[:1], RATE), array).ears == ()


@few
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(arrays())), st.integers(0, 9000), st.floats(1e-6, 1.0))
def test_whatever_is_recorded_is_told_as_finite_numbers(seed, name, count, level):
    array, random = arrays()[name], np.random.default_rng(seed)
    recorded = level * random.choice(
        [0.0, -1.0, 1.0, np.nan, np.inf], (array.recorded or max(array.channels) + 1, count)
    )
    recorded[:, : count // 2] = random.normal(scale=level, size=(1, count // 2)) * random.normal(
        size=(len(recorded), 1)
    )
    for told in Listener(array, RATE, HearingOptions(array_directions=4)).directions(recorded.astype(np.float32)):
        numbers = [*told.vector, told.sd, told.power, told.probability]
        assert np.isfinite(numbers).all()
        assert 0.5 <= told.probability <= 1
        assert 0 < told.sd <= math.pi


def test_the_louder_of_two_sources_comes_first_with_its_level():
    array = arrays()["uma8"]
    loud, soft = heard(array, 0.4, seed=3, seconds=3.0), heard(array, -1.3, seed=8, seconds=3.0) / 2
    told = Listener(array, RATE, HearingOptions(array_directions=2)).directions(loud + soft)
    assert [round(one.azimuth, 1) for one in told] == [0.4, -1.3]
    for one, alone in zip(told, (loud, soft), strict=True):
        assert one.power == pytest.approx(10 * np.log10((alone**2).mean()), abs=2)


def test_steering_tables_are_small_however_wide_the_array():
    turns = np.arange(16) * 2.4
    wide = tuple((2 * math.cos(turn), 2 * math.sin(turn), 0.1 * at) for at, turn in enumerate(turns.tolist()))
    listener = Listener(MicrophoneArray("wide", tuple(range(16)), wide), 48_000, HearingOptions(fmax=20_000.0))
    held = [each for each in vars(listener._response).values() if isinstance(each, np.ndarray)]
    assert sum(each.nbytes for each in held) < 64 * 2**20
