use super::*;
use crate::experiment::Experiment;
use crate::job::{JobRecord, Outcome, Phase};
use crate::testing::{experiment, record};

/// Two nodes, two task types, 10 s of warm-up and 110 s that count: buckets of a second; 30 s of training.
fn two_nodes() -> Experiment {
    experiment(
        "[cluster]\nnodes = 2\n[traffic]\nkind = \"poisson\"\nrate = 1\n[[jobs]]\nname = \"a\"\nshare = 0.5\n\
         function = \"echo\"\ndeadline_s = 0.5\n[[jobs]]\nname = \"b\"\nshare = 0.5\nfunction = \"echo\"\n\
         [[policy]]\nname = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 30\n\
         [run]\nwarmup_s = 10\nduration_s = 110\n",
    )
}

fn series(experiment: &Experiment) -> RunSeries {
    RunSeries::new(experiment, &experiment.policies[0])
}

/// Due at node 0, served by a node after so many seconds, of which it ran the last ones.
fn served(at_s: f64, latency_s: f64, node: u32, ran_s: f64) -> JobRecord {
    let mut job = record(0, at_s, Outcome::Served, Some(at_s + latency_s));
    job.phase = if at_s < 10.0 { Phase::Warmup } else { Phase::Measured };
    job.deadline_s = Some(0.5);
    job.executed_by = Some(node);
    job.report.execution_s = Some(ran_s);
    job
}

fn decided(mut job: JobRecord, action: i32, epsilon: f64, reward: f64) -> JobRecord {
    job.report.action = Some(action);
    job.report.epsilon = Some(epsilon);
    job.report.reward = Some(reward);
    job
}

fn add(series: &mut RunSeries, jobs: &[JobRecord]) {
    jobs.iter().for_each(|job| series.add(&Seen::from(job)));
}

#[test]
fn in_time_shares_are_those_of_the_bucket_in_which_jobs_were_due() {
    let mut series = series(&two_nodes());
    let dropped = record(1, 20.75, Outcome::Dropped, Some(20.8));
    add(&mut series, &[served(20.0, 0.5, 0, 0.25), served(20.9, 0.6, 0, 0.25), dropped]);
    add(&mut series, &[served(5.5, 0.25, 1, 0.25)]);
    let counts: Vec<_> = series.run.buckets.iter().map(|bucket| (bucket.offered, bucket.in_time)).collect();
    assert_eq!((counts[5], counts[20], counts[21]), ((1, 1), (3, 1), (0, 0)));
    assert_eq!(counts.iter().map(|(offered, _)| offered).sum::<u64>(), 4);
}

#[test]
fn nodes_are_busy_while_jobs_run_there_and_the_warm_up_sends_no_arrows() {
    let mut series = series(&two_nodes());
    add(&mut series, &[served(5.0, 0.75, 1, 0.5), served(20.0, 1.75, 1, 1.25), served(30.0, 0.5, 0, 0.5)]);
    let nodes = &series.nodes;
    assert_eq!(nodes.busy_s(1, 5), 0.5);
    assert_eq!((nodes.busy_s(1, 20), nodes.busy_s(1, 21), nodes.busy_s(0, 20)), (0.5, 0.75, 0.0));
    assert_eq!((nodes.share(0, 0), nodes.share(0, 1), nodes.share(1, 0)), (Some(0.5), Some(0.5), None));
}

#[test]
fn every_measured_job_has_one_fate_in_its_task_type() {
    let mut series = series(&two_nodes());
    let mut jobs = vec![served(20.0, 0.5, 0, 0.1), served(20.0, 0.6, 0, 0.1), served(1.0, 0.1, 0, 0.1)];
    let others = [Outcome::Dropped, Outcome::Rejected, Outcome::Failed, Outcome::Cancelled];
    for outcome in others {
        let mut job = record(0, 50.0, outcome, None);
        job.arrival.task_type = 1;
        jobs.push(job);
    }
    add(&mut series, &jobs);
    assert_eq!(series.types, [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1]]);
}

#[test]
fn choices_and_rewards_of_the_training_are_before_second_0() {
    let mut series = series(&two_nodes());
    let mut trained = decided(served(-0.5, 0.1, 0, 0.1), 1, 0.5, 1.0);
    trained.phase = Phase::Training;
    let forwarded = decided(served(20.0, 0.1, 1, 0.1), 7, 0.25, 0.0);
    add(&mut series, &[trained, forwarded.clone(), decided(forwarded, 0, 0.75, 1.0)]);
    let training = series.training.as_ref().unwrap();
    let last = training.buckets[training.axis.bucket(-0.5)];
    assert_eq!((last.actions, last.epsilons, last.rewards), ([0, 1, 0, 0], 0.5, 1.0));
    let bucket = series.run.buckets[20];
    assert_eq!((bucket.actions, bucket.epsilons), ([1, 0, 0, 1], 1.0));
    assert_eq!((bucket.decisions(), bucket.rewarded, bucket.rewards), (2, 2, 1.0));
    assert_eq!(series.nodes.busy_s(0, 0), 0.0);
}

#[test]
fn the_order_in_which_runs_end_makes_no_difference() {
    let experiment = two_nodes();
    let run = |at_s: f64| {
        let mut series = series(&experiment);
        add(&mut series, &[served(at_s, 0.3, 1, 0.1), decided(served(40.0, 0.3, 0, 0.1), 2, 0.1, 0.3)]);
        series
    };
    let mut one = PolicySeries::default();
    let mut other = PolicySeries::default();
    for place in 0..3 {
        one.add(place, run(20.1 + place as f64));
        other.add(2 - place, run(22.1 - place as f64));
    }
    assert_eq!(one, other);
    assert_eq!(one.seeds().len(), 3);
    assert!(one.has_decisions());
    assert_eq!(one.types()[0][0], 6);
    let nodes = one.nodes().unwrap();
    assert_eq!(nodes.share(0, 1), Some(0.5));
    assert!((nodes.busy_s(0, 40) - 0.3).abs() < 1e-9);
}

#[test]
fn large_clusters_share_rows() {
    let rows = Rows::new(1_000);
    assert_eq!((rows.each, rows.count()), (16, 63));
    assert_eq!([0, 15, 16, 999, 5_000].map(|node| rows.row(node)), [0, 0, 1, 62, 62]);
    assert_eq!(rows.of(62), 992..1_000);
    assert_eq!((Rows::new(64).each, Rows::new(65).each), (1, 2));
}

#[test]
fn the_memory_of_a_series_does_not_grow_with_the_jobs() {
    let mut series = series(&two_nodes());
    let memory = |series: &RunSeries| {
        let training = series.training.as_ref().map_or(0, |training| training.buckets.capacity());
        let numbers = series.nodes.numbers() + series.types.capacity() * FATES.len();
        (training + series.run.buckets.capacity()) * size_of::<Bucket>() + numbers * size_of::<u64>()
    };
    let before = memory(&series);
    for number in 0..200_000_u32 {
        let mut job = served(f64::from(number % 500) - 100.0, 0.3, number, 5.0);
        job.arrival.node = number;
        job.arrival.task_type = number as u16;
        add(&mut series, &[decided(job, number as i32, 0.5, 1.0)]);
    }
    assert_eq!(memory(&series), before);
    assert!(before < 30_000, "{before} bytes");
}
