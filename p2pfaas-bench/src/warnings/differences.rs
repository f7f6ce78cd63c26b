//! Differences between policies that are not to be believed.

use crate::summary::{Comparison, Difference, Measure, Verdict};

/// Differences that a sentence names.
const NAMED: usize = 4;

/// Says which differences between policies may be nothing but chance.
pub fn not_significant(comparisons: &[Comparison]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (verdict, why) in [
        (Verdict::NotSignificant, "not significant"),
        (Verdict::NotAmongSoMany, "not significant among so many comparisons (Holm)"),
    ] {
        for measure in Measure::ALL {
            let found = comparisons.iter().filter_map(|pair| Some((pair, pair.of(measure)?)));
            // Where nothing at all differs there is nothing to be mistaken about.
            let found = found.filter(|(_, found)| found.verdict == verdict && found.ci95 != [0.0; 2]);
            let mut told: Vec<_> = found
                .map(|(pair, found)| format!("{} and {} ({})", pair.a, pair.b, say(measure, found)))
                .collect();
            if told.is_empty() {
                continue;
            }
            let more = told.len().saturating_sub(NAMED);
            told.truncate(NAMED);
            if more > 0 {
                told.push(format!("{more} more in comparisons.csv"));
            }
            warnings.push(format!("{why}: {} of {}", title(measure), told.join("; ")));
        }
    }
    warnings
}

/// Says which seeds say nothing about the difference of two policies.
pub fn left_out(comparisons: &[Comparison]) -> Vec<String> {
    let mut left_out: Vec<(&[u64], Vec<String>)> = Vec::new();
    for pair in comparisons.iter().filter(|pair| !pair.seeds_left_out.is_empty()) {
        let names = format!("{} and {}", pair.a, pair.b);
        match left_out.iter_mut().find(|(seeds, _)| *seeds == pair.seeds_left_out) {
            Some((_, all)) => all.push(names),
            None => left_out.push((&pair.seeds_left_out, vec![names])),
        }
    }
    let sentence = |(seeds, pairs): (&[u64], Vec<String>)| {
        let seeds = seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        format!(
            "compared without seed {seeds}, under which not both have met the same jobs to the end: {}",
            pairs.join("; ")
        )
    };
    left_out.into_iter().map(sentence).collect()
}

fn title(measure: Measure) -> &'static str {
    match measure {
        Measure::InTime => "jobs in time",
        Measure::Dropped => "jobs dropped",
        Measure::LatencyMean => "mean latency",
    }
}

/// A difference with its interval, in percentage points or milliseconds.
fn say(measure: Measure, found: &Difference) -> String {
    let (scale, unit, digits) = match measure {
        Measure::InTime | Measure::Dropped => (100.0, "points", 2),
        Measure::LatencyMean => (1e3, "ms", 1),
    };
    let [low, high] = found.ci95.map(|end| scale * end);
    format!("{:+.digits$} {unit}, {low:+.digits$} to {high:+.digits$}", scale * found.difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::PairedBy;

    fn pair(b: &str, low: f64, high: f64, verdict: Verdict) -> Comparison {
        let found = Difference {
            difference: (low + high) / 2.0,
            ci95: [low, high],
            d_z: Some(0.5),
            p: 0.5,
            p_holm: 0.5,
            pairs: 5,
            verdict,
        };
        Comparison {
            a: "a".into(),
            b: b.into(),
            paired_by: Some(PairedBy::Seeds),
            seeds: vec![1, 2],
            seeds_left_out: Vec::new(),
            in_time: Some(found),
            dropped: None,
            latency_mean_s: None,
        }
    }

    #[test]
    fn differences_that_may_be_chance_are_told_with_their_intervals_and_others_are_not() {
        let chance = pair("b", -0.005, 0.011, Verdict::NotSignificant);
        let alone = pair("c", 0.001, 0.02, Verdict::NotAmongSoMany);
        let sure = pair("d", 0.01, 0.02, Verdict::FirstBetter);
        let same = pair("e", 0.0, 0.0, Verdict::NotSignificant);
        assert_eq!(
            not_significant(&[chance, alone, sure.clone(), same]),
            [
                "not significant: jobs in time of a and b (+0.30 points, -0.50 to +1.10)",
                "not significant among so many comparisons (Holm): jobs in time of a and c (+1.05 points, +0.10 \
                 to +2.00)"
            ]
        );
        assert_eq!(not_significant(&[sure]), [""; 0]);
    }

    #[test]
    fn many_of_them_are_a_sentence_and_not_a_page_and_seeds_left_out_are_told() {
        let mut many: Vec<_> =
            ["b", "c", "d", "e", "f", "g"].map(|b| pair(b, -0.1, 0.1, Verdict::NotSignificant)).into();
        many[1].seeds_left_out = vec![3, 4];
        many[2].seeds_left_out = vec![3, 4];
        let told = not_significant(&many);
        assert!(
            told[0].ends_with("a and e (+0.00 points, -10.00 to +10.00); 2 more in comparisons.csv"),
            "{told:?}"
        );
        let told = left_out(&many);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("compared without seed 3, 4,") && told[0].ends_with("a and c; a and d"));
    }
}
