//! The learning curve as numbers.

use std::fmt::Write;

use p2pfaas_learner::offline::{CurveRow, Estimate};

const HEADER: &str = "epoch,trained,states,td_error,average_reward,\
recorded,recorded_low,recorded_high,\
doubly_robust,doubly_robust_low,doubly_robust_high,\
weighted,weighted_low,weighted_high,\
importance,importance_low,importance_high,effective_entries\n";

/// As CSV: one line before the training and one after each epoch. What is not known is empty.
pub fn render(curve: &[CurveRow]) -> String {
    let mut text = HEADER.to_string();
    for row in curve {
        let evaluation = &row.evaluation;
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        // Writing to a text cannot fail.
        let _ = write!(text, "{},{},{}", row.epoch, row.trained, row.states);
        let _ = write!(text, ",{},{}", number(row.td_error), number(row.average_reward));
        let recorded = Some(evaluation.recorded);
        for estimate in [recorded, evaluation.doubly_robust, evaluation.weighted, evaluation.importance] {
            let ends = |end: usize| estimate.and_then(|one: Estimate| one.ci95).map(|ci95| ci95[end]);
            let value = number(estimate.map(|one| one.value));
            let _ = write!(text, ",{value},{},{}", number(ends(0)), number(ends(1)));
        }
        let _ = writeln!(text, ",{}", evaluation.effective);
    }
    text
}
