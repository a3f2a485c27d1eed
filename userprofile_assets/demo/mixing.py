"""One number from a seed and a counter, the same on every machine and Python version.

Belongs here: the mixing step of the SplitMix64 generator (Steele, Lea, Flood 2014; in the public
domain). It gives user number 4711 the same uid, address and agent every day, without a table of
users in memory.
"""

from __future__ import annotations

_WORD = (1 << 64) - 1


def mix(seed: int, number: int) -> int:
    """Return 64 bits that look random and depend only on the two arguments."""
    bits = (seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + 0x2545F4914F6CDD1D) & _WORD
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _WORD
    return bits ^ (bits >> 31)
