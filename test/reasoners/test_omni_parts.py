"""The parts of the omni runtime: branches, sampling, grammar, media, prompts."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from transformers import Qwen2Tokenizer, WhisperFeatureExtractor  # noqa: E402

from gar_ssl_ros.gar.deadline import Deadline  # noqa: E402
from gar_ssl_ros.media.window import SPEECH_RATE_HZ  # noqa: E402
from gar_ssl_ros.reasoners.omni import decoding, grammar  # noqa: E402
from gar_ssl_ros.reasoners.omni.branches import Branches  # noqa: E402
from gar_ssl_ros.reasoners.omni.sampling import draw  # noqa: E402
from gar_ssl_ros.reasoners.prompted.reasoner import ANALYSIS, HEARD, REFINED  # noqa: E402
from gar_ssl_ros.reasoners.prompted.replies import parse, schema_of  # noqa: E402
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Question, Sampling  # noqa: E402


class Beside:
    """Branches beside a plain account of who may see what: each token's own history, written out."""

    def __init__(self) -> None:
        self.branches = Branches()
        self.parents: list[int] = []
        self.tokens: dict[int, tuple[int, int]] = {}  # slot -> (node, how many came before)
        self.count = 0

    def grow(self, parent: int) -> int:
        self.parents.append(parent)
        node = self.branches.grow(parent)
        assert node == len(self.parents) - 1
        return node

    def lineage(self, node: int) -> set[int]:
        found = set()
        while node != -1:
            found.add(node)
            node = self.parents[node]
        return found

    def place(self, nodes: list[int]) -> None:
        slots, seen = self.branches.place(nodes)
        assert len(set(slots.tolist())) == len(nodes)
        assert not set(slots.tolist()) & set(self.tokens)
        for node, slot in zip(nodes, slots.tolist(), strict=True):
            self.tokens[slot] = (node, self.count)
            self.count += 1
        for slot, row in zip(slots.tolist(), seen, strict=True):
            node, when = self.tokens[slot]
            expected = {s for s, (n, w) in self.tokens.items() if n in self.lineage(node) and w <= when}
            assert set(np.flatnonzero(row).tolist()) == expected

    def adopt(self, child: int) -> None:
        parent = self.parents[child]
        self.branches.adopt(child, parent)
        self.tokens = {s: (parent if n == child else n, w) for s, (n, w) in self.tokens.items()}

    def prune(self, nodes: int) -> None:
        self.branches.prune(nodes)
        self.parents = self.parents[:nodes]
        self.tokens = {s: (n, w) for s, (n, w) in self.tokens.items() if n < nodes}


@settings(deadline=None)
@given(st.data())
def test_every_token_sees_what_leads_to_it_and_nothing_else(data):
    """Whatever has been placed, adopted and dropped before."""
    beside = Beside()
    beside.grow(-1)
    for _ in range(data.draw(st.integers(1, 12))):
        nodes = st.integers(0, len(beside.parents) - 1)
        match data.draw(st.sampled_from(["grow", "place", "adopt", "prune"])):
            case "grow":
                beside.grow(data.draw(nodes))
            case "place":
                beside.place(sorted(data.draw(st.lists(nodes, min_size=1, max_size=8))))
            case "adopt" if len(beside.parents) > 1:
                beside.adopt(len(beside.parents) - 1)  # a leaf, as guesses are
                beside.prune(len(beside.parents) - 1)
            case "prune":
                beside.prune(data.draw(st.integers(1, len(beside.parents))))


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw_one(scores: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """In a row of its own, all of whose tokens may come."""
    return draw(scores[None], torch.ones(1, len(scores)) > 0, [len(scores)], [sampling], [generator])[0]


def test_tokens_are_drawn_as_often_as_their_share_of_the_nucleus():
    scores = torch.tensor([0.5, 0.3, 0.15, 0.04, 0.01]).log() * 0.4  # at a temperature of 0.4 these are the shares
    drawn = generator(0)
    counts = Counter(draw_one(scores, Sampling(0.4, 0.9), drawn) for _ in range(10_000))
    assert set(counts) == {0, 1, 2}  # 0.5 + 0.3 is less than 0.9, with 0.15 it is more
    for token, share in enumerate((0.5, 0.3, 0.15)):
        assert counts[token] / 10_000 == pytest.approx(share / 0.95, abs=0.02)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=40), st.floats(0.05, 1), st.floats(0.1, 5), st.integers(0))
