"""How fast, how big, how good: each module measures one thing, alone or with all others by `make bench`."""
