"""`renorm`: tune the teacher's norm layers on base boxes, and record the changes."""

from ezsd.cache.artifacts import Renormed
from ezsd.cache.folders import remove_file
from ezsd.cache.renorm_file import write_renorm
from ezsd.pipeline.findings.teacher import accuracy_findings, held_back_findings, text_findings
from ezsd.pipeline.jobs.renorm import make_record, open_subject
from ezsd.pipeline.jobs.renorm_tuning import summary
from ezsd.pipeline.models.teacher_source import resolve_teacher, teacher_digests
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.pipeline.tensor_files import CHECKPOINT, write_tensors
from ezsd.teacher.name_embeddings import warn_of_cut_names


def run(context: StageContext) -> StageResult:
    """Write `norms.safetensors` and `renorm.h5`."""
    params, renormed, subject = context.params, Renormed(context.folder), open_subject(context)
    before = subject.view()
    tuning = subject.renormalize()
    after = subject.view()
    teacher = {
        "model": params.teacher.model,
        "templates": subject.prompts.templates,
        "text_names": params.teacher.text_names,
        "logit_scale": subject.teacher.logit_scale,
        **teacher_digests(resolve_teacher(params.teacher, context.root)),
    }
    write_tensors(renormed.norms, after.norms)
    write_renorm(renormed.record, make_record(before, after, subject.split, tuning, teacher))
    remove_file(context.folder / CHECKPOINT)
    return StageResult(
        {
            "photos": len(subject.data),
            "boxes": sum(map(len, subject.data.labels)),
            "norm_layers": len(after.domain.activations),
        },
        {
            "method": params.renorm.method,
            "base_accuracy_before": round(before.domain.accuracy, 6),
            "base_accuracy_after": round(after.domain.accuracy, 6),
            "accuracy_boxes": after.domain.boxes,
            "check": None if tuning.check is None else summary(tuning.check),
            "cut_names": warn_of_cut_names(subject.teacher, subject.split.names, subject.prompts),
        },
        [
            *accuracy_findings(before.domain.accuracy, after.domain.accuracy, after.domain.boxes),
            *([] if tuning.check is None else held_back_findings(tuning.check)),
            *text_findings(after.text.numpy(), subject.split.names),
        ],
    )
