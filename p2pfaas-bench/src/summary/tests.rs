use super::*;
use crate::distribution::Distribution;
use crate::statistics::{student, wilson};
use crate::tally::Tally;
use crate::testing::{record, run, runs, summary};

#[test]
fn one_seed_gives_the_fractions_and_quantiles_worked_out_by_hand() {
    let policy = PolicySummary::of("a", "A(1)", &runs([run(1, 0.25)])).unwrap();
    assert_eq!((policy.offered, policy.served), (10, 6));
    assert_eq!((policy.in_time, policy.dropped, policy.rejected), (0.4, 0.2, 0.1));
    assert_eq!((policy.failed, policy.cancelled), (0.1, 0.0));
    assert_eq!((policy.forwarded, policy.probes_per_job), (0.3, 0.5));
    assert_eq!((policy.offered_per_s, policy.served_per_s), (1.0, 0.6));
    let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-6;
    assert!(near(policy.latency_s.mean, 2.5 / 6.0), "{:?}", policy.latency_s);
    let to_three_digits = |value: Option<f64>, expected: f64| (value.unwrap() / expected - 1.0).abs() < 1e-3;
    assert!(to_three_digits(policy.latency_s.p50, 0.25) && to_three_digits(policy.latency_s.p95, 0.75));
    assert!(near(policy.lag_s.unwrap().max, 0.02));
    assert_eq!(policy.ci95.in_time, wilson(4, 10));
    assert!(policy.ci95.latency_mean_s.is_some());
}

#[test]
fn several_seeds_give_intervals_over_the_seeds() {
    let runs = runs([run(1, 0.25), run(2, 0.25), run(3, 0.4)]);
    let policy = PolicySummary::of("a", "A", &runs).unwrap();
    assert_eq!((policy.offered, policy.in_time), (30, 0.4));
    let interval = policy.ci95.in_time.unwrap();
    assert!(interval.iter().all(|end| (end - 0.4).abs() < 1e-9), "all seeds agree: {interval:?}");
    let means = [2.5 / 6.0, 2.5 / 6.0, 3.1 / 6.0];
    let expected = student(&means).unwrap();
    let interval = policy.ci95.latency_mean_s.unwrap();
    assert!(interval.iter().zip(expected).all(|(left, right)| (left - right).abs() < 1e-6));
    assert_eq!(policy.per_seed.len(), 3);
    assert_eq!(policy.cost.unwrap().cpu_s, 4.5);
    assert_eq!(policy.offered_per_s, 1.0);
}

#[test]
fn a_policy_of_which_nothing_was_counted_is_left_out() {
    let nothing = RunMeasured { tally: Tally::new(0.0..10.0), ..run(1, 0.25) };
    assert_eq!(PolicySummary::of("a", "A", &runs([nothing])), None);
}

#[test]
fn runs_make_the_same_summary_in_whatever_order_they_end() {
    let measured = [run(1, 0.25), run(2, 0.3), run(3, 0.4)];
    let in_order = |order: [usize; 3]| {
        let mut runs = PolicyRuns::default();
        order.into_iter().for_each(|place| runs.add(place, measured[place].clone()));
        PolicySummary::of("a", "A", &runs)
    };
    assert_eq!(in_order([0, 1, 2]), in_order([2, 0, 1]));
}

#[test]
fn in_virtual_time_there_is_neither_cost_nor_lag() {
    let mut run = RunMeasured { cost: None, interrupted: true, ..run(1, 0.25) };
    run.tally.lags = Distribution::default();
    let policy = PolicySummary::of("a", "A", &runs([run])).unwrap();
    let json = serde_json::to_value(&policy).unwrap();
    assert!(json.get("cost").is_none() && json.get("lag_s").is_none() && json.get("fallbacks").is_some());
    assert_eq!(json["per_seed"][0]["interrupted"], true);
}

#[test]
fn the_summary_says_what_its_intervals_are_made_of() {
    let one = PolicySummary::of("a", "A", &runs([run(1, 0.25)])).unwrap();
    let several = PolicySummary::of("a", "A", &runs([run(1, 0.25), run(2, 0.3)])).unwrap();
    let method = |policy: &PolicySummary| serde_json::to_value(policy).unwrap()["method"].clone();
    assert_eq!((method(&one), method(&several)), ("batch means".into(), "replications".into()));
    // No latency is below 0. The medians are those of a histogram.
    let [low, high] = student(&[0.25, 0.3]).unwrap();
    let found = several.ci95.latency_p50_s.unwrap();
    assert!(low < 0.0 && found[0] == 0.0 && (found[1] / high - 1.0).abs() < 5e-3, "{found:?}");
    assert_eq!(one.ci95.latency_p99_s, None, "6 served jobs do not tell");
}

#[test]
fn many_jobs_of_one_run_give_an_interval_of_a_quantile_that_sees_its_busy_moments() {
    // 20 000 jobs in 20 s; those of every other second take ten times as long.
    let mut tally = Tally::new(0.0..20.0);
    for number in 0..20_000 {
        let at_s = 0.001 * number as f64 + 0.0005;
        let slow = if (at_s as u64).is_multiple_of(2) { 1.0 } else { 10.0 };
        let takes_s = slow * 0.001 * (1.0 + (number % 97) as f64);
        let job = record(number, at_s, crate::job::Outcome::Served, Some(at_s + takes_s));
        tally.add_record(&job);
    }
    let policy = PolicySummary::of("a", "A", &runs([RunMeasured { tally, ..run(1, 0.25) }])).unwrap();
    let [low, high] = policy.ci95.latency_p95_s.unwrap();
    // Of the slow seconds 10 % are above it, of the others none: a share that scatters by 5 % from second to
    // second. 2.093 * 0.0513 / sqrt(20) = 0.024: from the quantile of 0.926 to that of 0.974, in slow seconds
    // from that of 0.852 to that of 0.948. Were jobs independent, it would be from 0.867 to 0.887 s.
    assert!((low - 0.83).abs() < 0.01 && (high - 0.92).abs() < 0.01, "{low} to {high}");
}

#[test]
fn the_fixed_core_of_the_json_is_there() {
    let json: serde_json::Value = serde_json::from_str(&summary().to_json()).unwrap();
    for key in ["experiment", "on", "seeds", "policies"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let policy = &json["policies"][0];
    for key in [
        "label",
        "name",
        "offered",
        "served",
        "in_time",
        "dropped",
        "rejected",
        "failed",
        "cancelled",
        "forwarded",
        "probes_per_job",
    ] {
        assert!(policy.get(key).is_some(), "{key}");
    }
    for key in ["mean", "p50", "p95", "p99"] {
        assert!(policy["latency_s"][key].is_f64(), "{key}");
    }
    for key in ["in_time", "dropped", "latency_mean_s"] {
        assert_eq!(policy["ci95"][key].as_array().map(Vec::len), Some(2), "{key}");
    }
}
