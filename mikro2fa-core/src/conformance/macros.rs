//! One named test for each case.

/// One `#[tokio::test]` for each case of a suite. Used by the macros of the suites.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($suite:ident, $bench:expr, [$($case:ident),* $(,)?]) => {$(
        #[tokio::test]
        async fn $case() {
            let bench = $bench;
            $crate::conformance::watched(
                concat!(stringify!($suite), "::", stringify!($case)),
                $crate::conformance::$suite::$case(&bench),
            )
            .await;
        }
    )*};
}

/// One named test for each sentence of the contract of [`Store`](crate::store::Store).
///
/// Takes an expression that makes a fresh [`StoreBench`](crate::conformance::store::StoreBench); it may await. Put it in a
/// module of its own, since the tests have the names of the cases. The crate needs `tokio` with `macros` and `rt`.
#[macro_export]
macro_rules! store_conformance {
    ($bench:expr) => {
        $crate::conformance_cases!(
            store,
            $bench,
            [
                a_commit_writes_all_of_it,
                a_commit_that_loses_writes_none_of_it,
                a_loser_harms_no_other,
                an_empty_group_does_nothing,
                a_new_session_that_is_there_already_conflicts,
                an_older_version_conflicts,
                the_first_of_a_group_wins,
                the_same_commit_twice_is_repeated,
                the_same_update_twice_is_repeated,
                what_broke_while_committing_is_sent_again,
                a_dropped_commit_is_not_undone,
                only_the_holder_of_the_fence_commits,
                without_a_fence_nothing_is_asked_for,
                what_cannot_be_written_is_refused,
                a_commit_settles_messages,
                audit_entries_keep_their_order,
                free_routers_are_taken,
                renewing_keeps_the_epoch,
                a_held_router_is_not_taken,
                who_takes_over_fences_the_one_before,
                a_lapsed_lease_is_fenced,
                what_is_released_is_free,
                an_old_fence_releases_nothing,
                the_wall_time_goes_forward_only,
                messages_of_a_lane_keep_their_order,
                nothing_overtakes_in_its_lane,
                a_lane_waits_for_what_is_tried_again,
                a_lane_goes_on_after_what_was_given_up,
                lanes_do_not_wait_for_each_other,
                the_receipt_comes_with_the_next_of_its_lane,
                a_later_card_replaces_one_not_sent,
                a_card_that_is_being_sent_is_not_replaced,
                a_card_to_be_tried_again_is_replaced,
                a_message_comes_out_as_it_went_in,
                a_message_comes_to_one_node_until_its_claim_is_over,
                two_claims_never_share_a_message,
                the_highest_priority_goes_first,
                nothing_goes_before_it_is_due,
                what_is_past_its_use_is_dropped,
                what_is_to_be_tried_later_comes_again,
                what_is_settled_never_comes_again,
                settling_what_is_not_there_is_no_error,
                it_is_told_when_the_next_message_is_due,
                a_lapsed_claim_is_due_again,
                what_waits_for_its_lane_is_not_due,
                a_session_comes_back_as_it_went_in,
                what_was_never_written_is_not_there,
                open_sessions_come_in_pages,
                a_settled_session_is_not_open,
                a_router_remembers_its_own_accounts,
                a_book_is_replaced,
                a_ban_is_changed_and_lifted,
            ]
        );
    };
}

/// One named test for each sentence of the contract of [`RouterBackend`](crate::router_backend::RouterBackend).
///
/// Takes an expression that makes a fresh [`RouterBench`](crate::conformance::router_backend::RouterBench); it may await.
/// Put it in a module of its own, since the tests have the names of the cases. The crate needs `tokio` with `macros`
/// and `rt`.
#[macro_export]
macro_rules! router_backend_conformance {
    ($bench:expr) => {
        $crate::conformance_cases!(
            router_backend,
            $bench,
            [
                a_router_says_what_it_is,
                an_unreachable_router_is_an_error,
                an_empty_batch_does_nothing,
                each_command_has_its_outcome,
                cutting_twice_is_already_so,
                an_old_key_cuts_no_new_tunnel,
                another_accounts_tunnel_is_not_cut,
                connections_are_forgotten,
                an_account_is_disabled_and_enabled,
                an_unknown_account_is_refused,
                a_rule_is_enabled_and_disabled,
                an_ambiguous_rule_is_refused,
                a_vanished_rule_is_refused,
                an_unmarked_rule_is_not_changed,
                hostile_names_are_only_names,
                a_fence_that_is_over_stops_everything,
                a_fence_that_holds_lets_through,
                a_permit_has_a_time_out,
                a_lease_is_computed_when_it_is_written,
                a_lease_below_a_second_is_not_written,
                a_permit_lapses,
                our_own_permit_is_replaced,
                permitting_twice_is_one_entry,
                a_foreign_entry_refuses_a_permit,
                a_prefix_can_be_permitted,
                a_renewed_permit_lives_on,
                renewing_what_has_gone_is_refused,
                revoking_twice_is_already_so,
                a_stale_id_revokes_only_its_address,
                a_stale_id_renews_nothing,
                a_foreign_entry_is_not_revoked,
                a_ban_is_put_and_lifted,
                a_foreign_ban_is_not_lifted,
                a_lost_reply_is_unknown,
                a_lost_command_is_unknown,
                a_lost_revoke_is_given_again,
                once_written_each_has_an_outcome,
                a_dropped_batch_breaks_nothing,
                a_reboot_breaks_nothing,
                a_watch_begins_with_a_gap,
                tunnels_that_come_and_go_are_hinted_at,
                a_broken_watch_is_no_silence,
                a_dropped_watch_harms_nothing,
                a_tunnel_is_seen_as_it_is,
                a_tunnel_stays_the_same,
                a_redialled_tunnel_is_another_one,
                a_complete_look_shows_all,
                only_what_was_asked_for_is_told,
                tunnels_can_be_asked_for_by_account,
                permits_can_be_asked_for_by_address,
                accounts_can_be_asked_for_by_name,
                only_marked_rules_are_seen,
                it_is_told_whose_an_entry_is,
                a_part_that_broke_off_is_not_there,
                the_uptime_shows_a_reboot,
                a_reboot_takes_leases,
                a_dropped_look_changes_nothing,
            ]
        );
    };
}
