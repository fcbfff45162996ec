"""The RoI heads: from regions to losses in training, and to detections at test."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads

from ezsd.detector.box_head import BoxHead
from ezsd.detector.classifier import CLASSIFIERS
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.detector.mask_head import MaskHead, mask_targets, regions_with_masks
from ezsd.detector.regressor import REGRESSORS
from ezsd.detector.roi_pool import RegionPool
from ezsd.detector.sampling import SeededSampler, jitter_boxes
from ezsd.training.losses.box import box_loss
from ezsd.training.losses.distillation import distillation_loss
from ezsd.training.losses.mask import mask_loss

OBJECT_IOU = 0.5
OBJECT_FRACTION = 0.25
DELTA_WEIGHTS = (10.0, 10.0, 5.0, 5.0)

Features = dict[str, Tensor]
Targets = list[dict[str, Tensor]]


class ZeroShotRoIHeads(RoIHeads):
    """torchvision's heads with text as classifier, a regressor that reads it, and distillation in training.

    Labels here are 0 for background, 1 + index for a name of the vocabulary, and `IGNORED` for neither, which
    no sample holds.
    """

    def __init__(
        self, config: DetectorConfig, dim: int, strides: Sequence[int], classification_loss: nn.Module
    ) -> None:
        """`dim`: D, the teacher's; `strides`: of the levels to pool from, in pixels, fine to coarse."""
        head, select = config.box_head, Selection()
        super().__init__(
            box_roi_pool=RegionPool(strides, head.roi_side, config.short_side),
            box_head=BoxHead(head, config.pyramid_channels, dim, config.normalization),
            box_predictor=None,
            fg_iou_thresh=OBJECT_IOU,
            bg_iou_thresh=OBJECT_IOU,
            batch_size_per_image=head.rois_per_image,
            positive_fraction=OBJECT_FRACTION,
            bbox_reg_weights=DELTA_WEIGHTS,
            score_thresh=select.score_threshold,
            nms_thresh=select.nms_iou,
            detections_per_img=select.detections_per_image,
        )
        self.fg_bg_sampler = SeededSampler(head.rois_per_image, OBJECT_FRACTION)
        self.jittered_copies = head.jittered_copies
        self.classifier = CLASSIFIERS[head.objectness](dim)
        self.regressor = REGRESSORS[head.regressor](head.width, dim)
        self.classification_loss = classification_loss
        # the last to draw its random weights: the others do not depend on whether there is one
        self.masks = None
        if config.mask_head is not None:
            self.masks = MaskHead(
                config.mask_head, config.pyramid_channels, strides, config.short_side, config.normalization
            )

    def select(self, selection: Selection) -> None:
        """Set how detections are selected."""
        self.score_thresh = selection.score_threshold
        self.nms_thresh = selection.nms_iou
        self.detections_per_img = selection.detections_per_image

    def forward(
        self,
        features: Features,
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: Targets | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """In training the losses, else `boxes`, `labels` and `scores` of each image, in the scaled frame.

        A mask head adds `mask_probabilities` `(M, S, S)`, a grid over each box.
        """
        if self.training:
            assert targets is not None  # GeneralizedRCNN has refused their absence
            return [], self._losses(features, proposals, targets)
        return self._detect(features, proposals, image_shapes), {}

    def name(self, features: Features, boxes: list[Tensor]) -> Tensor:
        """Most likely name (R,) int64, from 0, of each image's boxes in the scaled frame."""
        logits = self.classifier(self.box_head.embed(self.pool(features, boxes)))
        return logits[:, 1:].argmax(dim=1)

    def add_gt_proposals(self, proposals: list[Tensor], gt_boxes: list[Tensor]) -> list[Tensor]:
        """Proposals of each image with its ground truth and jittered copies of that.

        A proposal network that has only begun to learn finds next to no positives by itself, and ground truth
        alone has nothing to regress.
        """
        added = super().add_gt_proposals(proposals, gt_boxes)
        return [
            torch.cat([boxes, jitter_boxes(exact, self.jittered_copies, seed)])
            for boxes, exact, seed in zip(added, gt_boxes, self.fg_bg_sampler.seeds, strict=True)
        ]

    def names_to_read(
        self, logits: Tensor, proposals: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Labels (R,) int64 >= 1 of the names whose text the regressor reads at test: the most likely ones.

        Args:
            logits: (R, 1 + C) of all regions, background first.
            proposals: boxes of these regions, of each image, in the scaled frame.
            image_shapes: height and width of each image in that frame.
        """
        return 1 + logits[:, 1:].argmax(dim=1)

    def _losses(self, features: Features, proposals: list[Tensor], targets: Targets) -> dict[str, Tensor]:
        regions, rows, label_list, delta_list = self.select_training_samples(proposals, targets)
        labels, target_deltas = torch.cat(label_list), torch.cat(delta_list)
        distill_boxes = [target["distill_boxes"] for target in targets]
        together = list(zip(regions, distill_boxes, strict=True))
        counts = [len(boxes) for of_image in together for boxes in of_image]
        # one call for both: what a call costs by itself, gradients of whole feature maps, is paid once
        shared = self.pool(features, list(map(torch.cat, together)))
        of_regions, _ = _take_apart(shared, counts)
        deltas = self.regressor(self.box_head.regression(of_regions), self.classifier.text_of(labels))
        embeddings, distilled_embeddings = _take_apart(self.box_head.embed(shared), counts)
        losses = {
            "classification": self.classification_loss(self.classifier(embeddings), labels),
            "box": box_loss(deltas, target_deltas, labels > 0),
            "distillation": distillation_loss(
                distilled_embeddings,
                torch.cat([target["distill_embeddings"] for target in targets]),
                torch.cat([target["distill_weights"] for target in targets]),
                [len(boxes) for boxes in distill_boxes],
            ),
        }
        if self.masks is not None:
            masks = [target["masks"] for target in targets]
            boxes, objects = regions_with_masks(regions, rows, label_list, masks)
            logits = self.masks(features, boxes)
            losses["mask"] = mask_loss(logits, mask_targets(masks, boxes, objects, logits.shape[-1]))
        return losses

    def _detect(
        self, features: Features, proposals: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> list[dict[str, Tensor]]:
        shared = self.pool(features, proposals)
        logits = self.classifier(self.box_head.embed(shared))
        names = self.names_to_read(logits, proposals, image_shapes)
        deltas = self.regressor(self.box_head.regression(shared), self.classifier.text_of(names))
        per_name = deltas.repeat(1, logits.shape[1])  # torchvision expects deltas for each class
        boxes, scores, labels = self.postprocess_detections(logits, per_name, proposals, image_shapes)
        found = [
            {"boxes": b, "scores": s, "labels": n} for b, s, n in zip(boxes, scores, labels, strict=True)
        ]
        if self.masks is None:
            return found
        grids = self.masks(features, boxes).sigmoid()
        of_images = grids.split([of_image.shape[0] for of_image in boxes])  # a number that a trace can follow
        return [{**each, "mask_probabilities": grid} for each, grid in zip(found, of_images, strict=True)]

    def pool(self, features: Features, boxes: list[Tensor]) -> Tensor:
        """Shared features (R, C, S, S) of each image's boxes, image after image."""
        shared: Tensor = self.box_head.shared(self.box_roi_pool(features, boxes))
        return shared


def _take_apart(rows: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Rows (R, ...) of regions and of distilled boxes; `counts` are those of each image, in turn."""
    parts = rows.split(counts)
    return torch.cat(parts[::2]), torch.cat(parts[1::2])
