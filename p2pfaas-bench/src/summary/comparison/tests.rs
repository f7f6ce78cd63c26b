use super::*;
use crate::job::Outcome;
use crate::summary::RunMeasured;
use crate::tally::Tally;
use crate::testing::{record, run, runs};

/// A run over 20 s with ten jobs a second, of which so many are served in time in each second, after 0.1 s,
/// and the others dropped.
fn measured(seed: u64, in_time: impl Fn(u64) -> u64) -> RunMeasured {
    let mut tally = Tally::new(0.0..20.0);
    for number in 0..200 {
        let (second, at_s) = (number / 10, 0.1 * number as f64 + 0.05);
        let served = number % 10 < in_time(second);
        let (outcome, takes_s) = if served { (Outcome::Served, 0.1) } else { (Outcome::Dropped, 0.0) };
        tally.add_record(&record(number, at_s, outcome, Some(at_s + takes_s)));
    }
    RunMeasured { tally, ..run(seed, 0.25) }
}

fn seeds(in_time: &[u64]) -> PolicyRuns {
    runs((1..).zip(in_time).map(|(seed, in_time)| measured(seed, |_| *in_time)))
}

#[test]
fn several_seeds_are_pairs_and_the_difference_is_that_worked_out_by_hand() {
    let (a, b) = (seeds(&[9, 6, 7]), seeds(&[7, 5, 6]));
    let all = Comparison::all(&[("a", &a), ("b", &b)], &[1, 2, 3]);
    let [pair] = &all[..] else { panic!("{all:?}") };
    assert_eq!((pair.a.as_str(), pair.b.as_str(), pair.paired_by), ("a", "b", Some(PairedBy::Seeds)));
    assert_eq!((&pair.seeds[..], pair.seeds_left_out.len()), (&[1, 2, 3][..], 0));
    // Differences 0.2, 0.1, 0.1: mean 0.4 / 3, deviation 0.1 / sqrt(3), t = 4 with 2 degrees of freedom.
    let found = pair.in_time.unwrap();
    assert!((found.difference - 0.4 / 3.0).abs() < 1e-12);
    assert!((found.d_z.unwrap() - 4.0 / 3_f64.sqrt()).abs() < 1e-9, "{found:?}");
    assert!((found.p - (1.0 - 4.0 / 18_f64.sqrt())).abs() < 1e-9, "{found:?}");
    let half = 4.302_652_73 / 30.0;
    assert!((found.ci95[0] - (found.difference - half)).abs() < 1e-8, "{found:?}");
    assert_eq!((found.p_holm, found.pairs, found.verdict), (found.p, 3, Verdict::NotSignificant));
    let dropped = pair.dropped.unwrap();
    assert!((dropped.difference + found.difference).abs() < 1e-12, "what is not in time is dropped here");
    assert_eq!(pair.latency_mean_s.unwrap().ci95.map(|end| end.abs() < 1e-12), [true; 2]);
}

#[test]
fn one_seed_is_paired_by_batches_of_equal_time() {
    let a = runs([measured(1, |second| 6 + second % 3)]);
    let b = runs([measured(1, |second| 5 + second % 2)]);
    let all = Comparison::all(&[("a", &a), ("b", &b)], &[1]);
    assert_eq!(all[0].paired_by, Some(PairedBy::Batches));
    let found = all[0].in_time.unwrap();
    let differences: Vec<_> =
        (0..20).map(|second: u64| ((6 + second % 3) as f64, (5 + second % 2) as f64)).collect();
    let expected = Paired::of(differences.iter().map(|(a, b)| (a / 10.0, b / 10.0))).unwrap();
    assert!((found.difference - expected.difference).abs() < 1e-12);
    assert!((found.p - expected.p).abs() < 1e-12 && found.pairs == 20, "{found:?} {expected:?}");
    assert_eq!(found.verdict, Verdict::FirstBetter);
    assert_eq!(all[0].dropped.unwrap().verdict, Verdict::FirstBetter, "it drops less");
}

#[test]
fn a_seed_that_one_of_them_has_not_finished_or_met_other_jobs_under_is_left_out() {
    let a = seeds(&[9, 6, 7, 8]);
    let mut short = measured(2, |_| 5);
    short.interrupted = true;
    let other = RunMeasured { seed: 3, ..run(3, 0.25) };
    let b = runs([measured(1, |_| 5), short, other, measured(4, |_| 5)]);
    let all = Comparison::all(&[("a", &a), ("b", &b)], &[1, 2, 3, 4, 5]);
    assert_eq!((&all[0].seeds[..], &all[0].seeds_left_out[..]), (&[1, 4][..], &[2, 3, 5][..]));
    assert_eq!(all[0].in_time.unwrap().pairs, 2);

    let nothing = runs([]);
    let all = Comparison::all(&[("a", &a), ("b", &nothing)], &[1, 2]);
    assert_eq!((all[0].paired_by, all[0].in_time), (None, None));
}

#[test]
fn p_values_are_adjusted_over_all_pairs_and_what_is_only_significant_alone_is_called_so() {
    // Differences to the first: 0.2, 0.1, 0.2, 0.1 (t = 5.2, p = 0.014) and 0.1, 0.2, 0.1, 0.2 (the same);
    // of the others 0.1 up and down.
    let (a, b, c) = (seeds(&[9, 8, 9, 8]), seeds(&[7, 7, 7, 7]), seeds(&[8, 6, 8, 6]));
    let all = Comparison::all(&[("a", &a), ("b", &b), ("c", &c)], &[1, 2, 3, 4]);
    let found: Vec<_> = all.iter().map(|pair| pair.in_time.unwrap()).collect();
    assert!((found[0].p - 0.013_847).abs() < 1e-5, "{found:?}");
    assert!((found[0].p_holm - 3.0 * found[0].p).abs() < 1e-12, "the least of three");
    assert_eq!((found[1].p_holm, found[2].p_holm), (found[0].p_holm, 1.0));
    assert_eq!(found[0].verdict, Verdict::FirstBetter);
    let alone = Measure::InTime
        .verdict(&Paired { difference: -0.1, ci95: [-0.2, -0.01], d_z: Some(-1.0), p: 0.03, pairs: 4 }, 0.09);
    assert_eq!(alone, Verdict::NotAmongSoMany);
}
