"""A generator as a program of its own."""

from __future__ import annotations

from pathlib import Path

from minecli.apps.adversarial.networks import build_generator
from minecli.apps.adversarial.programs import GeneratorProgram, prior_port
from minecli.apps.datasets.sample_columns import read_columns
from minecli.apps.ensembles.exporting import Exportable, Port, Scaling, about, pixels_port, values_port
from minecli.apps.ensembles.results import kept_networks, require_state
from minecli.apps.gan.config import GanRequest
from minecli.apps.gan.targets import layout_of
from minecli.errors import UsageError


def load_exportable(folder: Path, request: GanRequest, method: str, model: int) -> Exportable:
    """The generator of seed `model` that a run's folder holds; see `results.samples_of` for the errors.

    Raises:
        UsageError: what it makes are choices of a table.
    """
    if request.is_table and request.config.coding == "choices":
        raise UsageError(
            "a generator of tables by choices is no program by itself",
            hint=f"minecli gan sample {folder} draws from it; or train with --coding linear",
        )
    state = require_state(folder, request, method, "generator")
    table = read_columns(folder) if request.is_table else None
    shape = layout_of(request, table).shape
    generator = build_generator(request.seeds, shape, request.config)
    kept_networks(state, request.seeds, model, generator=generator)
    what = "what is generated"
    if table is not None:
        samples = values_port("samples", table, what)
    else:
        samples = pixels_port("samples", shape, what) if len(shape) > 1 else Port("samples", shape, what)
    program = GeneratorProgram(generator, shape, None if table is None else Scaling(table))
    return Exportable(program, [prior_port(request.config)], [samples], about(request, method, model, table))
