"""Which cached boxes probing learns from; what it makes of them is `tests/ezsd/evaluation`'s."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.training_workplace import DIM, KEEP, PHOTOS, SPLIT, Workplace, make_embedded, make_workplace

from ezsd.cache.artifacts import Embedded
from ezsd.cache.errors import ArtifactError
from ezsd.evaluation.config import ProbingConfig
from ezsd.pipeline.jobs.probing import probe_names

FOX = SPLIT.names.index("fox")
TEXT = torch.eye(len(SPLIT.names), DIM)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path)


Novel = dict[tuple[int, int], tuple[float, int]]
"""(photo, place among its proposals) -> confidence, dimension of the embedding."""


def name_proposals(place: Workplace, novel: Novel) -> None:
    """Give proposals a novel name, and all others none; ground truth is in dimension 0."""
    store = Embedded(place.root / "artifacts/embed").store
    for shard in range(store.shards):
        rows = {name: np.array(values) for name, values in store.read_shard(shard).items()}
        rows["labels"][:], rows["confidence"][:], rows["gt_embeddings"][:] = 0, 0.0, np.eye(DIM)[0]
        photos = store.shard_range(shard)
        for (photo, rank), (confidence, dimension) in novel.items():
            if photo in photos:
                at = photos.index(photo), rank
                rows["labels"][at], rows["confidence"][at] = FOX, confidence
                rows["embeddings"][at] = np.eye(DIM)[dimension]
        store.write_shard(shard, rows)


def probed(place: Workplace, **config: float) -> torch.Tensor:
    return probe_names(place.context(), ProbingConfig(**config))


def test_a_novel_name_learns_from_its_most_confident_proposals_of_all_shards(place: Workplace) -> None:
    # two shards of four and two photos; of photo 5 the first place alone is used
    name_proposals(place, {(0, 1): (0.6, 5), (4, 0): (0.9, 6), (3, 2): (0.3, 7), (5, 1): (1.0, 4)})
    one, two = probed(place, boxes_per_name=1), probed(place, boxes_per_name=2)
    moved = [(weights[FOX] > 0.01).nonzero()[:, 0].tolist() for weights in (one, two)]
    assert moved == [[FOX, 6], [FOX, 5, 6]]
    assert torch.equal(one[:FOX], TEXT[:FOX])


def test_without_a_proposal_of_a_novel_name_all_stays_text(place: Workplace) -> None:
    name_proposals(place, {})
    assert torch.equal(probed(place), TEXT)


def test_the_draw_of_base_boxes_follows_its_seed(place: Workplace) -> None:
    of_seed = [probed(place, boxes_per_name=1, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(of_seed[0], of_seed[1]) and not torch.equal(of_seed[0], of_seed[2])


def test_a_store_of_other_boxes_is_refused(place: Workplace) -> None:
    boxes = [1] * PHOTOS
    make_embedded(place.root / "artifacts/embed", boxes, [KEEP] * PHOTOS)
    with pytest.raises(ArtifactError, match="of other boxes: run `ezsd-cli precompute`"):
        probed(place)
