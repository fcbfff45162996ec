"""The seven stages, one module each; `commands` is the command line, `pages` what people look at."""
