"""The stage `evaluate` of the ceiling: true boxes, named by the re-normalized teacher."""

from torch import Tensor

from ezsd.detector.detector import Detections
from ezsd.pipeline.jobs.evaluate import RENORMALIZED, Models, ValidationPass
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.stages.evaluate import evaluate_with


class TeacherPass(ValidationPass):
    """Takes the true boxes for detections, each with all names."""

    def detections_of(self, models: Models, row: int, pixels: Tensor) -> Detections:
        """Return each true box with its most likely names, as many as a photo may have detections."""
        boxes_xyxy = self.photos.objects_xyxy(row)
        probabilities = models.teachers[RENORMALIZED].probabilities(pixels, boxes_xyxy)
        each = min(models.selection.detections_per_image // max(len(boxes_xyxy), 1), probabilities.shape[1])
        scores, labels = probabilities.topk(each)
        return Detections(boxes_xyxy.repeat_interleave(each, dim=0), scores.flatten(), labels.flatten())


def run(context: StageContext) -> StageResult:
    """Write the artifact of `evaluate`."""
    return evaluate_with(TeacherPass, context)
