"""How good the answers of classifiers are: error, likelihood, calibration; and whether one method errs less than
another on the same test rows.

Errors of a single test set have a binomial error that no number of seeds takes away; what two methods have in common
there cancels when their answers are compared row by row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional

from minecli.apps.ib.networks import Bottleneck, Noise, said_of
from minecli.apps.ib.regression import (
    NumberAnswers,
    NumberBottleneck,
    number_answers,
    number_information,
    number_metrics,
    paired_difference,
)

CALIBRATION_BINS = 15

# Which of n test rows each seed answers wrongly, (seeds, n), or one of them, (n,).
Wrong = npt.NDArray[np.bool_]

DEFINITIONS = {
    "error_percent": "share of held-out rows whose most probable class is another than their label, in per cent; class "
    "probabilities are averaged over test_draws codes per row and given by averaged weights",
    "balanced_error_percent": "the mean over classes of the share of their held-out rows with another answer, in per "
    "cent",
    "one_draw_error_percent": "the same with one code per row",
    "nll_nats": "mean of -log of the label's probability, in nats",
    "calibration_error": f"expected calibration error: over {CALIBRATION_BINS} bins of the largest probability, the "
    "mean distance of the share of right answers from it, weighed by rows (Guo et al., 2017)",
    "label_information_nats": "lower bound on I(Z;Y): entropy of the held-out labels less the mean of -log q(y|z) over "
    "single codes (Barber and Agakov, 2003); at most the entropy",
    "divergence_nats": "mean divergence of q(z|x) from the prior N(0, I) on held-out rows, an upper bound on I(X;Z)",
    "last_error_percent": "error_percent after the last epoch instead of the chosen one",
    "oracle_error_percent": "the least error_percent of all looks at the test rows: no honest choice",
    "information_in_training_nats": "bound on I(X;Z) by the network that the encoder is trained to evade, on training "
    "batches at the last look",
    "information_low_nats": "lower bound on I(X;Z) from the known q(z|x) of a Gaussian encoder, at most the logarithm "
    "of the rows (Poole et al., 2019)",
    "information_high_nats": "the smaller of an upper bound from the known q(z|x) (leaving each row out of its own "
    "marginal) and divergence_nats",
    "information_nats": "lower bound on I(X;Z) of held-out rows by networks trained after the classifier, which its "
    "training has never seen (Donsker-Varadhan)",
}


@dataclass(frozen=True)
class Answers:
    """What models say about n rows: class probabilities (models, n, classes) averaged over draws, those of the first
    draw, and the log-likelihood of the labels under single draws, averaged over draws, in nats, (models, n)."""

    probabilities: Tensor
    first: Tensor
    single_log_likelihood: Tensor

    @property
    def finite(self) -> list[bool]:
        """For each model whether all of its answers are finite."""
        each: list[bool] = torch.isfinite(self.probabilities).flatten(1).all(1).tolist()
        return each


AnyAnswers = Answers | NumberAnswers


@torch.no_grad()
def answers_of(network: Bottleneck, x: Tensor, labels: Tensor, noise: Noise, draws: int) -> AnyAnswers:
    """Ask all models about rows (n, inputs) with labels (n,), on the CPU or where the network is; the answers are on
    the CPU."""
    if isinstance(network, NumberBottleneck):
        return number_answers(network, x, labels, noise, draws)
    mean, first, likelihood = [], [], []
    for logits, own in said_of(network, x, labels, noise, draws):
        log_p = functional.log_softmax(logits, -1)
        own = own.to(log_p.device).expand(*log_p.shape[:2], -1)[..., None]
        likelihood.append(log_p.gather(-1, own).squeeze(-1).mean(1).double().cpu())
        p = log_p.exp()
        mean.append(p.mean(1).cpu())
        first.append(p[:, 0].cpu())
    return Answers(torch.cat(mean, 1), torch.cat(first, 1), torch.cat(likelihood, 1))


def metrics_of(answers: AnyAnswers, labels: Tensor, model: int) -> dict[str, float | None]:
    """One model's metrics on rows with `labels` (n,), by name; see DEFINITIONS, and NUMBER_DEFINITIONS of numbers."""
    if isinstance(answers, NumberAnswers):
        return number_metrics(answers, labels, model)
    p, own = answers.probabilities[model].double(), labels.cpu()
    said = p.gather(-1, own[:, None]).squeeze(-1)
    return {
        "error_percent": error_percent(answers.probabilities[model], own),
        "balanced_error_percent": balanced_error_percent(answers.probabilities[model], own),
        "one_draw_error_percent": error_percent(answers.first[model], own),
        "nll_nats": float(-said.clamp(min=1e-12).log().mean()),
        "calibration_error": calibration_error(answers.probabilities[model], own),
        "label_information_nats": label_information(answers, own, model)[0],
    }


def label_information(answers: AnyAnswers, labels: Tensor, model: int) -> tuple[float, float]:
    """One model's lower bound on I(Z;Y) and its standard error over rows, in nats; see DEFINITIONS."""
    if isinstance(answers, NumberAnswers):
        return number_information(answers, labels, model)
    each = answers.single_log_likelihood[model]
    shares = torch.bincount(labels.cpu()).double() / len(labels)
    # The entropy is a mean over rows as well, of the same rows.
    terms = each - shares[labels.cpu()].log()
    return float(terms.mean()), float(terms.std(correction=0)) / math.sqrt(len(terms))


