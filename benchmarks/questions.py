"""How fast spatial questions are made and answered on one core, by its own time: what else runs does not count.

    python benchmarks/questions.py                              1000 at the tiny size, heard by a ReSpeaker
    python benchmarks/questions.py --array binaural --size 812x224 --seconds 10

Room responses are found before the clock starts, as they are kept in the folder of questions. `made` has picture and
sound as files hold them, in memory; `written` is with the disk.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gar_ssl_ros.evaluation.questions.answering import Ears, answers, see
from gar_ssl_ros.evaluation.questions.make import Maker, write_question
from gar_ssl_ros.evaluation.questions.options import TINY, QuestionOptions
from gar_ssl_ros.evaluation.questions.places import room_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--array", default="respeaker_usb_4")
    parser.add_argument("--size", default=f"{TINY['width']}x{TINY['height']}")
    parser.add_argument("--seconds", type=float, default=TINY["seconds"])
    parser.add_argument("--rooms", type=int, default=3)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    shape = {"width": width, "height": height, "seconds": options.seconds, "rooms": options.rooms}
    asked = QuestionOptions(array=options.array, seed=3, **shape)
    with TemporaryDirectory() as folder:
        maker = Maker(asked, Path(folder, "responses"))
        start = time.process_time()
        for number in range(options.rooms):
            maker.responses.of(room_of(asked.seed, "test", number, asked.places))
        told("room responses", options.rooms * asked.places, start)
        start = time.process_time()
        made = [maker.make("test", index) for index in range(options.count)]
        told("made", options.count, start)
        start = time.process_time()
        for one in made:
            write_question(Path(folder), one)
        told("written", options.count, start)
        print(f"a picture {size([one.image for one in made])}, a sound {size([one.sound for one in made])}")
        ears = Ears(Path(folder), asked, "array")
        start = time.process_time()
        some = [one.record for one in made[:300]]
        list(answers(some, ears, partial(see, how="objects")))
        told("answered", len(some), start)


def told(what: str, count: int, start: float) -> None:
    spent = time.process_time() - start
    print(f"{what}: {count / spent:.0f} a second, {1000 * spent / count:.1f} ms each")


def size(files: list[bytes]) -> str:
    return f"{sum(map(len, files)) / len(files) / 1000:.0f} kB"


if __name__ == "__main__":
    main()
