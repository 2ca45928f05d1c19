"""The front door: what Python calls, and what the commands show. One file per function, the result it gives beside it.

`request.py` is what is asked, `estimation.py` asks and answers it, `result.py` is the answer; `arguments.py` and
`wording.py` stand between Python's parameters and the command line's words.
"""
