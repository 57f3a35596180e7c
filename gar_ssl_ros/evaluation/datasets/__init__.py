"""Datasets, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gar_ssl_ros.evaluation.samples import Dataset

NAMES = (
    "vggss", "vggsound-duet", "music-solo", "music-duet", "folder", "rosbag", "scenes", "scenes-easy", "scenes-hard",
    "rooms", "rooms-uma8", "rooms-tetrahedral", "rooms-pair", "rooms-foa", "rooms-binaural",
    "starss23", "starss23-foa", "starss23-mic",
    "avsbench-s4", "avsbench-s4-silence", "avsbench-s4-noise", "avsbench-s4-offscreen",
    "avsbench-ms3", "avsbench-ms3-silence", "avsbench-ms3-noise", "avsbench-avss", "avsbench-v2",
    "avsbench-v3-0shot", "avsbench-v3-1shot", "avsbench-v3-3shot", "avsbench-v3-5shot",
)  # fmt: skip


UNLABELLED = ("clips",)  # of which nobody knows what is true: to be labelled, not evaluated


def dataset(name: str, root: Path | None = None, annotations: Path | None = None, rendered: str = "") -> Dataset:
    """The dataset of that name.

    root: the folder of its media (of `rosbag`, the bag); not needed for scenes and rooms, which are rendered.
    annotations: the published annotation file, or the folder of several; `root` where it is not given. rendered: of
    scenes, which ones, as KINDS:FIRST-LAST says it; the usual ones where empty. Raises DatasetError, one sentence,
    where the annotations cannot be used or none of the media is there.
    """
    from gar_ssl_ros.evaluation.samples import DatasetError

    if rendered and not name.startswith("scenes"):
        raise DatasetError(f"{name} is not rendered: leave out which scenes")
    if name not in (*NAMES, *UNLABELLED):
        raise DatasetError(f"there is no dataset {name!r}: choose one of {', '.join(NAMES)}")
    if name.startswith("scenes"):
        from gar_ssl_ros.evaluation.datasets.scenes import SEEDS, kinds_and_seeds, scenes
        from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind

        kinds, seeds = kinds_and_seeds(rendered) if rendered else (tuple(Kind), SEEDS)
        return scenes(kinds, seeds, Difficulty(name.partition("-")[2] or "medium"))
    if name.startswith("rooms"):
        from gar_ssl_ros.evaluation.datasets.rooms import ARRAY, rooms

        return rooms(name.partition("-")[2] or ARRAY)
    if root is None:
        raise DatasetError(f"the media of {name} are your own: give --root, the folder that holds them")
    if name.startswith("starss23"):
        from gar_ssl_ros.evaluation.datasets.starss import starss23

        return starss23(root, annotations, name.partition("-")[2])
    if name.startswith("avsbench"):
        from gar_ssl_ros.evaluation.datasets.avsbench import avsbench

        return avsbench(name.partition("-")[2], root, annotations)
    from gar_ssl_ros.evaluation.datasets import published
    from gar_ssl_ros.evaluation.datasets.clips import clips
    from gar_ssl_ros.evaluation.datasets.folder import folder
    from gar_ssl_ros.evaluation.datasets.rosbag import rosbag

    read = {
        "vggss": published.vggss,
        "vggsound-duet": published.vggsound_duet,
        "music-solo": published.music_solo,
        "music-duet": published.music_duet,
        "clips": lambda root, _: clips(root),
        "folder": folder,
        "rosbag": rosbag,
    }
    return read[name](root, annotations)