def test_a_drawn_token_lies_in_the_nucleus(logits, top_p, temperature, seed):
    scores = torch.tensor(logits)
    token = draw_one(scores, Sampling(temperature, top_p), generator(seed % 2**63))
    shares = (scores / temperature).softmax(0)
    assert float(shares[shares > shares[token]].sum()) < top_p + 1e-5


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(2, 2000))
def test_rounding_hardly_ever_changes_a_draw(seed, count):
    """Rounding differs with what else is in the batch; a token's luck is its own."""
    random = np.random.default_rng(seed)
    scores = torch.from_numpy(random.normal(0, 2, count)).float()
    nearby = scores + torch.from_numpy(random.normal(0, 1e-7, count)).float()
    sampling = Sampling(1.0, 0.95)
    assert draw_one(scores, sampling, generator(seed)) == draw_one(nearby, sampling, generator(seed))


def draw_alone(scores: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """What `draw` promises of one row, token by token."""
    if sampling.temperature == 0:
        return int(scores.argmax())
    shares = ((scores - scores.max()) / sampling.temperature).softmax(0)
    times = torch.rand(len(scores), generator=generator).log() / shares
    for token in times.argsort(descending=True).tolist():
        if float(shares[shares > shares[token]].sum()) < sampling.top_p:
            return int(token)
    raise AssertionError("no nucleus is empty")


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 300))
def test_rows_drawn_at_once_are_those_drawn_alone(seed, rows, tokens):
    """Whatever may come in the others, and however often all of them are drawn."""
    random = np.random.default_rng(seed)
    allowed = torch.from_numpy(random.random((rows, tokens)) < random.random((rows, 1)))
    allowed[:, int(random.integers(tokens))] = True
    samplings = [Sampling(float(random.choice([0, 0.4, 3])), float(random.uniform(0.05, 1))) for _ in range(rows)]
    together, alone = ([generator(seed + row) for row in range(rows)] for _ in range(2))
    for _ in range(3):
        scores = torch.from_numpy(random.normal(0, 3, (rows, tokens))).float()
        expected = []
        for row, held in enumerate(allowed):
            drawn = draw_alone(scores[row, held], samplings[row], alone[row])
            expected.append(int(held.nonzero()[drawn]))
        assert draw(scores, allowed, allowed.sum(1).tolist(), samplings, together) == expected


@pytest.mark.parametrize("scores", [[float("nan")] * 3, [-float("inf")] * 3, [float("inf"), 0, 0]])
def test_scores_that_are_no_numbers_are_told(scores):
    with pytest.raises(ModelError, match="no numbers"):
        draw_one(torch.tensor(scores), Sampling(), generator(0))


@pytest.mark.parametrize("trials", [1, 2, 4])
def test_tokens_that_go_in_ahead_of_their_choice_change_no_reply(omni, monkeypatch, trials):
    """Only the steps that it takes; the fewer trials there are, the further ahead they go."""
    item = {"type": "array", "items": {"type": "integer", "maximum": 99}, "minItems": 1, "maxItems": 3}
    schema = {"type": "array", "items": item, "minItems": 12, "maxItems": 12}
    image, audio = np.full((40, 40, 3), 50, np.uint8), np.sin(np.arange(8000, dtype=np.float32))
    guesses = decoding._Row.guesses

    def whole(*given: Any) -> list[Any]:
        """No guess goes on from one that does not go in."""
        made = guesses(*given)
        held = {guess.span.node: tuple(guess.span.tokens) for guess in made}
        assert all(sum((held[node] for node in guess.nodes), ()) == guess.path for guess in made)
        return made

    monkeypatch.setattr(decoding._Row, "guesses", whole)

    def asked() -> tuple[object, int]:
        steps: list[int] = []
        hook = omni.thinker.module.model.language_model.register_forward_pre_hook(lambda *_: steps.append(1))
        question = Question("Which?", schema, Sampling(0.3, 0.95), tuple(range(trials)), 300)
        with omni.encode("", image, audio, Deadline()) as window:
            replies = window.ask([question], seen=True)
        hook.remove()
        return replies, len(steps)

    ahead, few = asked()
    monkeypatch.setattr(decoding, "MAX_TOKENS_AHEAD", 0)
    plain, many = asked()
    assert ahead == plain
    assert few <= 0.7 * many


def test_numbers_have_two_decimals_at_most_and_keep_to_their_bounds(omni):
    schema = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.01}}
    schema |= {"minItems": 30, "maxItems": 30}
    constraint = omni.grammar.constraint(schema)
    random = np.random.default_rng(0)
    tokens = constraint.forced()
    while not constraint.complete:
        token = int(random.choice(constraint.allowed().tokens))
        tokens += [token, *constraint.take(token)]
    text = constraint.text(tokens)
    assert all(len(number.partition(".")[2]) <= 2 for number in text[1:-1].split(","))
    assert all(0 <= number <= 1 for number in json.loads(text))


