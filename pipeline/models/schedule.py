"""Which schedule a section of the params means."""

from ezsd.pipeline.params import ProposalNetworkParams
from ezsd.training.schedule import Schedule, schedule_in_epochs


def make_schedule(params: ProposalNetworkParams, photos: int) -> Schedule:
    """The schedule of the params for so many photos."""
    return schedule_in_epochs(
        photos,
        params.images_per_step,
        params.epochs,
        params.decay_epochs,
        params.learning_rate,
        params.warmup_steps,
    )
