"""Blocks for several models at once against torch's own for one."""

import pytest
import torch

from minecli.apps.ensembles.layers import BatchNorm, Perceptron


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_batch_norm_is_torchs_for_every_model():
    rows = torch.randn(2, 30, 4, generator=torch.Generator().manual_seed(0)) * 3.0 + 1.0
    ours, theirs = BatchNorm(2, 4), [torch.nn.BatchNorm1d(4) for _ in range(2)]
    for _ in range(3):
        trained = ours(rows)
        expected = torch.stack([norm(rows[m]) for m, norm in enumerate(theirs)])
    torch.testing.assert_close(trained, expected)
    ours.eval()
    expected = torch.stack([norm.eval()(rows[m]) for m, norm in enumerate(theirs)])
    torch.testing.assert_close(ours(rows), expected)


@pytest.mark.parametrize("normalised", [False, True])
def test_a_model_is_what_it_would_be_alone(normalised):
    rows = torch.randn(2, 10, 3, generator=torch.Generator().manual_seed(0))
    both = Perceptron(generators(5, 6), 3, 8, 2, 2, normalised)(rows)
    alone = Perceptron(generators(6), 3, 8, 2, 2, normalised)(rows[1:])
    torch.testing.assert_close(both[1:], alone)


def test_a_perceptron_is_layers_of_leaky_rectifiers():
    net = Perceptron(generators(0), 3, 8, 2, 1)
    rows = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(1))
    h = rows[0]
    for linear in net.linears:
        h = torch.nn.functional.leaky_relu(h @ linear.weight[0] + linear.bias[0], 0.2)
    torch.testing.assert_close(net(rows)[0], h @ net.last.weight[0] + net.last.bias[0])
