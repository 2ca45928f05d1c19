"""How much of samples is left when they are encoded and decoded: errors, similarity of structure, labels.

Table 2 of the paper gives no definitions. These are ours, and `DEFINITIONS` goes with every result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from minecli.apps.digits import DigitClassifier

# Five scales with a window of 11 need more than 160 pixels.
SSIM_SIDE = 176
SSIM_IMAGES = 500
_AT_ONCE = 250

DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "euclidean_error": "mean Euclidean distance of a held-out sample and its reconstruction, decoded from the mean "
        "of its code; pixels from -1 to 1, columns standardised",
        "euclidean_error_01": "the same with pixels from 0 to 1",
        "mean_squared_error": "mean squared difference per pixel or column, on the same scale as euclidean_error",
        "label_accuracy": "share of held-out images whose reconstruction the classifier gives their true label",
        "label_agreement": "share of held-out images that the classifier names as it names their reconstruction",
        "ms_ssim": "mean multi-scale structural similarity of images and reconstructions (Wang et al., 2003; window "
        f"11, five scales, range 2) of the first {SSIM_IMAGES}, images of less than {SSIM_SIDE} pixels scaled up to "
        f"{SSIM_SIDE} bilinearly",
        "attribute_accuracy": "mean over attributes of the balanced accuracy of a classifier of reconstructions",
        "attribute_agreement": "share of all attributes of all images that this classifier gets right",
    }
)


def reconstruction_metrics(
    x: Tensor, again: Tensor, *, classifier: DigitClassifier | None = None, labels: Tensor | None = None
) -> dict[str, float | None]:
    """Compare samples with their reconstructions, both (n, *shape); see `DEFINITIONS`.

    Args:
        classifier: names single-channel digits; with it, `labels` (n,) are compared.

    >>> reconstruction_metrics(torch.zeros(2, 4), torch.ones(2, 4))
    {'euclidean_error': 2.0, 'mean_squared_error': 1.0}
    """
    difference = (x - again).flatten(1).double()
    found: dict[str, float | None] = {"euclidean_error": float(difference.norm(dim=1).mean())}
    if x.dim() > 2:
        found["euclidean_error_01"] = float(difference.norm(dim=1).mean()) / 2.0
    found["mean_squared_error"] = float(difference.square().mean())
    if classifier is not None and labels is not None:
        named = classifier.classify(again)
        found["label_accuracy"] = float((named == labels).double().mean())
        found["label_agreement"] = float((named == classifier.classify(x)).double().mean())
    return found


def ms_ssim(x: Tensor, again: Tensor) -> float | None:
    """The mean multi-scale structural similarity of images (n, c, h, w) from -1 to 1; None without torchmetrics, the
    library that computes it (`pip install minecli[images]`)."""
    measure = _library()
    if measure is None:
        return None
    total = 0.0
    for one, two in zip(torch.split(x, _AT_ONCE), torch.split(again, _AT_ONCE), strict=True):
        total += float(measure(_large(two), _large(one), data_range=2.0)) * len(one)
    return total / len(x)


def _large(images: Tensor) -> Tensor:
    if min(images.shape[-2:]) >= SSIM_SIDE:
        return images
    return interpolate(images, size=(SSIM_SIDE, SSIM_SIDE), mode="bilinear", align_corners=False)


def _library() -> Callable[..., Any] | None:
    try:
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as measure
    except ImportError:
        return None
    found: Callable[..., Any] = measure
    return found


def attribute_scores(predicted: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    """Compare attributes (n, k): the mean balanced accuracy over those that occur both ways, and the plain share.

    >>> import numpy as np
    >>> true = np.array([[True, True], [False, True], [False, True], [False, True]])
    >>> attribute_scores(np.zeros_like(true), true)
    {'attribute_accuracy': 0.5, 'attribute_agreement': 0.375}
    """
    scores = []
    for said, is_so in zip(predicted.T, true.T, strict=True):
        if is_so.any() and not is_so.all():
            scores.append((said[is_so].mean() + (~said[~is_so]).mean()) / 2.0)
    return {
        "attribute_accuracy": float(sum(scores) / len(scores)) if scores else None,
        "attribute_agreement": float((predicted == true).mean()),
    }
