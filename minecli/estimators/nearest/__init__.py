"""Estimators by nearest neighbours (Kraskov et al., 2004), and the searches beneath them."""
