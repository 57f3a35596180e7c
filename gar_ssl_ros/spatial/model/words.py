"""Questions and answers as tokens: of a language model of the user's, or of a vocabulary made for a small one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from gar_ssl_ros.perception.pretrained.folder import LOCAL
from gar_ssl_ros.spatial.model import numbers
from gar_ssl_ros.spatial.questions.forms import CHOICES, QuestionType
from gar_ssl_ros.spatial.questions.words import wordings

VOCABULARY = 1000  # bytes and pairs of them, at most
MEDIA = "<media>"  # where in a prompt of a chat's form what is seen and heard stands
PAD, END = "<pad>", "<eos>"
NEXT = "; "  # between the fields of an answer


def vocabulary(classes: Sequence[str]) -> PreTrainedTokenizerFast:
    """Of the questions and answers about such classes: pairs of bytes, as Qwen2's, but each class and number a word."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[PAD, END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(classes), trainer)
    names = [AddedToken(one, lstrip=True, single_word=True) for one in classes]
    tokenizer.add_tokens([*names, *(AddedToken(one, lstrip=True) for one in numbers.words()), NEXT])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END)


def prompt(tokenizer: Any, question: str) -> tuple[list[int], list[int]]:
    """What stands before what is seen and heard, and after it: the question, in a chat's form where there is one."""
    if not tokenizer.chat_template:
        return [], _ids(tokenizer, question + "\n")
    said = [{"role": "user", "content": MEDIA + question}]
    text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    before, _, after = text.partition(MEDIA)
    return _ids(tokenizer, before), _ids(tokenizer, after)


def named(tokenizer: Any, name: str) -> list[int]:
    """The tokens of a class's name, where an answer begins with it and within a sentence."""
    return [*_ids(tokenizer, name), *_ids(tokenizer, f" {name}")]


def reply(tokenizer: Any, answer: str) -> list[int]:
    """An answer, and that it ends there."""
    return [*_ids(tokenizer, answer), tokenizer.eos_token_id]


def tokenizer_of(folder: Path) -> Any:
    """That of a checkpoint, or of a language model of the user's. Raises what the library does where there is none."""
    return AutoTokenizer.from_pretrained(folder, **LOCAL)


def _ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _corpus(classes: Sequence[str]) -> Iterator[str]:
    """Each wording about each class, and answers as often as makes their words whole tokens."""
    for asked in QuestionType:
        for wording in wordings(asked).values():
            for one in classes:
                yield wording.replace("{sound}", one).replace("{object}", one)
    for one in classes:
        yield from [f"{one}; {other}; -1; 2.3 m" for other in classes for _ in range(3)]
    for one in (*classes, *(choice for pair in CHOICES.values() for choice in pair)):
        yield from [one, f"; {one}; ", one.capitalize()] * 100
