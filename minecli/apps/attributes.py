"""A small classifier of yes-or-no attributes of images, trained by the tool: what of a face a reconstruction keeps.

Four convolutions of stride 2 and a linear map; the losses of rare attributes weigh as much as those of frequent ones,
since what is asked of it is balanced accuracy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli import events
from minecli.apps.adversarial.data import RealSamples
from minecli.apps.reconstruction import attribute_scores
from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from minecli.runtime.seeds import child_seed

STAGE = "attribute classifier"
_VERSION = 1
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class AttributeConfig:
    """How the classifier is made and trained by Adam, whose rate falls linearly to zero."""

    filters: int = 16
    layers: int = 4
    steps: int = 400
    batch: int = 64
    rate: float = 2e-3
    seed: int = 0


class _Network(nn.Module):
    """(n, c, side, side) to logits (n, attributes)."""

    def __init__(self, channels: int, side: int, attributes: int, config: AttributeConfig) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(child_seed(config.seed, "attribute-classifier", "weights"))

        def weight(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=draws) * math.sqrt(2 / math.prod(shape[1:])))

        widths = [channels, *(config.filters * 2**i for i in range(config.layers))]
        self.kernels = nn.ParameterList(weight(b, a, 3, 3) for a, b in itertools.pairwise(widths))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(b)) for b in widths[1:])
        for _ in range(config.layers):
            side = -(-side // 2)
        self.out = weight(attributes, widths[-1] * side * side)
        self.out_bias = nn.Parameter(torch.zeros(attributes))

    def forward(self, images: Tensor) -> Tensor:
        maps = images
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            maps = functional.relu(functional.conv2d(maps, kernel, bias, stride=2, padding=1))
        return functional.linear(maps.flatten(1), self.out, self.out_bias)


class AttributeClassifier:
    """A trained classifier; `balanced_accuracy` is the mean over attributes on images it was not trained on."""

    def __init__(self, network: nn.Module, device: str, balanced_accuracy: float) -> None:
        self._network = network.to(device).eval().requires_grad_(False)
        self._device, self.balanced_accuracy = device, balanced_accuracy

    @torch.no_grad()
    def predict(self, images: Tensor) -> npt.NDArray[np.bool_]:
        """Which attributes each image has, shape (n, k); images (n, c, side, side) from -1 to 1."""
        parts = [self._network(part.to(self._device)).cpu() > 0.0 for part in torch.split(images, _AT_ONCE)]
        found: npt.NDArray[np.bool_] = torch.cat(parts).numpy()
        return found


def load_attribute_classifier(
    images: RealSamples,
    attributes: npt.NDArray[np.bool_],
    learnt: npt.NDArray[np.int64],
    kept: npt.NDArray[np.int64],
    device: str,
    cache: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
    config: AttributeConfig = AttributeConfig(),
) -> AttributeClassifier | None:
    """Take the classifier from the cache, or train it and put it there; None where it was stopped.

    Args:
        images: all images, of which `attributes`, shape (n, k), says what they show.
        learnt: numbers of the images to train on.
        kept: numbers of those on which its balanced accuracy is measured.
        device: where it computes.
        cache: a folder; None to keep nothing. A cache that cannot be read or written costs the cache alone.
        observer: told of progress.
        should_stop: asked at every step.
        config: settings.
    """
    probe = images.rows(torch.from_numpy(learnt[:8])[None])[0].cpu().numpy()
    settings = {"version": _VERSION, **asdict(config), "shape": list(images.shape)}
    mark = fingerprint(settings, probe, attributes, learnt, kept)
    path = None if cache is None else cache / f"attribute-classifier-{mark[:12]}.pt"
    network = _Network(images.shape[0], images.shape[1], attributes.shape[1], config)
    if path is not None and path.exists():
        try:
            state: dict[str, Any] = load_checkpoint(path, fingerprint=mark)
            network.load_state_dict(state["network"])
            return AttributeClassifier(network, device, float(state["balanced_accuracy"]))
        except (DataError, UsageError) as failure:
            observer(events.Event(STAGE, message=f"trained again, as {failure.problem}"))
    network.to(device)
    if not _train(network, images, attributes, learnt, config, observer, should_stop):
        return None
    judge = AttributeClassifier(network, device, math.nan)
    said = [
        judge.predict(images.rows(torch.from_numpy(p)[None])[0])
        for p in np.array_split(kept, -(-len(kept) // _AT_ONCE))
    ]
    score = attribute_scores(np.concatenate(said), attributes[kept])["attribute_accuracy"]
    classifier = AttributeClassifier(network, device, math.nan if score is None else score)
    if path is not None:
        _keep(path, mark, network, classifier.balanced_accuracy, observer)
    return classifier


def _keep(path: Path, mark: str, network: nn.Module, accuracy: float, observer: events.Observer) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: value.cpu() for name, value in network.state_dict().items()}
        save_checkpoint(path, {"network": weights, "balanced_accuracy": accuracy}, fingerprint=mark)
    except (OSError, OutputError) as failure:
        observer(events.Event(STAGE, message=f"not kept for later runs: {failure}"))


def _train(
    network: nn.Module,
    images: RealSamples,
    attributes: npt.NDArray[np.bool_],
    learnt: npt.NDArray[np.int64],
    config: AttributeConfig,
    observer: events.Observer,
    should_stop: Callable[[], bool],
) -> bool:
    """Train the network in place; False if stopped."""
    device = images.device
    truth = torch.from_numpy(attributes).float()
    share = truth[learnt].mean(0).clamp(0.001, 0.999)
    weights = (truth / share + (1.0 - truth) / (1.0 - share)) / 2.0
    optimizer = torch.optim.Adam(network.parameters(), lr=config.rate)
    draws = torch.Generator().manual_seed(child_seed(config.seed, "attribute-classifier", "order"))
    for step in range(config.steps):
        if should_stop():
            return False
        for group in optimizer.param_groups:
            group["lr"] = config.rate * (1.0 - step / config.steps)
        chosen = torch.from_numpy(learnt)[torch.randint(len(learnt), (config.batch,), generator=draws)]
        batch = images.rows(chosen[None])[0]
        # Faces mirrored are faces.
        batch = batch.flip(3) if step % 2 else batch
        loss = functional.binary_cross_entropy_with_logits(
            network(batch), truth[chosen].to(device), weight=weights[chosen].to(device)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if (step + 1) % 25 == 0 or step + 1 == config.steps:
            observer(events.Event(STAGE, step + 1, config.steps, {"loss_nats": float(loss.detach())}))
    return True
