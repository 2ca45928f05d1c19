"""An encoder with its generator, or the generator alone, as a program of its own."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from minecli.apps.adversarial.networks import encoded
from minecli.apps.adversarial.programs import GeneratorProgram, prior_port
from minecli.apps.ali.config import AliRequest
from minecli.apps.ali.results import load_coder, seen_shape
from minecli.apps.ali.unseen import layout_of_run
from minecli.apps.datasets.sample_columns import read_columns
from minecli.apps.ensembles.exporting import Exportable, Port, Scaling, about, pixels_port, values_port
from minecli.errors import UsageError

Shape = tuple[int, ...]


class EncoderProgram(nn.Module):
    """Samples (n, *shape) to mean and deviation (n, l) of q(z|x), and what the generator makes of the mean."""

    def __init__(self, encoder: nn.Module, decoder: GeneratorProgram, seen: Shape) -> None:
        super().__init__()
        self.encoder, self.decoder, self.seen = encoder, decoder, seen

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scaling = self.decoder.scaling
        rows = samples if scaling is None else scaling(samples)
        outputs = self.encoder(rows.reshape(1, -1, *self.seen))
        mean = encoded(outputs, outputs.new_zeros(()))[0]
        deviation = encoded(outputs, outputs.new_ones(()))[0] - mean
        return mean, deviation, self.decoder(mean)


def load_exportable(folder: Path, request: AliRequest, method: str, model: int, part: str = "encoder") -> Exportable:
    """The model of seed `model` that a run's folder holds: the encoder with the generator, or the `part` "generator".

    Raises:
        UsageError: the run has not come far enough, or the method has no networks.
        DataError: its checkpoint cannot be read.
    """
    if method == "pca":
        raise UsageError("principal components are no network; there is nothing to export", hint="try another --method")
    table = read_columns(folder) if request.is_table else None
    shape = layout_of_run(folder, request).shape
    coder = load_coder(folder, request, method, model, shape)
    assert isinstance(coder.encoder, nn.Module)
    assert coder.generator is not None
    decoder = GeneratorProgram(coder.generator, shape, None if table is None else Scaling(table))
    known, width = about(request, method, model, table), request.config.latent

    def samples(name: str, what: str) -> Port:
        if table is not None:
            return values_port(name, table, what)
        return pixels_port(name, shape, what) if request.is_images else Port(name, shape, what)

    if part == "generator":
        return Exportable(decoder, [prior_port(request.config)], [samples("samples", "what is generated")], known)
    outputs = [
        Port("latent", (width,), "mean of q(z|x)"),
        Port("deviation", (width,), "deviation of q(z|x)"),
        samples("reconstruction", "what the generator makes of the mean"),
    ]
    program = EncoderProgram(coder.encoder, decoder, seen_shape(request, shape))
    return Exportable(program, [samples("samples", "what is encoded")], outputs, known)
