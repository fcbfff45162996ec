"""The seven stages, a module each; `commands` is the command line, `pages` is everything for people to read."""
