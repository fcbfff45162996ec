"""Zero-shot detection by efficient CLIP distillation, as an offline pipeline with cached teacher targets."""

import os

# OpenMP's threads wait for one another by spinning, unless torch finds this when it is loaded: on cores that
# something else uses too, training then crawls.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
