"""The networks of a GAN on 28 x 28 images, several models side by side: a DCGAN of any width.

The layers are those of the paper's supplementary material (tables 4 to 6, stacked MNIST), which at 64 filters are
the DCGAN (Radford, Metz and Chintala, 2016) that PacGAN (Lin et al., 2018) trains. The supplement lists no batch
normalisation in the discriminator, but calls for "the exact same set-up" as PacGAN, whose discriminator has it from
the second convolution on, with leaky rectifiers; these networks follow PacGAN.

All weights start normal with standard deviation 0.02 and all biases at 0, but where another start is named. What
batch normalisation follows has no bias, because the normalisation would take it away again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.adversarial.blocks import LEAK, Linear
from minecli.apps.adversarial.convolutions import DCGAN_SCALE, Convolution, Deconvolution, ImageBatchNorm

# Halving 28 four times, each time rounding up: 14, 7, 4, 2.
_SMALLEST = 2
# What takes 2 back to 4, 7, 14 and 28.
_OUTPUT_PADDINGS = (1, 0, 1, 1)


def _linear(generators: Sequence[torch.Generator], inputs: int, outputs: int, bias: bool = True) -> Linear:
    return Linear(generators, inputs, outputs, DCGAN_SCALE * math.sqrt(inputs), bias)


class ImageGenerator(nn.Module):
    """Latents (models, b, latent) to images (models, b, channels, 28, 28) with values in [-1, 1].

    ========  ===============  ====================
    layer     out              then
    ========  ===============  ====================
    linear    8f x 2 x 2       normalisation, ReLU
    deconv    4f x 4 x 4       normalisation, ReLU
    deconv    2f x 7 x 7       normalisation, ReLU
    deconv    f x 14 x 14      normalisation, ReLU
    deconv    channels x 28²   tanh
    ========  ===============  ====================

    Kernels are 5 x 5 with stride 2, f is `filters` (the paper's generator: 64). The linear map's outputs are
    normalised per map, as the deconvolutions' are.

    Args:
        generators: where each model draws its initial weights.
        latent: components of the latent.
        channels: of the images.
        filters: maps of the last hidden layer.

    >>> network = ImageGenerator([torch.Generator().manual_seed(s) for s in (0, 1)], 10, 3, 4)
    >>> network(torch.zeros(2, 5, 10)).shape
    torch.Size([2, 5, 3, 28, 28])
    """

    def __init__(self, generators: Sequence[torch.Generator], latent: int, channels: int, filters: int) -> None:
        super().__init__()
        maps = [8 * filters, 4 * filters, 2 * filters, filters, channels]
        last = len(_OUTPUT_PADDINGS) - 1
        self.first = _linear(generators, latent, maps[0] * _SMALLEST**2, bias=False)
        self.norms = nn.ModuleList(ImageBatchNorm(len(generators), m) for m in maps[:-1])
        self.deconvolutions = nn.ModuleList(
            Deconvolution(generators, a, b, output_padding=padding, bias=i == last)
            for i, ((a, b), padding) in enumerate(zip(itertools.pairwise(maps), _OUTPUT_PADDINGS, strict=True))
        )

    def forward(self, latent: Tensor) -> Tensor:
        images: Tensor = self.first(latent).view(*latent.shape[:2], -1, _SMALLEST, _SMALLEST)
        for norm, deconvolution in zip(self.norms, self.deconvolutions, strict=True):
            images = deconvolution(functional.relu(norm(images)))
        return torch.tanh(images)


class ImageFeatures(nn.Module):
    """The convolutions that discriminator and encoder share in shape: (models, b, channels, 28, 28) to features
    (models, b, 32 f).

    ========  ===============  ==========================
    layer     out              then
    ========  ===============  ==========================
    conv      f x 14 x 14      leaky ReLU
    conv      2f x 7 x 7       normalisation, leaky ReLU
    conv      4f x 4 x 4       normalisation, leaky ReLU
    conv      8f x 2 x 2       normalisation, leaky ReLU
    ========  ===============  ==========================

    Kernels are 5 x 5 with stride 2, the leak is 0.2.
    """

    def __init__(self, generators: Sequence[torch.Generator], channels: int, filters: int) -> None:
        super().__init__()
        maps = [channels, filters, 2 * filters, 4 * filters, 8 * filters]
        self.outputs = maps[-1] * _SMALLEST**2
        self.convolutions = nn.ModuleList(
            Convolution(generators, a, b, bias=i == 0) for i, (a, b) in enumerate(itertools.pairwise(maps))
        )
        self.norms = nn.ModuleList([nn.Identity(), *(ImageBatchNorm(len(generators), m) for m in maps[2:])])

    def forward(self, images: Tensor) -> Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            images = functional.leaky_relu(norm(convolution(images)), LEAK)
        return images.flatten(2)


class ImageDiscriminator(nn.Module):
    """Logits of "real" for packs of images (Lin et al., PacGAN, 2018), or for pairs of an image and its latent.

    `ImageFeatures` of the pack, whose images are concatenated along the channels, then a linear map to the logit. With
    a latent, as ALI's and VEEGAN's discriminators need it, the latent passes through a linear map to 8f units and a
    leaky rectifier, joins the features, and one hidden layer of 8f units with leaky rectifiers precedes the logit.

    Args:
        generators: where each model draws its initial weights.
        channels: of one image.
        filters: maps of the first convolution (f).
        pack: so many consecutive images are judged together; one is the usual discriminator.
        latent: components of the latent judged with each image; 0: images alone.

    >>> network = ImageDiscriminator([torch.Generator().manual_seed(s) for s in (0, 1)], 3, 4, pack=2)
    >>> network(torch.zeros(2, 10, 3, 28, 28)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self, generators: Sequence[torch.Generator], channels: int, filters: int, pack: int = 1, latent: int = 0
    ) -> None:
        super().__init__()
        self.pack = pack
        self.features = ImageFeatures(generators, channels * pack, filters)
        units = 8 * filters
        self.latent = _linear(generators, latent * pack, units) if latent else None
        self.hidden = _linear(generators, self.features.outputs + units, units) if latent else None
        self.last = _linear(generators, units if latent else self.features.outputs, 1)

    def forward(self, images: Tensor, latent: Tensor | None = None) -> Tensor:
        """Judge packs.

        Args:
            images: (models, b * pack, channels, 28, 28).
            latent: (models, b * pack, latent), where the discriminator judges pairs.

        Returns:
            (models, b).

        Raises:
            ValueError: a latent is missing, or is given to a discriminator of images alone.
        """
        if (latent is None) != (self.latent is None):
            raise ValueError("a discriminator of pairs needs latents, one of images alone takes none")
        features: Tensor = self.features(self._packed(images).flatten(2, 3))
        if latent is not None and self.latent is not None and self.hidden is not None:
            said = functional.leaky_relu(self.latent(self._packed(latent).flatten(2)), LEAK)
            features = functional.leaky_relu(self.hidden(torch.cat([features, said], 2)), LEAK)
        logits: Tensor = self.last(features)
        return logits.squeeze(-1)

    def _packed(self, values: Tensor) -> Tensor:
        """(models, b * pack, ...) to (models, b, pack, ...)."""
        models, count = values.shape[:2]
        return values.reshape(models, count // self.pack, self.pack, *values.shape[2:])


class ImageEncoder(nn.Module):
    """Images (models, b, channels, 28, 28) to (models, b, outputs): `ImageFeatures`, then a linear map whose weights
    start with standard deviation 1 / sqrt(features), so that the outputs' spread is near that of a latent's at once.

    Args:
        generators: where each model draws its initial weights.
        channels: of an image.
        filters: maps of the first convolution (f).
        outputs: columns that come out.

    >>> network = ImageEncoder([torch.Generator().manual_seed(0)], 3, 4, 10)
    >>> network(torch.zeros(1, 5, 3, 28, 28)).shape
    torch.Size([1, 5, 10])
    """

    def __init__(self, generators: Sequence[torch.Generator], channels: int, filters: int, outputs: int) -> None:
        super().__init__()
        self.features = ImageFeatures(generators, channels, filters)
        self.last = Linear(generators, self.features.outputs, outputs)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.last(self.features(images))
        return out
