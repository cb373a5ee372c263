"""The checks. One check is one small file: its module path is its id, its docstring its page."""
