"""What can be run: one module a stage, joined by `ezsd.stages.cli` into `ezsd-cli`."""

import os

# OpenMP's threads wait for one another by spinning, unless told so before torch loads it: on cores that
# something else uses too, training then crawls.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
