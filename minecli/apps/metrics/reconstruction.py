"""How much of samples is left when they are encoded and decoded: errors, similarity of structure, labels.

Table 2 of the paper gives no definitions. These are ours, and `DEFINITIONS` goes with every result.

Structural similarity is computed by torchmetrics, an optional library: of those compared it alone is maintained and
needs little beside torch (pytorch-msssim has had no release since 2023, piq asks for torchvision). It averages the
coarsest scale over borders as well, where pytorch-msssim takes whole windows only: 0.701 and 0.708 for 16 principal
components of MNIST's digits, 0.247 and 0.215 for pairs of other digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from minecli.apps.metrics.digit_classifier import DigitClassifier

# Five scales with a window of 11 need more than 160 pixels.
SSIM_SIDE = 176
SSIM_IMAGES = 500
_SSIM_AT_ONCE = 250
_ROWS_AT_ONCE = 10_000

DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "euclidean_error": "mean Euclidean distance of a held-out sample and its reconstruction, decoded from the mean "
        "of its code; pixels from -1 to 1, columns standardised",
        "euclidean_error_01": "the same with pixels from 0 to 1",
        "mean_squared_error": "mean squared difference per pixel or column, on the same scale as euclidean_error",
        "label_accuracy": "share of held-out images whose reconstruction the classifier gives their true label",
        "label_agreement": "share of held-out images that the classifier names as it names their reconstruction",
        "ms_ssim": "mean multi-scale structural similarity of images and reconstructions (Wang et al., 2003; window "
        f"11, five scales, pixels from 0 to 1) of the first {SSIM_IMAGES}, images of less than {SSIM_SIDE} pixels "
        f"scaled up to {SSIM_SIDE} bilinearly; needs torchmetrics",
        "attribute_accuracy": "mean over the attributes that occur both ways of the balanced accuracy of a classifier "
        "of reconstructions",
        "attribute_agreement": "share of all attributes of all images that this classifier gets right",
    }
)


def reconstruction_metrics(
    x: Tensor, again: Tensor, *, classifier: DigitClassifier | None = None, labels: Tensor | None = None
) -> dict[str, float | None]:
    """Compare samples with their reconstructions, both (n, *shape); see `DEFINITIONS`.

    Args:
        classifier: names single-channel digits; with it, `labels` (n,) are compared.

    Raises:
        ValueError: no samples, or shapes that do not match.

    >>> reconstruction_metrics(torch.zeros(2, 4), torch.ones(2, 4))
    {'euclidean_error': 2.0, 'mean_squared_error': 1.0}
    """
    _refuse_other_shapes(x, again)
    squares = _squared_distances(x, again)
    metrics: dict[str, float | None] = {"euclidean_error": float(squares.sqrt().mean())}
    if x.dim() > 2:
        metrics["euclidean_error_01"] = float(squares.sqrt().mean()) / 2.0
    metrics["mean_squared_error"] = float(squares.mean()) / x[0].numel()
    if classifier is not None and labels is not None:
        if labels.shape != (len(x),):
            raise ValueError(f"labels of shape {tuple(labels.shape)} for {len(x)} samples")
        named = classifier.classify(again)
        metrics["label_accuracy"] = float((named == labels).double().mean())
        metrics["label_agreement"] = float((named == classifier.classify(x)).double().mean())
    return metrics


def _refuse_other_shapes(x: Tensor, again: Tensor) -> None:
    """Shapes that broadcast would give numbers that mean nothing."""
    if x.shape != again.shape or x.dim() < 2 or len(x) == 0:
        raise ValueError(f"samples of shape {tuple(x.shape)}, reconstructions of shape {tuple(again.shape)}")


def _squared_distances(x: Tensor, again: Tensor) -> Tensor:
    """Of each sample and its reconstruction, shape (n,), float64; parts, so that no copy of all is made."""
    pairs = zip(torch.split(x, _ROWS_AT_ONCE), torch.split(again, _ROWS_AT_ONCE), strict=True)
    return torch.cat([(one.double() - two.double()).flatten(1).square().sum(1) for one, two in pairs])


def ms_ssim(x: Tensor, again: Tensor) -> float | None:
    """The mean multi-scale structural similarity of images (n, c, h, w) from -1 to 1; None without torchmetrics, the
    library that computes it (`pip install minecli[images]`).

    Its luminance term compares means of pixels by their ratio, which needs pixels that are not negative: they are
    brought to 0 to 1, and cut off there.

    Raises:
        ValueError: no images, or shapes that do not match.
    """
    _refuse_other_shapes(x, again)
    if x.dim() != 4:
        raise ValueError(f"images of shape {tuple(x.shape)}; (n, c, h, w) is needed")
    try:
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as measure
    except ImportError:
        return None
    total = 0.0
    for one, two in zip(torch.split(x, _SSIM_AT_ONCE), torch.split(again, _SSIM_AT_ONCE), strict=True):
        total += float(measure(_large(two), _large(one), data_range=1.0)) * len(one)
    return total / len(x)


def _large(images: Tensor) -> Tensor:
    """Pixels from 0 to 1, at least as many as five scales need."""
    pixels = ((images + 1.0) / 2.0).clamp(0.0, 1.0)
    if min(images.shape[-2:]) >= SSIM_SIDE:
        return pixels
    return interpolate(pixels, size=(SSIM_SIDE, SSIM_SIDE), mode="bilinear", align_corners=False)


def attribute_scores(predicted: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    """Compare attributes (n, k): the mean balanced accuracy over those that occur both ways, and the plain share.

    Raises:
        ValueError: shapes that do not match.

    >>> import numpy as np
    >>> true = np.array([[True, True], [False, True], [False, True], [False, True]])
    >>> attribute_scores(np.zeros_like(true), true)
    {'attribute_accuracy': 0.5, 'attribute_agreement': 0.375}
    """
    if predicted.shape != true.shape or true.ndim != 2:
        raise ValueError(f"attributes of shape {predicted.shape} and {true.shape}; both (n, k) are needed")
    scores = []
    for said, is_so in zip(predicted.T, true.T, strict=True):
        if is_so.any() and not is_so.all():
            scores.append((said[is_so].mean() + (~said[~is_so]).mean()) / 2.0)
    return {
        "attribute_accuracy": float(sum(scores) / len(scores)) if scores else None,
        "attribute_agreement": float((predicted == true).mean()),
    }
