"""Stamps of columns from outside: what is dated by a day is known in its course, yet a join without delay makes it known at its midnight.

A join's own file can be cut back (`esbt.causal` does), but nobody can recompute when a figure was published: this looks at what was said.
"""

from datetime import time, timedelta
from typing import Any

import polars as pl

from esbt.audit.result import PREFIX, Audit, Check, Finding
from esbt.data.frames import polars_frame
from esbt.external import Join

STAGE = "features"
_A_DAY = timedelta(days=1)


def stamp_test(features: Any) -> Audit:
    """A check for each `Join` among the features. The rule: rows that are dated, not timed (dates, or times that are all midnight), and a
    delay that is a timedelta under a day. A wall-clock delay ("16:15 same day") says when it was, and passes."""
    joins = [one for one in (features if isinstance(features, list | tuple) else [features]) if isinstance(one, Join)]
    found = Audit(())
    for one in joins:
        frame, _ = polars_frame(one.frame, "audit: the frame of a join")
        early = isinstance(one.delay, timedelta) and one.delay < _A_DAY and one.time in frame.columns and _dated(frame[one.time])
        names = ", ".join(one.names.values())
        text = (
            f"column {names}: rows are dated by the day, the delay is {one.delay}: a figure would be known at its day's midnight; "
            'say when it is published, such as delay="16:15 same day"'
            if early
            else f"column {names}: a delay of {one.delay}"
        )
        leak = (Finding(PREFIX, STAGE, text, next(iter(one.names.values()))),) if early else ()
        found = found.joined(Audit((Check(PREFIX, STAGE, not early, text),), leak))
    return found


def _dated(times: pl.Series) -> bool:
    if times.dtype == pl.String:
        return bool(times.str.len_chars().max() == 10)
    if isinstance(times.dtype, pl.Datetime):
        return bool((times.dt.time() == time(0)).all())
    return times.dtype == pl.Date
