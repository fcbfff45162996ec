"""Numbers of an evaluation, made up."""

METRICS = {
    "protocol": "names known",
    "data": {
        "format": "world",
        "split": "world_48_17",
        "photos": 1240,
        "categories": {"base": 48, "novel": 17, "all": 65},
        "objects": {"base": 980, "novel": 331, "all": 1311},
    },
    "max_dets": 100,
    "other_max_dets": {},
    "AP50": {"base": 48.1234, "novel": 21.5678, "all": 41.1},
    "AP": {"base": 28.2, "novel": 11.3, "all": 24.4},
    "AP75": {"base": 29.5, "novel": 9.6, "all": 25.7},
    "AP_small": {"base": 14.0, "novel": 5.0, "all": 11.6},
    "AP_medium": {"base": 30.0, "novel": 12.0, "all": 25.3},
    "AP_large": {"base": None, "novel": None, "all": None},
    "teacher_accuracy": {
        "raw": {"base": 22.4, "novel": 18.7, "all": 21.5},
        "renormalized": {"base": 61.2, "novel": 55.4, "all": 59.7},
    },
    "student": {"naming": {"base": 58.3, "novel": 47.9, "all": 55.5}},
    "proposal_recall": {"base": 12.9, "novel": 63.8, "all": 26.2},
}
