"""The multimodal reasoner on random weights: what a window costs beside the published calls, and what it stands.

    python benchmarks/omni.py calls [--windows 3] [--layers 12] [--hidden 512]
    python benchmarks/omni.py stages [--windows 20] [--picture 640x480]
    python benchmarks/omni.py step
    python benchmarks/omni.py replies [--windows 1000]
    python benchmarks/omni.py soak [--windows 200]

calls: both arms run on one model of the given size with a vocabulary of 152,064, window by window in turn. The
published sequence is 8 calls of the library's own `generate` (1 classify, 1 locate, 5 analysis, 1 refine), each of
which encodes and prefills its media again; every prompt is ours, every reply as long as ours to it, the audio front end
ours. Each figure is a median over the windows. `generate` runs the head over the whole prompt, since this model's class
has no other way; on a CPU a second pass spares it that, to show how much is owed to it. Random weights know no end, so
here the replies' types are narrowed to what a trained model tends to say: full lists of tags and anchors, short names,
two sentences.

stages: what each stage of ours costs: the steps of the model in it, what they take of the memory's bandwidth (the
language model's weights, which every step reads, over what a copy on that device moves), and the device's memory.

step: the same step of so many tokens again and again, beside steps of which each has one slot more, by torch's own
choice of attention kernels and by ours; and as a CUDA graph, which leaves what the GPU itself takes.

They take --size 3b or 7b, which is a model of the published shapes, --device, --dtype, --quantization, --attention and
--compile as `gar-ssl` does. On a GPU the first window goes unmeasured. --folder keeps the model for another run.

replies: outcomes of windows of noise on a tiny model. soak: memory and threads over windows, some of them cancelled or
out of time.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Timer, active_count
from time import perf_counter, process_time

import numpy as np
import psutil
import torch
import transformers
from torch.nn.attention import sdpa_kernel

from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Frame, Window, audio_from_samples
from gar_ssl_ros.options import options_of
from gar_ssl_ros.reasoners.omni import LoadOptions, load, plan
from gar_ssl_ros.reasoners.omni.cache import SlotCache
from gar_ssl_ros.reasoners.omni.grammar import Constraint, Grammar
from gar_ssl_ros.reasoners.omni.memory import GIB
from gar_ssl_ros.reasoners.omni.runtime import KERNELS, OmniRuntime, OmniWindow
from gar_ssl_ros.reasoners.omni.thinker import Thinker
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReading, PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply

sys.path.append(str(Path(__file__).parents[1] / "test"))
import tiny

ALWAYS_REFINED = GarOptions(tau_av=1.0, tau_aud=1.0)
TOKENS = 151_643  # of the published vocabulary, without the added ones
# Both sizes' towers, but for the size of what they give out (config.json of Qwen/Qwen2.5-Omni-7B).
TOWERS = {
    "vision": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
    "audio": {"encoder_layers": 32, "encoder_attention_heads": 20, "encoder_ffn_dim": 5120, "d_model": 1280},
}
PUBLISHED = {  # size and logits
    "3b": (tiny.Size(TOKENS, 2048, 36, 16, 2, 11_008), 151_936),
    "7b": (tiny.Size(TOKENS, 3584, 28, 28, 4, 18_944), 152_064),
}
STAGES = ("classify", "locate", "analyze", "refine")


@dataclass
class Cost:
    """Of one window in one arm."""

    seconds: float = 0.0
    busy: float = 0.0  # of all cores, s: what the machine's other work does not lengthen
    steps: int = 0
    prefilled: int = 0
    vision: int = 0
    audio: int = 0
    grammar: float = 0.0
    model: float = 0.0  # in the language model and what goes into it, s: stages alone


@dataclass(frozen=True)
class Call:
    """One reply as the published sequence would have to make it."""

    question: Question
    seen: bool
    length: int


def window(random: np.random.Generator, width: int = 640, height: int = 480, seconds: float = 3.0) -> Window:
    """Noise."""
    image = random.integers(0, 256, (height, width, 3), np.uint8)
    audio = audio_from_samples(0, random.normal(0, 0.1, (1, round(seconds * SPEECH_RATE_HZ))), SPEECH_RATE_HZ)
    end = round(seconds * SECOND)
    return Window(0, end, (Frame(end // 2, image),), audio)


def run(
    window: Window, reasoner: PromptedReasoner, options: GarOptions, deadline: Deadline | None = None
) -> Localization:
    *_, last = localize(window, reasoner, options, deadline)
    return last


@contextmanager
def counted(runtime: OmniRuntime, cost: Cost) -> Iterator[None]:
    """Adds up what goes through the model meanwhile."""
    inner = runtime.thinker.module.model

    def step(_module: object, _arguments: object, options: dict[str, torch.Tensor]) -> None:
        cost.steps += 1
        tokens = options["inputs_embeds"].shape[1]
        cost.prefilled += tokens if tokens > 100 else 0  # a prompt, not a step of a reply

    def tower(name: str) -> Callable[..., None]:
        return lambda *_: setattr(cost, name, getattr(cost, name) + 1)

    hooks = [
        inner.language_model.register_forward_pre_hook(step, with_kwargs=True),
        inner.visual.register_forward_pre_hook(tower("vision")),
        inner.audio_tower.register_forward_pre_hook(tower("audio")),
    ]
    settle(runtime)
    started, busy = perf_counter(), process_time()
    try:
        yield
    finally:
        settle(runtime)
        cost.seconds, cost.busy = perf_counter() - started, process_time() - busy
        for hook in hooks:
            hook.remove()


def settle(runtime: OmniRuntime) -> None:
    """Wait for what the device still has to do."""
    if runtime.thinker.device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def patched(owner: type, name: str, wrap: Callable[..., object]) -> Iterator[None]:
    """A method wrapped meanwhile."""
    kept = getattr(owner, name)
    setattr(owner, name, lambda *given, **options: wrap(kept, *given, **options))
    try:
        yield
    finally:
        setattr(owner, name, kept)


def as_trained(schema: object) -> object:
    """A schema narrowed to replies of a trained model's length."""
    if isinstance(schema, dict):
        narrow = {name: as_trained(value) for name, value in schema.items()}
        if "maxItems" in narrow:
            narrow["minItems"] = narrow["maxItems"]
        if "multipleOf" in narrow:
            narrow["maximum"] = 0.99  # so that every window is refined
        return narrow
    if isinstance(schema, list):
        return [as_trained(value) for value in schema]
    if isinstance(schema, str):
        for free, usual in (
            ("{0,59}", "{3,14}"),  # a tag or an anchor
            ("{0,79}", "{3,14}"),  # a label
            ("{0,299}", "{15,40}"),  # a description
            ("{7,799}", "{100,180}"),  # two sentences
        ):
            schema = schema.replace(free, usual)
    return schema


