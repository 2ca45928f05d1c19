"""Estimators that train a statistics network (Belghazi et al., section 3)."""
