import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.perception.sound import mfcc_light_asd

REFERENCE = Path(__file__).with_name("mfcc_light_asd.csv")


def test_cepstra_are_those_of_the_library_that_light_asd_was_trained_with():
    """The stored ones: python_speech_features 0.6, `mfcc(chirp, 16000, numcep=13, winlen=0.025, winstep=0.010)`."""
    time = np.arange(1700) / SPEECH_RATE_HZ
    chirp = 9000 * np.sin(2 * np.pi * (300 + 9000 * time) * time) * np.exp(-12 * time) * (time > 0.02)
    samples = (chirp.astype(np.int16) / 32_768).astype(np.float32)
    np.testing.assert_allclose(mfcc_light_asd(samples), np.loadtxt(REFERENCE, delimiter=","), atol=1e-4)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (SPEECH_RATE_HZ, 99)])
def test_a_sound_of_any_length_is_heard_to_its_end(samples, frames):
    cepstra = mfcc_light_asd(np.full(samples, 0.1, np.float32))
    assert cepstra.shape == (frames, 13)
    assert np.isfinite(cepstra).all()


def test_where_numba_may_write_nowhere_it_gets_a_folder_for_as_long_as_it_runs():
    program = (
        "import atexit, librosa, numba\n"
        "class Feature:  # in the place of what takes 20 s to compile: something that numba takes now\n"
        "    spectral_centroid = staticmethod(lambda S: numba.jit(cache=True)(librosa.show_versions))\n"
        "librosa.feature, librosa.stft = Feature, lambda *a, **k: 0\n"
        "atexit.register(lambda: print(numba.config.CACHE_DIR))\n"
        "from gar_ssl_ros.perception.sound import warm; warm()"
    )
    nowhere = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": ""}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    folder = Path(done.stdout.strip())
    assert folder.is_absolute()
    assert not folder.exists()