def ours(window: Window, runtime: OmniRuntime) -> tuple[Cost, list[Call]]:
    """Our arm, and what was asked in it."""
    cost, calls = Cost(), []
    within: list[None] = []

    def timed(method: Callable[..., object], *given: object) -> object:
        started = process_time()
        within.append(None)
        try:
            return method(*given)
        finally:
            within.pop()
            cost.grammar += 0.0 if within else process_time() - started

    def overheard(
        begin: Callable[..., Callable[[int], Sequence[Reply]]],
        encoded: OmniWindow,
        questions: Sequence[Question],
        seen: Sequence[bool],
    ) -> Callable[[int], Sequence[Reply]]:
        replies = begin(encoded, [replace(asked, schema=as_trained(asked.schema)) for asked in questions], seen)

        def told(number: int) -> Sequence[Reply]:
            for reply in (group := replies(number)):
                length = len(runtime.grammar._tokenizer.tokenize_str(str(reply)))
                calls.append(Call(questions[number], seen[number], length))
            return group

        return told

    with ExitStack() as stack:
        stack.enter_context(patched(OmniWindow, "begin", overheard))
        stack.enter_context(patched(Grammar, "constraint", timed))
        for part in ("copy", "forced", "allowed", "take", "after", "valid"):
            stack.enter_context(patched(Constraint, part, timed))
        stack.enter_context(counted(runtime, cost))
        found = run(window, PromptedReasoner(runtime, "pixels"), ALWAYS_REFINED)
    assert found.outcome is Outcome.LOCALIZED, found.detail
    return cost, calls


