"""What the optimizer of small networks promises: matrices of layers by Muon, all else as AdamW, and it can go on."""

from __future__ import annotations

from copy import deepcopy

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install '.[students]'")
from torch import Tensor, nn  # noqa: E402

from gar_ssl_ros.perception.pretrained.muon import MuonAndAdamW  # noqa: E402

RATE, MUON_RATE, DECAY, BETA2 = 2e-3, 8e-3, 0.01, 0.98


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 4)))


def optimizer(of: nn.Module, *parts: str) -> MuonAndAdamW:
    return MuonAndAdamW(of, parts, (RATE, MUON_RATE), DECAY, BETA2)


def learn(of: nn.Module, by: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        seen = torch.randn(8, 16, generator=torch.Generator().manual_seed(step))
        by.zero_grad()
        of(seen).square().mean().backward()
        by.step()


def weights(of: nn.Module) -> dict[str, Tensor]:
    return {name: one.detach().clone() for name, one in of.named_parameters()}


def test_a_matrix_of_a_layer_moves_as_far_in_all_directions() -> None:
    moved = network()
    before = weights(moved)
    learn(moved, optimizer(moved, "0."), range(1))
    turned = (moved[0][2].weight - before["0.2.weight"] * (1 - MUON_RATE * DECAY)) / MUON_RATE
    lengths = torch.linalg.svdvals(turned.detach()) / (0.2 * 16**0.5)  # Muon's iterations make them 0.7 to 1.2
    assert 0.5 < float(lengths.min()) <= float(lengths.max()) < 1.5


def test_all_else_moves_as_by_adamw() -> None:
    moved, beside = network(), network()
    learn(moved, optimizer(moved, "another part."), range(3))
    vectors = [one for one in beside.parameters() if one.ndim < 2]
    tensors = [one for one in beside.parameters() if one.ndim == 2]
    groups = [{"params": tensors}, {"params": vectors, "weight_decay": 0.0}]
    learn(beside, torch.optim.AdamW(groups, RATE, (0.9, BETA2), weight_decay=DECAY), range(3))
    for name, one in weights(beside).items():
        torch.testing.assert_close(weights(moved)[name], one)


def test_what_does_not_learn_stays() -> None:
    moved = network().requires_grad_(False)
    moved[0][2].requires_grad_(True)
    before = weights(moved)
    learn(moved, optimizer(moved, "0."), range(2))
    changed = [name for name, one in weights(moved).items() if not torch.equal(one, before[name])]
    assert changed == ["0.2.weight", "0.2.bias"]


def test_a_run_that_goes_on_from_what_was_saved_ends_alike() -> None:
    whole, stopped = network(), network()
    learn(whole, optimizer(whole, "0."), range(6))
    first = optimizer(stopped, "0.")
    learn(stopped, first, range(3))
    again = optimizer(stopped, "0.")
    again.load_state_dict(deepcopy(first.state_dict()))
    learn(stopped, again, range(3, 6))
    for name, one in weights(whole).items():
        torch.testing.assert_close(weights(stopped)[name], one)


def test_a_schedule_sets_the_rate_of_both() -> None:
    moved = network()
    by = optimizer(moved, "0.")
    torch.optim.lr_scheduler.LambdaLR(by, lambda _step: 0.0)
    before = weights(moved)
    learn(moved, by, range(2))
    for name, one in weights(moved).items():
        torch.testing.assert_close(one, before[name])
