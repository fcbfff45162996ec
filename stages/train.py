"""`train`: train the detector on base boxes and the cached embeddings, without the teacher."""

import torch
from torch import Tensor

from ezsd.cache.artifacts import Embedded, Renormed
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import remove_file
from ezsd.cache.manifest import manifest_digest
from ezsd.cache.pseudo_file import FILE, NO_NAME, PseudoTable, read_pseudo
from ezsd.cache.renorm_file import RenormRecord
from ezsd.pipeline.data.training_photos import open_training_photos
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.findings.training import loss_findings
from ezsd.pipeline.jobs.train import TargetReader, train_detector
from ezsd.pipeline.jobs.training_log import HISTORY, write_history
from ezsd.pipeline.models.detector import TrainedDetector, make_detector, write_detector
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.pipeline.tensor_files import CHECKPOINT
from ezsd.split import Split

PARENTS = ("prepare", "renorm", "embed", "pseudo")


def run(context: StageContext) -> StageResult:
    """Write `detector.safetensors`, `detector.json` and `history.csv`."""
    params, photos = context.params.train, open_training_photos(context)
    embedded, renormed = Embedded(context.parent("embed")), Renormed(context.parent("renorm")).read()
    prepared, split = photos.prepared, photos.prepared.split
    pseudo = _pseudo_boxes(context)
    text, trained_names = _text_embeddings(renormed, split), _trained_names(split, pseudo)
    protocol = _protocol(embedded.protocol, pseudo)
    detector = make_detector(params, context.root, trained_names, text.shape[1])
    detector.to(choose_device(context.params.run), memory_format=torch.channels_last)
    detector.set_vocabulary(text[:trained_names])
    detector.set_temperature(renormed.teacher["logit_scale"])
    targets = TargetReader(
        photos.index,
        embedded.store,
        prepared.train_masks if params.detector.mask_head else None,
        pseudo,
    )
    reports, schedule = train_detector(context, detector, photos, targets)
    result = StageResult(
        {"photos": len(photos), "steps": schedule.steps},
        {"protocol": protocol},
        list(loss_findings([sum(report.losses.values()) for report in reports])),
    )
    if not context.processes.leads:
        return result
    detector.set_vocabulary(text)
    parents = {name: manifest_digest(context.parent(name)) for name in PARENTS}
    trained = TrainedDetector(detector, split, protocol, renormed.teacher, parents)
    write_detector(context.folder, trained)
    write_history(context.folder / HISTORY, reports, schedule)
    remove_file(context.folder / CHECKPOINT)
    return result


def _pseudo_boxes(context: StageContext) -> PseudoTable | None:
    """Pseudo boxes of the training photos; None if there are none, so that nothing is drawn for them."""
    table = read_pseudo(context.parent("pseudo") / FILE)
    return table if len(table) else None


def _has_names(pseudo: PseudoTable) -> bool:
    return bool((pseudo.labels != NO_NAME).any())


def _trained_names(split: Split, pseudo: PseudoTable | None) -> int:
    """Number of names that regions are classified by: all where pseudo boxes have novel names."""
    return len(split.names if pseudo is not None and _has_names(pseudo) else split.labelled)


def _protocol(protocol: str, pseudo: PseudoTable | None) -> str:
    """The protocol with what pseudo boxes used."""
    if pseudo is None:
        return protocol
    return f"{protocol}, {'pseudo boxes' if _has_names(pseudo) else 'pseudo boxes without names'}"


def _text_embeddings(renormed: RenormRecord, split: Split) -> Tensor:
    """Text embeddings of all names of the split, (C, D) float32, base first."""
    row_of = {name: row for row, name in enumerate(renormed.names)}
    missing = [name for name in split.names if name not in row_of]
    if missing:
        raise ArtifactError(
            f"renorm.h5 has no text embedding of {missing[0]!r}: "
            "run `ezsd-cli precompute --only renorm --force`"
        )
    rows = [row_of[name] for name in split.names]
    return torch.from_numpy(renormed.text_embeddings_renormalized[rows])
