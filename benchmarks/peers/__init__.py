"""What the measurements are compared with: other tools, and the servers that all of them talk to.

Belongs here: getting a peer, running it, the servers, our own side as a bare process. Does not
belong here: what is compared with what and which goals hold (`benchmarks/export.py`,
`benchmarks/download.py`).
"""
