"""The detector as a graph for batches of any size: a loop over photos would be traced for a fixed number."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.onnx.operators import shape_as_tensor
from torchvision.models.detection._utils import _topk_min
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.ops import clip_boxes_to_image, nms

from ezsd.detector.config import Selection
from ezsd.detector.detector import ZeroShotDetector

ABSENT = -1.0
"""Score of what is not there, where rows are as long for every photo."""
PRESENT = ABSENT / 2
"""Whatever is there has a higher score."""
SMALLEST_SIDE = 1e-2
"""Of a detection, in pixels of the scaled photo: torchvision's."""


class Best(NamedTuple):
    """The best of each photo: photo after photo, best first.

    Attributes:
        photos: int64 (R,), number of the photo.
        ranks: int64 (R,), number of the row in its photo.
        columns: int64 (R,), where it was found in the photo's scores.
        scores: float32 (R,).
    """

    photos: Tensor
    ranks: Tensor
    columns: Tensor
    scores: Tensor


class ExportableDetector(nn.Module):
    """Does what `detect` does with any number of photos of one size; the vocabulary is an input."""

    def __init__(self, detector: ZeroShotDetector, selection: Selection) -> None:
        """Wrap a detector on the CPU; puts it into evaluation mode and sets its `selection`."""
        super().__init__()
        self.detector = detector
        self.detector.roi_heads.select(selection)
        self.eval()

    def forward(self, photos: Tensor, text_embeddings: Tensor) -> tuple[Tensor, ...]:
        """Find names in photos.

        Args:
            photos: uint8 RGB `(N, H, W, 3)`.
            text_embeddings: float32 `(C, D)`, a row for each name, not zero.

        Returns:
            boxes_xyxy, float32 `(M, 4)` in pixels of `photos`; scores, float32 `(M,)` in [0, 1]; labels,
            int64 `(M,)`, index into the rows of `text_embeddings`; photo, int64 `(M,)`, its number in the
            batch. They come photo after photo, highest score first. A mask head adds mask_probabilities,
            float32 `(M, S, S)` in [0, 1], a grid over each box.
        """
        self.detector.set_vocabulary(text_embeddings)
        before_hw = shape_as_tensor(photos)[1:3]
        after_hw = self._scaled(before_hw)
        pixels = self.detector.transform.normalize(photos.permute(0, 3, 1, 2).to(torch.float32))
        size: Any = (after_hw[0], after_hw[1])  # numbers that a trace follows
        scaled = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        padded = self._pad(scaled)
        features, heads = self.detector.backbone(padded), self.detector.roi_heads
        size = (scaled.shape[2], scaled.shape[3])
        boxes_xyxy, scores, labels, photo = self._detect(
            features, *self._propose(padded, features, size), size
        )
        back = (before_hw.to(torch.float32) / after_hw.to(torch.float32)).flip(0).repeat(2)
        found = (boxes_xyxy * back, scores, labels, photo)
        if heads.masks is None:
            return found
        pooled = heads.masks.pool.of_regions(features, _regions(photo, boxes_xyxy))
        return *found, heads.masks.of_pooled(pooled).sigmoid()

    def _scaled(self, before_hw: Tensor) -> Tensor:
        """The rule of `PhotoTransform.resize` for (2,) int64, as a graph can compute it for any size."""
        config, sides = self.detector.config, before_hw.to(torch.float64)
        # of shape (1,) and no numbers: those the exporter would round to float32, and 64 / 64 to less than 1
        ends = torch.cat([sides.amin(0, keepdim=True), sides.amax(0, keepdim=True)])
        limits = torch.tensor([config.short_side, config.long_side], dtype=torch.float64)
        scale = (limits / ends).amin(0, keepdim=True)
        return (sides * scale).floor().clamp(min=1).to(torch.int64)

    def _pad(self, pixels: Tensor) -> Tensor:
        """Pad to multiples of the coarsest stride, with zeros at the right and bottom."""
        stride = self.detector.backbone.strides[-1]
        return F.pad(pixels, (0, -pixels.shape[3] % stride, 0, -pixels.shape[2] % stride))

    def _propose(self, padded: Tensor, features: dict[str, Tensor], size: Any) -> tuple[Best, Tensor]:
        """torchvision's `RegionProposalNetwork` at test: the regions, and their boxes (R, 4)."""
        rpn, levels = self.detector.rpn, list(features.values())
        objectness, deltas = rpn.head(levels)
        (anchors,) = rpn.anchor_generator(ImageList(padded, [size]), levels)
        counts = [one.shape[1] * one.shape[2] * one.shape[3] for one in objectness]
        flat, flat_deltas = concat_box_prediction_layers(objectness, deltas)
        photos = padded.shape[0]
        boxes = rpn.box_coder.decode_single(flat_deltas, anchors.repeat(photos, 1)).reshape(photos, -1, 4)
        logits = flat.reshape(photos, -1)
        top = rpn._get_top_n_idx(logits, counts)
        boxes = clip_boxes_to_image(boxes.gather(1, top[..., None].expand(-1, -1, 4)), size)
        level_of = torch.cat([torch.full((count,), n) for n, count in enumerate(counts)])
        here = level_of[top][:, None] == torch.arange(len(levels))[:, None]
        likely = logits.gather(1, top).sigmoid()
        scores = torch.where(here & _are_large(boxes, rpn.min_size)[:, None], likely[:, None], ABSENT)
        picks = SuppressEach.apply(boxes, scores, rpn.nms_thresh, PRESENT)
        best = _best(picks[:, 0], picks[:, 2], likely, rpn.post_nms_top_n())
        return best, boxes[best.photos, best.columns]

    def _detect(
        self, features: dict[str, Tensor], regions: Best, boxes: Tensor, size: Any
    ) -> tuple[Tensor, ...]:
        """The heads at test: boxes in the scaled frame, scores, labels and photos, (M, ...) each."""
        heads = self.detector.roi_heads
        shared = heads.box_head.shared(
            heads.box_roi_pool.of_regions(features, _regions(regions.photos, boxes))
        )
        logits = heads.classifier(heads.box_head.embed(shared))
        names = heads.names_to_read(logits, [boxes], [size])
        deltas = heads.regressor(heads.box_head.regression(shared), heads.classifier.text_of(names))
        boxes = clip_boxes_to_image(heads.box_coder.decode_single(deltas, boxes), size)
        scores = logits.softmax(dim=1)[:, 1:]
        scores = torch.where(_are_large(boxes, SMALLEST_SIDE)[:, None], scores, ABSENT)
        photos = features["0"].shape[0]
        most = self.detector.rpn.post_nms_top_n()
        place = (regions.photos, regions.ranks)
        of_photos = boxes.new_zeros((photos, most, 4)).index_put(place, boxes)
        by_name = scores.new_full((photos, most, scores.shape[1]), ABSENT).index_put(place, scores)
        by_name = by_name.transpose(1, 2)
        picks = SuppressEach.apply(of_photos, by_name, heads.nms_thresh, heads.score_thresh)
        found = _best(
            picks[:, 0], picks[:, 1] * most + picks[:, 2], by_name.flatten(1), heads.detections_per_img
        )
        kept = of_photos[found.photos, found.columns % most]
        return kept, found.scores, found.columns // most, found.photos


