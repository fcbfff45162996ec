"""How fast, how big, how good: each module measures one thing, alone or with all others by `make bench`."""

from ezsd import stages as stages  # sets how OpenMP waits before torch is loaded, as in use
