"""The networks of a GAN on square images, several models side by side: a DCGAN of any width, depth and side.

At side 28 and with four convolutions the layers are those of the paper's supplementary material for stacked MNIST
(tables 4 to 6), which at 64 filters are the DCGAN (Radford, Metz and Chintala, 2016) that PacGAN (Lin et al., 2018)
trains. The supplement lists no batch normalisation in the discriminator, but calls for "the exact same set-up" as
PacGAN, whose discriminator has it from the second convolution on, with leaky rectifiers; these networks follow PacGAN.

The supplement's generators and discriminators for adversarially learned inference have three convolutions on MNIST
(28, 14, 7, 4 pixels) and four on CelebA (64, 32, 16, 8, 4). In general each convolution halves the side, rounding up,
and has twice the maps of the one before: f, 2f, 4f, ...; the generator goes the same way back.

All weights start normal with standard deviation 0.02 and all biases at 0, but where another start is named. What
batch normalisation follows has no bias, because the normalisation would take it away again.

All networks take `generators`, from which each model draws its initial weights; the `shape` of an image, (channels,
side, side), and raise ValueError where that is not square or cannot be halved so often; the number of maps `filters` of
the first convolution, or the generator's last hidden layer (f); and the number of convolutions `layers`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.ensembles.layers import DCGAN_SCALE, LEAK, Block, Convolution, Deconvolution, ImageBatchNorm, Linear
from minecli.mine.convolutional_statistics import halved_sides

# Channels, height and width, which are equal.
ImageShape = tuple[int, ...]


def _sides(shape: ImageShape, layers: int) -> tuple[int, ...]:
    """The sides of the maps from the image to the smallest ones."""
    _, height, width = shape
    if height != width:
        raise ValueError(f"images must be square, not {height} x {width}")
    return halved_sides(height, layers)


def _maps(filters: int, layers: int) -> list[int]:
    """The numbers of maps of all convolutions."""
    return [filters * 2**i for i in range(layers)]


def _linear(generators: Sequence[torch.Generator], inputs: int, outputs: int, bias: bool = True) -> Linear:
    return Linear(generators, inputs, outputs, DCGAN_SCALE * math.sqrt(inputs), bias)


class ImageGenerator(Block):
    """Latents (models, b, latent) to images (models, b, channels, side, side) with values in [-1, 1].

    ========  ====================  ====================
    layer     out, 28 x 28          then
    ========  ====================  ====================
    linear    8f x 2 x 2            normalisation, ReLU
    deconv    4f x 4 x 4            normalisation, ReLU
    deconv    2f x 7 x 7            normalisation, ReLU
    deconv    f x 14 x 14           normalisation, ReLU
    deconv    channels x 28 x 28    tanh
    ========  ====================  ====================

    Kernels are 5 x 5 with stride 2, f is 64 in the paper. The latent has `latent` components. The linear map's outputs
    are normalised per map, as the deconvolutions' are.

    >>> network = ImageGenerator([torch.Generator().manual_seed(s) for s in (0, 1)], 10, (3, 28, 28), 4)
    >>> network(torch.zeros(2, 5, 10)).shape
    torch.Size([2, 5, 3, 28, 28])
    """

    def __init__(
        self, generators: Sequence[torch.Generator], latent: int, shape: ImageShape, filters: int, layers: int = 4
    ) -> None:
        super().__init__()
        sides = _sides(shape, layers)[::-1]
        maps = [*reversed(_maps(filters, layers)), shape[0]]
        self.smallest = sides[0]
        self.first = _linear(generators, latent, maps[0] * self.smallest**2, bias=False)
        self.norms = nn.ModuleList(ImageBatchNorm(len(generators), m) for m in maps[:-1])
        # A side s becomes 2s - 1, and one more with an output padding of one.
        paddings = [after - (2 * before - 1) for before, after in itertools.pairwise(sides)]
        self.deconvolutions = nn.ModuleList(
            Deconvolution(generators, a, b, output_padding=padding, bias=i == layers - 1)
            for i, ((a, b), padding) in enumerate(zip(itertools.pairwise(maps), paddings, strict=True))
        )

    def forward(self, latent: Tensor) -> Tensor:
        images = self.first(latent).view(*latent.shape[:2], -1, self.smallest, self.smallest)
        for norm, deconvolution in zip(self.norms, self.deconvolutions, strict=True):
            images = deconvolution(functional.relu(norm(images)))
        return torch.tanh(images)


class ImageFeatures(Block):
    """The convolutions that discriminator and encoder share in shape: (models, b, channels, side, side) to features
    (models, b, outputs), which are the smallest maps' pixels: 32 f at side 28, with four layers.

    ========  ===============  ==========================
    layer     out, 28 x 28     then
    ========  ===============  ==========================
    conv      f x 14 x 14      leaky ReLU
    conv      2f x 7 x 7       normalisation, leaky ReLU
    conv      4f x 4 x 4       normalisation, leaky ReLU
    conv      8f x 2 x 2       normalisation, leaky ReLU
    ========  ===============  ==========================

    Kernels are 5 x 5 with stride 2. The leak is that of DCGAN's discriminators; without one it is a ReLU.
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        shape: ImageShape,
        filters: int,
        layers: int = 4,
        leak: float = LEAK,
    ) -> None:
        super().__init__()
        self.leak = leak
        maps = [shape[0], *_maps(filters, layers)]
        self.maps = maps[-1]
        self.outputs = maps[-1] * _sides(shape, layers)[-1] ** 2
        self.convolutions = nn.ModuleList(
            Convolution(generators, a, b, bias=i == 0) for i, (a, b) in enumerate(itertools.pairwise(maps))
        )
        self.norms = nn.ModuleList([nn.Identity(), *(ImageBatchNorm(len(generators), m) for m in maps[2:])])

    def forward(self, images: Tensor) -> Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            images = functional.leaky_relu(norm(convolution(images)), self.leak)
        return images.flatten(2)


