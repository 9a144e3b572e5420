use super::*;
use crate::tickets::secret::DIGITS;
use std::sync::Barrier;

const LIFETIME: Duration = Duration::from_secs(5);
const NOW: Duration = Duration::from_secs(100);

fn ann() -> Holder {
    Holder {
        who: UserName::user("ann").unwrap(),
        session: SessionId(1),
    }
}

fn at_most(outstanding: usize) -> DoorTickets {
    let share = Share {
        loopback: outstanding,
        address: outstanding,
    };
    DoorTickets::new(LIFETIME, outstanding, share)
}

#[test]
fn no_source_can_have_all_tickets() {
    let share = Share {
        loopback: 3,
        address: 2,
    };
    let tickets = DoorTickets::new(LIFETIME, 10, share);
    let far = Source::of(Some("192.0.2.1".parse().unwrap()));
    for (source, max) in [(Source::Loopback, 3), (far, 2)] {
        let issue = |now| tickets.issue(ann(), source, now);
        let mine: Vec<TicketSecret> = (0..max).map(|_| issue(NOW).unwrap()).collect();
        let retry_after = LIFETIME;
        let refused = issue(NOW).unwrap_err();
        assert_eq!(refused, TicketError::TooManyOfSource { retry_after });
        tickets.spend(mine[0].expose(), NOW).unwrap();
        issue(NOW).unwrap();
        assert!(issue(NOW).is_err());
        issue(NOW + retry_after).unwrap();
    }
}

#[test]
fn a_ticket_works_once() {
    let tickets = at_most(10);
    let secret = tickets.issue(ann(), Source::Loopback, NOW).unwrap();
    assert_eq!(secret.expose().len(), DIGITS);
    assert!(tickets.holder(secret.expose(), NOW).is_some());
    assert!(
        tickets.holder(secret.expose(), NOW).is_some(),
        "looking does not spend it"
    );
    assert_eq!(tickets.spend(secret.expose(), NOW), Some(ann()));
    assert_eq!(tickets.spend(secret.expose(), NOW), None);
    assert!(tickets.holder(secret.expose(), NOW).is_none());
}

#[test]
fn a_ticket_may_live_for_ever() {
    let share = Share {
        loopback: 2,
        address: 2,
    };
    let tickets = DoorTickets::new(Duration::MAX, 2, share);
    let secret = tickets.issue(ann(), Source::Loopback, NOW).unwrap();
    let late = NOW + Duration::from_secs(1 << 40);
    tickets.issue(ann(), Source::Loopback, late).unwrap();
    assert_eq!(tickets.spend(secret.expose(), late), Some(ann()));
}

#[test]
fn a_ticket_ends_after_exactly_its_lifetime() {
    let tickets = at_most(10);
    let secret = tickets.issue(ann(), Source::Loopback, NOW).unwrap();
    let end = NOW + LIFETIME;
    assert!(
        tickets
            .holder(secret.expose(), end - Duration::from_nanos(1))
            .is_some()
    );
    assert!(tickets.holder(secret.expose(), end).is_none());
    assert_eq!(tickets.spend(secret.expose(), end), None);
}

