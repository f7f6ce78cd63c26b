//! `learning.csv`: one line a second of each run in which agents learned.

use std::fmt::Write;

use super::csv::{number, quoted};
use crate::curve::Curve;

/// The whole file. Training has seconds below 0.
pub(super) fn render(curves: &[Curve]) -> String {
    let mut text = String::from("policy,seed,second,phase,offered,in_time,reward_mean,epsilon,td_error\n");
    for curve in curves {
        for (second, phase, bin) in curve.bins() {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "{},{},{second},{},{},{},{},{},{}",
                quoted(&curve.policy),
                curve.seed,
                phase.name(),
                bin.offered,
                number(bin.in_time_share()),
                number(bin.reward_mean()),
                number(bin.agents.map(|agents| agents.epsilon)),
                number(bin.agents.map(|agents| agents.td_error)),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::Glimpse;
    use crate::job::{Outcome, Phase};
    use crate::tally::Counted;
    use crate::testing::record;

    #[test]
    fn every_second_of_a_run_has_a_line_and_what_is_not_known_is_empty() {
        let mut curve = Curve::new("learned, fast", 3);
        let mut job = record(0, -1.5, Outcome::Served, Some(-1.25));
        job.phase = Phase::Training;
        curve.add(&Counted::from(&job), Some(1.0));
        curve.note(-2, Glimpse { epsilon: 0.5, td_error: 0.25 });
        curve.add(&Counted::from(&record(0, 0.5, Outcome::Dropped, Some(0.75))), None);
        let lines = "\"learned, fast\",3,-2,training,1,1,1,0.5,0.25\n\"learned, fast\",3,0,measured,1,0,,,\n";
        assert_eq!(
            render(&[curve]),
            format!("policy,seed,second,phase,offered,in_time,reward_mean,epsilon,td_error\n{lines}")
        );
    }
}
