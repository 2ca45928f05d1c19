"""A generator as a program of its own."""

from __future__ import annotations

from pathlib import Path

from minecli.apps.adversarial.programs import GeneratorProgram, prior_port
from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.datasets.table_rows import TableRows
from minecli.apps.ensembles.exporting import Exportable, Port, Scaling, about, pixels_port, values_port
from minecli.apps.gan.config import GanRequest
from minecli.apps.gan.results import stored_generator


def load_exportable(folder: Path, request: GanRequest, method: str, model: int) -> Exportable:
    """The generator of seed `model` that a run's folder holds; see `results.samples_of` for the errors."""
    stored = stored_generator(folder, request, (method, model))
    generator, table, shape = stored.generator, stored.table, stored.layout.shape
    latent = prior_port(request.config)
    if stored.entries:
        more = f"; the last {stored.entries} entries are Gumbel draws, which choose levels"
        latent = Port("latent", (request.config.latent + stored.entries,), latent.meaning + more)
    if isinstance(table, TableRows):
        samples, scaling = values_port("samples", table, "what is generated"), Scaling(table)
        return Exportable(
            GeneratorProgram(generator, shape, scaling), [latent], [samples], about(request, method, model, table)
        )
    known = about(request, method, model, None)
    if isinstance(table, CodedRows):
        known |= {"table": table.to_json()}
        samples = Port("samples", shape, "generated features of the columns that `table` codes")
    else:
        what = "what is generated"
        samples = pixels_port("samples", shape, what) if len(shape) > 1 else Port("samples", shape, what)
    return Exportable(GeneratorProgram(generator, shape, None), [latent], [samples], known)