#[test]
fn exactly_one_of_those_who_race_gets_in() {
    const RACERS: usize = 8;
    let tickets = at_most(10);
    for _ in 0..100 {
        let secret = tickets.issue(ann(), Source::Loopback, NOW).unwrap();
        let start = Barrier::new(RACERS);
        let won = std::thread::scope(|scope| {
            let racer = || {
                start.wait();
                tickets.spend(secret.expose(), NOW).is_some()
            };
            let racers: Vec<_> = (0..RACERS).map(|_| scope.spawn(racer)).collect();
            racers
                .into_iter()
                .map(|it| it.join().unwrap())
                .filter(|won| *won)
                .count()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn too_many_tickets_are_refused_until_one_is_spent_or_ends() {
    let tickets = at_most(2);
    let first = tickets.issue(ann(), Source::Loopback, NOW).unwrap();
    tickets
        .issue(ann(), Source::Loopback, NOW + Duration::from_secs(1))
        .unwrap();
    let later = NOW + Duration::from_secs(2);
    let retry_after = Duration::from_secs(4);
    let refused = tickets.issue(ann(), Source::Loopback, later).unwrap_err();
    assert_eq!(refused, TicketError::TooMany { retry_after });

    tickets.spend(first.expose(), later).unwrap();
    tickets.issue(ann(), Source::Loopback, later).unwrap();
    assert!(tickets.issue(ann(), Source::Loopback, later).is_err());
    tickets
        .issue(ann(), Source::Loopback, NOW + Duration::from_secs(6))
        .unwrap();
}

#[test]
fn guests_leave_a_quarter_to_users_and_get_their_part_back() {
    let tickets = at_most(8);
    let guest = || Holder::guest(UserName::guest("kim").unwrap());
    let guests: Vec<TicketSecret> = (0..6)
        .map(|_| tickets.issue(guest(), Source::Loopback, NOW).unwrap())
        .collect();
    let refused = tickets.issue(guest(), Source::Unknown, NOW).unwrap_err();
    let retry_after = LIFETIME;
    assert_eq!(refused, TicketError::TooManyOfGuests { retry_after });
    for _ in 0..2 {
        tickets.issue(ann(), Source::Loopback, NOW).unwrap();
    }
    tickets.spend(guests[0].expose(), NOW).unwrap();
    tickets.issue(guest(), Source::Loopback, NOW).unwrap();
    let later = NOW + LIFETIME;
    let again = (0..8).filter(|_| tickets.issue(guest(), Source::Loopback, later).is_ok());
    assert_eq!(again.count(), 6);
}

#[test]
fn ended_tickets_are_forgotten() {
    let tickets = at_most(10_000);
    for second in 0..1_000 {
        tickets
            .issue(ann(), Source::Loopback, Duration::from_secs(second))
            .unwrap();
    }
    assert_eq!(tickets.lock().pile.len(), LIFETIME.as_secs() as usize);
}

#[test]
fn what_was_never_given_out_is_refused() {
    let tickets = at_most(10);
    let secret = tickets.issue(ann(), Source::Loopback, NOW).unwrap();
    let longer = format!("{}=", secret.expose());
    for wrong in ["", "x", &"A".repeat(DIGITS), &longer, "é"] {
        assert!(tickets.holder(wrong, NOW).is_none() && tickets.spend(wrong, NOW).is_none());
    }
    assert_eq!(format!("{secret:?}"), "TicketSecret(hidden)");
}

#[test]
fn tickets_end_with_their_session_and_those_of_others_stay() {
    let tickets = at_most(10);
    let (ann, bob) = (
        UserName::user("ann").unwrap(),
        UserName::user("bob").unwrap(),
    );
    let guest = UserName::guest("ann").unwrap();
    let holders = [(&ann, 1), (&ann, 1), (&ann, 2), (&bob, 3), (&guest, 0)];
    let secrets = holders.map(|(who, session)| {
        let holder = Holder {
            who: who.clone(),
            session: SessionId(session),
        };
        tickets.issue(holder, Source::Loopback, NOW).unwrap()
    });
    let are_good =
        || [0, 1, 2, 3, 4].map(|at: usize| tickets.holder(secrets[at].expose(), NOW).is_some());

    tickets.end_session(SessionId(1));
    assert_eq!(are_good(), [false, false, true, true, true]);
    tickets.end_user(&ann);
    assert_eq!(are_good(), [false, false, false, true, true]);
    tickets.end_session(SessionId::NONE);
    assert!(are_good()[4], "guests have no session that could end");
    assert_eq!(tickets.counts(NOW).revoked, 3);
}

#[test]
fn every_ticket_is_counted_to_its_end() {
    let tickets = at_most(4);
    let secrets: Vec<TicketSecret> = (0..4)
        .map(|_| tickets.issue(ann(), Source::Loopback, NOW).unwrap())
        .collect();
    assert!(tickets.issue(ann(), Source::Loopback, NOW).is_err());
    tickets.spend(secrets[0].expose(), NOW).unwrap();
    assert!(tickets.spend(secrets[1].expose(), NOW + LIFETIME).is_none());
    let expected = TicketCounts {
        outstanding: 0,
        issued: 4,
        refused: 1,
        spent: 1,
        expired: 3,
        revoked: 0,
    };
    assert_eq!(tickets.counts(NOW + LIFETIME), expected);
}
