//! The mutants: what each takes away, where, and which test must see it.

use std::fmt;

/// One change of the source that breaks one promise.
#[derive(Debug)]
pub(super) struct Mutant {
    /// As one types it after `--only`.
    pub(super) name: &'static str,
    /// The promise without its code.
    pub(super) takes_away: &'static str,
    /// Path from the root.
    pub(super) file: &'static str,
    /// The text that is replaced. It stands in the file exactly once.
    original: &'static str,
    /// What stands there instead.
    mutated: &'static str,
    /// The test that must turn red.
    pub(super) test: Named,
}

/// One test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// The package.
    pub(super) package: &'static str,
    /// Its folder below `crates/`.
    folder: &'static str,
    /// Which of its programs.
    pub(super) target: Target,
    /// The test's full name.
    pub(super) name: &'static str,
}

/// A test program of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The unit tests of the library.
    Lib,
    /// One below `tests/`.
    Test(&'static str),
}

impl Mutant {
    /// The file's text with the mutation, or how often its text was found when that is not once.
    pub(super) fn apply(&self, text: &str) -> Result<String, usize> {
        match text.matches(self.original).count() {
            1 => Ok(text.replacen(self.original, self.mutated, 1)),
            found => Err(found),
        }
    }
}

impl Named {
    /// Its package's folder.
    pub(super) fn folder(&self) -> String {
        format!("crates/{}", self.folder)
    }

    /// What cargo calls its program.
    pub(super) fn target_name(&self) -> String {
        match self.target {
            Target::Lib => self.package.replace('-', "_"),
            Target::Test(name) => name.to_owned(),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Target::Lib => write!(f, "{} (lib) {}", self.package, self.name),
            Target::Test(program) => write!(f, "{} ({program}) {}", self.package, self.name),
        }
    }
}

const fn codec(name: &'static str) -> Named {
    Named {
        package: "parlour-ws",
        folder: "ws",
        target: Target::Test("rules"),
        name,
    }
}

const fn hub(name: &'static str) -> Named {
    Named {
        package: "parlour-hub",
        folder: "hub",
        target: Target::Test("promises"),
        name,
    }
}

const fn doors(name: &'static str) -> Named {
    Named {
        package: "parlour",
        folder: "parlour",
        target: Target::Lib,
        name,
    }
}

const fn over_http(name: &'static str) -> Named {
    Named {
        target: Target::Test("doors"),
        ..doors(name)
    }
}

const fn accounts(program: &'static str, name: &'static str) -> Named {
    Named {
        package: "parlour-accounts",
        folder: "accounts",
        target: Target::Test(program),
        name,
    }
}

const fn store(name: &'static str) -> Named {
    Named {
        package: "parlour-store-redb",
        folder: "store-redb",
        target: Target::Lib,
        name,
    }
}

const fn defects(name: &'static str) -> Named {
    Named {
        package: "parlour-cli",
        folder: "cli",
        target: Target::Test("defects"),
        name,
    }
}

