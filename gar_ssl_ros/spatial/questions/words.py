"""Questions and answers in words, both ways: `templates.json` has the wordings.

Q5 and Q6 are asked in the same words, as in the paper: how many things fit the sound is for the listener to know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.spatial.questions.forms import ANGLES, CHOICES, DISTANCE, FORMS, LABELS, Fields, QuestionType

TEMPLATES_FILE = Path(__file__).with_name("templates.json")
ASKED, SPOKEN = "asked", "spoken"  # wordings that are asked, and those that are understood, too
ALIKE = {QuestionType.Q6: QuestionType.Q5}  # asked in the words of
MAX_QUESTION_CHARACTERS = 500
NOT_KNOWN = "not known"
PLAIN = {0x2019: "'", 0x2212: "-"}  # a typeset apostrophe and minus
NUMBER = r"[-+]?\d{1,9}(?:\.\d+)?"  # of hundreds of digits it would be infinite
PATTERNS = {
    **dict.fromkeys(LABELS, r"\w[\w' -]{0,60}?"),
    **dict.fromkeys((*ANGLES, DISTANCE), NUMBER),
}
UNITS = {"distance": r"\s*(?:m|meters?|metres?)?", **dict.fromkeys(ANGLES, r"\s*(?:°|deg(?:rees?)?)?")}


class QuestionError(UserError):
    """What is no question of a form that is known: one sentence."""


@dataclass(frozen=True)
class Question:
    """type: see QuestionType. template: which wording, such as `Q1.0`. slots: what was filled in; a class's name is
    lower case. Of a question as a person asks it, slots that the form has may be missing.
    """

    type: QuestionType
    template: str
    slots: Fields = field(default_factory=dict)


def wordings(asked: QuestionType) -> Mapping[str, str]:
    """Those in which it is asked, by name."""
    told = _templates()[ASKED][ALIKE.get(asked, asked).value]
    return {f"{asked.value}.{number}": one for number, one in enumerate(told)}


def question_text(question: Question) -> str:
    """In words. Raises KeyError where a slot is missing."""
    template = wordings(question.type)[question.template]
    return template.format(**{name: value_text(name, value) for name, value in question.slots.items()})


def read_question(text: str) -> Question:
    """The question that a text is. Raises QuestionError where it is none of a known form."""
    said = _plain(text[:MAX_QUESTION_CHARACTERS])
    for asked, name, pattern in _patterns():
        if found := pattern.fullmatch(said):
            slots = {slot: _value(slot, told) for slot, told in found.groupdict().items()}
            return Question(asked, name, slots)
    raise QuestionError(
        f"{shortened(text)!r} is no question that can be answered: ask where a sound comes from, whether it is "
        "visible, which of several things it is, or how far it is from a thing (docs/questions.md)"
    )


def answer_text(asked: QuestionType, fields: Fields) -> str:
    """As the paper has it: `right; behind; upper; 2.3 m`; a field that is missing is `not known`."""
    words = [
        NOT_KNOWN if name not in fields else value_text(name, fields[name]) + (" m" if name == DISTANCE else "")
        for name in FORMS[asked].fields
    ]
    return "; ".join(word.capitalize() if asked is QuestionType.Q2 else word for word in words)


def read_answer(asked: QuestionType, text: str) -> dict[str, str | float] | None:
    """The fields of an answer in words; None where it has not just those of the question, each as it must be."""
    parts = [part.strip().rstrip(".").lower() for part in text.translate(PLAIN).split(";")]
    names = FORMS[asked].fields
    if len(parts) != len(names):
        return None
    fields: dict[str, str | float] = {}
    for name, part in zip(names, parts, strict=True):
        if name in CHOICES:
            if part not in CHOICES[name]:
                return None
            fields[name] = part
        elif name in UNITS:
            found = re.fullmatch(f"({NUMBER}){UNITS[name]}", part)
            if found is None:
                return None
            fields[name] = _value(name, found[1])
        elif part:
            fields[name] = part
        else:
            return None
    return fields


def value_text(name: str, value: str | float) -> str:
    """A field's value: an angle in whole degrees, a distance in m with two decimals."""
    if isinstance(value, str):
        return value
    return f"{value:.2f}" if name == DISTANCE else f"{value:.0f}"


@cache
def _templates() -> Mapping[str, Mapping[str, list[str]]]:
    told: Mapping[str, Mapping[str, list[str]]] = json.loads(TEMPLATES_FILE.read_text(encoding="utf-8"))
    return told


@cache
def _patterns() -> tuple[tuple[QuestionType, str, re.Pattern[str]], ...]:
    """In the order in which they are tried: those that are asked, then those that people say."""
    asked = [(one, name, text) for one in QuestionType if one not in ALIKE for name, text in wordings(one).items()]
    said = [
        (QuestionType(one), f"{one}.{SPOKEN}.{number}", text)
        for one, texts in _templates()[SPOKEN].items()
        for number, text in enumerate(texts)
    ]
    return tuple((one, name, _pattern(text)) for one, name, text in (*asked, *said))


def _pattern(template: str) -> re.Pattern[str]:
    pattern, seen = "", set()
    for part in re.split(r"(\{\w+\})", _plain(template)):
        name = part[1:-1]
        if not part.startswith("{"):
            pattern += re.escape(part)
        elif name in seen:
            pattern += f"(?P={name})"
        else:
            seen.add(name)
            pattern += f"(?P<{name}>{PATTERNS[name]})"
    return re.compile(pattern)


def _plain(text: str) -> str:
    """Lower case, single spaces, no mark at its end."""
    return " ".join(text.lower().translate(PLAIN).split()).rstrip(" ?.!")


def _value(name: str, told: str) -> str | float:
    return told if name in LABELS else float(told)
