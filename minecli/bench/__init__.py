"""Estimators against known truth: the task suite, and figures 1 and 2 of the paper.

A benchmark is a plan of cells (task x seed x estimator). Every finished cell leaves one record; everything that is
shown, tables and pictures alike, is computed from records alone.
"""
