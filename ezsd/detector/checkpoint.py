"""A detector as plain values and tensors, from which it is built again without running any stored code."""

from collections.abc import Mapping
from typing import Any

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
    detector = build_detector(DetectorConfig.from_dict(dict(config)), text.shape[1])
    try:
        detector.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2]
        raise InputError(
            f"the weights do not fit the detector's config ({''.join(first).strip()})"
        ) from error
    detector.set_vocabulary(text)
    return detector.eval()
