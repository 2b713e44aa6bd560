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

/// All cases of a suite one after the other, each on a bench of its own, inside an `async` body.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_in_one {
    ($suite:ident, $bench:expr, [$($case:ident),* $(,)?]) => {$({
        let bench = $bench;
        $crate::conformance::watched(
            concat!(stringify!($suite), "::", stringify!($case)),
            ::std::boxed::Box::pin($crate::conformance::$suite::$case(&bench)),
        )
        .await;
    })*};
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

/// One named test for each sentence of the contract of [`Directory`](crate::directory::Directory).
///
/// Takes an expression that makes a fresh [`StoreBench`](crate::conformance::store::StoreBench); it may await. Put it in a
/// module of its own, since the tests have the names of the cases. The crate needs `tokio` with `macros` and `rt`.
#[macro_export]
macro_rules! directory_conformance {
    ($bench:expr) => {
        $crate::conformance_cases!(
            directory,
            $bench,
            [
                the_installation_stays_the_same,
                a_routers_desk_is_all_that_serves_it,
                a_shared_source_serves_all_its_routers,
                an_unknown_router_has_no_desk,
                the_log_holds_everything_once,
                a_sessions_log_is_its_own,
                an_empty_log_is_whole,
                an_untouched_log_is_whole,
                a_routers_log_is_its_own,
                an_order_is_kept_until_it_was_seen_done,
                an_order_goes_with_its_router,
                who_holds_a_router_serves_it,
                the_desks_version_grows_with_what_concerns_the_engine,
                a_keyboard_comes_back_as_it_went_in,
                a_keyboard_that_is_over_is_forgotten,
                registrations_are_found,
                at_most_a_hundred_registrations_are_listed,
                a_secret_comes_back_as_it_went_in,
                a_setting_is_what_was_set_last,
                a_routers_journal_is_its_own,
                a_token_is_good_until_its_end,
                a_code_is_used_once,
                a_used_code_links_nobody,
                what_is_over_is_forgotten,
                a_fresh_update_is_not_forgotten,
                routers_and_own_accounts_come_by_name,
                users_come_page_by_page,
                a_full_last_page_has_no_next,
                a_page_that_is_none_is_an_error,
                accounts_come_by_source,
                sessions_come_newest_first,
                sessions_can_be_filtered,
                bans_that_hold_are_listed,
                records_come_back_as_they_went_in,
                unknown_records_are_not_there,
                a_change_is_all_or_nothing,
                changes_are_made_in_order,
                a_record_wins_only_against_the_version_before,
                an_accounts_name_is_new_in_its_source,
                an_account_needs_its_source,
                a_chat_is_one_users_only,
                an_account_with_an_open_session_stays,
                with_a_router_goes_what_is_its_own,
                a_router_with_a_past_can_be_removed,
                removing_what_is_not_there_is_not_found,
                operators_come_and_go,
                the_system_policy_is_what_was_set_last,
                a_suspended_user_is_still_there,
            ]
        );
    };
}

/// One named test for each sentence of the contract of [`RouterBackend`](crate::router_backend::RouterBackend).
///
/// Takes an expression that makes a fresh [`RouterBench`](crate::conformance::router_backend::RouterBench); it may await.
/// Put it in a module of its own, since the tests have the names of the cases. The crate needs `tokio` with `macros`
/// and `rt`. With `conformance_in_one, ` before the expression it is no tests but a statement of an `async` body, which plays
/// all cases one after the other.
#[macro_export]
macro_rules! router_backend_conformance {
    ($bench:expr) => {
        $crate::router_backend_conformance!(conformance_cases, $bench);
    };
    ($with:ident, $bench:expr) => {
        $crate::$with!(
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
                logins_of_a_user_manager_are_seen,
                a_login_of_a_user_manager_is_disabled_and_enabled,
                the_same_name_in_two_places_is_two_logins,
                a_tunnel_of_a_user_manager_is_seen_and_cut,
                closing_sessions_closes_no_others,
                a_rule_is_enabled_and_disabled,
                an_ambiguous_rule_is_refused,
                a_vanished_rule_is_refused,
                an_unmarked_rule_is_not_changed,
                the_gate_is_switched,
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
                a_whole_gate_is_seen_whole,
                damage_to_the_gate_is_seen,
                a_damaged_gate_is_mended,
                a_rule_above_the_gate_is_seen,
                emergency_entries_are_told,
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

/// One named test for each sentence of the contract of [`Notifier`](crate::notifier::Notifier).
///
/// Takes an expression that makes a fresh [`NotifierBench`](crate::conformance::notifier::NotifierBench); it may await.
/// Put it in a module of its own, since the tests have the names of the cases. The crate needs `tokio` with `macros`
/// and `rt`.
#[macro_export]
macro_rules! notifier_conformance {
    ($bench:expr) => {
        $crate::conformance_cases!(
            notifier,
            $bench,
            [
                what_is_delivered_can_be_read,
                an_edit_changes_the_message_without_sound,
                an_edit_without_a_message_is_sent_silently,
                a_moved_card_takes_the_old_ones_place,
                a_silent_move_makes_no_sound,
                the_same_content_twice_is_no_error,
                a_message_that_has_gone_is_sent_anew,
                an_unreadable_receipt_is_none,
                notices_stay_where_they_are,
                a_repeated_alert_changes_the_first,
                too_fast_says_how_long_to_wait,
                whoever_blocked_us_is_gone,
                a_stranger_cannot_be_told,
                what_cannot_be_reached_is_tried_again,
                a_lost_reply_is_an_unknown_outcome,
                a_lost_edit_is_made_again,
            ]
        );
    };
}
