"""The detector as a whole: it trains on anything, and its names are an argument."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from ezsd.detector.config import DetectorConfig, Selection
from ezsd.detector.detector import (
    LOSSES,
    Detections,
    build_detector,
    detect,
    detector_tensors,
    restore_detector,
)
from ezsd.errors import InputError

ALL = Selection(score_threshold=0.0, nms_iou=1.0, detections_per_image=10_000)


def same(one: Detections, other: Detections) -> bool:
    return all(
        torch.equal(getattr(one, field), getattr(other, field))
        for field in ("boxes_xyxy", "scores", "labels")
    )


@pytest.mark.parametrize("regressor", ["semantic", "modulated", "plain"])
@pytest.mark.parametrize(("objects", "distilled"), [(2, 4), (0, 4), (2, 0), (0, 0)])
def test_it_trains_with_and_without_objects_and_proposals(
    tiny: Any, regressor: str, objects: int, distilled: int
) -> None:
    detector = tiny.detector(regressor=regressor).train()
    losses = detector(
        [tiny.photo(), tiny.photo(1)], [tiny.target(objects, distilled), tiny.target(objects, distilled)]
    )
    assert set(losses) == set(LOSSES)
    sum(losses.values()).backward()
    trained = {name: p.grad for name, p in detector.named_parameters() if p.requires_grad}
    assert all(grad is not None and torch.isfinite(grad).all() for grad in trained.values())
    assert (losses["distillation"] == 0) == (distilled == 0)


def test_each_distilled_box_is_compared_with_its_own_embedding(tiny: Any) -> None:
    detector = tiny.detector().train()
    heads, photos = detector.roi_heads, [tiny.photo(), tiny.photo(1)]
    targets = [tiny.target(distilled=3), tiny.target(distilled=1, seed=1)]
    boxes = [target["distill_boxes"] for target in targets]
    with torch.no_grad():
        images, _ = detector.transform(photos)
        pooled = heads.box_roi_pool(detector.backbone(images.tensors), boxes)
        embeddings = heads.box_head.embed(heads.box_head.shared(pooled)).split([3, 1])
    as_the_student = [
        {**target, "distill_embeddings": of_image}
        for target, of_image in zip(targets, embeddings, strict=True)
    ]
    assert detector(photos, targets)["distillation"].item() > 1
    assert detector(photos, as_the_student)["distillation"].item() == pytest.approx(0, abs=1e-4)


def test_jittered_ground_truth_gives_an_untrained_detector_something_to_regress(tiny: Any) -> None:
    def box_loss(copies: int) -> float:
        config = tiny.config()
        head = replace(config.box_head, jittered_copies=copies)
        torch.manual_seed(0)
        detector = build_detector(replace(config, box_head=head), tiny.dim).train()
        detector.set_vocabulary(torch.randn(5, tiny.dim))
        return detector([tiny.photo()], [tiny.target()])["box"].item()

    assert box_loss(copies=4) > 5 * box_loss(copies=0)


def test_the_same_seeds_give_the_same_losses(tiny: Any) -> None:
    detector = tiny.detector().train()
    batch = ([tiny.photo()], [tiny.target(seed=5)])
    first, again = detector(*batch), detector(*batch)
    assert all(torch.equal(first[name], again[name]) for name in LOSSES)


def test_detections_lie_in_the_photo_and_are_ranked(tiny: Any) -> None:
    photos = [tiny.photo(height=48, width=96), tiny.photo(1)]
    for photo, found in zip(photos, detect(tiny.detector(), photos), strict=True):
        height, width = photo.shape[1:]
        assert 0 < len(found.labels) <= 300
        assert found.boxes_xyxy.min() >= 0
        assert (found.boxes_xyxy[:, 2] <= width + 1e-3).all() and (
            found.boxes_xyxy[:, 3] <= height + 1e-3
        ).all()
        assert (found.scores.diff() <= 0).all()
        assert found.labels.min() >= 0 and found.labels.max() < 5


def test_no_photo_no_detection(tiny: Any) -> None:
    assert len(detect(tiny.detector(), [tiny.photo()], Selection(score_threshold=1.0))[0].labels) == 0


def test_a_selection_cuts_the_list(tiny: Any) -> None:
    detector, photo = tiny.detector(), tiny.photo()
    (everything,) = detect(detector, [photo], ALL)
    (best,) = detect(detector, [photo], Selection(nms_iou=1.0, detections_per_image=7))
    assert_close(best.scores, everything.scores[:7])


def test_scores_of_a_region_leave_room_for_background(tiny: Any) -> None:
    """With one name, a score is the softmax over that name and background."""
    detector = tiny.detector(names=1)
    detector.roi_heads.classifier.log_temperature.data.fill_(-20.0)
    (found,) = detect(detector, [tiny.photo()], ALL)
    assert_close(found.scores, torch.full_like(found.scores, 0.5))


def test_given_boxes_get_the_names_of_detections_there(tiny: Any) -> None:
    """A detector that moves no box: each detected box has its best name, and every name its own score."""
    detector, photo = tiny.detector(regressor="plain"), tiny.photo(height=48, width=96)
    torch.nn.init.zeros_(detector.roi_heads.regressor.deltas.weight)
    found = detect(detector, [photo], Selection(nms_iou=1.0, detections_per_image=10_000))[0]
    first, seen = [], set()
    for row, box in enumerate(found.boxes_xyxy.tolist()):
        if tuple(box) not in seen:
            seen.add(tuple(box))
            first.append(row)
    names = detector.name(photo, found.boxes_xyxy[first])
    assert len(first) > 1 and torch.equal(names, found.labels[first])
    assert detector.name(photo, torch.zeros(0, 4)).shape == (0,)


def test_permuted_names_permute_labels_and_nothing_else(tiny: Any) -> None:
    detector, photo = tiny.detector(), tiny.photo()
    text = detector.roi_heads.classifier.text_embeddings.clone()
    (before,) = detect(detector, [photo])
    order = torch.tensor([3, 0, 4, 1, 2])
    detector.set_vocabulary(text[order])
    (after,) = detect(detector, [photo])
    assert_close(after.boxes_xyxy, before.boxes_xyxy)
    assert_close(after.scores, before.scores)
    assert torch.equal(order[after.labels], before.labels)


def test_other_names_leave_features_and_plain_boxes_unchanged(tiny: Any) -> None:
    detector, photo = tiny.detector(regressor="plain"), tiny.photo()

    def boxes_found() -> torch.Tensor:
        (found,) = detect(detector, [photo], ALL)
        return found.boxes_xyxy.unique(dim=0)

    before = boxes_found()
    weights = {name: value.clone() for name, value in detector.state_dict().items()}
    detector.set_vocabulary(torch.randn(9, tiny.dim))
    assert_close(boxes_found(), before)
    assert all(torch.equal(weights[name], value) for name, value in detector.state_dict().items())


def test_mixed_precision_keeps_boxes_and_scores_exact(tiny: Any) -> None:
    detector, photo = tiny.detector(), tiny.photo()
    (exact,) = detect(detector, [photo], ALL)
    with torch.autocast("cpu", torch.bfloat16):
        (mixed,) = detect(detector, [photo], ALL)
        losses = detector.train()([photo], [tiny.target()])
    assert mixed.boxes_xyxy.dtype == mixed.scores.dtype == torch.float32
    assert all(torch.isfinite(loss) for loss in losses.values())
    # bfloat16 has 8 bits: of coordinates up to 64, few would lie between the multiples of a quarter
    assert (mixed.boxes_xyxy % 0.25 != 0).float().mean() > 0.5
    assert_close(mixed.scores[0], exact.scores[0], rtol=0.2, atol=0.05)


def test_a_checkpoint_gives_the_same_detections(tiny: Any) -> None:
    detector = tiny.detector()
    config, tensors = detector.config.to_dict(), detector_tensors(detector)
    restored = restore_detector(config, tensors)
    assert restored.config == detector.config
    assert same(*(detect(each, [tiny.photo()])[0] for each in (detector, restored)))


def test_a_config_survives_json(tiny: Any) -> None:
    import json

    config = tiny.config()
    assert DetectorConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(InputError, match="another version"):
        DetectorConfig.from_dict({**config.to_dict(), "colour": "red"})


def test_tensors_of_another_detector_are_refused(tiny: Any) -> None:
    detector = tiny.detector()
    tensors = detector_tensors(detector)
    with pytest.raises(InputError, match="do not fit the detector's config"):
        restore_detector(tiny.config("plain").to_dict(), tensors)
    del tensors["text_embeddings"]
    with pytest.raises(InputError, match="lack 'text_embeddings'"):
        restore_detector(tiny.config().to_dict(), tensors)


def test_the_student_never_loads_the_teacher() -> None:
    script = (
        "import sys, ezsd.detector.detector, ezsd.training.engine\n"
        "print([name for name in sys.modules if name.startswith(('open_clip', 'ezsd.teacher'))])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
