"""How fast, how big, how good: each module measures one thing, alone or with all others by `make bench`."""

import stages as stages  # sets how OpenMP waits, before torch is loaded, so that it is measured as it is used
