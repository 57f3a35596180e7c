import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.consensus import consensus
from gar_ssl_ros.gar.stages import AnchorVote, Failure, Trial

anything = st.floats(allow_nan=True, allow_infinity=True)
words = st.text(max_size=12)
votes = st.builds(AnchorVote, words, anything, st.none() | st.tuples(anything, anything))
trials = st.builds(
    Trial, anything, st.lists(words, max_size=8).map(tuple), st.lists(votes, max_size=8).map(tuple), st.booleans()
)


def trial(
    score: float = 0.5, tags: tuple[str, ...] = (), anchors: tuple[AnchorVote, ...] = (), keep: bool = True
) -> Trial:
    return Trial(score, tags, anchors, keep)


def test_the_score_is_the_mean_over_all_trials():
    assert consensus([trial(0.2), trial(0.4), trial(0.9)]).av_consistency == pytest.approx(0.5)  # eq. 11


@pytest.mark.parametrize(
    ("votes", "keep"), [("kk", True), ("kn", False), ("kkn", True), ("kknn", False), ("kkknn", True)]
)
def test_keep_needs_more_than_half_of_all_trials(votes, keep):
    assert consensus([trial(keep=vote == "k") for vote in votes]).keep is keep  # eq. 12


def test_a_failed_trial_does_not_make_the_vote_unanimous():
    said = consensus([trial(1.0), Failure("cut off"), Failure("not JSON")])
    assert said.keep is False
    assert said.av_consistency == pytest.approx(1 / 3)
    assert (said.trials, said.failed) == (3, 2)


def test_the_four_most_frequent_tags_ties_by_first_seen():
    said = consensus(
        [
            trial(tags=("bow", "hand", "string")),
            trial(tags=("Hand", "left arm")),
            trial(tags=("hand", "chair", "string")),
        ]
    )
    assert said.role_tags == ("hand", "string", "bow", "left_arm")


def test_a_tag_repeated_in_one_trial_counts_once():
    assert consensus([trial(tags=("a", "a", "a")), trial(tags=("b",)), trial(tags=("b",))]).role_tags == ("b", "a")


def test_anchors_of_one_name_are_averaged_and_the_five_best_kept():
    anchors = tuple(AnchorVote(f"anchor {i}", i / 10) for i in range(8))
    said = consensus(
        [trial(anchors=anchors), trial(anchors=(AnchorVote("Anchor_7", 0.1), AnchorVote("anchor 1", 0.9)))]
    )
    assert [vote.anchor for vote in said.anchor_votes] == ["anchor_6", "anchor_1", "anchor_5", "anchor_4", "anchor_7"]
    assert said.anchor_votes[1].score == pytest.approx(0.5)


def test_points_are_averaged_over_the_trials_that_gave_one():
    said = consensus(
        [
            trial(anchors=(AnchorVote("a", 1, (0, 10)),)),
            trial(anchors=(AnchorVote("a", 1, None),)),
            trial(anchors=(AnchorVote("a", 1, (10, 20)),)),
        ]
    )
    assert said.anchor_votes[0].point == (5, 15)


@given(st.lists(trials | st.builds(Failure, words), min_size=1, max_size=7))
def test_whatever_the_trials_say_the_consensus_is_well_formed(given_trials):
    said = consensus(given_trials)
    assert 0 <= said.av_consistency <= 1
    assert len(said.role_tags) <= 4
    assert len(said.anchor_votes) <= 5
    assert all(0 <= vote.score <= 1 and vote.anchor for vote in said.anchor_votes)
    assert all(vote.point is None or all(map(math.isfinite, vote.point)) for vote in said.anchor_votes)
    assert said.keep is (2 * sum(isinstance(t, Trial) and t.keep for t in given_trials) > len(given_trials))
