use std::io::Write;
use std::slice::from_ref;
use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use tempfile::NamedTempFile;

use super::*;
use crate::streams::{Purpose, generator};

mod traces;

fn two_nodes(kind: ArrivalKind) -> Traffic {
    Traffic { kind, rates: vec![10.0, 40.0], shares: vec![0.25, 0.75] }
}

fn schedule(traffic: &Traffic, seed: u64) -> Schedule {
    Schedule::new(from_ref(traffic), seed, 1000.0)
}

fn instants(traffic: &Traffic, node: u32) -> Vec<f64> {
    let arrivals = schedule(traffic, 7).filter(|arrival| arrival.node == node);
    arrivals.map(|arrival| arrival.at_s).collect()
}

#[test]
fn poisson_counts_and_gaps_have_the_known_mean_and_variance() {
    let traffic = two_nodes(ArrivalKind::Poisson);
    for (node, rate) in [(0, 10.0), (1, 40.0)] {
        let instants = instants(&traffic, node);
        // The count is Poisson with mean 1000 * rate; five deviations are never seen.
        let expected = 1000.0 * rate;
        assert!((instants.len() as f64 - expected).abs() < 5.0 * expected.sqrt(), "{}", instants.len());
        let gaps: Vec<f64> = instants.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean * rate - 1.0).abs() < 0.05, "mean gap {mean}");
        assert!((variance * rate * rate - 1.0).abs() < 0.1, "variance of gaps {variance}");
    }
}

#[test]
fn deterministic_gaps_are_equal_and_nodes_are_out_of_step() {
    let traffic = two_nodes(ArrivalKind::Deterministic);
    for (node, rate) in [(0, 10.0), (1, 40.0)] {
        let instants = instants(&traffic, node);
        assert!((instants.len() as f64 - 1000.0 * rate).abs() <= 1.0);
        assert!(instants.windows(2).all(|pair| (pair[1] - pair[0] - 1.0 / rate).abs() < 1e-9));
        assert!(instants[0] < 1.0 / rate);
    }
    assert_ne!(instants(&traffic, 0)[0], instants(&traffic, 1)[0]);
}

#[test]
fn training_ends_where_the_run_begins_and_is_of_the_same_kind_with_other_arrivals() {
    let traffic = two_nodes(ArrivalKind::Poisson);
    let training: Vec<_> = Schedule::training(from_ref(&traffic), 7, 100.0).collect();
    assert!(training.iter().all(|arrival| (-100.0..0.0).contains(&arrival.at_s)));
    assert!((training.len() as f64 - 5_000.0).abs() < 5.0 * 5_000_f64.sqrt(), "{}", training.len());
    let run: Vec<_> = schedule(&traffic, 7).take(training.len()).collect();
    let same = |(left, right): &(&Arrival, &Arrival)| (left.at_s + 100.0 - right.at_s).abs() < 1e-6;
    assert_eq!(training.iter().zip(&run).filter(same).count(), 0);
    assert_ne!(training, Schedule::training(from_ref(&traffic), 8, 100.0).collect::<Vec<_>>());
}

#[test]
fn arrivals_are_in_order_numbered_and_within_the_run() {
    let arrivals: Vec<_> = schedule(&two_nodes(ArrivalKind::Poisson), 7).collect();
    assert!(arrivals.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s));
    assert!(arrivals.iter().enumerate().all(|(index, arrival)| arrival.number == index as u64));
    assert!(arrivals.iter().all(|arrival| (0.0..1000.0).contains(&arrival.at_s)));
}

#[test]
fn task_types_come_in_their_shares() {
    let arrivals: Vec<_> = schedule(&two_nodes(ArrivalKind::Poisson), 7).collect();
    let first = arrivals.iter().filter(|arrival| arrival.task_type == 0).count();
    assert!((first as f64 / arrivals.len() as f64 - 0.25).abs() < 0.01);
}

