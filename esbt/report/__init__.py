"""The report: metrics of runs side by side, targets, charts, one HTML page. It reads results and never computes a trade."""

from esbt.report.canvas import Picture
from esbt.report.certainty import certainty_table
from esbt.report.run import RunLike
from esbt.report.tables import metrics_frame, metrics_table, target_frame, target_table
from esbt.report.targets import TARGETS, Target
from esbt.report.write import write_report

__all__ = [
    "TARGETS",
    "Picture",
    "RunLike",
    "Target",
    "certainty_table",
    "metrics_frame",
    "metrics_table",
    "target_frame",
    "target_table",
    "write_report",
]