/// All of them, those of small packages first.
pub(super) const ALL: &[Mutant] = &[
    Mutant {
        name: "size-limit",
        takes_away: "a message over the limit is closed 1009",
        file: "crates/ws/src/header.rs",
        original: "Ok(total) if total <= before.limits.wire_bytes_max(is_compressed) => {",
        mutated: "Ok(total) if total <= before.limits.wire_bytes_max(is_compressed) || total > 0 => {",
        test: codec("limits::a_message_may_be_as_long_as_the_limit"),
    },
    Mutant {
        name: "gap-notice",
        takes_away: "a reader is told which entries it misses",
        file: "crates/hub/src/shard/views.rs",
        original: "self.counts.gaps += 1;\n        if !self.tell(index, event) {",
        mutated: "self.counts.gaps += 1;\n        if index == u32::MAX && !self.tell(index, event) {",
        test: hub(
            "slow_reader::a_slow_reader_with_words_for_gaps_is_told_the_exact_range_and_goes_on",
        ),
    },
    Mutant {
        name: "rate-limit",
        takes_away: "a connection may send only so much",
        file: "crates/hub/src/rate.rs",
        original: "None | Some(0) => {",
        mutated: "None | Some(0..) => {",
        test: hub(
            "rate_limit::over_the_burst_a_frame_is_refused_by_name_with_room_id_and_time_and_thrown_away",
        ),
    },
    Mutant {
        name: "closing-notice",
        takes_away: "who is closed by the server is told why before",
        file: "crates/hub/src/shard/output.rs",
        original: "if matches!(reason, CloseReason::Requested(_)) {\n            return;",
        mutated: "if index < u32::MAX {\n            return;",
        test: hub("closing::a_notice_with_its_reason_stands_before_every_close_of_the_server"),
    },
    Mutant {
        name: "same-work",
        takes_away: "an unknown name costs the same work as a wrong password",
        file: "crates/accounts/src/password.rs",
        original: "stored.unwrap_or(&self.nobodys)",
        mutated: "stored.unwrap_or_default()",
        test: accounts(
            "same_work",
            "an_unknown_user_costs_the_same_work_as_a_wrong_password",
        ),
    },
    Mutant {
        name: "passwd-keeps-sessions",
        takes_away: "another password ends the user's sessions",
        file: "crates/accounts/src/book/changes.rs",
        original: "row.changed = now;\n            \
                   change.put_user(&key, &row)?;\n            \
                   change.remove_sessions_of(&key)?;\n            \
                   Ok(user_name(&row.name)?)\n        \
                   });\n        \
                   Ok(self.all_ended(stored?, &ending))",
        mutated: "row.changed = now;\n            \
                  change.put_user(&key, &row)?;\n            \
                  Ok(user_name(&row.name)?)\n        \
                  });\n        \
                  drop(ending);\n        \
                  Ok(self.all_ended(stored?, &[]))",
        test: accounts(
            "sessions",
            "removing_a_user_or_another_password_ends_every_session_of_that_user_alone",
        ),
    },
    Mutant {
        name: "ticket-not-spent",
        takes_away: "a ticket works once",
        file: "crates/parlour/src/tickets/doors.rs",
        original: "out.counts.spent += 1;\n",
        mutated: "out.counts.spent += 1;\n        \
                  let (holder, source) = (ticket.value.holder.clone(), ticket.value.source);\n        \
                  out.put(hash, Held { holder, source }, now + self.lifetime);\n",
        test: doors("tickets::doors::tests::a_ticket_works_once"),
    },
    Mutant {
        name: "ticket-age",
        takes_away: "a ticket lives only its time",
        file: "crates/parlour/src/tickets/pile.rs",
        original: "now < self.age.deadline",
        mutated: "now < self.age.deadline || now > Duration::ZERO",
        test: doors("tickets::doors::tests::a_ticket_ends_after_exactly_its_lifetime"),
    },
    Mutant {
        name: "origin-check",
        takes_away: "pages of other sites are refused",
        file: "crates/parlour/src/origin.rs",
        original: "Some(_) => Err(OriginRefusal::Foreign),",
        mutated: "Some(_) => Ok(()),",
        test: doors("origin::tests::every_other_origin_is_refused"),
    },
    Mutant {
        name: "failed-logins",
        takes_away: "a name has so many wrong passwords in a minute",
        file: "crates/parlour/src/doors/logins.rs",
        original: "(Err(wait), Err(other)) => Err(wait.min(other)),",
        mutated: "(Err(_), Err(_)) => Ok(Counted::default()),",
        test: doors(
            "doors::logins::tests::wrong_passwords_for_a_name_are_counted_and_right_ones_are_not",
        ),
    },
    Mutant {
        name: "hand-over",
        takes_away: "a session that ends while its connection is handed over takes it along",
        file: "crates/parlour/src/doors.rs",
        original: "if !self.is_open(session) {\n            self.0.hub.close_session(session);",
        mutated: "if !self.is_open(session) && session == SessionId::NONE {\n            \
                  self.0.hub.close_session(session);",
        test: over_http("logout::a_connection_whose_101_is_under_way_is_closed_too"),
    },
    Mutant {
        name: "logout-keeps-connections",
        takes_away: "a session's connections end with it",
        file: "crates/parlour/src/doors.rs",
        original: "self.0.tickets.end_session(session);\n        \
                   self.0.hub.close_session(session);",
        mutated: "self.0.tickets.end_session(session);",
        test: over_http(
            "logout::a_logout_ends_the_session_its_tickets_and_its_connections_and_no_others",
        ),
    },
    Mutant {
        name: "token-compare",
        takes_away: "the time of a comparison says nothing about a token",
        file: "crates/parlour/src/doors/token.rs",
        original: "self.0.ct_eq(&hash(text)).into()",
        mutated: "self.0 == hash(text)",
        test: defects("login::d26_a_token_is_compared_in_constant_time"),
    },
    Mutant {
        name: "ack-before-commit",
        takes_away: "nothing is acknowledged or shown before the store has it",
        file: "crates/hub/src/shard/homes.rs",
        original: "if !home.is_durable {\n            return self.volatile",
        mutated: "if home.head >= Seq(0) {\n            return self.volatile",
        test: hub(
            "acks::what_the_store_refuses_is_told_not_stored_seen_by_nobody_and_its_number_given_again",
        ),
    },
    Mutant {
        name: "publish-again",
        takes_away: "what is published again is not published again",
        file: "crates/hub/src/home/publishing.rs",
        original: "match self.ids.find(digest) {",
        mutated: "match Some(self.ids.find(digest)).filter(|_| false).unwrap_or(Known::New) {",
        test: hub(
            "repeats::the_same_id_gets_the_first_answer_over_another_connection_and_after_a_restart",
        ),
    },
    Mutant {
        name: "id-forgotten",
        takes_away: "what may have come too long ago is not published again",
        file: "crates/hub/src/home/publishing.rs",
        original: "since.epoch != self.epoch || !self.ids.reaches(since.seq)",
        mutated: "since.epoch != self.epoch && !self.ids.reaches(since.seq)",
        test: hub("repeats::what_may_have_come_too_long_ago_is_refused_and_never_published_twice"),
    },
    Mutant {
        name: "store-no-sync",
        takes_away: "what is acknowledged has been synced",
        file: "crates/store-redb/src/medium.rs",
        original: ".note(Step::Sync, self.inner.sync_data())",
        mutated: ".note(Step::Sync, Ok(()))",
        test: store(
            "sim::tests::nothing_acknowledged_is_lost_and_nothing_damaged_served_whenever_the_power_goes_off",
        ),
    },
    Mutant {
        name: "store-journal-sync",
        takes_away: "what only the journal has been told is synced before it is acknowledged",
        file: "crates/store-redb/src/journal.rs",
        original: "self.file.sync_data().map_err(failed)?;",
        mutated: "let _ = failed;",
        test: store(
            "sim::tests::nothing_acknowledged_is_lost_and_nothing_damaged_served_whenever_the_power_goes_off",
        ),
    },
    Mutant {
        name: "store-journal-end",
        takes_away: "a damaged commit is not taken for the end of the journal",
        file: "crates/store-redb/src/journal.rs",
        original: "it.index > self.index)",
        mutated: "it.index > u64::MAX - self.index)",
        test: store(
            "partition::tests::replays::a_damaged_commit_with_others_behind_it_is_no_end_of_the_journal",
        ),
    },
    Mutant {
        name: "store-checksum",
        takes_away: "what is damaged on the disk is not served",
        file: "crates/store-redb/src/format.rs",
        original: "(checksum(key, value) == u32::from_le_bytes(*sum)).then_some(value)",
        mutated: "(checksum(key, value) != 0 || sum[0] < 1).then_some(value)",
        test: store("row::tests::a_flipped_bit_of_a_row_is_found_wherever_it_is"),
    },
    Mutant {
        name: "store-sync-error",
        takes_away: "a log stops when a sync has failed",
        file: "crates/store-redb/src/partition.rs",
        original: "failure.as_ref().is_some_and(|it| it.step != Step::Sync)",
        mutated: "failure.as_ref().is_some_and(|it| !it.what.is_empty())",
        test: store(
            "partition::tests::a_failed_sync_stops_the_log_until_the_next_start_and_nothing_is_tried_again",
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_has_a_name_of_its_own_and_changes_something() {
        let mut names: Vec<_> = ALL.iter().map(|mutant| mutant.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for mutant in ALL {
            assert_ne!(mutant.original, mutant.mutated, "{}", mutant.name);
            assert!(!mutant.takes_away.is_empty() && !mutant.test.name.is_empty());
        }
    }

    /// A stale mutant is found at once, and not only by the long run.
    #[test]
    fn every_mutant_finds_its_text_exactly_once_in_this_tree() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        for mutant in ALL {
            let text = std::fs::read_to_string(format!("{root}/{}", mutant.file)).unwrap();
            let mutated = mutant.apply(&text);
            let found = mutated.as_ref().err();
            assert!(found.is_none(), "{}: found {found:?} times", mutant.name);
        }
    }

    #[test]
    fn a_text_that_is_not_there_exactly_once_is_stale() {
        let mutant = Mutant {
            original: "one",
            mutated: "two",
            ..ALL[0]
        };
        assert_eq!(mutant.apply("it is one"), Ok("it is two".to_owned()));
        assert_eq!(mutant.apply("one or one"), Err(2));
        assert_eq!(mutant.apply("nothing"), Err(0));
    }
}
