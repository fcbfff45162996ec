import numpy as np

from ezsd.pipeline.data.world.clutter import clutter_rings


def test_outlines_of_clutter_are_closed_and_stay_within_their_frame():
    for seed in range(200):
        rings = clutter_rings(np.random.default_rng(seed))
        assert all(ring.ndim == 2 and len(ring) > 2 for ring in rings)
        points = np.concatenate(rings)
        assert np.abs(points).max() <= 1 + 1e-9
        assert np.ptp(points, axis=0).min() > 0.1
