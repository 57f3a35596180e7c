"""What our own reasoners can be told: declared here, where nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gar_ssl_ros.options import Options, option

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Quantization = Literal["none", "nf4", "int4", "int8"]
Attention = Literal["sdpa", "eager", "flash_attention_2"]
Dialect = Literal["vllm", "sglang", "llamacpp", "dashscope", "openai"]
Coordinates = Literal["pixels", "thousandths", "thousandths_y_first", "longest_1000", "original"]
PromptSet = Literal["paper", "evidence_first", "candidates", "anchors"]
Preset = Literal["lite", "base", "large"]
Consistency = Literal["basic", "prompt", "frame", "prompt_frame", "model"]
Translating = Literal["auto", "model", "server", "makers", "none"]


@dataclass(frozen=True)
class ReasonerChoice(Options):
    """Who answers."""

    reasoner: str = option(
        "auto",
        "who answers the stages, one's own as module:factory; auto is senses where its models are here, else signal",
    )
    fallback: str = option("", "who answers where that one is missing or fails; nobody where empty")
    reasoner_options: str = option(
        "", "options of the reasoner, as of one's own: name=value, with spaces between", metavar="NAME=VALUE"
    )


@dataclass(frozen=True)
class ModelOptions(Options):
    """Whose weights."""

    model: str = option(
        "",
        "of omni and openavs: the folder of its weights, or its id in the hub's cache; of served: its name on the "
        "server, where that has several",
        metavar="MODEL",
    )


@dataclass(frozen=True)
class LoadOptions(Options):
    """Where and how a model's weights are held. Raises OptionError where one has another value.

    device: auto is the first GPU, else the CPU; balanced spreads them over all GPUs. dtype: auto is bfloat16 on a GPU,
    or float16 where it has none, and float32 on a CPU. quantization: both towers and the head stay as they are.
    attention: flash_attention_2 serves the towers alone, since only the others read the branches of a shared prefix.
    least_pixels: more cost time, and show the model more.
    """

    device: str = option(
        "auto",
        "of the model",
        pattern=r"auto|balanced|cpu|cuda(:\d+)?",
        fits="auto, balanced, cpu, cuda or cuda:N",
        metavar="D",
        answers=False,
    )
    dtype: Dtype = option("auto", "of the model, of what is not quantized", choices=get_args(Dtype))
    quantization: Quantization = option(
        "none",
        "of the language model's weights at loading: nf4 and int8 by bitsandbytes, int4 by torchao",
        choices=get_args(Quantization),
        was="quantize",
    )
    attention: Attention = option(
        "sdpa", "the model's implementation of it", choices=get_args(Attention), answers=False
    )
    least_pixels: int = option(
        0, "what the model's picture is enlarged to; 0: as its description says", least=0, most=10_000_000, metavar="N"
    )
    compile: bool = option(
        False, "the model's steps, as CUDA graphs of fixed sizes: more memory for fewer launches", answers=False
    )


@dataclass(frozen=True)
class PromptOptions(Options):
    """How a model is asked. The defaults are the paper's method; the rest goes beyond it.

    coordinates: as of `prompted.coordinates`. prompts: candidates and anchors are the paper's Methods 1 and 3 (its
    section 7), where the analysis is off; candidates without a refinement, too.
    """

    coordinates: str = option(
        "auto",
        "in which the model speaks of places; auto: as its makers say, or as it answers when it is asked at loading",
        choices=("auto", *get_args(Coordinates)),
    )
    seed: int = option(0, "of the model's analysis trials", least=0, most=2**31 - 1, metavar="N")
    prompts: PromptSet = option(
        "paper",
        "what is asked, and what is answered first: paper, its scores and boxes; evidence_first, what they rest on; "
        "candidates, several boxes that are compared; anchors, the sounding parts before the refined box",
        choices=get_args(PromptSet),
    )
    persona: bool = option(False, "the model is told who it is, as in the paper")
    off_screen: bool = option(False, "the model may say that nothing in view makes the sound")
    grounded: bool = option(False, "the model says where each anchor is seen")
    early: bool = option(False, "trials end once the others cannot change the vote", answers=False)


@dataclass(frozen=True)
class OmniOptions(PromptOptions, LoadOptions, ModelOptions):
    """Of the reasoner omni."""


_ADDRESS = r"https?://[^\s,@?#]+"


@dataclass(frozen=True)
class ServerOptions(Options):
    """Where a model is asked over HTTP, and how. See docs/served.md.

    dialect: auto is what the server says it is. together: a trial then depends on how many are asked for.
    """

    server: str = option(
        "",
        "of served and openavs: where it answers, as http://127.0.0.1:8000/v1; several with commas between, tried in "
        "turn",
        pattern=rf"({_ADDRESS}(,{_ADDRESS})*)?",
        fits="addresses of http or https, without name and password, with commas between",
        metavar="URL",
    )
    dialect: str = option(
        "auto",
        "of served and openavs: the engine that it speaks as; auto: as the server says",
        choices=("auto", *get_args(Dialect)),
    )
    api_key_variable: str = option(
        "GAR_SSL_API_KEY",
        "of served and openavs: the environment variable that holds its key, if it wants one",
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        fits="the name of an environment variable",
        metavar="NAME",
    )
    together: bool = option(False, "of served: all trials of a source in one request, which sends the media less often")


@dataclass(frozen=True)
class ServedOptions(PromptOptions, ServerOptions, ModelOptions):
    """Of the reasoner served."""


@dataclass(frozen=True)
class PerceptionOptions(Options):
    """Models of one's own that see and hear; those of `gar-ssl models` where empty."""

    detector: str = option(
        "",
        "of senses and openavs: what sees things, an ONNX file of a YOLOX or NanoDet or a folder of the transformers "
        "library, as of GroundingDINO",
        metavar="PATH",
    )
    tagger: str = option(
        "",
        "of senses and openavs: what tells sounds, a folder of the transformers library, as of AST or CLAP",
        metavar="PATH",
    )