class SuppressEach(torch.autograd.Function):
    """Non-maximum suppression in each photo and class by itself: ONNX's operator, which torch lacks."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, iou: float, above: float) -> Tensor:
        """Keep boxes.

        Args:
            ctx: not used.
            boxes: (N, B, 4) xyxy of each photo.
            scores: (N, C, B) of each class.
            iou: of two boxes that overlap by more, the one with the higher score is kept.
            above: boxes with this score or less are dropped.

        Returns:
            int64 (M, 3): photo, class, box.
        """
        kept = []
        for photo, label in torch.cartesian_prod(
            torch.arange(scores.shape[0]), torch.arange(scores.shape[1])
        ):
            of_class = scores[photo, label]
            (likely,) = torch.where(of_class > above)
            rows = likely[nms(boxes[photo, likely], of_class[likely], iou)]
            kept.append(torch.stack([photo.expand(len(rows)), label.expand(len(rows)), rows], dim=1))
        return torch.cat(kept)

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, iou: float, above: float) -> Any:
        """The operator; corners may come in any order."""
        limits = (torch.tensor([torch.iinfo(torch.int32).max]), torch.tensor([iou]), torch.tensor([above]))
        constants = (g.op("Constant", value_t=limit) for limit in limits)
        return g.op("NonMaxSuppression", boxes, scores, *constants)


def _best(photos: Tensor, columns: Tensor, scores: Tensor, most: int) -> Best:
    """The best `most` of picked scores in each photo.

    Args:
        photos: int64 (M,), of each pick.
        columns: int64 (M,), of each pick.
        scores: (N, K) of each photo.
        most: of a photo.
    """
    place = (photos, columns)
    picked = torch.full_like(scores, ABSENT).index_put(place, scores[place])
    values, at = picked.topk(_topk_min(picked, most, 1), dim=1)
    rows = (values > PRESENT).nonzero()
    photo, rank = rows[:, 0], rows[:, 1]
    return Best(photo, rank, at[photo, rank], values[photo, rank])


def _are_large(boxes_xyxy: Tensor, side: float) -> Tensor:
    """Whether both sides of boxes (..., 4) have this length."""
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2] >= side).all(dim=-1)


def _regions(photos: Tensor, boxes_xyxy: Tensor) -> Tensor:
    """Regions (R, 5), as `RegionPool.of_regions` takes them."""
    return torch.cat([photos[:, None].to(boxes_xyxy.dtype), boxes_xyxy], dim=1)
