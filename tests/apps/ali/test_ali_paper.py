"""The preset `paper` has the layers of the paper's supplementary tables, as `minecli docs ali` says."""

import pytest

from minecli.apps.adversarial.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_statistics_network,
)
from minecli.apps.ali.config import preset

# Weights without biases, normalisation and the axis of models: kernels as (maps out, maps in, 5, 5), of the generator
# the other way round; linear maps as (inputs, outputs).
MNIST = {
    "encoder": [(64, 129, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (256 * 16, 256), (256, 128)],
    "generator": [(128, 256 * 16), (256, 128, 5, 5), (128, 64, 5, 5), (64, 1, 5, 5)],
    "discriminator": [(64, 1, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (256 * 16 + 128, 1024), (1024, 1)],
    "statistics": [(16, 1, 5, 5), (32, 16, 5, 5), (64, 32, 5, 5), (64 * 16, 1024), (1024, 1)],
}
FACES = {
    "encoder": [(64, 259, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5), (512 * 16, 512), (512, 256)],
    "generator": [(256, 512 * 16), (512, 256, 5, 5), (256, 128, 5, 5), (128, 64, 5, 5), (64, 3, 5, 5)],
    "discriminator": [(64, 3, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5), (512 * 16 + 256, 1024),
                      (1024, 1)],
    "statistics": [(16, 3, 5, 5), (32, 16, 5, 5), (64, 32, 5, 5), (128, 64, 5, 5), (128 * 16, 1024), (1024, 1)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "shape", "tables"), [("mnist", (1, 28, 28), MNIST), ("celeba", (3, 64, 64), FACES)]
)
def test_layers_are_those_of_the_tables(dataset, shape, tables):
    config = preset("paper", dataset)
    networks = {
        "encoder": build_encoder((0,), shape, config, config.encoder_outputs, config.noise_channels),
        "generator": build_generator((0,), shape, config),
        "discriminator": build_discriminator((0,), shape, config, latent=config.latent, direct=config.direct_latent),
        "statistics": build_statistics_network((0,), shape, config),
    }
    for name, expected in tables.items():
        # Biases have a first axis of one; `dynamic` are the statistics network's maps from the latent to its biases.
        named = [(label, tuple(p.shape[1:])) for label, p in networks[name].named_parameters()]
        found = [s for label, s in named if len(s) > 1 and s[0] > 1 and not label.startswith("dynamic")]
        assert sorted(found) == sorted(expected), name


@pytest.mark.parametrize(("dataset", "steps"), [("gaussians25", 5000), ("mnist", 50_000), ("celeba", 35_000)])
def test_steps_rates_and_rule_are_those_of_the_paper(dataset, steps):
    config = preset("paper", dataset)
    assert (config.steps, config.batch_size, config.learning_rate) == (steps, 100, 1e-4)
    assert (config.clipping, config.decay_from, config.gradient_penalty) == ("encoder", 1.0, 0.0)
