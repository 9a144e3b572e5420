//! Whether all servers did the same work: otherwise their costs say nothing of each other.

use crate::BenchError;
use crate::compare::driver::Visit;
use crate::compare::plan::{Contender, Work};
use crate::compare::report::{bytes_per_delivery, frames_per_read};
use crate::dialect::Dialect;

/// How far K may differ where nothing can be coalesced.
const SAME_K: f64 = 0.05;
/// Bytes by which entries of `parlour.v1` may differ, on average: one server may have numbered
/// a thousand times as many as another.
const DIGITS: f64 = 4.0;

/// Checks the visits of one cell.
///
/// # Errors
/// [`BenchError::Unequal`], which names the difference.
pub(super) fn check(
    dialect: Dialect,
    work: Work,
    visits: &[(Contender, Vec<&Visit>)],
) -> Result<(), BenchError> {
    let wrong = |why: String| {
        let (door, cell) = (dialect.name(), work.title());
        Err(BenchError::Unequal(format!("{door}, {cell}: {why}")))
    };
    let Some(((first, theirs), others)) = visits.split_first() else {
        return wrong("nothing was measured".into());
    };
    for (contender, visits) in visits {
        let name = contender.name();
        if visits.iter().any(|visit| visit.deliveries == 0) {
            return wrong(format!("{name} delivered nothing in a phase"));
        }
        if visits.iter().any(|visit| !visit.cpu_seconds.is_finite()) {
            return wrong(format!("the run time of {name} is not known"));
        }
        for visit in visits {
            let due = if dialect.answers() { visit.messages } else { 0 };
            if visit.answers != due {
                return wrong(format!(
                    "{name} answered {} publishes of {due}",
                    visit.answers
                ));
            }
        }
    }
    let tolerance = if dialect == Dialect::V1 { DIGITS } else { 0.0 };
    for (contender, visits) in others {
        let (here, there) = (bytes_per_delivery(visits), bytes_per_delivery(theirs));
        if (here - there).abs() > tolerance {
            return wrong(format!(
                "{} sends {here:.1} bytes per delivery and {} {there:.1}",
                contender.name(),
                first.name()
            ));
        }
        let (here, there) = (frames_per_read(visits), frames_per_read(theirs));
        if work.one_at_a_time() && (here / there - 1.0).abs() > SAME_K {
            return wrong(format!(
                "with one message in flight K is {here:.2} at {} and {there:.2} at {}",
                contender.name(),
                first.name()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::report::tests::visit;

    fn verdict(dialect: Dialect, work: Work, ours: &Visit, theirs: &Visit) -> Option<String> {
        let visits = [
            (Contender::Parlour, vec![ours]),
            (Contender::Raw, vec![theirs]),
        ];
        check(dialect, work, &visits)
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn equal_work_passes() {
        assert_eq!(
            verdict(Dialect::Events, Work::One, &visit(1.0), &visit(2.0)),
            None
        );
    }

    #[test]
    fn other_bytes_are_other_work() {
        let longer = Visit {
            bytes: visit(1.0).bytes + 1_000,
            ..visit(1.0)
        };
        let why = verdict(Dialect::Events, Work::Many, &longer, &visit(1.0)).unwrap();
        assert!(why.contains("bytes per delivery"), "{why}");
        let answered = |it: Visit| Visit {
            answers: it.messages,
            ..it
        };
        let digits = verdict(
            Dialect::V1,
            Work::Many,
            &answered(longer.clone()),
            &answered(visit(1.0)),
        );
        assert_eq!(digits, None, "numbers have as many digits as they need");
        let much = Visit {
            bytes: 2 * visit(1.0).bytes,
            ..visit(1.0)
        };
        assert!(
            verdict(
                Dialect::V1,
                Work::Many,
                &answered(much),
                &answered(visit(1.0))
            )
            .is_some()
        );
    }

    #[test]
    fn coalescing_where_there_is_one_message_is_other_work() {
        let half = Visit {
            reads: visit(1.0).reads / 2,
            ..visit(1.0)
        };
        let why = verdict(Dialect::Events, Work::One, &half, &visit(1.0)).unwrap();
        assert!(why.contains("2.00 at Parlour"), "{why}");
        assert_eq!(
            verdict(Dialect::Events, Work::Many, &half, &visit(1.0)),
            None
        );
    }

    #[test]
    fn a_publish_without_its_answer_is_other_work() {
        let why = verdict(Dialect::V1, Work::Many, &visit(1.0), &visit(1.0)).unwrap();
        assert!(why.contains("answered 0 publishes of"), "{why}");
    }

    #[test]
    fn a_phase_without_deliveries_is_no_figure() {
        let none = Visit {
            deliveries: 0,
            ..visit(1.0)
        };
        assert!(verdict(Dialect::Events, Work::Many, &visit(1.0), &none).is_some());
    }
}
