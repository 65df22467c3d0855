"""What runs on PostgreSQL, too: what the two databases may do differently. Everything runs on SQLite.

Left to SQLite are refusals of what no database has seen yet, words of pages and commands, and what models and clocks do.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ON_BOTH = {
    "tests/work/test_*.py": "claims, leases, locks and clocks are the database's",
    "tests/work/processes/test_*.py": "the same, in processes of their own",
    "tests/judging_runs/test_scopes.py": "plans are made by one statement",
    "tests/responses/test_idempotency.py": "two at once and a unique constraint",
    "tests/review/team/test_assignments.py": "row locks, conflicts ignored",
    "tests/review/test_judgments.py": "the ledger's statements, constraints",
    "tests/search/runs/test_*.py": "outcomes and counts written by several at once, row locks",
    "tests/runs/importing/test_import_run.py": "bulk statements, constraints",
    "tests/runs/importing/test_import_judgments.py": "staging in raw SQL",
    "tests/runs/test_locks.py": "row locks, copies by one statement",
    "tests/runs/test_query_tags.py": "searches in JSON",
    "tests/api/test_paging.py": "pages by key, order of what has no value",
    "tests/api/test_schema_fuzz.py": "what text and which numbers a database refuses",
    "tests/security/test_fuzz.py": "what text and which numbers a database refuses",
    "tests/foundation/test_columns.py": "values for raw SQL",
    "tests/operations/test_retention.py": "deletes by raw SQL",
    "tests/operations/test_metrics.py": "aggregates",
    "tests/operations/test_usage.py": "groups by subqueries",
}
# Of these files the few tests that are about the database, and why.
SOME_ON_BOTH = {
    "tests/judging_runs/test_judging.py": (
        "outcomes and counts written by several at once",
        [
            "test_every_candidate_gets_its_own_grade_whatever_the_batch_size",
            "test_counts_are_exact_under_a_mix_of_every_fault",
            "test_the_token_budget_ends_the_run",
            "test_people_s_grades_are_never_touched_and_win",
            "test_the_run_created_last_wins_whatever_order_replies_arrive_in",
            "test_grades_reach_other_unlocked_runs_of_the_corpus",
            "test_the_same_idempotency_key_starts_one_run",
            "test_a_run_s_concurrency_is_split_over_lanes_and_never_exceeded",
            "test_metrics_are_renewed_for_the_queries_touched_only",
            "test_items_of_a_candidate_are_kept_for_every_run",
        ],
    ),
    "tests/judging_runs/test_making_current.py": (
        "the ledger's statements, row locks",
        [
            "test_its_grades_count_and_the_same_back_restores_all",
            "test_back_is_promised_only_where_it_is_exact",
            "test_other_unlocked_runs_of_the_corpus_follow_and_locked_ones_stay",
            "test_an_older_run_still_at_work_overwrites_none_and_a_later_one_does",
            "test_a_killed_process_leaves_what_the_housekeeping_finishes",
            "test_a_lock_on_the_way_keeps_the_run_as_it_was_then",
        ],
    ),
    "tests/judging_runs/test_locked_runs.py": (
        "row locks",
        [
            "test_a_lock_ends_judging_under_way_and_late_replies_are_kept_without_a_judgment",
            "test_replies_that_land_after_a_cancel_and_a_lock_change_nothing_of_the_locked_run",
            "test_deleting_a_run_with_calls_in_flight_ends_the_slice_in_silence",
            "test_a_judging_run_on_one_run_leaves_a_locked_run_of_the_corpus_alone",
        ],
    ),
    "tests/responses/test_work.py": (
        "outcomes and counts written by several at once",
        [
            "test_a_batch_with_many_at_once_has_several_lanes_that_share_it",
            "test_a_killed_slices_results_are_asked_again_and_nothing_is_lost",
            "test_cancelling_stops_the_calls_and_late_replies_change_nothing",
            "test_a_slice_that_lost_its_lease_writes_nothing",
            "test_a_task_delivered_twice_asks_once",
            "test_a_result_is_written_at_most_once",
            "test_the_database_refuses_what_can_not_be",
        ],
    ),
    "tests/responses/test_lists.py": (
        "pages by key",
        [
            "test_a_cursor_is_a_token_or_a_whole_url",
            "test_batches_are_filtered",
            "test_the_list_of_judges_walks_over_both_kinds",
        ],
    ),
    "tests/review/test_grid.py": (
        "raw SQL, order of what has no value, case in searches",
        [
            "test_orderings_put_what_has_no_value_last",
            "test_filters_leave_the_same_rows_in_every_order",
            "test_rows_are_found_by_query_and_by_judge",
            "test_pages_in_any_order_hold_every_row_once_and_lead_back_the_same_way",
            "test_a_row_says_who_graded_what",
            "test_content_that_changed_after_it_was_judged_is_marked",
            "test_a_locked_run_shows_what_was_said_when_it_was_locked",
            "test_rows_not_by_me_are_those_without_a_grade_of_the_viewer",
        ],
    ),
    "tests/review/team/test_handing_out.py": (
        "row locks",
        [
            "test_candidates_come_in_query_and_rank_order_until_none_is_open",
            "test_what_was_skipped_comes_back_last",
            "test_progress_counts_ones_own_work_and_what_is_open",
            "test_a_candidate_held_by_others_comes_when_nothing_else_is_left",
            "test_people_who_come_at_the_same_moment_get_different_candidates",
            "test_a_hold_is_taken_by_one_person_only",
        ],
    ),
    "tests/review/team/test_people_page.py": (
        "grouped statements, window functions",
        [
            "test_each_person_stands_with_what_they_did",
            "test_rest_assigns_queries_idempotently_lists_them_and_takes_back",
        ],
    ),
    "tests/exports/test_exports.py": (
        "raw SQL, cursors of the server",
        [
            "test_a_run_as_jsonl_comes_back_the_same",
            "test_judgments_of_all_kinds_come_back_the_same",
            "test_queries_of_an_object_corpus_come_back_the_same_through_csv",
            "test_qrels_hold_the_effective_grades",
            "test_a_locked_run_s_judgments_are_exported_as_they_stood",
            "test_only_judgments_of_the_run_s_queries_and_scale_are_exported",
            "test_a_judging_run_is_exported_item_by_item_in_the_order_of_its_run",
            "test_the_number_of_statements_does_not_grow_with_the_export",
            "test_judgments_of_former_members_and_of_raters_who_became_members_come_back_the_same",
        ],
    ),
    "tests/review/test_blind_grading.py": (
        "shuffled by arithmetic in SQL",
        [
            "test_a_member_sees_what_others_say_of_what_they_graded",
            "test_what_tells_nothing_can_be_asked_for",
            "test_lists_are_shuffled_for_each_one_and_stay_so",
            "test_pages_of_shuffled_lists_lead_on_and_back",
            "test_evaluating_blind_goes_in_the_person_s_own_order",
        ],
    ),
    "tests/golden/test_golden_checks.py": (
        "counts, constraints, deletes, one after the other by row locks",
        [
            "test_a_steady_judge_is_quiet_beside_its_four_judgings",
            "test_the_same_run_draws_the_same_pairs",
            "test_one_check_of_a_set_at_a_time",
            "test_the_same_request_makes_one_set_and_one_check",
            "test_the_supervisor_s_tick_checks_what_is_due_once",
            "test_a_set_is_rescheduled_and_deleted_with_all_its_checks",
        ],
    ),
    "tests/trust/samples/test_check_samples.py": (
        "pools and snapshots are read by grouped statements",
        [
            "test_queries_without_candidates_count_as_the_metric_counts_them",
            "test_the_order_of_a_queue_stays_when_candidates_join_another_run",
            "test_a_grade_given_having_seen_the_ai_s_is_skipped_until_somebody_grades_blind",
            "test_a_document_at_the_same_rank_in_both_runs_is_not_asked_for",
            "test_other_ranks_void_a_sample",
            "test_a_locked_run_answers_from_its_snapshot",
        ],
    ),
    "tests/trust/test_blindness.py": (
        "upserts in raw SQL",
        [
            "test_a_blind_grade_stays_when_the_person_changes_it_later",
            "test_what_was_seen_stays_seen_when_a_grade_is_taken_back",
            "test_another_person_s_grades_stay_blind",
            "test_a_corpus_is_deleted_with_what_people_saw_of_it",
            "test_an_imported_rater_s_grade_is_blind_and_replaced_by_a_newer_one",
            "test_an_import_leaves_a_member_s_blind_grade_and_what_they_saw",
            "test_the_snapshot_of_a_lock_keeps_blind_grades",
            "test_an_upgrade_takes_what_is_known_to_be_blind_and_gives_each_corpus_its_seed",
        ],
    ),
    "tests/trust/samples/test_sample_leases.py": (
        "row locks, two at once and a unique constraint",
        [
            "test_two_people_get_different_items_grouped_by_query",
            "test_people_who_ask_at_the_same_moment_get_different_items",
            "test_a_lease_ends_after_half_an_hour_and_each_grade_renews_it",
            "test_what_one_skips_is_passed_over_and_asked_of_others_last",
            "test_a_pair_of_another_run_is_the_same_item",
        ],
    ),
    "tests/operations/test_doctor.py": (
        "what it says of a database",
        [
            "test_a_healthy_installation_passes",
            "test_an_unreachable_or_read_only_database_is_a_finding",
            "test_missing_migrations_are_told_and_nothing_else_is_asked",
        ],
    ),
    "tests/trust/test_agreement.py": (
        "columns read as numbers",
        [
            "test_the_figures_are_those_of_the_tables_by_query",
            "test_shown_and_unknown_grades_do_not_count_unless_asked_for",
            "test_a_judging_run_and_the_newest_of_a_version_are_sides",
            "test_a_locked_run_answers_from_its_snapshot",
        ],
    ),
    "tests/work/test_turns.py": (
        "what waits is read beside row locks, moments are the server's",
        [
            "test_a_turn_is_given_away_to_other_work_not_to_the_same_run_s_lanes",
            "test_a_retry_that_would_outlast_the_turn_goes_back_with_its_attempts",
            "test_a_slice_gives_its_turn_away_and_the_run_goes_on",
            "test_a_grade_given_during_a_run_counts_once_it_has_ended",
        ],
    ),
    "tests/work/test_notices.py": (
        "a signal in the middle of a statement",
        [
            "test_a_slice_told_to_end_gives_its_calls_in_flight_back",
        ],
    ),
    "tests/search/runs/test_search_runs.py": (
        "outcomes and counts written by several at once, row locks",
        [
            "test_known_documents_are_judged_from_the_start",
            "test_a_stop_keeps_what_came_and_sends_no_more",
            "test_resume_asks_failed_searches_again",
            "test_a_clone_searches_with_the_pinned_inputs",
            "test_an_active_run_is_neither_deleted_nor_remapped",
        ],
    ),
    "tests/search/runs/test_remapping.py": (
        "rows replaced in bulk, deletes of what nothing points to",
        [
            "test_a_judged_document_that_falls_out_leaves_every_list",
            "test_a_document_that_comes_back_is_the_row_that_it_was",
            "test_documents_that_nothing_points_to_are_deleted",
            "test_remap_keeps_rows_of_documents_that_stay",
            "test_a_run_is_deleted_with_documents_that_fell_out",
        ],
    ),
    "tests/search/runs/test_stopped_runs.py": (
        "means by grouped statements",
        [
            "test_a_stopped_run_s_means_leave_skipped_queries_out",
        ],
    ),
    "tests/search/runs/test_holes.py": (
        "counts by a condition",
        [
            "test_rest_tells_what_of_the_top_is_unjudged",
        ],
    ),
    "tests/judges/test_judges.py": (
        "constraints, versions counted by two at once",
        [
            "test_a_judge_begins_with_version_1_of_what_it_is",
            "test_another_description_owner_or_the_same_values_make_none",
            "test_an_edit_on_top_of_another_is_refused_when_it_says_what_it_saw",
            "test_a_judge_that_has_runs_is_archived_and_any_other_deleted",
            "test_edits_at_the_same_moment_make_versions_of_their_own",
            "test_a_price_from_before_there_was_a_bound_makes_no_infinite_cost",
        ],
    ),
    "tests/judges/test_providers.py": (
        "constraints",
        [
            "test_only_a_personal_provider_has_an_owner",
            "test_a_provider_that_a_judge_or_an_old_version_uses_is_not_deleted",
            "test_a_provider_that_others_judges_use_stays_shared",
        ],
    ),
    "tests/search/endpoints/test_acts.py": (
        "what text a database refuses, constraints",
        [
            "test_a_new_endpoint_has_its_type_s_mapping_paging_and_method",
            "test_two_endpoints_don_t_share_a_name",
            "test_an_endpoint_that_an_evaluation_uses_is_not_deleted",
            "test_an_endpoint_that_a_run_is_asking_is_not_deleted",
            "test_an_archived_endpoint_leaves_the_list_and_comes_back",
            "test_a_corpus_with_endpoints_is_not_deleted",
            "test_an_endpoint_wants_a_corpus_that_exists",
        ],
    ),
    "tests/search/test_query_sets.py": (
        "searches in JSON",
        [
            "test_large_sets_take_no_query_per_row",
            "test_texts_become_a_set_of_kind_text",
            "test_rows_carry_label_weight_and_tags_and_can_be_sent_back",
            "test_awkward_queries_come_back_as_they_are",
            "test_a_set_is_searched_by_text_and_label",
            "test_a_change_replaces_all_queries_and_makes_another_hash",
            "test_added_queries_come_after_those_that_are_there",
            "test_a_set_in_use_can_be_archived_but_not_deleted",
            "test_a_sample_of_a_log_keeps_how_it_was_taken",
        ],
    ),
    "tests/people/test_accounts.py": (
        "addresses in any case, constraints",
        [
            "test_an_account_signs_in_with_its_address_in_any_case",
            "test_a_link_makes_one_account_of_the_role_it_offers",
            "test_an_address_with_an_account_is_not_invited",
            "test_the_last_active_admin_stays_admin",
            "test_changes_of_members_are_written_down_and_checked",
            "test_a_token_is_kept_as_a_hash_and_opens_until_it_is_revoked",
        ],
    ),
    "tests/search/runs/test_search_run_api.py": (
        "unique constraints, values in JSON",
        [
            "test_a_run_and_its_clone_have_the_tags_of_the_query_set",
            "test_the_same_key_again_makes_and_starts_no_second_run",
        ],
    ),
    "tests/responses/test_batch_api.py": (
        "aggregates, exports",
        [
            "test_a_batch_is_answered_before_any_call_and_ends_with_every_score",
            "test_an_item_is_logged_with_tags_tokens_and_cost",
            "test_items_and_batches_fail_only_when_all_their_parts_did",
            "test_cancelling_ends_the_batch_at_once_and_again_changes_nothing",
            "test_retrying_makes_a_new_batch_of_the_failed_inputs",
            "test_summary_and_exports_tell_what_came_of_it",
        ],
    ),
    "tests/runs/test_run_queries.py": (
        "order by values in JSON",
        [
            "test_queries_are_searched_in_text_and_label",
            "test_queries_without_results_come_last_and_alone",
            "test_a_search_that_failed_is_not_one_without_results",
            "test_queries_come_worst_first_by_a_metric_with_their_coverage",
        ],
    ),
    "tests/responses/test_schema.py": (
        "what text and which numbers a database refuses",
        [
            "test_no_input_breaks_an_operation",
        ],
    ),
}
# Files and tests of ON_BOTH that have nothing to ask of a database, or are about SQLite's files.
ON_SQLITE_ALONE = [
    "tests/api/test_paging.py::test_a_long_list_takes_no_more_queries_than_a_short_one",
    "tests/api/test_paging.py::test_the_versions_of_a_judge_take_no_query_each",
    "tests/judging_runs/test_scopes.py::test_wrong_options_are_refused_by_field",
    "tests/operations/test_metrics.py::test_it_is_for_this_machine_and_for_admins_with_a_token",
    "tests/operations/test_retention.py::test_what_to_prune_must_be_said",
    "tests/operations/test_usage.py::test_a_month_that_is_none_is_refused",
    "tests/operations/test_usage.py::test_the_page_shows_it_and_home_leads_there",
    "tests/review/team/test_assignments.py::test_assigning_is_audited_with_who_got_how_much",
    "tests/review/team/test_assignments.py::test_only_open_runs_known_queries_and_open_accounts_are_taken",
    "tests/review/team/test_assignments.py::test_who_is_not_assigned_may_grade_all_the_same",
    "tests/review/test_judgments.py::test_a_run_that_is_not_completed_takes_no_judgments",
    "tests/review/test_judgments.py::test_one_wrong_grade_refuses_them_all",
    "tests/review/test_judgments.py::test_queries_of_two_runs_or_of_none_are_refused",
    "tests/review/test_judgments.py::test_too_many_judgments_at_once_are_refused",
    "tests/runs/importing/test_import_judgments.py::test_a_file_without_judgments_is_refused",
    "tests/runs/importing/test_import_judgments.py::test_a_queries_file_gives_labels_their_text",
    "tests/runs/importing/test_import_judgments.py::test_a_wrong_header_is_refused",
    "tests/runs/importing/test_import_judgments.py::test_a_wrong_line_of_a_csv_file_is_refused_with_its_number",
    "tests/runs/importing/test_import_judgments.py::test_a_wrong_line_of_a_jsonl_file_is_refused_with_its_number",
    "tests/runs/importing/test_import_judgments.py::test_a_wrong_line_of_qrels_or_queries_is_refused_with_its_number",
    "tests/runs/importing/test_import_judgments.py::test_an_unknown_format_or_scale_is_refused",
    "tests/runs/importing/test_import_judgments.py::test_raters_import_no_judgments",
    "tests/runs/importing/test_import_judgments.py::test_the_format_is_known_by_name_or_content",
    "tests/runs/importing/test_import_judgments.py::test_unknown_columns_are_a_warning",
    "tests/runs/importing/test_import_run.py::test_a_run_with_a_wrong_setting_is_refused_and_nothing_is_written",
    "tests/runs/importing/test_import_run.py::test_all_wrong_settings_are_told_at_once",
    "tests/runs/importing/test_import_run.py::test_raters_import_nothing",
    "tests/runs/test_locks.py::test_only_a_completed_run_locks_and_only_a_locked_one_unlocks",
    "tests/runs/test_locks.py::test_wrong_changes_are_refused_and_nothing_is_written",
    "tests/runs/test_query_tags.py::test_exported_queries_have_their_tags",
    "tests/runs/test_query_tags.py::test_files_of_queries_bring_their_tags",
    "tests/runs/test_query_tags.py::test_tags_come_in_one_spelling_and_each_once",
    "tests/runs/test_query_tags.py::test_the_page_of_a_run_tags_chosen_queries",
    "tests/runs/test_query_tags.py::test_what_are_no_tags_is_told_with_its_query",
    "tests/search/runs/test_chaos.py",
    "tests/search/runs/test_failed_searches.py",
    "tests/search/runs/test_other_engines.py",
    "tests/search/runs/test_pacing.py",
    "tests/security/test_fuzz.py::test_every_list_is_among_them",
    "tests/work/processes/test_chaos.py",
    "tests/work/processes/test_chaos_storage.py",
    "tests/work/processes/test_cluster.py::test_a_killed_cluster_costs_only_what_was_not_yet_written",
    "tests/work/processes/test_cluster.py::test_a_killed_worker_process_is_replaced_and_nothing_is_lost",
    "tests/work/processes/test_cluster_at_work.py::test_a_401_in_mid_run_fails_it_within_the_calls_in_flight",
    "tests/work/processes/test_cluster_at_work.py::test_a_cancel_stops_real_workers_within_a_second_of_calls",
    "tests/work/processes/test_cluster_at_work.py::test_a_golden_set_and_its_check_are_judged_by_real_workers",
    "tests/work/processes/test_cluster_at_work.py::test_two_workers_share_a_run_through_its_lanes",
    "tests/work/processes/test_faults.py::test_a_provider_that_is_killed_and_comes_back_costs_no_candidate",
    "tests/work/processes/test_faults.py::test_a_provider_that_stays_away_fails_the_run_and_says_so",
    "tests/work/processes/test_faults.py::test_a_web_server_killed_during_a_start_leaves_all_or_nothing",
    "tests/work/processes/test_serve.py",
    "tests/work/processes/test_third_kind.py",
    "tests/work/processes/test_worker_command.py",
    "tests/work/test_budget.py",
    "tests/work/test_checks.py",
    "tests/work/test_invariants.py::test_1_only_legal_status_changes_succeed",
    "tests/work/test_invariants.py::test_7_the_queue_s_clocks_are_checked",
    "tests/work/test_invariants.py::test_8_no_provider_error_ever_becomes_a_judgment",
    "tests/work/test_invariants.py::test_an_unknown_lane_is_nobody_s",
    "tests/work/test_limiter.py",
    "tests/work/test_outage.py",
]


def for_postgresql() -> list[str]:
    """Return what tells pytest which tests run on PostgreSQL."""
    found = [str(path.relative_to(ROOT)) for pattern in ON_BOTH for path in sorted(ROOT.glob(pattern))]
    return [
        *(path for path in found if path not in ON_SQLITE_ALONE and path not in SOME_ON_BOTH),
        *(f"{path}::{test}" for path, (_, tests) in SOME_ON_BOTH.items() for test in tests),
        *(f"--deselect={test}" for test in ON_SQLITE_ALONE if "::" in test),
    ]