@dataclass(frozen=True)
class SensesOptions(PerceptionOptions):
    """Of the reasoner senses, and of auto, which is senses where its models are here. See docs/senses.md."""

    makers: str = option("", "of senses: a list of one's own of who makes which sound, before ours", metavar="FILE")


@dataclass(frozen=True)
class OpenAvsOptions(PromptOptions, LoadOptions, ServerOptions, ModelOptions, PerceptionOptions):
    """Of the reasoner openavs. See docs/openavs.md.

    preset: how the rest is, where it is not said. describers: `model` is that of the option `model`, `server` that of
    `server`, where both are named the server chooses its own. PromptOptions: of the verification.
    """

    preset: Preset = option(
        "lite",
        "of openavs: lite, the sound is described; base, the picture of the middle second, too; large, by several "
        "models",
        choices=get_args(Preset),
    )
    describers: str = option(
        "",
        "of openavs: who describes, with commas between: tagger, model, server, or folders of a Qwen2-Audio or Audio "
        "Flamingo 3; as the preset says where empty",
        metavar="WHO",
    )
    translator: Translating = option(
        "auto",
        "of openavs: who makes names of things out of descriptions: model or server, whichever is there; makers, our "
        "table of who makes which sound; none, and descriptions are sought as they are",
        choices=get_args(Translating),
    )
    consistency: str = option(
        "auto",
        "of openavs: what the translator makes agree: basic, nothing; prompt, answers to several questions; frame, "
        "neighbouring seconds; prompt_frame, both; model, several describers of one second; auto: as the preset has it",
        choices=("auto", *get_args(Consistency)),
    )
    box_threshold: float = option(
        0.25, "of openavs: least score of a box that was sought by words", least=0, most=1, metavar="T"
    )
    verify: bool = option(False, "of openavs: GAR's analysis and refinement of what was found, by the model or server")


@dataclass(frozen=True)
class StudentOptions(Options):
    """Of the reasoner student. See docs/students.md."""

    student: str = option("", "of student: the folder that gar-ssl train has filled", metavar="FOLDER")


@dataclass(frozen=True)
class HearYouAreOptions(Options):
    """Of the reasoner hear_you_are. See docs/questions.md."""

    questions_model: str = option(
        "", "of hear_you_are: the folder of a trained model of spatial questions", metavar="FOLDER"
    )
