"""A window is encoded once, and what is computed from that is what computing all of it anew would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from gar_ssl_ros.reasoners.omni.branches import image_positions, text_positions  # noqa: E402
from gar_ssl_ros.reasoners.omni.context import Context, Place, Span  # noqa: E402
from gar_ssl_ros.reasoners.omni.runtime import OmniRuntime  # noqa: E402

SYSTEM = "You hear and see."
EXACT = {"atol": 1e-5, "rtol": 0}


@dataclass(frozen=True)
class Case:
    """A context beside what the library itself computes of the same prompt, all at once."""

    runtime: OmniRuntime
    context: Context
    image: np.ndarray
    audio: np.ndarray

    def whole(self, tokens: Sequence[int], seen: bool) -> torch.Tensor:
        """The library's logits after media and tokens (len(tokens), vocabulary)."""
        module, processors, device = self.runtime.thinker.module, self.runtime._processors, self.context.device
        picture, sound = processors.picture(self.image), processors.sound(self.audio)
        heard = self.runtime.thinker.hear(sound)
        prompt = [*self.runtime.prompt.opening(SYSTEM), *self.runtime.prompt.sound(len(heard))]
        held = sound.held.to(device)
        media = {"input_features": sound.mel.to(device), "feature_attention_mask": held}
        if seen:
            prompt += [token for part in self.runtime.prompt.image(picture.rows * picture.columns) for token in part]
            media |= {"pixel_values": picture.patches.to(device), "image_grid_thw": picture.grid.to(device)}
        ids = torch.tensor([[*prompt, *tokens]], device=device)
        positions, _ = module.get_rope_index(
            ids,
            picture.grid.to(device) if seen else None,
            attention_mask=torch.ones_like(ids),
            audio_seqlens=held.sum(1),
        )
        if positions.dim() == 4:  # Qwen3-Omni's come out three times
            positions = positions[0]
        logits = module(input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=positions, **media).logits
        return logits[0, len(prompt) :]


@contextmanager
def case(runtime: OmniRuntime, seconds: float = 1.0, seed: int = 0) -> Iterator[Case]:
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (120, 170, 3), np.uint8)
    audio = random.normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
    processors = runtime._processors
    context = Context(runtime.thinker, runtime.prompt, SYSTEM, processors.picture(image), processors.sound(audio))
    with torch.inference_mode():
        yield Case(runtime, context, image, audio)


@contextmanager
def after_media(case: Case, seen: bool) -> Iterator[Place]:
    (place,) = case.context.after_media([seen])
    try:
        yield place
    finally:
        case.context.clear()


def tokens(count: int, seed: int) -> list[int]:
    return np.random.default_rng(seed).integers(0, 600, count).tolist()


def feed(case: Case, spans: Sequence[Span]) -> torch.Tensor:
    return case.context.logits(case.context.feed(spans))


def span(node: int, start: int, held: Sequence[int]) -> Span:
    return Span(node, held, text_positions(start, len(held)))


@pytest.mark.parametrize("seen", [False, True], ids=["sound", "sound and image"])
def test_a_question_s_logits_are_those_of_a_full_prefill(omni, seen):
    with case(omni) as c, after_media(c, seen) as place:
        question = tokens(9, 1)
        logits = feed(c, [span(c.context.grow(place.node), place.position, question)])
        torch.testing.assert_close(logits[0], c.whole(question, seen)[-1], **EXACT)


def test_branches_of_different_lengths_share_one_step_and_do_not_see_each_other(omni):
    with case(omni) as c, after_media(c, True) as place:
        questions = [tokens(5, 1), tokens(8, 2)]
        nodes = [c.context.grow(place.node) for _ in questions]
        c.context.feed([span(n, place.position, q) for n, q in zip(nodes, questions, strict=True)])
        replies = [[tokens(1, 3), tokens(4, 4), tokens(2, 5)], [tokens(3, 6), tokens(1, 7), tokens(2, 8)]]
        trials = [(i, c.context.grow(node), reply) for i, node in enumerate(nodes) for reply in replies]
        for step in range(3):
            spans = []
            for i, node, reply in trials:
                before = len(questions[i]) + sum(len(part) for part in reply[:step])
                spans.append(span(node, place.position + before, reply[step]))
            logits = feed(c, spans)
            for got, (i, _, reply) in zip(logits, trials, strict=True):
                so_far = [*questions[i], *(token for part in reply[: step + 1] for token in part)]
                torch.testing.assert_close(got, c.whole(so_far, True)[-1], **EXACT)


