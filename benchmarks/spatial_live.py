"""Spatial hearing through the whole node, from DDS to `~/sources`: `gar-ssl demo --spatial` with more scenes.

    python benchmarks/spatial_live.py [--scenes 40] [--separation 20] [--seed 0]

Of two rendered things that look and move alike, the one that sounds, by a ReSpeaker in a room of RT60 0.4 s with noise
at 10 dB, the camera turned by 1 degree from where it is said to look; and sounds from out of view. Player, localizer
(`signal`) and recorder are processes of their own; each scene is judged by a window inside it.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import gar_ssl_ros.messages.ros  # noqa: F401  # before the demo, which reads messages
from gar_ssl_ros.offline.demo_spatial import scenes


def main() -> None:
    """Print how many are right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40, help="of each kind")
    parser.add_argument("--separation", type=float, default=20.0, help="between two things alike, degrees")
    parser.add_argument("--seed", type=int, default=0, help="of the first; the others follow")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.scenes)
    with TemporaryDirectory() as folder:
        scenes(Path(folder), {"reasoner": "signal"}, seeds, separation=math.radians(options.separation))


if __name__ == "__main__":
    main()