BOX = {"bbox_2d": [0, 0, 650, 480], "changed": True, "ops": None, "refined_description": "St. Bernard barks."}
WISHES = {  # of a model that sees 644x476 and does not care
    "a side too far out": (REFINED, BOX),
    "sides further out": (REFINED, BOX | {"bbox_2d": [-12, -3, 1200, 99999]}),
    "a step too far": (REFINED, BOX | {"ops": {"op": "expand", "amount": 60}}),
    "a quote": (REFINED, BOX | {"refined_description": 'A dog "Rex" barks, i.e. it is loud.'}),
    "a long label": (HEARD, {"audio_class": "male speech, man speaking (in a small room)", "audio_confidence": 0.85}),
    "a list": (ANALYSIS, {"av_consistency": 0.9, "role_tags": ["mouth", "jaw"], "anchor_votes": [], "keep": False}),
}


@pytest.mark.parametrize("wish", WISHES)
def test_what_a_model_wants_to_write_it_may_write_in_the_tokens_that_it_would_take(omni, wish):
    """Nothing is cut off in the middle (65 for 650), and nothing is spelt in tokens that no model writes."""
    reply, wanted = WISHES[wish]
    text = json.dumps(wanted)
    left = omni.prompt._text(text)
    constraint = omni.grammar.constraint(schema_of(reply))
    written = constraint.forced()
    assert left[: len(written)] == written
    while left := left[len(written) :]:
        assert left[0] in constraint.allowed().tokens
        written = [left[0], *constraint.take(left[0])]
        assert left[: len(written)] == written
    assert constraint.complete or omni.grammar._tokenizer.eos_tokens[0] in constraint.allowed().tokens
    assert parse(reply, "the stage", text).model_dump(mode="json") == wanted


@pytest.mark.parametrize("wish", WISHES)
def test_tokens_looked_through_beforehand_change_no_mask(omni, wish, monkeypatch):
    reply, wanted = WISHES[wish]
    left = omni.prompt._text(json.dumps(wanted))
    tokenizer = Qwen2Tokenizer(tokenizer_object=omni.prompt._tokenizer)
    monkeypatch.setattr(grammar, "SLICES", [])
    one_by_one = grammar.Grammar(tokenizer, omni.thinker.vocabulary, omni.grammar._tokenizer.eos_tokens)
    both = [known.constraint(schema_of(reply)) for known in (omni.grammar, one_by_one)]
    written = [constraint.forced() for constraint in both]
    while left := left[len(written[0]) :]:
        assert written[0] == written[1]
        np.testing.assert_array_equal(*(constraint.allowed().bits for constraint in both))
        written = [[left[0], *constraint.take(left[0])] for constraint in both]


def test_free_text_is_what_comes_before_its_end(omni):
    constraint = omni.grammar.constraint(None)
    tokens = [*omni.prompt._text('a "dog" {barks}'), omni.grammar._tokenizer.eos_tokens[0]]
    for token in tokens:
        assert token in constraint.allowed().tokens
        assert not constraint.take(token)
    assert constraint.complete
    assert constraint.text(tokens) == 'a "dog" {barks}'


def test_a_schema_that_makes_no_grammar_says_so(omni):
    with pytest.raises(ValueError, match="no grammar can be made"):
        omni.grammar.constraint({"type": "nonsense"})


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.003, 3.0, 29.99])
def test_a_spectrogram_is_the_one_of_the_published_padding(omni_folder, omni, seconds):
    """Which is 300 s long."""
    audio = np.random.default_rng(0).normal(0, 0.1, round(seconds * SPEECH_RATE_HZ)).astype(np.float32)
    published = WhisperFeatureExtractor.from_pretrained(omni_folder)(
        audio, sampling_rate=SPEECH_RATE_HZ, return_attention_mask=True, return_tensors="pt"
    )
    made = omni._processors.sound(audio)
    held = published["attention_mask"].to(torch.bool)
    assert int(held.sum()) == int(made.held.sum())
    ours, theirs = made.mel[:, :, made.held[0]], published["input_features"][:, :, held[0]]
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_a_prompt_is_the_layout_filled(omni):
    tokens = [*omni.prompt.opening("S."), *omni.prompt.sound(3)]
    tokens += [token for part in omni.prompt.image(4) for token in part] + omni.prompt.question("Q?")
    layout = omni.description.layout
    filled = layout.opening.replace("{system}", "S.")
    filled += layout.audio.replace(layout.audio_placeholder, 3 * layout.audio_placeholder)
    filled += layout.image.replace(layout.image_placeholder, 4 * layout.image_placeholder)
    filled += layout.question.replace("{question}", "Q?")
    assert omni.prompt._tokenizer.decode(tokens, skip_special_tokens=False) == filled
