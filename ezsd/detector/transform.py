"""From photos of any size to one batch, with their boxes and masks."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection.transform import GeneralizedRCNNTransform, resize_boxes

from ezsd.detector.backbone import PyramidBackbone
from ezsd.distributed import max_over_processes

BOX_KEYS = ("boxes", "distill_boxes")


class PhotoTransform(GeneralizedRCNNTransform):
    """torchvision's, for uint8 photos and all boxes of a target.

    In training, `short_side` of the target is the size that its photo is scaled to.
    """

    def __init__(self, backbone: PyramidBackbone, short_side: int, long_side: int) -> None:
        """A batch's height and width are padded to multiples of the coarsest stride."""
        mean, std = list(backbone.mean), list(backbone.std)
        super().__init__(short_side, long_side, mean, std, size_divisible=backbone.strides[-1])

    def max_by_axis(self, the_list: list[list[int]]) -> list[int]:
        """The shape that all photos of a step are padded to, over all processes.

        Padding changes features at a photo's edges, so it must not depend on the number of processes.
        """
        return max_over_processes(super().max_by_axis(the_list))

    def normalize(self, image: Tensor) -> Tensor:
        """From uint8 `(3, H, W)` to float with the backbone's mean and std removed."""
        mean, std = (
            image.new_tensor(each, dtype=torch.float32) for each in (self.image_mean, self.image_std)
        )
        scaled = torch.div(image, 255)  # the only copy: a photo in floats is large
        return scaled.sub_(mean[:, None, None]).div_(std[:, None, None])

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Scale a photo, keeping its aspect ratio, and the boxes and masks of its target."""
        before_hw = [int(side) for side in image.shape[-2:]]
        short_side = self.min_size[-1] if target is None else int(target["short_side"])
        scale = min(short_side / min(before_hw), self.max_size / max(before_hw))
        after_hw = [max(1, int(side * scale)) for side in before_hw]
        if after_hw != before_hw:
            image = F.interpolate(image[None], size=after_hw, mode="bilinear", align_corners=False)[0]
        if target is None:
            return image, None
        moved = {key: resize_boxes(target[key], before_hw, after_hw) for key in BOX_KEYS}
        if "masks" in target:
            moved["masks"] = F.interpolate(target["masks"][:, None].float(), size=after_hw)[:, 0].byte()
        return image, {**target, **moved}