def published(window: Window, runtime: OmniRuntime, calls: Sequence[Call], spared: bool) -> Cost:
    """The same calls one after the other, each from nothing. spared: the head is kept off the prompt."""
    cost = Cost()
    module = runtime.thinker.module
    head = module.lm_head.register_forward_pre_hook(lambda _, given: (given[0][:, -1:],)) if spared else None
    with counted(runtime, cost), torch.inference_mode():
        for call in calls:
            assert window.audio is not None
            sound = runtime._processors.sound(window.audio.mono(SPEECH_RATE_HZ))
            device = runtime.thinker.device
            frames = sound.held.sum(1)
            heard = int(module.model.audio_tower._get_feat_extract_output_lengths(frames)[1])
            tokens = [*runtime.prompt.opening(""), *runtime.prompt.sound(heard)]
            media = {"input_features": sound.mel.to(device), "feature_attention_mask": sound.held.to(device)}
            if call.seen:
                picture = runtime._processors.picture(window.center.image)
                tokens += [t for part in runtime.prompt.image(picture.rows * picture.columns) for t in part]
                media |= {"pixel_values": picture.patches.to(device), "image_grid_thw": picture.grid.to(device)}
            ids = torch.tensor([[*tokens, *runtime.prompt.question(call.question.text)]], device=device)
            sampling = call.question.sampling
            drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
            module.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                **media,
                do_sample=sampling.temperature > 0,
                **(drawn if sampling.temperature > 0 else {}),
                max_new_tokens=call.length,
                min_new_tokens=call.length,
                use_cache=True,
            )
    if head is not None:
        head.remove()
    return cost


