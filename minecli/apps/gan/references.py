"""What the metrics of a GAN are worth: their values on noise that nobody trained, and on real data held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.adversarial.draws import draw_prior, stream
from minecli.apps.adversarial.networks import build_generator
from minecli.apps.datasets.stacked_digits import DigitStacks
from minecli.apps.datasets.synthetic import Rows
from minecli.apps.ensembles.training import applied
from minecli.apps.gan.config import GanConfig
from minecli.runtime.seeds import generator

# Finite samples (n, *shape) of one model, on the CPU, to numbers.
SampleMetrics = Callable[[Tensor], dict[str, float | None]]
References = dict[str, dict[str, float | None]]

_STREAM = ("gan", "reference")


def toy_references(
    make: Callable[[int, np.random.Generator], Rows], metrics: SampleMetrics, config: GanConfig, name: str
) -> References:
    """Metrics of `config.samples` points of normal noise with the data's mean and standard deviation in each column, of
    noise uniform over the data's range, and of the data, drawn anew: those of the run are not among them."""
    count = config.samples
    real = make(count, generator(0, *_STREAM, name))
    rng = generator(0, *_STREAM, name, "noise")
    normal = real.mean(0) + real.std(0) * rng.standard_normal((count, 2))
    uniform = rng.uniform(real.min(0), real.max(0), (count, 2))
    return _measured({"noise": normal, "uniform noise": uniform, "real": real}, metrics)


def stack_references(stacks: DigitStacks, fresh: DigitStacks, metrics: SampleMetrics, config: GanConfig) -> References:
    """Metrics of `config.samples` stacks: pixels of normal noise with the digits' mean and standard deviation, what the
    generator of seed 0 makes before it is trained, and fresh stacks of digits.

    Args:
        stacks: those that are learnt.
        fresh: others, at least as many as are measured.
    """
    count = config.samples
    real = fresh.rows(torch.arange(count)[None])[0].cpu()
    draws = stream(0, "reference", "noise")
    noise = (real.mean() + real.std() * torch.randn(real.shape, generator=draws)).clamp_(-1.0, 1.0)
    untrained = build_generator((0,), stacks.shape, config)
    made = applied(untrained, draw_prior(config, count, stream(0, "reference"))[None], torch.device("cpu"))[0]
    return _measured({"noise": noise, "untrained": made, "real": real}, metrics)


def _measured(samples: Mapping[str, Tensor | npt.NDArray[np.floating[Any]]], metrics: SampleMetrics) -> References:
    return {name: metrics(torch.as_tensor(each)) for name, each in samples.items()}
