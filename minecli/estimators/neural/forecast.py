"""How much memory an estimate with networks takes beside its table, told from shapes alone, before anything is done."""

from __future__ import annotations

from minecli.estimators.config import MineConfig
from minecli.runtime.memory import refuse_beyond

_HINT = "name fewer columns, take fewer rows with --sample, or ask for a smaller network"

# Copies of all weights: the network, its gradient, Adam's two moments, the average, the best, and one on the way.
_COPIES_OF_WEIGHTS = 7
# Values beside each other for one hidden unit of one row or pair: before and after its activation, and the gradient.
_PER_UNIT = 3
# The features of a batch: shared by the models of a part, for each of them, and with what the base shows beside them.
_PER_FEATURE = 3
# The training rows that features are fitted to, with what lies between them and the fit, in float64 per column.
_PER_FITTED_VALUE = 5 * 8
# Row by row: its place in the order, its log ratio, its influence, and what these are made from.
_PER_ROW = 40


def require_memory(rows: int, columns: tuple[int, int], config: MineConfig) -> None:
    """Raise MemoryShort where the networks for a table of such a shape would not fit into what is free.

    Args:
        rows: of the table.
        columns: of x and of z.
        config: settings; those of the network and of the folds matter.

    >>> require_memory(5000, (1, 1), MineConfig())
    """
    what = f"{config.estimator} with {rows:,} rows, {sum(columns)} columns and {config.hidden} units a layer"
    refuse_beyond(needed_bytes(rows, columns, config), what, _HINT)


def needed_bytes(rows: int, columns: tuple[int, int], config: MineConfig) -> int:
    """About how many bytes are taken at most at a time, but for features that are kept where there is room.

    >>> needed_bytes(1_000_000, (15, 15), MineConfig()) // 10**6
    136
    """
    from minecli.estimators.neural.features import FIT_ROWS
    from minecli.tables.splitting import MOST_VALIDATION_ROWS, VALIDATION_SHARE, share_of

    item = 8 if config.precision == "float64" else 4
    parts, members = 1 if config.protocol == "paper" else config.folds, len(config.weight_decays)
    features = sum(3 * d + 1 if config.preprocess == "rank" else d for d in columns)
    hidden, inner = config.hidden, config.layers - 1 + 2 * config.tower_layers
    weights = parts * members * hidden * (features + hidden * inner) * item * _COPIES_OF_WEIGHTS
    batch, pairs = min(config.batch_size, rows // 2), config.marginal_shifts + 1
    units = hidden * (2 * config.tower_layers + pairs * config.layers)
    step = parts * members * batch * (_PER_FEATURE * features + _PER_UNIT * units) * item
    others = rows - rows // parts if parts > 1 else rows
    validation = share_of(others, VALIDATION_SHARE, least=2, most=MOST_VALIDATION_ROWS) if parts > 1 else 0
    evaluation = validation * features * (parts + 2 * members) * item
    fit = min(others - validation, FIT_ROWS) * sum(columns) * _PER_FITTED_VALUE
    return rows * _PER_ROW + weights + max(fit, evaluation + step)