class ImageDiscriminator(Block):
    """Logits of "real" for packs of images (Lin et al., PacGAN, 2018), or for pairs of an image and its latent.

    `ImageFeatures` of the pack, whose images are concatenated along the channels, then a linear map to the logit. With
    a latent, as ALI's and VEEGAN's discriminators need it, the latent passes through a linear map to one unit for each
    map of the last convolution (8f with four layers) and a leaky rectifier, joins the features, and one hidden layer
    with leaky rectifiers precedes the logit.

    The latent's weights start with standard deviation 1 / sqrt(latent). The features beside it are normalised, and what
    enters much smaller than they are is ignored for long.

    Args:
        pack: so many consecutive images share a logit; one is the usual discriminator.
        latent: components of the latent seen with each image; 0: images alone.
        joint_units: units of the hidden layer where images and latents meet (the paper's: 1024); 0: one for each map
            of the last convolution.
        direct: the latent joins the features as it is, as in the paper's tables, without a map of its own.

    >>> network = ImageDiscriminator([torch.Generator().manual_seed(s) for s in (0, 1)], (3, 28, 28), 4, pack=2)
    >>> network(torch.zeros(2, 10, 3, 28, 28)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        shape: ImageShape,
        filters: int,
        layers: int = 4,
        *,
        pack: int = 1,
        latent: int = 0,
        joint_units: int = 0,
        direct: bool = False,
    ) -> None:
        super().__init__()
        self.pack = pack
        self.features = ImageFeatures(generators, (shape[0] * pack, *shape[1:]), filters, layers)
        told, units = latent * pack if direct else self.features.maps, joint_units or self.features.maps
        self.latent = Linear(generators, latent * pack, told) if latent and not direct else None
        self.hidden = _linear(generators, self.features.outputs + told, units) if latent else None
        self.last = _linear(generators, units if latent else self.features.outputs, 1)

    def forward(self, images: Tensor, latent: Tensor | None = None) -> Tensor:
        """The logit of "real" of each pack.

        Args:
            images: (models, b * pack, channels, side, side).
            latent: (models, b * pack, latent), of a discriminator of pairs.

        Returns:
            (models, b).

        Raises:
            ValueError: a latent is missing, or is given to a discriminator of images alone.
        """
        if (latent is None) != (self.hidden is None):
            raise ValueError("a discriminator of pairs needs latents, one of images alone takes none")
        features = self.features(self._packed(images).flatten(2, 3))
        if latent is not None and self.hidden is not None:
            said = self._packed(latent).flatten(2)
            if self.latent is not None:
                said = functional.leaky_relu(self.latent(said), LEAK)
            features = functional.leaky_relu(self.hidden(torch.cat([features, said], 2)), LEAK)
        return self.last(features).squeeze(-1)

    def _packed(self, values: Tensor) -> Tensor:
        """(models, b * pack, ...) to (models, b, pack, ...)."""
        models, count = values.shape[:2]
        return values.reshape(models, count // self.pack, self.pack, *values.shape[2:])


class ImagePairDiscriminator(Block):
    """Logits of "real" for pairs (x, x') of two images, which are laid on one another along the channels: an
    `ImageDiscriminator` of 2 channels for each of an image (Li et al., "ALICE", 2017, for its cycles).

    >>> network = ImagePairDiscriminator([torch.Generator().manual_seed(0)], (3, 28, 28), 4)
    >>> network(torch.zeros(1, 5, 3, 28, 28), torch.zeros(1, 5, 3, 28, 28)).shape
    torch.Size([1, 5])
    """

    def __init__(self, generators: Sequence[torch.Generator], shape: ImageShape, filters: int, layers: int = 4) -> None:
        super().__init__()
        self.judge = ImageDiscriminator(generators, (2 * shape[0], *shape[1:]), filters, layers)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The logits (models, b) of pairs, two times (models, b, channels, side, side)."""
        return self.judge(torch.cat([first, second], 2))


class ImageEncoder(Block):
    """Images (models, b, channels, side, side) to (models, b, outputs): `ImageFeatures`, then a linear map.

    The map's weights start with standard deviation 1 / sqrt(features), so that the outputs' spread is near that of a
    latent's at once.

    >>> network = ImageEncoder([torch.Generator().manual_seed(0)], (3, 28, 28), 4, 10)
    >>> network(torch.zeros(1, 5, 3, 28, 28)).shape
    torch.Size([1, 5, 10])
    """

    def __init__(
        self, generators: Sequence[torch.Generator], shape: ImageShape, filters: int, outputs: int, layers: int = 4
    ) -> None:
        super().__init__()
        self.features = ImageFeatures(generators, shape, filters, layers)
        self.last = Linear(generators, self.features.outputs, outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.features(images))


class NoisyImageEncoder(Block):
    """Images (models, b, channels, side, side) and maps of noise beside them to latents (models, b, outputs), as in the
    paper's supplementary tables: what is random in q(z|x) comes in with the image.

    ========  ===============  =====================
    layer     out, 28 x 28     then
    ========  ===============  =====================
    conv      f x 14 x 14      ReLU
    conv      2f x 7 x 7       normalisation, ReLU
    conv      4f x 4 x 4       normalisation, ReLU
    conv      4f x 1 x 1       ReLU
    linear    outputs
    ========  ===============  =====================

    Kernels are 5 x 5 with stride 2, but the last is as large as the maps, so that it is a linear map of all their
    pixels; the normalisation is not in the tables. Noise of as many maps as here, each of an image's size, makes the
    first convolution as many times more expensive.

    Images come with their noise behind their own channels; to those that come without, noise is added that is the same
    for all: then the code of an image depends on nothing else.

    >>> network = NoisyImageEncoder([torch.Generator().manual_seed(0)], (1, 28, 28), 4, 10, noise_channels=2, layers=3)
    >>> network(torch.zeros(1, 5, 3, 28, 28)).shape, network(torch.zeros(1, 5, 1, 28, 28)).shape
    (torch.Size([1, 5, 10]), torch.Size([1, 5, 10]))
    """

    still: Tensor

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        shape: ImageShape,
        filters: int,
        outputs: int,
        *,
        noise_channels: int,
        layers: int = 4,
    ) -> None:
        super().__init__()
        self.channels, side, _ = shape
        self.features = ImageFeatures(generators, (self.channels + noise_channels, side, side), filters, layers, 0.0)
        self.valid = Linear(generators, self.features.outputs, self.features.maps, math.sqrt(2.0))
        self.last = Linear(generators, self.features.maps, outputs)
        still = [torch.randn(1, noise_channels, side, side, generator=g) for g in generators]
        self.register_buffer("still", torch.stack(still))

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[2] == self.channels:
            images = torch.cat([images, self.still.expand(-1, images.shape[1], -1, -1, -1)], 2)
        return self.last(functional.relu(self.valid(self.features(images))))
