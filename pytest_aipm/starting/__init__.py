"""From a file of rows to a first policy: what ``aipm init`` and ``aipm demo`` write, and why.

A table is looked at, each part of a policy is proposed with the reason for it, a person confirms,
and files are written that read like a letter. Nothing here audits.
"""
