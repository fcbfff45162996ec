"""The detector at test as one function of tensors, which exporters can trace."""

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList

from ezsd.detector.config import Selection
from ezsd.detector.detector import ZeroShotDetector


class ExportableDetector(nn.Module):
    """What `detect` does with one scaled photo, by the same code, the vocabulary being an input.

    Scaling stays outside: the size that a photo is scaled to is a whole number, which a trace would freeze.
    """

    def __init__(self, detector: ZeroShotDetector, selection: Selection) -> None:
        """`detector`: on the CPU; it is put into evaluation mode and chooses by `selection` from now on."""
        super().__init__()
        self.detector = detector
        self.detector.roi_heads.select(selection)
        self.eval()

    def forward(self, photo: Tensor, text_embeddings: Tensor) -> tuple[Tensor, ...]:
        """Find names in a photo.

        Args:
            photo: (3, H, W) float32 RGB of 0..255, scaled as `PhotoTransform` scales photos.
            text_embeddings: (C, D) float32, a row for each name, of any length > 0.

        Returns:
            boxes_xyxy (M, 4) float32 in pixels of `photo`, scores (M,) float32 in 0..1, and labels (M,) int64
            into the rows of `text_embeddings`; best first. With a mask head also mask_probabilities (M, S, S)
            float32 in 0..1, a grid over each box.
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
        """To multiples of the coarsest stride, with zeros on the right and below."""
        stride = self.detector.backbone.strides[-1]
        return F.pad(pixels, (0, -pixels.shape[2] % stride, 0, -pixels.shape[1] % stride))
