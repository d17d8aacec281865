"""Work counted on shapes: operations, bytes, what is alive."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.contracts import Cost
from bench.cost.meter import Work, measure
from bench.cost.speed import Speed, seconds, speed_of


def empty(*shape):
    return torch.empty(shape, device="meta")


def test_operations_are_those_of_the_formula():
    """2 m k n for a product; a backward pass of both factors is two more."""
    weight = empty(30, 40).requires_grad_()
    x = empty(20, 30).requires_grad_()
    assert measure(lambda: x @ weight).flops == 2 * 20 * 30 * 40
    assert measure(lambda: (x @ weight).sum().backward()).flops == 3 * 2 * 20 * 30 * 40


def test_it_agrees_with_torchs_own_counter():
    """On the processor, with numbers."""
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 4, 3, stride=2)]
    model, x = nn.Sequential(*layers), torch.zeros(2, 3, 16, 16)
    with FlopCounterMode(display=False) as counter:
        model(x).sum().backward()
    model.to("meta")
    assert measure(lambda: model(x.to("meta")).sum().backward()).flops == counter.get_total_flops()


def test_bytes_are_read_and_written_once():
    x = empty(1000)
    work = measure(lambda: x + x)
    assert (work.moved, work.calls) == (3 * 4000, 1)
    assert measure(lambda: x.view(10, 100).transpose(0, 1)) == Work()


def test_the_peak_falls_when_a_tensor_is_let_go():
    x = empty(1000)

    def chain(keep):
        kept = [x]
        for _ in range(5):
            kept.append(kept[-1] + 1)
            if not keep:
                del kept[:-1]

    assert measure(lambda: chain(True)).peak == 5 * 4000
    assert measure(lambda: chain(False)).peak == 2 * 4000


def test_activations_live_until_the_backward_pass():
    layers = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64, device="meta"), nn.SiLU()) for _ in range(10)))
    x, activation = empty(512, 64), 512 * 64 * 4
    with torch.no_grad():
        assert measure(lambda: layers(x)).peak <= 3 * activation
    peak = measure(lambda: layers(x).sum().backward()).peak
    assert 18 * activation <= peak <= 25 * activation


def test_attention_keeps_no_matrix_of_all_pairs():
    q = empty(1, 2, 4096, 16)
    work = measure(lambda: nn.functional.scaled_dot_product_attention(q, q, q))
    assert work.flops == 2 * 2 * 2 * 4096 * 4096 * 16
    assert work.peak < 4096 * 4096


def test_numbers_are_kept_until_they_meet_a_shape():
    t, x, seen = torch.tensor([100, 300]), empty(2, 3), []

    def code():
        rows = torch.nonzero(t <= 200).flatten()
        seen.append((x[rows] * t[rows]).shape)
        seen.append(x.sum().item())

    measure(code)
    assert seen == [(1, 3), 1.0]


def test_times_and_then():
    one = Work(1.0, 2.0, 3.0, 4.0)
    assert one.times(3).then(Work(peak=9.0)) == Work(3.0, 6.0, 9.0, 9.0)


def test_seconds_add_up():
    assert seconds(Cost(flops=10.0, moved=20.0, calls=30.0, memory=0.0), Speed(10.0, 10.0, 10.0)) == pytest.approx(6.0)


@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=pytest.mark.slow)])
def test_a_processors_speed_is_of_its_order(precision):
    """Between a microcontroller and a whole cluster; measured once."""
    speed = speed_of("cpu", precision)
    assert 1e7 < speed.flops < 1e15
    assert 1e7 < speed.moved < 1e13
    assert 1e3 < speed.calls < 1e8
    assert speed_of("cpu", precision) is speed
