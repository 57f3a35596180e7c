"""Which thing makes which sound: the project's list, and one's own."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.perception.faces import FACE
from gar_ssl_ros.perception.makers import By, Makers
from gar_ssl_ros.perception.objects import kinds
from gar_ssl_ros.perception.tags import Tags, names

GROUPS = Makers().groups


def tags(**heard: float) -> Tags:
    scores = np.zeros((5, len(names())), np.float32)
    for name, score in heard.items():
        scores[:, names().index(name.replace("_", " "))] = score
    return Tags(scores, names())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_sound_is_audioset_s_and_every_maker_a_thing_that_a_detector_knows(group):
    assert set(group.sounds) <= set(names())
    assert set(group.seen) <= {FACE, *kinds()}
    assert len(set(group.seen)) == len(group.seen)


def test_every_group_has_a_name_of_its_own_and_every_sound_one_group():
    assert max(Counter(group.name for group in GROUPS).values()) == 1
    assert max(Counter(sound for group in GROUPS for sound in group.sounds).values()) == 1


def test_what_is_heard_is_told_by_group_the_surest_first():
    heard = Makers().heard(tags(bark=0.9, dog=0.7, speech=0.8))
    assert [(one.group.name, one.sound) for one in heard[:2]] == [("dog", "bark"), ("voice", "speech")]
    assert heard[0].share == pytest.approx(0.9)
    assert (heard[0].group.by, heard[1].group.by) == (By.ITSELF, By.VOICE)


def test_the_label_is_what_tells_most():
    assert Makers().label(tags(animal=0.95, bark=0.6))[0] == "bark"
    assert Makers().label(tags(animal=0.95, bark=0.3))[0] == "animal"
    assert Makers().label(tags(bark=0.6, **{"inside,_small_room": 0.99}))[0] == "bark"


def test_nothing_heard_is_a_label_with_no_confidence():
    assert Makers().label(tags())[1] == 0.0


def test_one_s_own_list_comes_first_and_the_rest_stays(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("- {name: robot, by: itself, seen: [suitcase], sounds: [beep, bark]}\n")
    heard = {one.sound: one.group for one in Makers(own).heard(tags(bark=0.9, speech=0.8, dog=0.7))}
    assert heard["bark"].seen == ("suitcase",)
    assert heard["dog"].seen == ("dog",)
    assert heard["speech"].name == "voice"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "name: dog",
        "- dog",
        "- {name: dog}",
        "- {name: dog, by: magic, seen: [dog], sounds: [bark]}",
        "- {name: dog, by: itself, seen: dog, sounds: [bark]}",
        "- {name: dog, by: itself, seen: [dog], sounds: [bark], loud: true}",
        "- &a [*a]",
        "!!python/object/apply:os.system ['true']",
        "\x00",
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_such_list_is_a_sentence(tmp_path, text):
    own = tmp_path / "own.yaml"
    own.write_text(text)
    with pytest.raises(OptionError, match=f"^{own} is no list of makers .*docs/senses.md") as refused:
        Makers(own)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_a_sentence(tmp_path):
    with pytest.raises(OptionError, match=r"none\.yaml cannot be read"):
        Makers(tmp_path / "none.yaml")
    with pytest.raises(OptionError, match="cannot be read"):
        Makers(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(OptionError, match="is no list of makers"):
        Makers(tmp_path / "binary.yaml")
