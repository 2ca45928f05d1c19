"""What a computation stands on: seeds, devices, threads, signals, checkpoints and files that are never half
written.
"""
