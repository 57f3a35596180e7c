"""Many trials of the analysis made one (GAR, arXiv:2604.06824, section 3.2, eqs. 11 and 12)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from gar_ssl_ros.gar.stages import AnchorVote, Consensus, Failure, Trial

ROLE_TAGS = 4
MAX_ANCHORS = 5


def consensus(trials: Sequence[Trial | Failure]) -> Consensus:
    """The trials' mean consistency, most frequent role tags, strongest anchors, and majority on keep.

    A failed trial counts as one that saw no consistency and did not say keep, so that it never makes the others' vote
    look unanimous. Anchors of one name are averaged over the trials that named them, at most once each.
    """
    given = [trial for trial in trials if isinstance(trial, Trial)]
    tags = Counter(tag for trial in given for tag in dict.fromkeys(map(token, trial.role_tags)) if tag)
    return Consensus(
        av_consistency=sum(unit(trial.av_consistency) for trial in given) / max(1, len(trials)),
        role_tags=tuple(tag for tag, _ in tags.most_common(ROLE_TAGS)),  # Counter keeps ties in order of first seen
        anchor_votes=_anchors(given),
        keep=2 * sum(trial.keep is True for trial in given) > len(trials),
        trials=len(trials),
        failed=len(trials) - len(given),
    )


def _anchors(trials: Sequence[Trial]) -> tuple[AnchorVote, ...]:
    named: dict[str, list[AnchorVote]] = {}
    for trial in trials:
        best: dict[str, AnchorVote] = {}
        for said in trial.anchor_votes:
            vote = AnchorVote(token(said.anchor), unit(said.score), said.point)
            if vote.anchor and (vote.anchor not in best or vote.score > best[vote.anchor].score):
                best[vote.anchor] = vote
        for name, vote in best.items():
            named.setdefault(name, []).append(vote)
    averaged = [
        AnchorVote(name, sum(vote.score for vote in votes) / len(votes), _mean_point(votes))
        for name, votes in named.items()
    ]
    return tuple(sorted(averaged, key=lambda vote: -vote.score)[:MAX_ANCHORS])


def _mean_point(votes: Sequence[AnchorVote]) -> tuple[float, float] | None:
    points = [vote.point for vote in votes if vote.point is not None and all(map(math.isfinite, vote.point))]
    if not points:
        return None
    share = 1 / len(points)  # before adding up: the sum of two finite numbers need not be finite
    return sum(x * share for x, _ in points), sum(y * share for _, y in points)


def token(name: str) -> str:
    """A tag or anchor as it is compared: lower case, its words joined by underscores."""
    return "_".join(name.lower().replace("_", " ").split())


def unit(score: float) -> float:
    """A score brought into [0, 1]; 0 where it is not a number."""
    return min(1.0, max(0.0, score)) if math.isfinite(score) else 0.0
