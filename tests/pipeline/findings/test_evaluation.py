"""Findings in detections."""

from ezsd.pipeline.findings.evaluation import detection_findings


def found(*places: tuple[int, int]) -> list[dict[str, int]]:
    return [{"image_id": image_id, "category_id": category_id} for image_id, category_id in places]


def test_detections_of_all_kinds_are_no_finding() -> None:
    assert list(detection_findings(found((1, 5), (2, 9)), photos=3, novel={9})) == []
    assert list(detection_findings(found((1, 5)), photos=1, novel=())) == []


def test_few_photos_and_no_novel_names() -> None:
    few, novel = detection_findings(found((1, 5), (1, 6)), photos=4, novel={9})
    assert (few.kind, few.number, few.stops) == ("photos-without-detections", 0.75, False)
    assert (novel.kind, novel.number, novel.stops) == ("no-novel-detections", 0, False)


def test_none_at_all_stop() -> None:
    (finding,) = detection_findings([], photos=4, novel={9})
    assert (finding.kind, finding.number, finding.stops) == ("no-detections", 0, True)
    assert "evaluate.score_threshold" in finding.fix
