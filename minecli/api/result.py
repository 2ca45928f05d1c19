"""The answer to `estimate`: what the command renders, as an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from minecli.errors import MinecliError
    from minecli.estimators.facts import Facts
    from minecli.estimators.verdict import Verdict
    from minecli.result import Estimate, Interval

_SCREEN_WIDTH = 80


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """An estimate of I(X; Z): the verdict, one `Estimate` per estimator, and what they are of. Information is in nats.

    `config` is what was asked, fully resolved; `data` tells of the table and its columns; `facts` are what was found in
    them before anything was estimated (None where a side is constant). `row_numbers` (n,) are the rows used, counted
    from 0: row i of an estimate's `pointwise_nats` is that row of the table. `failure` is what ended the work after the
    first estimator, if anything did.

    >>> import minecli
    >>> x = [0.1, 0.7, 0.3, 0.9, 0.5, 0.2] * 20
    >>> result = minecli.estimate(x=x, z=[value > 0.4 for value in x])
    >>> result.answer, result.trustworthy, result.mi_nats, result["plug-in"].status.value
    ('cannot say', False, None, 'converged')
    """

    config: Mapping[str, Any]
    data: Mapping[str, Any]
    verdict: Verdict
    environment: Mapping[str, Any]
    facts: Facts | None = None
    row_numbers: npt.NDArray[np.integer[Any]] | None = None
    failure: MinecliError | None = None

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """One answer per estimator, as the verdict leaves them, in the order asked for."""
        return self.verdict.estimates

    def __getitem__(self, estimator: str) -> Estimate:
        """The answer of one estimator, by name; KeyError where it was not asked."""
        for estimate in self.estimates:
            if estimate.estimator == estimator:
                return estimate
        raise KeyError(f"{estimator!r} was not asked; there are {', '.join(e.estimator for e in self.estimates)}")

    @property
    def answer(self) -> str:
        """What the verdict says: "believe", "at least", "no dependence found" or "cannot say"."""
        return str(self.verdict.answer)

    @property
    def trustworthy(self) -> bool:
        """Whether the verdict is an answer to rely on, as `--check` asks."""
        return self.verdict.trustworthy

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, in a sentence that speaks of Python's parameters."""
        from minecli.api.wording import in_python

        return in_python(self.verdict.reason)

    @property
    def mi_nats(self) -> float | None:
        """The value that is believed; None where none is, and then `answer` and `reason` say what can be said."""
        return self.verdict.mi_nats

    @property
    def at_least_nats(self) -> float | None:
        """The largest lower limit that was shown, where the answer is "believe" or "at least"."""
        return self.verdict.at_least_nats

    @property
    def at_most_nats(self) -> float | None:
        """An upper limit, where there is one."""
        return self.verdict.at_most_nats

    @property
    def interval(self) -> Interval | None:
        """The interval of the value that is believed."""
        return None if self.verdict.estimator is None else self[self.verdict.estimator].interval

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened to the data on the way, in sentences that speak of Python's parameters."""
        from minecli.api.wording import in_python

        return tuple(map(in_python, self.data["notes"]))

    def to_dict(self) -> dict[str, Any]:
        """The object that `minecli estimate -f json` prints: plain JSON values, in nats, never NaN or infinity."""
        from minecli.report.payload import EstimateReport, estimate_payload
        from minecli.report.verdict import verdict_entry

        return estimate_payload(
            EstimateReport(
                config=self.config,
                data=self.data,
                estimates=self.estimates,
                verdict=verdict_entry(vars(self.verdict), self.facts.entropy_nats if self.facts else None),
                environment=self.environment,
                failure=str(self.failure) if self.failure else None,
            )
        )

    def to_pandas(self) -> pd.DataFrame:
        """One row per estimator, with the columns of `minecli estimate -f csv`."""
        import pandas as pd

        from minecli.report.formats import estimate_records

        return pd.DataFrame(estimate_records(self.to_dict()))

    def __str__(self) -> str:
        from minecli.report.tables import estimate_table

        return estimate_table(self.to_dict(), width=_SCREEN_WIDTH).rstrip("\n")

    def __repr__(self) -> str:
        from minecli.foreign import legible
        from minecli.report.verdict import headline

        return f"<minecli.Result: {legible(headline(self.to_dict()))}>"

    def _repr_html_(self) -> str:
        from minecli.report.html import estimate_html

        return estimate_html(self.to_dict())
