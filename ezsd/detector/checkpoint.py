"""A detector as plain values and tensors, from which it is built again without running any stored code."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ezsd.detector.config import DetectorConfig
from ezsd.detector.detector import ZeroShotDetector, build_detector
from ezsd.errors import InputError

TEXT = "text_embeddings"
_TRAINING_ONLY = "roi_heads.classification_loss."


def detector_tensors(detector: ZeroShotDetector) -> dict[str, Tensor]:
    """All weights, and the vocabulary as `text_embeddings` (C, D); contiguous, on the CPU."""
    state = {
        name: tensor for name, tensor in detector.state_dict().items() if not name.startswith(_TRAINING_ONLY)
    }
    state[TEXT] = detector.roi_heads.classifier.text_embeddings
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def restore_detector(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ZeroShotDetector:
    """The detector of :meth:`DetectorConfig.to_dict` and :func:`detector_tensors`, in evaluation mode.

    Raises:
        InputError: the tensors are not those of the config.
    """
    weights = dict(tensors)
    text = weights.pop(TEXT, None)
    if text is None or text.ndim != 2:
        raise InputError(f"the detector's weights lack {TEXT!r}: the file is of something else or cut short")
    checked = DetectorConfig.from_dict(dict(config))
    try:
        with torch.device("meta"):  # no memory is taken: a config may claim any size
            build_detector(checked, text.shape[1]).load_state_dict(weights, assign=True)
        detector = build_detector(checked, text.shape[1])
        detector.load_state_dict(weights)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(
            f"the weights do not fit the detector's config ({lines[min(1, len(lines) - 1)].strip()})"
        ) from error
    detector.set_vocabulary(text)
    return detector.eval()
