"""Detection as one function of tensors, which exporters can trace (not the paper's)."""

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList

from ezsd.detector.config import Selection
from ezsd.detector.detector import ZeroShotDetector


class ExportableDetector(nn.Module):
    """Does what `detect` does with one scaled photo; the vocabulary is an input.

    Scaling is left to the caller: a trace would freeze the size that a photo is scaled to.
    """

    def __init__(self, detector: ZeroShotDetector, selection: Selection) -> None:
        """Wrap a detector on the CPU; puts it into evaluation mode and sets its `selection`."""
        super().__init__()
        self.detector = detector
        self.detector.roi_heads.select(selection)
        self.eval()

    def forward(self, photo: Tensor, text_embeddings: Tensor) -> tuple[Tensor, ...]:
        """Find names in a photo.

        Args:
            photo: float32 RGB `(3, H, W)` in [0, 255], scaled as by `PhotoTransform`.
            text_embeddings: float32 `(C, D)`, a row for each name, not zero.

        Returns:
            boxes_xyxy, float32 `(M, 4)` in pixels of `photo`; scores, float32 `(M,)` in [0, 1]; labels, int64
            `(M,)`, index into the rows of `text_embeddings`; highest score first. A mask head adds
            mask_probabilities, float32 `(M, S, S)` in [0, 1], a grid over each box.
        """
        self.detector.set_vocabulary(text_embeddings)
        pixels = self._pad(self.detector.transform.normalize(photo))[None]
        features = self.detector.backbone(pixels)
        image_sizes = [(photo.shape[1], photo.shape[2])]
        regions, _ = self.detector.rpn(ImageList(pixels, image_sizes), features)
        (found,), _ = self.detector.roi_heads(features, regions, image_sizes)
        masks = [found["mask_probabilities"]] if "mask_probabilities" in found else []
        return found["boxes"], found["scores"], found["labels"] - 1, *masks

    def _pad(self, pixels: Tensor) -> Tensor:
        """Pad to multiples of the coarsest stride, with zeros at the right and bottom."""
        stride = self.detector.backbone.stride
        return F.pad(pixels, (0, -pixels.shape[2] % stride, 0, -pixels.shape[1] % stride))
