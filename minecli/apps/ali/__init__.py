"""Adversarially learned inference with a mutual-information term (paper, section 5.2)."""
