"""Files -> column groups -> float arrays.

`groups.load_groups` is the main entrance, `summary.describe_columns` lists what can be named. Nothing is
imported here, so that the selector grammar in `columns` can be used without the table libraries.
"""
