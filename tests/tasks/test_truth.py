"""Every stated truth against a second derivation."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from minecli.runtime.seeds import generator
from minecli.tasks.additive import FUNCTIONS, Nonlinear, UniformNoise
from minecli.tasks.gaussian import Embedding, Gaussian, Independent
from minecli.tasks.mixed import Mixed
from minecli.tasks.registry import TASKS, make_task
from minecli.tasks.student import Student, student_entropy_nats

# Monte Carlo means are compared within five standard errors: a true value fails once in 1.7 million runs.
SIGMAS = 5.0


def assert_mean(values, truth):
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - truth) < SIGMAS * error


@pytest.mark.parametrize(
    ("dim", "dof", "truth"), [(5, 2.0, 0.4482), (5, 3.0, 0.2985), (1, 1.0, 0.2242), (2, 1.0, 0.4319), (3, 2.0, 0.2909)]
)
def test_student_published_values(dim, dof, truth):
    # Published to four digits: rounding alone is at most 5e-5.
    assert Student(dim=dim, dof=dof).true_mi_nats() == pytest.approx(truth, abs=5.1e-5)


@pytest.mark.parametrize(("dim", "dof"), [(1, 0.7), (2, 1.0), (5, 3.0)])
def test_student_entropy_equals_scipy(dim, dof):
    scipy_value = stats.multivariate_t(shape=np.eye(dim), df=dof).entropy()
    assert student_entropy_nats(dim, dof) == pytest.approx(float(scipy_value), abs=1e-10)


@pytest.mark.parametrize(("dim", "dof", "rho"), [(1, 1.0, 0.0), (3, 2.0, 0.0), (2, 4.0, 0.6)])
def test_student_by_monte_carlo_of_the_log_density_ratio(dim, dof, rho, seed):
    task = Student(dim=dim, dof=dof, rho=rho)
    x, z = task.sample(40_000, generator(seed, "student"))
    eye = np.eye(dim)
    joint = stats.multivariate_t(shape=np.block([[eye, rho * eye], [rho * eye, eye]]), df=dof)
    side = stats.multivariate_t(shape=eye, df=dof)
    assert_mean(joint.logpdf(np.hstack([x, z])) - side.logpdf(x) - side.logpdf(z), task.true_mi_nats())


def test_gaussian_by_determinants():
    task = Gaussian(dim=3, rho=0.7)
    eye = np.eye(3)
    joint = np.block([[eye, 0.7 * eye], [0.7 * eye, eye]])
    assert task.true_mi_nats() == pytest.approx(-0.5 * math.log(np.linalg.det(joint)), abs=1e-12)


def test_gaussian_sample_has_its_correlation(seed):
    x, z = Gaussian(dim=2, rho=0.7).sample(50_000, generator(seed, "gaussian"))
    assert_mean(x[:, 0] * z[:, 0], 0.7)
    assert_mean(x[:, 0] * z[:, 1], 0.0)
    assert_mean(z[:, 1] ** 2, 1.0)


def test_embedding_by_determinants():
    task = Embedding(dim=6, latent=2, rho=0.8, sigma=0.3)
    u, w = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0][:, :2], np.eye(6)[:, :2]
    side_x, side_z = u @ u.T + 0.09 * np.eye(6), w @ w.T + 0.09 * np.eye(6)
    cross = 0.8 * u @ w.T
    joint = np.block([[side_x, cross], [cross.T, side_z]])
    logdet = [np.linalg.slogdet(m)[1] for m in (side_x, side_z, joint)]
    # Conditioning about 12, twelve dimensions: rounding is far below 1e-10.
    assert task.true_mi_nats() == pytest.approx(0.5 * (logdet[0] + logdet[1] - logdet[2]), abs=1e-10)


def test_embedding_sample_has_the_covariance_the_truth_rests_on(seed):
    task = Embedding(dim=6, latent=2, rho=0.8, sigma=0.3)
    x, z = task.sample(100_000, generator(seed, "embedding"))
    covariance = np.cov(np.hstack([x, z]).T)
    logdet = [np.linalg.slogdet(m)[1] for m in (covariance[:6, :6], covariance[6:, 6:], covariance)]
    plug_in = 0.5 * (logdet[0] + logdet[1] - logdet[2])
    # Bias d_x d_z / (2 n) = 1.8e-4; the standard deviation of two canonical terms is below sqrt(2 * 2 / n) * rho.
    assert plug_in == pytest.approx(task.true_mi_nats(), abs=1.8e-4 + SIGMAS * 0.8 * math.sqrt(4 / 100_000))


@pytest.mark.parametrize("epsilon", [0.05, 0.25, 0.5, 0.8, 3.0])
def test_uniform_noise_by_quadrature(epsilon):
    def density(z):
        return max(0.0, min(1.0, z + epsilon) - max(0.0, z - epsilon)) / (2 * epsilon)

    corners = sorted({-epsilon, epsilon, 1 - epsilon, 1 + epsilon})
    entropy = sum(
        integrate.quad(lambda z: -density(z) * math.log(density(z) or 1.0), a, b)[0]
        for a, b in itertools.pairwise(corners)
    )
    truth = UniformNoise(epsilon=epsilon, dim=2).true_mi_nats()
    # quad's own error is below 1.5e-8 per piece.
    assert truth == pytest.approx(2 * (entropy - math.log(2 * epsilon)), abs=1e-7)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 0.9])
def test_nonlinear_density_in_closed_form_for_the_identity(sigma):
    z = np.linspace(-2, 2, 101)
    closed = 0.5 * (stats.norm.cdf((z + 1) / sigma) - stats.norm.cdf((z - 1) / sigma))
    # Sixteen Gauss nodes on pieces half as long as the noise is wide leave only rounding.
    assert np.allclose(Nonlinear(function="identity", sigma=sigma).density(z), closed, rtol=0, atol=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("sigma", [0.1, 0.9])
def test_nonlinear_by_monte_carlo(function, sigma, seed):
    task = Nonlinear(function=function, sigma=sigma)
    x, z = task.sample(20_000, generator(seed, "nonlinear"))
    conditional = stats.norm.logpdf(z[:, 0], task.apply(x[:, 0]), sigma)
    assert_mean(conditional - np.log(task.density(z[:, 0])), task.true_mi_nats())


def test_nonlinear_adds_up_over_columns():
    one, three = Nonlinear(dim=1), Nonlinear(dim=3)
    assert three.true_mi_nats() == pytest.approx(3 * one.true_mi_nats(), rel=1e-14)


@pytest.mark.parametrize(("classes", "spacing"), [(2, 2.0), (3, 1.0), (26, 0.3)])
def test_mixed_by_monte_carlo(classes, spacing, seed):
    task = Mixed(classes=classes, spacing=spacing)
    x, z = task.sample(40_000, generator(seed, "mixed"))
    density = stats.norm.pdf(x - spacing * np.arange(classes)).mean(axis=1)
    assert_mean(stats.norm.logpdf((x - spacing * z)[:, 0]) - np.log(density), task.true_mi_nats())


def test_mixed_limits():
    # Classes 100 apart never overlap: the label is known, ln K. Classes on one spot share nothing.
    assert Mixed(classes=5, spacing=100.0).true_mi_nats() == pytest.approx(math.log(5), abs=1e-9)
    assert Mixed(classes=5, spacing=0.0).true_mi_nats() == pytest.approx(0.0, abs=1e-9)


def test_independent():
    assert Independent(dim=4).true_mi_nats() == 0.0


@pytest.mark.parametrize("name", TASKS)
def test_every_task_samples_what_it_promises(name):
    task = make_task(name)
    x, z = task.sample(50, generator(0, name))
    again, _ = task.sample(50, generator(0, name))
    assert x.shape[0] == z.shape[0] == 50
    assert x.ndim == z.ndim == 2
    assert x.dtype == z.dtype == np.float64
    assert np.isfinite(x).all()
    assert np.isfinite(z).all()
    assert np.array_equal(x, again)
    assert task.name == name
    assert task.true_mi_nats() >= 0
    if task.z_levels is not None:
        assert set(np.unique(z)) <= set(range(len(task.z_levels)))
