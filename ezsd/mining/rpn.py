"""Proposals of a network trained on base boxes (not the paper's): the baseline that CLIP proposals replace.

ViLD (arXiv 2104.13921) distils on such proposals. The network learns that whatever has no box is background,
novel objects included, which is the paper's argument against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.models.detection.transform import resize_boxes

from ezsd.boxes import clip_xyxy, nms_xyxy
from ezsd.detector.backbone import PyramidBackbone
from ezsd.detector.rpn import build_proposal_network
from ezsd.detector.transform import PhotoTransform
from ezsd.mining.config import MineConfig, RegionProposerConfig
from ezsd.mining.proposals import CropClassifier, Proposals


class RegionProposer(nn.Module):
    """The first half of a two-stage detector: backbone, pyramid and proposal network, and no names.

    Attributes:
        losses: names of the losses that `forward` returns.
    """

    losses = ("loss_objectness", "loss_rpn_box_reg")

    def __init__(self, config: RegionProposerConfig) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.backbone = PyramidBackbone(config.backbone, config.pyramid_channels)
        self.rpn = build_proposal_network(config, config.pyramid_channels)
        # training uses no proposals, so one is enough
        self.rpn._pre_nms_top_n["training"] = self.rpn._post_nms_top_n["training"] = 1
        self.transform = PhotoTransform(self.backbone, config.short_side, config.long_side)

    def forward(self, photos: Sequence[Tensor], targets: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The `losses` by name; arguments as for `ZeroShotDetector` in training, but only boxes are used."""
        images, moved = self.transform(list(photos), list(targets))
        self.rpn.fg_bg_sampler.seeds = [int(target["seed"]) for target in targets]
        losses: dict[str, Tensor] = self.rpn(images, self.backbone(images.tensors), moved)[1]
        return losses

    @torch.inference_mode()
    def propose(self, photo: Tensor) -> tuple[Tensor, Tensor, int]:
        """Class-agnostic proposals of a photo, uint8 `(3, H, W)` RGB on the network's device.

        Returns:
            Boxes, float32 `(N, 4)` xyxy in the photo's pixels, clipped to it; objectness, float32 `(N,)`
            in [0, 1]; the number of anchors they were chosen from. NMS is within pyramid levels only.
        """
        images, _ = self.transform([photo])
        levels = list(self.backbone(images.tensors).values())
        objectness, deltas = self.rpn.head(levels)
        anchors = self.rpn.anchor_generator(images, levels)
        anchors_a_level = [level[0].numel() for level in objectness]
        flat_objectness, flat_deltas = concat_box_prediction_layers(objectness, deltas)
        decoded = self.rpn.box_coder.decode(flat_deltas, anchors).reshape(1, -1, 4)
        (boxes,), (scores,) = self.rpn.filter_proposals(
            decoded, flat_objectness, images.image_sizes, anchors_a_level
        )
        original_size = (photo.shape[1], photo.shape[2])
        boxes_xyxy = resize_boxes(boxes, list(images.image_sizes[0]), list(original_size))
        return clip_xyxy(boxes_xyxy, original_size), scores, sum(anchors_a_level)


@dataclass(frozen=True)
class RpnMiner:
    """Takes the network's best boxes, whatever they hold; the teacher only names them.

    Attributes:
        network: trained and in evaluation mode.
    """

    network: RegionProposer

    def __call__(
        self, photo: Tensor, base_boxes_xyxy: Tensor, classifier: CropClassifier, config: MineConfig
    ) -> Proposals:
        """Mine one photo; arguments as for `mine_exhaustively`.

        `scores` are the objectness. No filter drops boxes on base objects or with base names: ViLD keeps all.
        """
        device = next(self.network.parameters()).device
        boxes_xyxy, scores, anchors = self.network.propose(photo.to(device))
        boxes_xyxy, scores = boxes_xyxy.cpu(), scores.cpu()
        kept = nms_xyxy(boxes_xyxy, scores, config.nms_iou, config.keep)
        probabilities = classifier.probabilities(photo, boxes_xyxy[kept], config.context_factor)
        confidence, labels = probabilities.max(dim=1)
        return Proposals(
            boxes_xyxy=boxes_xyxy[kept],
            scores=scores[kept],
            labels=labels,
            confidence=confidence,
            anchors=anchors,
            forwards=len(kept),
        )
