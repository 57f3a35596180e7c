"""Names of other data sets under those of the makers' table, by their words."""

from __future__ import annotations

import pytest

from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.naming import named_as
from gar_ssl_ros.perception.objects import kinds
from gar_ssl_ros.perception.tags import names

KNOWN = Makers().kinds.union(kinds())


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Human face", "face"), ("Woman", "person"), ("aeroplane", "airplane"), ("Violin", "violin"),
        ("grand piano", "piano"), ("Drums", "drum"), ("Organ (Musical Instrument)", "organ"), ("axe", "axe"),
        ("hot dog", "hot dog"), ("dog house", None), ("teddy bear", "teddy bear"), ("spaceship", None), ("", None),
        ("police_car", "police car"),
    ],
)  # fmt: skip
def test_a_thing_is_what_its_last_words_say(name, known):
    assert named_as(name, KNOWN) == known


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Violin_or_fiddle", "violin, fiddle"),
        ("church_bells", "church bell"),
        ("car_horn", "vehicle horn, car horn, honking"),
        ("children talking", None),
    ],
)
def test_a_sound_is_known_by_each_of_its_names(name, known):
    assert named_as(name, names()) == known
