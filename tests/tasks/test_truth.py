"""Every stated truth against a second derivation."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from minecli.runtime.seeds import generator
from minecli.tasks.additive import FUNCTIONS, Nonlinear, UniformNoise
from minecli.tasks.gaussian import Embedding, Gaussian, Independent
from minecli.tasks.mixed import Mixed, MixedUniform, ZeroInflated
from minecli.tasks.multinormal import DenseMultinormal, LowRank, SparseMultinormal
from minecli.tasks.registry import make_task, task_names
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


# Belghazi et al., section 4.2, with two components: by an independent quadrature, to its three decimals.
NONLINEAR = {
    "identity": (3.334, 2.129, 1.498, 1.104, 0.837, 0.651, 0.517, 0.418, 0.344),
    "cubic": (2.499, 1.464, 0.939, 0.635, 0.451, 0.334, 0.256, 0.201, 0.162),
    "sine": (3.071, 1.930, 1.341, 0.974, 0.729, 0.560, 0.441, 0.354, 0.290),
}


@pytest.mark.parametrize("function", NONLINEAR)
def test_nonlinear_table(function):
    truths = [Nonlinear(dim=2, function=function, sigma=tenths / 10).true_mi_nats() for tenths in range(1, 10)]
    assert truths == pytest.approx(NONLINEAR[function], abs=5.01e-4)


def information_from(covariance, columns):
    """Of jointly normal variables, the first `columns` of which are x: by three determinants."""
    parts = (covariance[:columns, :columns], covariance[columns:, columns:], covariance)
    logdet = [np.linalg.slogdet(part)[1] for part in parts]
    return 0.5 * (logdet[0] + logdet[1] - logdet[2])


@pytest.mark.parametrize(("dim", "rho"), [(1, 0.3), (4, 0.0), (7, 0.9)])
def test_dense_by_determinants(dim, rho):
    covariance = rho + (1 - rho) * np.eye(2 * dim)
    truth = DenseMultinormal(dim=dim, rho=rho).true_mi_nats()
    assert truth == pytest.approx(information_from(covariance, dim), abs=1e-12)


@pytest.mark.parametrize(("dim", "pairs", "rho"), [(1, 1, 0.3), (4, 2, -0.8), (6, 6, 0.9)])
def test_sparse_by_determinants(dim, pairs, rho):
    covariance = np.eye(2 * dim)
    for i in range(pairs):
        covariance[i, dim + i] = covariance[dim + i, i] = rho
    truth = SparseMultinormal(dim=dim, pairs=pairs, rho=rho).true_mi_nats()
    assert truth == pytest.approx(information_from(covariance, dim), abs=1e-12)


@pytest.mark.parametrize("task", [DenseMultinormal(dim=3, rho=0.7), SparseMultinormal(dim=3, pairs=2, rho=-0.6)])
def test_multinormal_samples_have_their_covariance(task, seed):
    both = np.hstack(task.sample(50_000, generator(seed, task.name)))
    expected = np.eye(6) if task.name.endswith("sparse") else 0.7 + 0.3 * np.eye(6)
    if task.name.endswith("sparse"):
        for i in range(2):
            expected[i, 3 + i] = expected[3 + i, i] = -0.6
    for i, j in itertools.combinations_with_replacement(range(6), 2):
        assert_mean(both[:, i] * both[:, j], expected[i, j])


@pytest.mark.parametrize(("dim", "latent", "mi_nats"), [(1, 1, 0.3), (13, 1, math.log(2)), (14, 4, 2.0), (5, 5, 0.7)])
def test_low_rank_by_determinants_of_what_is_not_repeated(dim, latent, mi_nats):
    # A copy adds nothing to its side; what remains is regular, and noise columns come apart from everything.
    a = math.sqrt(21) * math.sqrt(1 - math.exp(-2 * mi_nats / latent))
    eye = np.eye(latent)
    covariance = np.block([[6 * eye, a * eye], [a * eye, 3.5 * eye]])
    truth = LowRank(dim=dim, latent=latent, mi_nats=mi_nats).true_mi_nats()
    assert truth == pytest.approx(information_from(covariance, latent), abs=1e-12)


def test_low_rank_sample(seed):
    task = LowRank(dim=14, latent=4, mi_nats=2.0)
    x, z = task.sample(50_000, generator(seed, "low-rank"))
    assert x.shape == z.shape == (50_000, 14)
    for side in (x, z):
        # 4 signals, 5 copies in turn, exact to the bit, and 5 columns of noise.
        assert np.array_equal(side[:, 4:9], side[:, [0, 1, 2, 3, 0]])
        assert np.linalg.matrix_rank(np.cov(side.T)) == 9
    a = math.sqrt(21 * (1 - math.exp(-1.0)))
    for i in range(4):
        assert_mean(x[:, i] ** 2, 6.0)
        assert_mean(z[:, i] ** 2, 3.5)
        assert_mean(x[:, i] * z[:, i], a)
        assert_mean(x[:, i] * z[:, (i + 1) % 4], 0.0)
    for i in range(9, 14):
        assert_mean(x[:, i] ** 2, 1.0)
        assert_mean(x[:, i] * z[:, i], 0.0)
        assert_mean(x[:, i] * z[:, 0], 0.0)


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_mixed_uniform_by_quadrature(classes):
    def density(z):
        return sum(x <= z <= x + 2 for x in range(classes)) / (2 * classes)

    # Constant on every unit: the rule of midpoints is exact.
    middles = np.arange(classes + 1) + 0.5
    entropy = -sum(density(z) * math.log(density(z)) for z in middles)
    assert MixedUniform(classes=classes).true_mi_nats() == pytest.approx(entropy - math.log(2), abs=1e-12)


def test_mixed_uniform_by_monte_carlo(seed):
    task = MixedUniform(classes=5)
    x, z = task.sample(40_000, generator(seed, "mixed-uniform"))
    assert set(np.unique(x)) == {0.0, 1.0, 2.0, 3.0, 4.0}
    candidates = np.sum((np.arange(5) <= z) & (z <= np.arange(5) + 2), axis=1)
    # p(z | x) / p(z) = (1/2) / (candidates / 10)
    assert_mean(np.log(5 / candidates), task.true_mi_nats())
    assert stats.kstest((z - x)[:, 0], "uniform", args=(0, 2)).pvalue > 1e-6
    assert stats.chisquare(np.bincount(x[:, 0].astype(int))).pvalue > 1e-6


@pytest.mark.parametrize("task", [ZeroInflated(), ZeroInflated(dim=2, rho=-0.8, share=0.6), ZeroInflated(share=0.0)])
def test_zero_inflated_by_monte_carlo(task, seed):
    x, z = task.sample(40_000, generator(seed, "zero-inflated"))
    lost_x, lost_z = x == 0, z == 0
    for lost, share in ((lost_x, task.share), (lost_z, task.share), (lost_x & lost_z, task.share**2)):
        assert stats.binomtest(int(lost[:, 0].sum()), len(lost), share).pvalue > 1e-6
    joint = stats.multivariate_normal(np.zeros(2), [[1, task.rho], [task.rho, 1]])
    total = np.zeros(len(x))
    for i in range(task.dim):
        density_ratio = joint.logpdf(np.stack([x[:, i], z[:, i]], axis=1))
        density_ratio -= stats.norm.logpdf(x[:, i]) + stats.norm.logpdf(z[:, i])
        # Losses are independent: where either value is lost, the joint law is the product of the margins.
        total += np.where(lost_x[:, i] | lost_z[:, i], 0.0, density_ratio)
    assert_mean(total, task.true_mi_nats())


def test_zero_inflated_limits():
    assert ZeroInflated(dim=3, rho=0.5, share=0.0).true_mi_nats() == Gaussian(dim=3, rho=0.5).true_mi_nats()
    x, z = ZeroInflated(share=1.0).sample(10, generator(0, "lost"))
    assert not x.any()
    assert not z.any()
    assert ZeroInflated(share=1.0).true_mi_nats() == 0.0


@pytest.mark.parametrize(("tails", "law_x", "law_z"), [("light", "uniform", "norm"), ("heavy", "cauchy", "cauchy")])
def test_independent(tails, law_x, law_z, seed):
    task = Independent(dim=4, tails=tails)
    assert task.true_mi_nats() == 0.0
    x, z = task.sample(20_000, generator(seed, "independent", tails))
    assert stats.kstest(x[:, 3], law_x).pvalue > 1e-6
    assert stats.kstest(z[:, 3], law_z).pvalue > 1e-6
    # Ranks of independent columns are uncorrelated whatever the margins: five standard deviations.
    ranks = stats.rankdata(np.hstack([x, z]), axis=0)
    assert np.max(np.abs(np.corrcoef(ranks.T)[:4, 4:])) < SIGMAS / math.sqrt(20_000)


@pytest.mark.parametrize("name", task_names())
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
