//! What both engines must do alike.
//!
//! Against the embedded registry each case is a test of its own. One real Consul serves all cases at
//! once, which therefore use names of their own.

mod client;
mod health;
mod kv;
mod sessions;

use crate::engine::Engine;

/// Declares the cases: a test for each on the embedded registry, and one test of all on a real Consul.
macro_rules! suite {
    ($($module:ident: $($case:ident),+;)+) => {
        mod embedded {
            $($(
                #[tokio::test]
                async fn $case() {
                    super::$module::$case(&super::Engine::embedded().await).await;
                }
            )+)+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_them_against_a_real_consul() {
            let names = [$($(concat!(stringify!($module), "::", stringify!($case))),+),+];
            let Some(engine) = Engine::consul().await else {
                let required = std::env::var("TRADEWIND_REQUIRE_ENGINES").is_ok_and(|value| value == "1");
                assert!(!required, "no `consul` on the PATH, and TRADEWIND_REQUIRE_ENGINES=1");
                names.iter().for_each(|name| println!("skipped for want of a `consul` on the PATH: {name}"));
                return;
            };
            let engine = std::sync::Arc::new(engine);
            let mut running = Vec::new();
            $($({
                let engine = engine.clone();
                running.push(tokio::spawn(async move { $module::$case(&engine).await }));
            })+)+
            let mut failed = Vec::new();
            for (name, case) in names.into_iter().zip(running) {
                if case.await.is_err() {
                    failed.push(name);
                }
            }
            assert!(failed.is_empty(), "failed against a real Consul: {failed:?}");
        }
    };
}

suite! {
    health: a_service_is_registered_and_shown_in_every_view,
        a_ttl_check_starts_critical_and_follows_reports,
        a_ttl_that_lapses_turns_the_check_critical_and_wakes_the_watcher,
        a_blocking_query_returns_on_change_and_at_the_end_of_its_wait,
        the_index_of_one_service_does_not_move_with_another,
        registering_again_keeps_what_the_check_has_seen,
        checks_are_kept_or_replaced_as_asked,
        maintenance_takes_a_service_out_and_back,
        http_checks_follow_the_answers,
        bad_registrations_are_refused;
    kv: keys_are_written_read_and_deleted,
        compare_and_set_lets_one_of_two_through,
        keys_are_listed_by_prefix_and_separator,
        a_watcher_of_a_key_or_prefix_sees_each_change,
        bad_requests_are_refused;
    sessions: a_lock_has_one_holder,
        a_lost_lock_stays_closed_for_its_delay,
        a_session_dies_with_its_check_and_wakes_the_standby,
        a_session_that_is_not_renewed_ends,
        destroying_with_behavior_delete_deletes_the_key,
        sessions_are_listed_and_renewed,
        bad_sessions_are_refused;
    client: an_instance_appears_and_disappears,
        a_registration_outlives_the_registrys_memory_of_it,
        a_standby_takes_the_lock_over_with_a_greater_token,
        a_holder_learns_that_its_lock_is_lost,
        the_typed_calls_agree_with_the_registry;
}
