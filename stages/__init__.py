"""The eight stages, a module each; `commands` is the command line, `pages` is what users look at."""