@pytest.mark.parametrize("order", [(False, True), (True, False), (True, False, True)])
def test_stages_leave_nothing_behind_for_the_next_one(omni, order):
    with case(omni) as c:
        for number, seen in enumerate(order):
            question = tokens(6 + number, number)
            with after_media(c, seen) as place:
                logits = feed(c, [span(c.context.grow(place.node), place.position, question)])
            torch.testing.assert_close(logits[0], c.whole(question, seen)[-1], **EXACT)


def test_windows_that_take_turns_do_not_shift_each_other(omni):
    """transformers keeps the last call's position offset on the model."""
    with case(omni, seconds=1.0) as first, case(omni, seconds=2.3, seed=1) as second:
        with after_media(first, True) as place:
            node = first.context.grow(place.node)
            question, reply = tokens(5, 1), tokens(2, 2)
            first.context.feed([span(node, place.position, question)])
            with after_media(second, False) as other:
                second.context.feed([span(second.context.grow(other.node), other.position, tokens(4, 3))])
            logits = feed(first, [span(node, place.position + len(question), reply)])
        torch.testing.assert_close(logits[0], first.whole([*question, *reply], True)[-1], **EXACT)


def test_each_tower_runs_once_a_window_and_only_when_it_is_needed(omni):
    ran = {"audio": 0, "image": 0}
    module = omni.thinker.module.model

    def count(tower: str):
        def hook(*_: object) -> None:
            ran[tower] += 1

        return hook

    hooks = [
        module.audio_tower.register_forward_hook(count("audio")),
        module.visual.register_forward_hook(count("image")),
    ]
    try:
        with case(omni) as c:
            for seen, expected in ((False, 0), (True, 1), (False, 1), (True, 1)):
                with after_media(c, seen) as place:
                    c.context.feed([span(c.context.grow(place.node), place.position, tokens(3, 1))])
                assert ran == {"audio": 1, "image": expected}
    finally:
        for hook in hooks:
            hook.remove()


def test_what_a_failed_step_left_in_the_cache_is_dropped(omni):
    with case(omni) as c:
        question = tokens(6, 1)
        layers = omni.thinker.module.model.language_model.layers

        def fail(*_: object) -> None:
            raise MemoryError

        hook = layers[-1].register_forward_pre_hook(fail)
        with pytest.raises(MemoryError), after_media(c, True) as place:
            c.context.feed([span(c.context.grow(place.node), place.position, tokens(3, 2))])
        hook.remove()
        with after_media(c, True) as place:
            logits = feed(c, [span(c.context.grow(place.node), place.position, question)])
        torch.testing.assert_close(logits[0], c.whole(question, True)[-1], **EXACT)


def test_positions_are_those_of_the_library(omni):
    module, prompt = omni.thinker.module, omni.prompt
    picture = omni._processors.picture(np.zeros((300, 170, 3), np.uint8))
    before, inside, after = prompt.image(picture.rows * picture.columns)
    ids = torch.tensor([[*before, *inside, *after, 1, 2, 3]])
    theirs, _ = module.get_rope_index(ids, picture.grid, attention_mask=torch.ones_like(ids))
    places = image_positions(len(before), picture.rows, picture.columns)
    behind = text_positions(int(places.max()) + 1, len(after) + 3)
    ours = np.concatenate([text_positions(0, len(before)), places, behind], axis=1)
    np.testing.assert_array_equal(theirs.reshape(-1, 3, ids.shape[1])[0].numpy(), ours)
