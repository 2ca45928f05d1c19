"""The comparison of what is shown with what is printed: what it lets pass, and what it notices."""

import pytest
from shown_sessions import differences

SHOWN = """\
sample.csv, 5,000 rows
X: x0 (1)   Z: z0 (1)

estimator   MI in nats   ± s.e.   95% interval       status      seconds
────────────────────────────────────────────────────────────────────────
ksg             0.98     0.0162   0.9474 to 1.0153   converged       0.1
mine            0.9785   0.0097   0.9595 to 1.0024   converged       9.9
mine: 0.806 nats from its Gaussian start, +0.172 from the networks
"""
SLOWER = """\
sample.csv, 5,000 rows
X: x0 (1)   Z: z0 (1)

estimator   MI in nats   ± s.e.   95% interval       status       seconds
─────────────────────────────────────────────────────────────────────────
ksg             0.98     0.0162   0.9474 to 1.0153   converged        0.1
mine            0.9785   0.0097   0.9595 to 1.0024   converged      110.1
mine: 0.806 nats from its Gaussian start, +0.172 from the networks
"""
BENCH = """\
                                     median
estimator  cells  mean |error|      |error|  median s  max s
────────────────────────────────────────────────────────────
ksg          4/4         0.080        0.078       9.9    9.9
"""
SLOWER_BENCH = """\
                                     median
estimator  cells  mean |error|      |error|  median s   max s
─────────────────────────────────────────────────────────────
ksg          4/4         0.080        0.078      10.1  1210.1
"""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (SHOWN, SHOWN),
        (SHOWN, SLOWER),
        (SHOWN, SHOWN.replace("0.9785", "0.9991")),
        (SHOWN, SHOWN.replace("+0.172", "+0.169").replace("to 1.0024", "to\n1.0024")),
        (BENCH, SLOWER_BENCH),
        ("0.4 (+0.1, 2/2, 9.9 s), then 8 s.", "0.4 (+0.1, 2/2, 10.1 s), then 12 s."),
        ("mine  -0.000 nats", "mine  0.000 nats"),
    ],
)
def test_the_comparison_lets_pass(shown, printed):
    assert differences(shown, printed) == []


@pytest.mark.parametrize(
    ("shown", "printed", "said"),
    [
        (SHOWN, SHOWN.replace("0.98 ", "0.88 "), "0.98 is shown and 0.88 printed"),
        (SHOWN, SHOWN.replace("+0.172", "-0.172"), "0.172 is shown and -0.172 printed"),
        (SHOWN, SHOWN.replace("5,000", "4,000"), "5000 is shown and 4000 printed"),
        (SHOWN, SHOWN.replace("x0", "x1"), "0 is shown and 1 printed"),
        (SHOWN, SHOWN.replace("ksg             0.98  ", "ksg                   "), "'#' is shown and 'to' printed"),
        (SHOWN, SHOWN.replace("converged       9.9", "doubtful        9.9"), "'converged' is shown and 'doubtful'"),
        (SHOWN, SHOWN + "note: more\n", "'nothing' is shown and 'note:' printed"),
        (BENCH, BENCH.replace("0.078", "0.178"), "0.078 is shown and 0.178 printed"),
        ("0.9 nats, 8 s", "0.9 nats", "'s' is shown and 'nothing' printed"),
    ],
)
def test_the_comparison_notices(shown, printed, said):
    assert said in "\n".join(differences(shown, printed))
