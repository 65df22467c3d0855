"""Judging in the background: claim, ask, persist, finish; leases, slices, rescue."""

from judging.responses.immediate import execute_now
from judging.work.rescue import rescue_if_stalled, rescue_judging_runs
from judging.work.slices import judge_slice

__all__ = ["execute_now", "judge_slice", "rescue_if_stalled", "rescue_judging_runs"]