#[test]
fn the_same_seed_gives_the_same_arrivals_and_another_seed_others() {
    let traffic = two_nodes(ArrivalKind::Poisson);
    let run = |seed| schedule(&traffic, seed).take(1_000).collect::<Vec<_>>();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_node_without_traffic_gets_none_and_does_not_disturb_the_others() {
    let quiet = Traffic { rates: vec![0.0, 40.0], ..two_nodes(ArrivalKind::Poisson) };
    assert!(instants(&quiet, 0).is_empty());
    assert_eq!(instants(&quiet, 1), instants(&two_nodes(ArrivalKind::Poisson), 1));
}

#[test]
fn poisson_arrivals_are_the_running_sums_of_the_draws_of_their_nodes() {
    let traffic = two_nodes(ArrivalKind::Poisson);
    let mut expected = Vec::new();
    for node in 0..2_u32 {
        let stream = |purpose| generator(7, purpose, u64::from(node));
        let (mut gaps, mut types) = (stream(Purpose::Arrivals), stream(Purpose::TaskTypes));
        let mut payloads = stream(Purpose::Payloads);
        let mut at_s = 0.0;
        loop {
            let gap: f64 = Exp1.sample(&mut gaps);
            at_s += gap / traffic.rates[node as usize];
            if at_s >= 1000.0 {
                break;
            }
            let task_type = u16::from(types.random::<f64>() >= 0.25);
            expected.push((at_s, node, task_type, payloads.random::<u32>()));
        }
    }
    expected.sort_by(|left, right| left.0.total_cmp(&right.0));
    let drawn = schedule(&traffic, 7).map(|job| (job.at_s, job.node, job.task_type, job.payload));
    assert_eq!(drawn.collect::<Vec<_>>(), expected);
}

/// Counts in windows of so many seconds.
fn windows(instants: &[f64], width_s: f64, ends_s: f64) -> Vec<f64> {
    let mut counts = vec![0.0; (ends_s / width_s) as usize];
    for at_s in instants {
        if let Some(count) = counts.get_mut((at_s / width_s) as usize) {
            *count += 1.0;
        }
    }
    counts
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

/// The instants at a node until a second.
fn instants_until(traffic: &Traffic, node: u32, ends_s: f64) -> Vec<f64> {
    let arrivals = Schedule::new(from_ref(traffic), 7, ends_s);
    arrivals.filter(|arrival| arrival.node == node).map(|arrival| arrival.at_s).collect()
}

fn mmpp(common: bool) -> Traffic {
    two_nodes(ArrivalKind::Mmpp(Mmpp { factors: vec![0.5, 3.0], sojourns_s: vec![4.0, 1.0], common }))
}

#[test]
fn mmpp_counts_have_the_mean_and_the_index_of_dispersion_of_theory() {
    // Two states left at rates s1, s2, arrival rates l1, l2: the variance of the count in time t over its
    // mean is 1 + 2 (l1 - l2)^2 s1 s2 / ((s1 + s2)^2 (l1 s2 + l2 s1)) (1 - (1 - e^-(s1 + s2) t) / ((s1 + s2) t)).
    let (s1, s2) = (1.0 / 4.0, 1.0);
    let (ends_s, width_s) = (200_000.0, 10.0);
    let traffic = mmpp(false);
    let (l1, l2) = (5.0, 30.0);
    let s: f64 = s1 + s2;
    let decay = 1.0 - (1.0 - (-s * width_s).exp()) / (s * width_s);
    let dispersion = 1.0 + 2.0 * (l1 - l2) * (l1 - l2) * s1 * s2 / (s.powi(2) * (l1 * s2 + l2 * s1)) * decay;
    let counts = windows(&instants_until(&traffic, 0, ends_s), width_s, ends_s);
    let (mean, variance) = mean_and_variance(&counts);
    assert!((mean / (10.0 * width_s) - 1.0).abs() < 0.02, "mean count {mean}");
    assert!((variance / mean / dispersion - 1.0).abs() < 0.04, "{} is not {dispersion}", variance / mean);
    let expected = traffic.expected_jobs(0.0, ends_s);
    assert!((expected - 50.0 * ends_s).abs() < 1e-3, "{expected}");
}

#[test]
fn nodes_share_the_state_of_an_mmpp_or_have_their_own() {
    let correlation = |common| {
        let ends_s = 20_000.0;
        let counts = |node| windows(&instants_until(&mmpp(common), node, ends_s), 1.0, ends_s);
        let (left, right) = (counts(0), counts(1));
        let ((left_mean, left_variance), (right_mean, right_variance)) =
            (mean_and_variance(&left), mean_and_variance(&right));
        let products = left.iter().zip(&right).map(|(l, r)| (l - left_mean) * (r - right_mean));
        products.sum::<f64>() / left.len() as f64 / (left_variance * right_variance).sqrt()
    };
    assert!(correlation(true) > 0.7, "{}", correlation(true));
    assert!(correlation(false).abs() < 0.05, "{}", correlation(false));
}

#[test]
fn with_three_states_each_has_its_part_of_the_time() {
    let chain = Mmpp { factors: vec![1.0, 0.0, 4.0], sojourns_s: vec![1.0, 2.0, 3.0], common: false };
    assert!((chain.mean_factor() - 13.0 / 6.0).abs() < 1e-12);
    let traffic = two_nodes(ArrivalKind::Mmpp(chain));
    let count = instants_until(&traffic, 0, 50_000.0).len() as f64;
    assert!((count / (50_000.0 * 10.0 * 13.0 / 6.0) - 1.0).abs() < 0.03, "{count}");
}

#[test]
fn a_sinusoid_has_its_mean_its_amplitude_and_the_phase_of_its_node() {
    let wave = Sinusoid { period_s: 100.0, amplitude: 0.8, phases: vec![0.0, 0.25] };
    let traffic = two_nodes(ArrivalKind::Sinusoid(wave));
    let ends_s = 10_000.0;
    for (node, rate, phase) in [(0, 10.0, 0.0_f64), (1, 40.0, 0.25)] {
        let instants = instants_until(&traffic, node, ends_s);
        let expected = rate * ends_s;
        assert!((instants.len() as f64 - expected).abs() < 5.0 * expected.sqrt(), "{}", instants.len());
        // The first Fourier coefficient of the rate is amplitude / 2 at the node's phase.
        let angle = |at_s: &f64| std::f64::consts::TAU * (at_s / 100.0 + phase);
        let sine = instants.iter().map(|at_s| angle(at_s).sin()).sum::<f64>() / expected;
        let cosine = instants.iter().map(|at_s| angle(at_s).cos()).sum::<f64>() / expected;
        assert!((sine - 0.4).abs() < 0.01, "{sine}");
        assert!(cosine.abs() < 0.01, "{cosine}");
    }
    assert!((traffic.expected_jobs(0.0, ends_s) - 50.0 * ends_s).abs() < 1e-3);
    // A quarter of a period from its middle: 25 seconds and amplitude * 100 / 2 pi more.
    let quarter = Traffic { rates: vec![10.0], ..traffic }.expected_jobs(0.0, 25.0);
    assert!((quarter - 10.0 * (25.0 + 80.0 / std::f64::consts::TAU)).abs() < 1e-9, "{quarter}");
}

fn crowd(nodes: Option<Vec<u32>>) -> FlashCrowd {
    FlashCrowd { at_s: 300.0, lasts_s: 200.0, factor: 5.0, ramp_s: 100.0, nodes }
}

#[test]
fn a_flash_crowd_rises_stays_and_falls_by_its_factor() {
    let traffic = two_nodes(ArrivalKind::FlashCrowd(crowd(None)));
    let instants = instants(&traffic, 1);
    let counts = windows(&instants, 50.0, 1000.0);
    for (window, count) in counts.iter().enumerate() {
        let factor = match window {
            6 | 13 => 2.0,
            7 | 12 => 4.0,
            8..12 => 5.0,
            _ => 1.0,
        };
        let expected = 40.0 * 50.0 * factor;
        assert!((count - expected).abs() < 5.0 * f64::sqrt(expected), "window {window}: {count}");
    }
    // Before it comes, the arrivals are those without it.
    let without = self::instants(&two_nodes(ArrivalKind::Poisson), 1);
    let before = without.iter().take_while(|at_s| **at_s < 300.0).count();
    assert_eq!(instants[..before], without[..before]);
    // The crowd of both nodes: 50 jobs a second, 4 times more, 300 seconds.
    assert!((traffic.expected_jobs(0.0, 1000.0) - (50_000.0 + 50.0 * 4.0 * 300.0)).abs() < 1e-6);
    let half_of_the_rise = traffic.expected_jobs(300.0, 350.0);
    assert!((half_of_the_rise - 50.0 * 50.0 * 2.0).abs() < 1e-6, "{half_of_the_rise}");
}

#[test]
fn a_flash_crowd_comes_only_to_its_nodes_and_may_come_at_once() {
    let traffic = two_nodes(ArrivalKind::FlashCrowd(FlashCrowd { ramp_s: 0.0, ..crowd(Some(vec![1])) }));
    assert_eq!(instants(&traffic, 0), instants(&two_nodes(ArrivalKind::Poisson), 0));
    let counts = windows(&instants(&traffic, 1), 100.0, 1000.0);
    for (window, count) in counts.iter().enumerate() {
        let expected: f64 = if matches!(window, 3 | 4) { 20_000.0 } else { 4_000.0 };
        assert!((count - expected).abs() < 5.0 * expected.sqrt(), "window {window}: {count}");
    }
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_profile_is_interpolated_in_straight_lines_over_its_period_again_and_again() {
    let file = file("0,0.0\n1,1.0\r\n2,0.5\n3,0.5");
    let profile = Profile::check(&[file.path().into()], 400.0, false).unwrap();
    assert!((profile.mean(0) - 0.5).abs() < 1e-12);
    // Points at 0, 100, 200, 300 seconds, and from the last back to the first.
    let mut rates = profile.rates(0, -150.0).unwrap();
    for (begins_s, ends_s, factor, slope) in [
        (-200.0, -100.0, 0.5, 0.0),
        (-100.0, 0.0, 0.5, -0.005),
        (0.0, 100.0, 0.0, 0.01),
        (100.0, 200.0, 1.0, -0.005),
        (200.0, 300.0, 0.5, 0.0),
        (300.0, 400.0, 0.5, -0.005),
        (400.0, 500.0, 0.0, 0.01),
    ] {
        assert_eq!(rates.next().unwrap(), modulated::Segment { begins_s, ends_s, factor, slope });
    }
    let kind = ArrivalKind::Profile(profile);
    let traffic = Traffic { kind, rates: vec![40.0], shares: vec![1.0] };
    let counts = windows(&instants_until(&traffic, 0, 4000.0), 50.0, 4000.0);
    for (window, count) in counts.iter().enumerate() {
        let factor = [0.25, 0.75, 0.875, 0.625, 0.5, 0.5, 0.375, 0.125][window % 8];
        let expected = 40.0 * 50.0 * factor;
        assert!((count - expected).abs() < 5.0 * f64::sqrt(expected), "window {window}: {count}");
    }
}

#[test]
fn a_profile_longer_than_what_is_read_at_once_keeps_all_its_points() {
    let text: String = (0..3_000).map(|index| format!("{index},{}\n", f64::from(index) / 3_000.0)).collect();
    let file = file(&text);
    let profile = Profile::check(&[file.path().into()], 3_000.0, false).unwrap();
    let mut rates = profile.rates(0, 0.0).unwrap();
    for index in (0..3_000).chain(0..10) {
        assert_eq!(rates.next().unwrap().factor, f64::from(index) / 3_000.0);
    }
}

#[test]
fn a_broken_profile_is_refused_with_its_line_and_column() {
    for (text, part) in [
        ("0,0.5\n1,high\n", ":2: column value: \"high\" is not a number from 0 to 1"),
        ("0,0.5\n1,1.5\n", ":2: column value: \"1.5\""),
        ("0,0.5\n1,NaN\n", ":2: column value: \"NaN\""),
        ("0,0.5\n2,0.5\n", ":2: column index: \"2\" instead of 1"),
        ("0,0.5\n\n", ":2: not of the form index,value"),
        ("", ": there is no point"),
    ] {
        let file = file(text);
        let error = Profile::check(&[file.path().into()], 1.0, false).unwrap_err().to_string();
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
        assert!(error.contains(part), "{text:?}: {error}");
    }
    let error = Profile::check(&["no/such.csv".into()], 1.0, false).unwrap_err().to_string();
    assert!(error.starts_with("no/such.csv: cannot be read"), "{error}");
}

/// A trace of counts in the schema of 2019, 1440 minutes.
fn azure(rows: &[&dyn Fn(u32) -> u32]) -> NamedTempFile {
    let mut text = "HashOwner,HashApp,HashFunction,Trigger".to_string();
    (1..=1440).for_each(|minute| text += &format!(",{minute}"));
    text += "\n";
    for (row, calls) in rows.iter().enumerate() {
        text += &format!("owner{row},app,function{row},http");
        (0..1440).for_each(|minute| text += &format!(",{}", calls(minute)));
        text += if row == 0 { "\r\n" } else { "\n" };
    }
    file(text.trim_end())
}

fn counted(file: &NamedTempFile, change: impl Fn(&mut Counts)) -> Counts {
    let mut counts = Counts::check(file.path(), 2, &Loading::default()).unwrap();
    change(&mut counts);
    counts
}

fn with_counts(counts: &Counts, seed: u64, ends_s: f64) -> Vec<Arrival> {
    let traffic =
        Traffic { kind: ArrivalKind::Counts(counts.clone()), rates: vec![], shares: vec![0.25, 0.75] };
    let mut schedule = Schedule::new(&[traffic], seed, ends_s);
    let arrivals = schedule.by_ref().collect();
    assert_eq!(schedule.failure(), None);
    arrivals
}

#[test]
fn every_minute_of_a_trace_has_exactly_its_calls_and_rows_go_to_nodes_and_task_types_in_turns() {
    let rows: [&dyn Fn(u32) -> u32; 3] = [&|m| m % 7, &|m| 1000 * u32::from(m == 1439), &|m| 11 - m % 11];
    let file = azure(&rows);
    for within in [Within::Random, Within::Even] {
        let counts = counted(&file, |counts| {
            counts.minute_s = 0.7;
            counts.within = within;
            counts.row_task_types = vec![0, 1, 2];
        });
        let arrivals = with_counts(&counts, 1, 1e9);
        let mut seen = vec![[0_u32; 1440]; 3];
        for arrival in &arrivals {
            let row = usize::from(arrival.task_type);
            assert_eq!(arrival.node as usize, row % 2);
            let minute = (0..1440).rev().find(|minute| f64::from(*minute) * 0.7 <= arrival.at_s).unwrap();
            seen[row][minute as usize] += 1;
        }
        for (row, calls) in rows.iter().enumerate() {
            assert!((0..1440).all(|minute| seen[row][minute as usize] == calls(minute)), "{within:?} {row}");
        }
        assert!(arrivals.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s));
        let total: u32 = rows.iter().map(|calls| (0..1440).map(calls).sum::<u32>()).sum();
        assert!((counts.calls(0.0, 1e9) - f64::from(total)).abs() < 1e-6);
    }
}

#[test]
fn calls_are_uniform_in_their_minute_or_in_equal_gaps() {
    let file = azure(&[&|_| 50]);
    let random = with_counts(&counted(&file, |_| ()), 1, 1e9);
    let parts: Vec<_> = random.iter().map(|arrival| (arrival.at_s / 60.0).fract()).collect();
    let (mean, variance) = mean_and_variance(&parts);
    assert!((mean - 0.5).abs() < 0.006 && (variance - 1.0 / 12.0).abs() < 0.002, "{mean} {variance}");
    // Counts in half a minute are binomial: variance 50 / 4.
    let halves = windows(&random.iter().map(|arrival| arrival.at_s).collect::<Vec<_>>(), 30.0, 86_400.0);
    let (_, variance) = mean_and_variance(&halves);
    assert!((variance - 12.5).abs() < 1.5, "{variance}");
    assert_ne!(random, with_counts(&counted(&file, |_| ()), 2, 1e9));
    assert_eq!(random, with_counts(&counted(&file, |_| ()), 1, 1e9));
    let even = with_counts(&counted(&file, |counts| counts.within = Within::Even), 1, 1e9);
    assert!(even.windows(2).all(|pair| (pair[1].at_s - pair[0].at_s - 1.2).abs() < 1e-9));
    let first = random.iter().filter(|arrival| arrival.task_type == 0).count() as f64 / random.len() as f64;
    assert!((first - 0.25).abs() < 0.01, "{first}");
}

#[test]
fn a_trace_can_begin_in_its_middle_and_a_training_comes_before_it() {
    let file = azure(&[&|m| m]);
    let counts = counted(&file, |counts| (counts.minute_s, counts.from_s) = (1.0, 100.5));
    let arrivals = with_counts(&counts, 1, 10.0);
    assert!(arrivals.iter().all(|arrival| (0.0..10.0).contains(&arrival.at_s)));
    let of =
        |begins_s: f64| arrivals.iter().filter(|job| (begins_s..begins_s + 1.0).contains(&job.at_s)).count();
    assert_eq!((of(0.5), of(1.5)), (101, 102));
    assert!((1..100).contains(&(arrivals.iter().filter(|job| job.at_s < 0.5).count())));
    assert_eq!(counts.calls(0.0, 1.5), 0.5 * 100.0 + 101.0);
    let traffic = Traffic { kind: ArrivalKind::Counts(counts), rates: vec![], shares: vec![1.0] };
    let training: Vec<_> = Schedule::training(&[traffic], 1, 5.5).collect();
    assert_eq!(
        training.len(),
        95 + 96 + 97 + 98 + 99 + training.iter().filter(|job| job.at_s >= -0.5).count()
    );
    assert!(training.iter().all(|arrival| (-5.5..0.0).contains(&arrival.at_s)));
}

#[test]
fn a_broken_trace_of_counts_is_refused_with_its_line_and_column() {
    let head = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\n";
    for (text, part) in [
        (
            format!("{head}o,a,f,http,1,2,3\no,a,f,http,1,-2,3\n"),
            ":3: column 2: \"-2\" is not a whole number",
        ),
        (format!("{head}o,a,f,http,1,2.5,3\n"), ":2: column 2: \"2.5\""),
        (format!("{head}o,a,f,http,1,2,5000000000\n"), ":2: column 3: \"5000000000\""),
        (format!("{head}o,a,f,http,1,2,\n"), ":2: column 3: \"\""),
        (format!("{head}o,a,f,http,1,2\n"), ":2: 6 cells, but the header has 7"),
        (format!("{head}o,a,f,http,1,2,3,4\n"), ":2: 8 cells, but the header has 7"),
        (format!("{head}\n"), ":2: 1 cells"),
        (
            "HashOwner,HashFunction,Trigger,1\n".into(),
            ":1: the header has \"HashFunction\" where \"HashApp\"",
        ),
        ("HashOwner,HashApp,HashFunction,Trigger,1,3\n".into(), "has \"3\" where \"2\" should be"),
        ("HashOwner,HashApp,HashFunction,Trigger\n".into(), ":1: the header has no minutes"),
        (String::new(), ": is empty"),
    ] {
        let file = file(&text);
        let error = Counts::check(file.path(), 1, &Loading::default()).unwrap_err().to_string();
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
        assert!(error.contains(part), "{text:?}: {error}");
    }
}

#[test]
fn a_trace_that_changes_under_the_run_ends_it_with_a_reason() {
    let file = azure(&[&|_| 1]);
    let counts = counted(&file, |_| ());
    let length = file.as_file().metadata().unwrap().len();
    file.as_file().set_len(length / 2).unwrap();
    let traffic = Traffic { kind: ArrivalKind::Counts(counts), rates: vec![], shares: vec![1.0] };
    let mut schedule = Schedule::new(from_ref(&traffic), 1, 1e9);
    assert!(schedule.by_ref().count() < 1440);
    assert!(schedule.failure().is_some_and(|error| error.to_string().contains(":2: column ")));
    drop(file);
    let mut schedule = Schedule::new(&[traffic], 1, 1e9);
    assert_eq!(schedule.next(), None);
    assert!(schedule.failure().is_some_and(|error| error.to_string().contains("cannot be read")));
}

#[derive(Debug)]
struct Tape(Vec<RecordedJob>);

impl Recording for Tape {
    fn open(&self) -> Result<RecordedJobs, TraceError> {
        Ok(Box::new(self.0.clone().into_iter().map(Ok)))
    }

    fn count(&self) -> u64 {
        self.0.len() as u64
    }

    fn first_s(&self) -> f64 {
        self.0[0].at_s
    }
}

#[test]
fn a_recording_is_played_as_it_was_from_where_one_likes() {
    let job = |at_s, node, service_s| RecordedJob { at_s, node, task_type: Some(node as u16 + 1), service_s };
    let tape = Tape(vec![job(-1.0, 0, None), job(0.5, 1, Some(0.2)), job(2.0, 0, None), job(9.0, 1, None)]);
    let play = |from_s| {
        let recorded = Recorded { recording: Arc::new(Tape(tape.0.clone())), from_s };
        Traffic { kind: ArrivalKind::Recorded(recorded), rates: vec![], shares: vec![] }
    };
    let told = |arrivals: Schedule| {
        arrivals.map(|job| (job.number, job.at_s, job.node, job.task_type, job.service_s)).collect::<Vec<_>>()
    };
    let run = told(Schedule::new(&[play(0.0)], 1, 9.0));
    assert_eq!(run, [(0, 0.5, 1, 2, Some(0.2)), (1, 2.0, 0, 1, None)]);
    assert_eq!(told(Schedule::new(&[play(1.0)], 1, 9.0)), [(0, 1.0, 0, 1, None), (1, 8.0, 1, 2, None)]);
    assert_eq!(told(Schedule::training(&[play(0.0)], 1, 2.0)), [(0, -1.0, 0, 1, None)]);
}

#[test]
fn traffics_of_task_types_go_together_and_do_not_disturb_each_other() {
    let shared = two_nodes(ArrivalKind::Poisson);
    let own = Traffic {
        kind: ArrivalKind::Sinusoid(Sinusoid { period_s: 10.0, amplitude: 1.0, phases: vec![] }),
        rates: vec![20.0, 0.0],
        shares: vec![0.0, 0.0, 1.0],
    };
    let of = |traffic: &[Traffic], mine: &dyn Fn(&Arrival) -> bool| {
        let arrivals = Schedule::new(traffic, 7, 100.0).filter(mine);
        arrivals.map(|job| (job.at_s, job.node, job.task_type, job.payload)).collect::<Vec<_>>()
    };
    let both = [shared.clone(), own];
    assert_eq!(of(&both, &|job| job.task_type < 2), of(from_ref(&shared), &|_| true));
    let quiet = Traffic { rates: vec![0.0; 2], ..shared };
    let alone = of(&[quiet, both[1].clone()], &|_| true);
    assert_eq!(of(&both, &|job| job.task_type == 2), alone);
    assert!((alone.len() as f64 - 2_000.0).abs() < 5.0 * 2_000_f64.sqrt(), "{}", alone.len());
    assert!(alone.iter().all(|job| job.1 == 0));
}

#[test]
fn every_kind_is_in_order_within_its_time_and_the_same_for_the_same_seed() {
    let wave = Sinusoid { period_s: 10.0, amplitude: 0.5, phases: vec![0.5] };
    let file = file("0,0.5\n1,0\n2,1\n");
    let profile = Profile::check(&[file.path().into(), file.path().into()], 70.0, false).unwrap();
    for kind in [
        ArrivalKind::Poisson,
        ArrivalKind::Deterministic,
        mmpp(true).kind,
        mmpp(false).kind,
        ArrivalKind::Sinusoid(wave),
        ArrivalKind::FlashCrowd(crowd(None)),
        ArrivalKind::Profile(profile),
    ] {
        let traffic = two_nodes(kind);
        let run = |seed| Schedule::new(from_ref(&traffic), seed, 1000.0).collect::<Vec<_>>();
        let arrivals = run(3);
        assert_eq!(arrivals, run(3), "{traffic:?}");
        assert_ne!(arrivals, run(4), "{traffic:?}");
        assert!(arrivals.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s), "{traffic:?}");
        assert!(arrivals.iter().all(|arrival| (0.0..1000.0).contains(&arrival.at_s)), "{traffic:?}");
        let expected = traffic.expected_jobs(-100.0, 0.0);
        let training = Schedule::training(from_ref(&traffic), 3, 100.0).count() as f64;
        assert!((training / expected - 1.0).abs() < 0.25, "{traffic:?}: {training}, {expected}");
    }
}