def error_percent(probabilities: Tensor, labels: Tensor) -> float:
    """How many of n rows are answered wrongly, in per cent.

    >>> error_percent(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    50.0
    """
    return 100.0 * float((probabilities.argmax(-1) != labels).double().mean())


def confusion(probabilities: Tensor, labels: Tensor) -> list[list[int]]:
    """How many rows of each class (rows of the matrix) are answered as each class (its columns).

    >>> confusion(torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), torch.tensor([0, 1, 1]))
    [[1, 0], [1, 1]]
    """
    classes = probabilities.shape[-1]
    places = labels.cpu() * classes + probabilities.argmax(-1)
    counts: list[list[int]] = torch.bincount(places, minlength=classes**2).view(classes, classes).tolist()
    return counts


def recall_of(matrix: Sequence[Sequence[int]]) -> list[float | None]:
    """The share of each class's rows that are answered rightly; None for a class without rows.

    >>> recall_of([[3, 1], [0, 0]])
    [0.75, None]
    """
    return [row[i] / sum(row) if sum(row) else None for i, row in enumerate(matrix)]


def balanced_error_percent(probabilities: Tensor, labels: Tensor) -> float:
    """The mean over classes of the share of their rows that is answered wrongly, in per cent.

    >>> p = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [1.0, 0.0]])
    >>> balanced_error_percent(p, torch.tensor([0, 0, 1, 1]))
    25.0
    """
    known = [r for r in recall_of(confusion(probabilities, labels)) if r is not None]
    return 100.0 * (1.0 - sum(known) / len(known))


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = CALIBRATION_BINS) -> float:
    """The expected calibration error of n rows, in 0 .. 1; see DEFINITIONS.

    >>> round(calibration_error(torch.tensor([[0.9, 0.1], [0.9, 0.1]]), torch.tensor([0, 1])), 3)
    0.4
    """
    confidence, answer = probabilities.double().max(-1)
    right = (answer == labels).double()
    place = (confidence * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins, dtype=torch.float64).index_add(0, place, right - confidence)
    return float(gaps.abs().sum() / len(labels))


def entropy(labels: Tensor) -> float:
    """The entropy of what n labels (n,) hold, in nats: the most that I(Z;Y) can be.

    >>> round(entropy(torch.tensor([0, 1, 0, 1])), 4)
    0.6931
    """
    shares = torch.bincount(labels.cpu()).double() / len(labels)
    return float(-sum(p * math.log(p) for p in shares.tolist() if p > 0.0))


@dataclass(frozen=True)
class Comparison:
    """How `method` differs from `reference`, in per cent of the test rows.

    `difference_percent` is the mean over seeds of the error of the one less that of the other. Its
    `standard_error_percent` holds the chance of the test rows and that of the seeds; of one seed, that of the rows
    alone, and what is compared are these two trained models. `p_value` is that of no difference, two-sided: by
    Student's t with as many degrees of freedom as the seeds' share of the variance allows (Welch and Satterthwaite); of
    one seed, McNemar's. `mcnemar` holds, per pair of seeds, how many rows only the one and only the other answers
    wrongly, and the exact two-sided p-value of McNemar's test. Nothing is corrected for many comparisons.
    """

    method: str
    reference: str
    difference_percent: float
    standard_error_percent: float
    p_value: float
    mcnemar: list[dict[str, float]]


def compare(method: str, wrong: Wrong, reference: str, reference_wrong: Wrong) -> Comparison:
    """Compare two methods by which of n test rows their seeds answer wrongly, both (seeds, n).

    >>> import numpy as np
    >>> compared = compare("a", np.array([[True, False, False, False]]), "b", np.array([[True, True, True, False]]))
    >>> compared.difference_percent, compared.mcnemar[0]["p_value"]
    (-50.0, 0.5)
    """
    pairs = [mcnemar(a, b) for a, b in zip(wrong, reference_wrong, strict=True)]
    per_cent, reference_per_cent = (100.0 * each.astype(np.float64) for each in (wrong, reference_wrong))
    difference, error, p = paired_difference(per_cent, reference_per_cent)
    return Comparison(method, reference, difference, error, pairs[0]["p_value"] if len(wrong) == 1 else p, pairs)


def mcnemar(wrong: Wrong, reference_wrong: Wrong) -> dict[str, float]:
    """McNemar's exact test of two classifiers on the same n rows, each (n,): whether rows that only one of them answers
    wrongly are as often the one's as the other's.

    >>> import numpy as np
    >>> mcnemar(np.array([True] * 8 + [False]), np.array([False] * 9))
    {'only_method_wrong': 8, 'only_reference_wrong': 0, 'p_value': 0.0078125}
    """
    own, other = int((wrong & ~reference_wrong).sum()), int((~wrong & reference_wrong).sum())
    p = float(stats.binomtest(own, own + other).pvalue) if own + other else 1.0
    return {"only_method_wrong": own, "only_reference_wrong": other, "p_value": p}


def binomial_error_percent(error_percent: float, rows: int) -> float:
    """The standard error of an error measured on so many rows, both in per cent: half a row is added to the wrong and
    to the right ones (Jeffreys), so that no error in a few rows is not taken for certainty.

    >>> round(binomial_error_percent(1.0, 10_000), 3), round(binomial_error_percent(0.0, 100), 3)
    (0.1, 0.702)
    """
    share = (error_percent / 100.0 * rows + 0.5) / (rows + 1.0)
    return 100.0 * math.sqrt(share * (1.0 - share) / rows)
