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
from gar_ssl_ros.reasoners import reasoner

GROUPS = Makers().groups


def tags(**heard: float) -> Tags:
    scores = np.zeros((5, len(names())), np.float32)
    for name, score in heard.items():
        scores[:, names().index(name.replace("_", " "))] = score
    return Tags(scores, names())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_sound_is_audioset_s_and_every_maker_a_thing_that_a_detector_knows(group):
    assert set(group.sounds) <= set(names())
    assert set(group.things) <= set(group.sounds)
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
    own.write_text('- {name: robot, by: itself, seen: [suitcase], sounds: ["beep, bleep", bark]}\n')
    heard = {one.sound: one.group for one in Makers(own).heard(tags(bark=0.9, speech=0.8, dog=0.7))}
    assert heard["bark"].seen == ("suitcase",)
    assert heard["dog"].seen == ("dog",)
    assert heard["speech"].name == "voice"


def test_what_makes_the_sounds_that_are_heard_comes_before_who_plays_it_where_it_can_be_seen():
    heard = tags(harp=0.5, plucked_string_instrument=0.6, drum=0.01)
    (blind, *_), (sighted, *_) = Makers().heard(heard), Makers().heard(heard, {"harp", "drum"}.__contains__)
    assert blind.group.seen == ("person",)
    assert sighted.group.seen == ("harp", "person")
    (chop, *_) = Makers().heard(tags(chop=0.9), lambda _: True)
    assert chop.group.seen == ("axe", "person")
    (bark, *_) = Makers().heard(tags(bark=0.9), lambda _: True)
    assert bark.group.seen == ("dog",)
    (music, *_) = Makers().heard(tags(rock_music=0.9), lambda _: True)
    assert music.group.seen == ("person",)


def test_a_group_of_one_s_own_takes_the_place_of_ours_of_that_name(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("- {name: dog, by: itself, seen: [suitcase], sounds: [bark]}\n")
    heard = Makers(own).heard(tags(bark=0.5, dog=0.9))
    assert [(one.group.seen, one.sound) for one in heard if one.group.name == "dog"] == [(("suitcase",), "bark")]


WRONG = {
    "": "line 1: ",
    "[": "line 1, ",
    "name: dog": "line 1: ",
    "- {name: dog, by: itself, seen: [], sounds: []}\n- dog": "line 2: ",
    "- {name: dog}": "line 1, by: ",
    "- {name: dog, by: magic, seen: [dog], sounds: [bark]}": "line 1, by: ",
    "- name: dog\n  by: itself\n  seen: dog\n  sounds: [bark]": "line 3, seen: ",
    "- name: dog\n  by: itself\n  seen: [dog]\n  sounds: [bark,\n    brak]": "line 5, sounds.1: 'brak' .* 'bark'",
    "- {name: dog, by: itself, seen: [dog], sounds: [bark], loud: true}": "line 1, loud: ",
    "- &x {name: dog, by: itself, seen: [], sounds: [bark]}\n- *x": "two groups are named dog",
    "- {name: dog, by: itself, seen: [], sounds: [bark], things: {yip: [dog]}}": "line 1: things has 'yip', which",
    "- &a [*a]": "line 1: ",
    "!!python/object/apply:os.system ['true']": "line 1, ",
    "\x00": "position 0",
    "[" * 100_000: "recursion",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20])
def test_a_file_that_is_no_such_list_is_a_sentence_that_names_the_place(tmp_path, text):
    own = tmp_path / "own.yaml"
    own.write_text(text)
    with pytest.raises(OptionError, match=rf"^{own} is no list of makers \(.*{WRONG[text]}.*\): ") as refused:
        Makers(own)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_a_sentence(tmp_path):
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "binary.yaml"):
        with pytest.raises(OptionError, match=f"^the list of makers cannot be read: {path}: "):
            Makers(path)


def test_it_is_an_option_that_is_refused_before_anything_is_loaded(tmp_path):
    (tmp_path / "own.yaml").write_text("- dog")
    for name in ("senses", "auto"):
        with pytest.raises(OptionError, match=r"own\.yaml is no list of makers \(line 1"):
            reasoner(name, {"makers": str(tmp_path / "own.yaml")})
