"""Fields that every job which asks a judge has over REST."""

COUNT_FIELDS = (
    "total_count",
    "judged_count",
    "failed_count",
    "pending_count",
    "skipped_count",
    "call_count",
    "input_tokens",
    "output_tokens",
    "usage_estimated",
)
END_FIELDS = ("error", "error_code", "created_by", "created_at", "started_at", "completed_at")
