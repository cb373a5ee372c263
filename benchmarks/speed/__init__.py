"""How fast audits are, and how fast others do the same work: the parts of ``python -m benchmarks``.

``sections/`` says what is compared, ``contenders/`` holds one small program for each who does the
work. A contender is a process of its own that prints one line of JSON, and can be run by itself:
``python -m benchmarks.speed.contenders.ours_frame rows=people.npz``.
"""
