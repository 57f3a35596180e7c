"""What the noise gate holds: made noise, of which it should hold all, and real clips, of which it should hold none.

    python benchmarks/noise_gate.py FOLDER TRUTH.json

Windows of 3 s, one a second, of every other clip (its constants were chosen on the first half) and of noise of another
seed and other slopes than it was chosen on. FOLDER and TRUTH.json: as of benchmarks/real.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time

import numpy as np
from real_clips import LENGTH, Truth, chosen, media

from gar_ssl_ros.gar.noise_gate import EVEN_DB, NoiseGateOptions, held, unevenness
from gar_ssl_ros.gar.pipeline import SILENCE_DBFS, loudest
from gar_ssl_ros.media.clip import Clip, windows
from gar_ssl_ros.media.window import SECOND, Audio, audio_from_samples

RATE_HZ, SEED = 16000, 10_000
ON = NoiseGateOptions(noise_gate=True)


def noise(random: np.random.Generator, slope: float, dbfs: float) -> Audio:
    """3 s whose power falls with frequency to that exponent."""
    spectrum = np.fft.rfft(random.standard_normal(3 * RATE_HZ))
    hz = np.maximum(np.fft.rfftfreq(3 * RATE_HZ, 1 / RATE_HZ), 20.0)
    made = np.fft.irfft(spectrum * hz ** (-slope / 2))
    return audio_from_samples(0, (made / made.std() * 10 ** (dbfs / 20))[None], RATE_HZ)


def main() -> None:
    folder, truth = Path(sys.argv[1]), Truth.model_validate_json(Path(sys.argv[2]).read_bytes())
    random = np.random.default_rng(SEED)
    made = [noise(random, slope, dbfs) for slope in np.linspace(-0.5, 2.5, 50) for dbfs in (-50, -40, -30, -20)]
    begun = process_time()
    highest = max(map(unevenness, made))
    spent = (process_time() - begun) / len(made)
    print(f"noise: {sum(bool(held(one, ON)) for one in made)} of {len(made)} held, unevenness up to {highest:.1f} dB")
    print(f"of {EVEN_DB:g}; {1000 * spent:.1f} ms of CPU a window of 3 s at {RATE_HZ} Hz")
    for half in ("first", "second"):
        print(f"{half} half")
        for clip in chosen(truth, half):
            heard = [window.audio for window in windows(Clip(media(folder, clip)), LENGTH, SECOND) if window.audio]
            told = [unevenness(one) for one in heard if loudest(one) >= SILENCE_DBFS]
            stopped = sum(bool(held(one, ON)) for one in heard)
            print(f"  {clip.name:15} {stopped:3} of {len(told):3} held, {len(heard) - len(told):3} silent", end="")
            print(f"; unevenness from {min(told):.1f} dB" if told else "")


if __name__ == "__main__":
    main()
