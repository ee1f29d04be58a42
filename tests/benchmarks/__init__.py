"""How fast the product is, measured beside floors built for the purpose, in the same run: `make bench`.

A floor is the least that a request of its kind can cost under the same server on the same database. Both are asked in
turn, so that whatever else the machine does slows both. Read ratios, not milliseconds.
"""
