"""The differentiable machinery of the paper's sections 2 and 3, shared by the estimators and the applications.

Tensors carry a leading axis of `models`: several statistics networks (folds, repeats) are evaluated and trained as
one. A single network is the case models = 1. This room knows no files, no tables and no terminal.
"""
