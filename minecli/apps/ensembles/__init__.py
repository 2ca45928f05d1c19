"""One training for several models at once, one per seed: batched layers, the loop, checkpoints, results."""
