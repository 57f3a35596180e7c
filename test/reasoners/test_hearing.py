import subprocess
import sys

import numpy as np
import pytest
from clips import read_sound

from gar_ssl_ros.evaluation.scenes import sounds
from gar_ssl_ros.media.window import SPEECH_RATE_HZ, audio_from_samples
from gar_ssl_ros.reasoners.signal.hearing import UNKNOWN, hear

TIME = np.arange(3 * SPEECH_RATE_HZ) / SPEECH_RATE_HZ


@pytest.mark.parametrize("label", sounds.KINDS)
def test_rendered_sounds_are_called_what_they_are(label):
    heard = [hear(sounds.KINDS[label](np.random.default_rng(seed), 3.0).samples) for seed in range(20)]
    assert sum(said.label == label for said in heard) >= 19
    assert all(0 <= said.confidence <= 1 for said in heard)


@pytest.mark.parametrize(
    ("samples", "label"),
    [
        (np.zeros(3 * SPEECH_RATE_HZ), "silence"),
        (np.random.default_rng(0).normal(0, 10 ** (-65 / 20), 3 * SPEECH_RATE_HZ), "silence"),
        (np.random.default_rng(0).normal(0, 0.1, 3 * SPEECH_RATE_HZ), "noise"),
        (0.3 * np.sin(2 * np.pi * 220 * TIME) + 0.1 * np.sin(2 * np.pi * 440 * TIME), "tonal"),
        (np.zeros(10), "silence"),
    ],
)
def test_steady_sounds_and_silence(samples, label):
    assert hear(samples.astype(np.float32)).label == label


def test_a_faint_sound_that_comes_and_goes_is_no_silence():
    beeps = sounds.tones(np.random.default_rng(0), 3.0).samples
    assert hear(beeps * np.float32(10 ** (-30 / 20))).label == "tonal"


@pytest.mark.parametrize("length", [1, 100, 1023, 1500, 16_000])
def test_sounds_of_any_length(length):
    said = hear(np.random.default_rng(0).normal(0, 0.2, length).astype(np.float32))
    assert 0 <= said.confidence <= 1


def test_a_clipped_sound_is_still_heard():
    loud = audio_from_samples(0, 50 * sounds.melody(np.random.default_rng(0), 3.0).samples[None], SPEECH_RATE_HZ)
    assert hear(loud.mono(SPEECH_RATE_HZ)).label != "silence"


def test_what_is_like_none_of_its_labels_gets_little_confidence(shared_media):
    """A bark and a bird are none of them; a wrong label said for sure would be worse than a doubtful one."""
    for name in ("dog", "bird"):
        assert hear(read_sound(shared_media / f"{name}.wav", SPEECH_RATE_HZ)[: 3 * SPEECH_RATE_HZ]).confidence < 0.5


def test_a_sound_unlike_all_that_was_measured_is_called_a_sound(shared_media):
    assert hear(read_sound(shared_media / "dog.wav", SPEECH_RATE_HZ)[: 3 * SPEECH_RATE_HZ]).label == UNKNOWN


def test_a_reasoner_that_is_made_has_loaded_all_that_hearing_needs():
    program = (
        "import sys, numpy as np\n"
        "from gar_ssl_ros.reasoners.signal import SignalReasoner\n"
        "from gar_ssl_ros.reasoners.signal.hearing import hear\n"
        "from gar_ssl_ros.reasoners.signal.sound import BandedSound\n"
        "SignalReasoner(); loaded = set(sys.modules)\n"
        "noise = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)\n"
        "hear(noise); BandedSound(noise); print(set(sys.modules) - loaded)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "set()\n"


def test_what_senses_measures_of_a_sound_needs_no_librosa_which_takes_200_megabytes():
    program = (
        "import sys, numpy as np\n"
        "from gar_ssl_ros.perception.sound import mfcc_light_asd\n"
        "from gar_ssl_ros.reasoners.senses.reasoner import SensesReasoner\n"
        "from gar_ssl_ros.reasoners.signal.sound import BandedSound\n"
        "noise = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)\n"
        "mfcc_light_asd(noise); BandedSound(noise); print({'librosa.core', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "set()\n"


def test_a_node_that_only_plays_does_without_librosa():
    program = (
        "import sys, gar_ssl_ros.messages.ros, gar_ssl_ros.nodes.player, gar_ssl_ros.nodes.microphone\n"
        "print({'librosa', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "set()\n"