def write(options: argparse.Namespace, folder: Path) -> Path:
    """A model of the size asked for, with random weights, unless the folder holds one already."""
    if (folder / "config.json").exists():
        return folder
    if options.size is None:
        narrow = tiny.Size(TOKENS, options.hidden, options.layers, 8, 2, 4 * options.hidden, options.hidden // 2)
        size = replace(narrow, tower_layers=options.layers // 2, tower_heads=4)
        return tiny.write_qwen25(folder, size, texts=corpus())
    size, logits = PUBLISHED[options.size]
    device = "cuda" if torch.cuda.is_available() and options.device != "cpu" else "cpu"
    shapes = {"text": {"vocab_size": logits}, **TOWERS}
    tiny.write_qwen25(folder, size, 0, corpus(), shapes, device, torch.bfloat16)
    if device == "cuda":
        torch.cuda.empty_cache()
    return folder


def model(options: argparse.Namespace, folder: Path) -> OmniRuntime:
    """The folder's, written first where it has none."""
    write(options, folder)
    how = LoadOptions(**{one.name: getattr(options, one.name, one.default) for one in options_of(LoadOptions)})
    need = plan(str(folder), how).need
    started = perf_counter()
    runtime = load(str(folder), how)
    assert isinstance(runtime, OmniRuntime)
    thinker, device = runtime.thinker, runtime.thinker.device
    weights = sum(weight.count for weight in plan(str(folder), LoadOptions("cpu")).checkpoint.weights)
    hidden = thinker.module.config.get_text_config().hidden_size
    print(f"{thinker.layers} layers of {hidden}, {thinker.vocabulary} logits, {weights / 1e6:.0f} M weights; {how}")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, transformers {transformers.__version__}")
    if device.type == "cuda":
        print(f"{torch.cuda.get_device_name(device)}, loaded in {perf_counter() - started:.1f} s")
        print(f"estimated: {need.weights / GIB:.1f} GiB of weights, {need.total / GIB:.1f} GiB in all", flush=True)
    return runtime


def measured(options: argparse.Namespace, runtime: OmniRuntime) -> Iterator[tuple[int, Window]]:
    """Numbered windows, after one on a GPU that nobody counts."""
    width, height = map(int, options.picture.split("x"))
    if runtime.thinker.device.type == "cuda":
        ours(window(np.random.default_rng(options.windows), width, height), runtime)
        torch.cuda.reset_peak_memory_stats()
    for number in range(options.windows):
        yield number, window(np.random.default_rng(number), width, height)


def calls(options: argparse.Namespace, folder: Path) -> None:
    """Both arms, window by window."""
    runtime = model(options, folder)
    on_gpu = runtime.thinker.device.type == "cuda"
    arms: dict[str, list[Cost]] = {"ours": [], "published": []} | ({} if on_gpu else {"published, head spared": []})
    lengths = []
    for number, shown in measured(options, runtime):
        cost, asked = ours(shown, runtime)
        arms["ours"].append(cost)
        lengths.append([call.length for call in asked])
        if number == 0 and on_gpu:
            published(shown, runtime, asked[:2], spared=False)  # uncounted
        for name in list(arms)[1:]:
            arms[name].append(published(shown, runtime, asked, spared=name != "published"))
        print(
            f"window {number}: reply lengths {lengths[-1]}, "
            + ", ".join(f"{n} {c[-1].seconds:.2f} s" for n, c in arms.items()),
            flush=True,
        )
    print(f"\n{'arm':24}{'s':>8}{'busy s':>8}{'steps':>8}{'prefilled':>11}{'vision':>8}{'audio':>7}{'grammar':>9}")
    for name, costs in arms.items():
        row = {key: median(getattr(cost, key) for cost in costs) for key in vars(Cost())}
        print(
            f"{name:24}{row['seconds']:8.2f}{row['busy']:8.2f}{row['steps']:8.0f}{row['prefilled']:11.0f}{row['vision']:8.0f}"
            f"{row['audio']:7.0f}{row['grammar'] / row['busy']:9.1%}"
        )
    for name in list(arms)[1:]:
        ratios = {
            key: median(getattr(b, key) / getattr(a, key) for a, b in zip(arms["ours"], arms[name], strict=True))
            for key in ("seconds", "busy", "steps", "prefilled")
        }
        print(
            f"{name}: {ratios['seconds']:.1f} x the time, {ratios['busy']:.1f} x the time busy, "
            f"{ratios['steps']:.1f} x the steps, {ratios['prefilled']:.1f} x the tokens prefilled"
        )


def stages(options: argparse.Namespace, folder: Path) -> None:
    """Our arm alone, stage by stage."""
    runtime = model(options, folder)
    costs: dict[str, list[Cost]] = {stage: [] for stage in STAGES}
    whole, written = [], []

    def measure(stage: str) -> Callable[..., object]:
        def run_stage(method: Callable[..., object], *given: object) -> object:
            cost = Cost()
            costs[stage].append(cost)

            def forward(step: Callable[..., object], *given: object) -> object:
                started, seen = perf_counter(), cost.steps
                hidden = step(*given)
                settle(runtime)
                cost.model += perf_counter() - started
                cost.steps = seen + 1  # a recorded one runs no hook
                return hidden

            with counted(runtime, cost), patched(Thinker, "forward", forward):
                return method(*given)

        return run_stage

    with ExitStack() as stack:
        for number, shown in measured(options, runtime):
            if number == 0:
                for stage in STAGES:
                    stack.enter_context(patched(PromptedReading, stage, measure(stage)))
            cost, asked = ours(shown, runtime)
            cost.steps = sum(found[-1].steps for found in costs.values())
            whole.append(cost)
            written.append(sum(call.length for call in asked))
            parts = ", ".join(f"{stage} {found[-1].seconds:.2f}" for stage, found in costs.items())
            print(f"window {number}: {cost.seconds:.2f} s, {cost.steps} steps, {parts}", flush=True)
    print(f"\n{'stage':10}{'s':>8}{'steps':>7}{'prefilled':>11}{'in the model':>14}{'ms a step there':>17}")
    for name, found in [*costs.items(), ("whole", whole)]:
        row = {key: median(getattr(cost, key) for cost in found) for key in vars(Cost())}
        row["model"] = row["model"] or median(
            sum(part.model for part in parts) for parts in zip(*costs.values(), strict=True)
        )
        print(
            f"{name:10}{row['seconds']:8.3f}{row['steps']:7.0f}{row['prefilled']:11.0f}"
            f"{row['model'] / row['seconds']:14.0%}{1e3 * row['model'] / row['steps']:17.1f}"
        )
    seconds = [cost.seconds for cost in whole]
    rate = median(tokens / cost.seconds for tokens, cost in zip(written, whole, strict=True))
    print(
        f"{len(whole)} windows of {options.picture}: median {median(seconds):.2f} s, {min(seconds):.2f} to "
        f"{max(seconds):.2f} s; {median(written):.0f} tokens of replies, {rate:.0f} a second; grammar "
        f"{median(cost.grammar / cost.seconds for cost in whole):.1%}"
    )
    language = runtime.thinker.module.model.language_model.layers.parameters()
    held = sum(weight.numel() * weight.element_size() for weight in language)
    if runtime.thinker.device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        print(
            f"memory: at most {torch.cuda.max_memory_allocated() / GIB:.1f} GiB in tensors, taken by torch "
            f"{torch.cuda.max_memory_reserved() / GIB:.1f} GiB, of the GPU {(total - free) / GIB:.1f} GiB"
        )
        bandwidth = copied()
        share = median(cost.steps * held / bandwidth / cost.seconds for cost in whole)
        print(
            f"the layers' {held / GIB:.2f} GiB at {bandwidth / 1e12:.2f} TB/s: {1e3 * held / bandwidth:.1f} ms a step, "
            f"{share:.1%} of the time"
        )


def step(options: argparse.Namespace, folder: Path) -> None:
    """One step after 1500 tokens."""
    runtime = model(options, folder)
    thinker, cache, before = runtime.thinker, SlotCache(runtime.thinker.layers), 1500
    tokens = np.random.default_rng(0).integers(0, TOKENS, before).tolist()

    def read(count: int, start: int) -> None:
        positions = np.tile(np.arange(start, start + count), (3, 1))
        seen = np.tri(count, start + count, start, dtype=bool)
        thinker.forward(tokens[:count], positions, np.arange(start, start + count), seen, cache)

    def took(run: Callable[[int], object], times: int = 20) -> str:
        seconds = []
        for number in range(times):
            settle(runtime)
            started = perf_counter()
            run(number)
            settle(runtime)
            seconds.append(perf_counter() - started)
        return f"{1e3 * median(seconds):.1f} ms"

    with torch.inference_mode():
        print(f"prefill of {before}: {took(lambda _: read(before, 0), 5)}")
        for count in (1, 5, 20, 64):
            print(f"{count} tokens, the same: {took(lambda _, n=count: read(n, before))}", flush=True)
            print(f"  one slot more each time: {took(lambda i, n=count: read(n, before + i))}", flush=True)
            with sdpa_kernel(KERNELS):
                print(f"  the same, our kernels: {took(lambda _, n=count: read(n, before))}")
                print(f"  one slot more, our kernels: {took(lambda i, n=count: read(n, before + 20 + i))}", flush=True)
            if thinker.device.type == "cuda":
                print(f"  as a CUDA graph: {took(graph(thinker, cache, count, before))}", flush=True)


def graph(thinker: Thinker, cache: SlotCache, count: int, before: int) -> Callable[[int], None]:
    """The language model's part of that step, recorded."""
    language = thinker.module.model.language_model
    embedded = thinker.module.get_input_embeddings()(torch.arange(count, device=thinker.device)[None])
    hidden = torch.full((1, 1, count, before + count), torch.finfo(embedded.dtype).min, device=thinker.device)
    slots = torch.arange(before, before + count, device=thinker.device)
    cache.aim(slots, before + count)
    given = {
        "inputs_embeds": embedded,
        "position_ids": slots.expand(3, 1, count),
        "attention_mask": hidden.to(embedded.dtype).triu(before + 1),
        "past_key_values": cache,
        "use_cache": True,
    }
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        language(**given)
    torch.cuda.current_stream().wait_stream(aside)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        language(**given)
    return lambda _: recorded.replay()


def copied(size: int = 1 << 32) -> float:
    """Bytes a second that a copy on the GPU reads and writes."""
    there = torch.empty(size, dtype=torch.uint8, device="cuda").random_()
    here = torch.empty_like(there)
    times = []
    for _ in range(10):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        here.copy_(there)
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return 2 * size / median(times)


def corpus(most: int = 20_000_000) -> Iterator[str]:
    """Text to learn a vocabulary from: the sources that come with transformers and torch, and made-up words."""
    random = np.random.default_rng(0)
    syllables = ["".join(parts) for parts in product("bdfgklmnprstvz", "aeiou", ("", "l", "n", "r", "s", "t"))]
    for words in random.choice(syllables, (4000, 50, 3)):
        yield " ".join(map("".join, words))
    left = most
    for package in (transformers, torch):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            text = path.read_text(errors="ignore")
            left -= len(text)
            if left < 0:
                return
            yield text


def replies(options: argparse.Namespace, folder: Path) -> None:
    """Windows of noise of many sizes."""
    reasoner = PromptedReasoner(load(str(tiny.write_qwen25(folder))), "pixels")
    outcomes: Counter[str] = Counter()
    outside = 0
    for number in range(options.windows):
        random = np.random.default_rng(number)
        width, height = (int(side) for side in random.integers(33, 480, 2))
        found = run(
            window(random, width, height, float(random.uniform(0.5, 3))),
            reasoner,
            replace(ALWAYS_REFINED, sources=1 + number % 2),
        )
        outcomes[found.outcome.value] += 1
        for source in found.sources:
            for box in (source.box, source.initial_box):
                outside += not (0 <= box.x1 < box.x2 <= width and 0 <= box.y1 < box.y2 <= height)
        if found.outcome.failed:
            print(f"window {number}: {found.outcome.value}: {found.detail}")
    print(
        f"{options.windows} windows: "
        + ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
        + f"; {outside} boxes outside their image"
    )


def soak(options: argparse.Namespace, folder: Path) -> None:
    """Every fourth window is cancelled on its way, every fourth runs out of time."""
    reasoner = PromptedReasoner(load(str(tiny.write_qwen25(folder))), "pixels")
    process, outcomes = psutil.Process(), Counter[str]()
    levels = []
    threads = 0
    for number in range(options.windows):
        shown = window(np.random.default_rng(number), 320, 240)
        deadline = Deadline(0.2 + number % 7 * 0.1 if number % 4 == 1 else None)
        cancel = Timer(0.05 + number % 5 * 0.1, deadline.cancel)
        if number % 4 == 3:
            cancel.start()
        try:
            outcomes[run(shown, reasoner, ALWAYS_REFINED, deadline).outcome.value] += 1
        except Cancelled:
            outcomes["cancelled"] += 1
        cancel.cancel()
        if cancel.ident is not None:
            cancel.join()
        levels.append(process.memory_info().rss / 2**20)
        if number == options.windows // 4:
            threads = process.num_threads()
    quarters = [median(quarter) for quarter in np.array_split(levels, 4)]
    print(f"{options.windows} windows: " + ", ".join(f"{count} {name}" for name, count in outcomes.most_common()))
    print("resident, median of each quarter: " + ", ".join(f"{level:.1f} MiB" for level in quarters))
    print(f"threads: {threads} after a quarter, {process.num_threads()} at the end; Python's: {active_count()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=("calls", "stages", "step", "replies", "soak"))
    parser.add_argument("--windows", type=int)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--size", choices=tuple(PUBLISHED))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--picture", default="640x480")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--quantization", default="none")
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    figures = {
        "calls": (calls, 3),
        "stages": (stages, 20),
        "step": (step, 1),
        "replies": (replies, 1000),
        "soak": (soak, 200),
    }
    figure, usual = figures[options.figure]
    options.windows = options.windows or usual
    with TemporaryDirectory() as folder:
        figure(options, options.folder or Path(folder))


if __name__ == "__main__":
    main()
