use std::sync::Arc;

use p2pfaas_sim::arrivals::Arrival;

use super::*;
use crate::job::{JobRecord, Outcome};
use crate::results::{JobsFile, Row as Written};
use crate::testing::record;

mod record;

/// A job of node `number % 2`, run for 0.1 s by node 1 if it was served.
fn job(number: u64, at_s: f64, outcome: Outcome) -> JobRecord {
    let mut job = record(number, at_s, outcome, Some(at_s + 0.5));
    job.arrival.node = (number % 2) as u32;
    job.arrival.task_type = (number % 3) as u16;
    if outcome == Outcome::Served {
        job.executed_by = Some(1);
        job.report.execution_s = Some(0.1);
    }
    job
}

/// A results folder: policy, seed and jobs, two row groups.
fn results(jobs: &[(&str, u64, JobRecord)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut file = JobsFile::create(&folder.path().join("jobs.parquet"), "test").unwrap();
    for (index, (policy, seed, job)) in jobs.iter().enumerate() {
        file.push(Written { policy: Arc::from(*policy), seed: *seed, job: job.clone() }).unwrap();
        if index == 1 {
            file.flush().unwrap();
        }
    }
    file.finish().unwrap();
    folder
}

fn two_runs() -> tempfile::TempDir {
    results(&[
        ("a", 1, job(1, 2.0, Outcome::Served)),
        ("a", 1, job(3, 9.0, Outcome::Served)),
        ("b", 1, job(0, 1.0, Outcome::Served)),
        ("a", 1, job(0, 1.0, Outcome::Dropped)),
        ("a", 1, job(2, 2.0, Outcome::Served)),
        ("a", 1, job(4, 10.0, Outcome::Served)),
        ("b", 2, job(0, 1.5, Outcome::Served)),
    ])
}

fn check(folder: &Path, wanted: &Wanted) -> Result<RecordedRun, TraceError> {
    RecordedRun::check(folder, wanted, 2, 3, &Speeds::default())
}

fn jobs_of_run(run: &RecordedRun) -> Vec<RecordedJob> {
    run.open().unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_run_is_played_in_the_order_of_its_schedule_with_what_its_jobs_took_at_speed_1() {
    let folder = two_runs();
    let cluster = "[cluster]\nspeed = 3\n[[cluster.node]]\n[[cluster.node]]\nspeed = 0.5\n";
    std::fs::write(folder.path().join("experiment.toml"), cluster).unwrap();
    let run = check(folder.path(), &Wanted::default()).unwrap();
    assert_eq!((run.count(), run.first_s(), run.lateness.late_s()), (5, 1.0, 8.0));
    let jobs = jobs_of_run(&run);
    assert_eq!(jobs, jobs_of_run(&run));
    let told: Vec<_> =
        jobs.iter().map(|job| (job.at_s, job.node, job.task_type.unwrap(), job.service_s)).collect();
    let took = Some(0.1 * 0.5);
    let expected =
        [(1.0, 0, 0, None), (2.0, 1, 1, took), (2.0, 0, 2, took), (9.0, 1, 0, took), (10.0, 0, 1, took)];
    assert_eq!(told, expected);
}

#[test]
fn another_run_can_be_asked_for() {
    let folder = two_runs();
    let wanted =
        |policy: Option<&str>, seed| Wanted { policy: policy.map(Into::into), seed, skip_bad: false };
    let first_s = |wanted: Wanted| check(folder.path(), &wanted).map(|run| run.first_s());
    assert_eq!(first_s(wanted(Some("b"), None)), Ok(1.0));
    assert_eq!(first_s(wanted(None, Some(2))), Ok(1.5));
    let error = first_s(wanted(Some("c"), Some(2))).unwrap_err().to_string();
    assert!(error.ends_with("jobs.parquet: there is no job of policy \"c\" with seed 2"), "{error}");
}

#[test]
fn service_times_are_those_of_the_task_type() {
    let folder = two_runs();
    let times = |task_type| service_times(folder.path(), task_type, &Speeds::new(vec![1.0, 2.0]));
    assert_eq!(times(1).unwrap().times_s(), [0.2, 0.2]);
    let error = times(7).unwrap_err().to_string();
    assert!(error.ends_with("task type 7: there is no time"), "{error}");
    let path = folder.path().join("times.csv");
    std::fs::write(&path, "0.5\n").unwrap();
    assert_eq!(service_times(&path, 7, &Speeds::default()).unwrap().times_s(), [0.5]);
}

#[test]
fn the_times_of_all_task_types_are_read_at_once_and_a_type_that_never_ran_has_none() {
    let folder = two_runs();
    let cluster = "[[cluster.node]]\ncount = 2\nspeed = 0.5\n";
    std::fs::write(folder.path().join("experiment.toml"), cluster).unwrap();
    let times = all_service_times(folder.path(), 4).unwrap();
    let times: Vec<_> =
        times.iter().map(|times| times.as_ref().map(|times| times.times_s().to_vec())).collect();
    assert_eq!(times, [Some(vec![0.05; 3]), Some(vec![0.05; 2]), Some(vec![0.05]), None]);
}

#[test]
fn a_job_takes_what_it_took_under_whichever_policy_ran_it_first() {
    let arrival = |number: u64, at_s: f64| {
        let job = job(number, at_s, Outcome::Dropped);
        job.arrival
    };
    let times = JobTimes::read(two_runs().path()).unwrap();
    assert_eq!(times.of(1, &arrival(3, 9.0)), Some(0.1));
    assert_eq!(times.of(1, &arrival(0, 1.0)), Some(0.1), "dropped by a, and run by b");
    assert_eq!(times.of(2, &arrival(0, 1.0)), None, "another job of that seed");
    assert_eq!(times.of(3, &arrival(0, 1.0)), None);
    let known = Arrival { service_s: Some(7.0), ..arrival(3, 9.0) };
    assert_eq!(times.of(1, &known), Some(7.0));
}

#[test]
fn a_recording_that_does_not_fit_is_refused_with_its_row_and_column() {
    let folder = two_runs();
    let path = folder.path();
    let run = |nodes, types| RecordedRun::check(path, &Wanted::default(), nodes, types, &Speeds::default());
    let error = run(1, 3).unwrap_err().to_string();
    assert!(error.ends_with("jobs.parquet:1: column node: node 1 of 1 nodes"), "{error}");
    let error = run(2, 2).unwrap_err().to_string();
    assert!(error.ends_with("jobs.parquet:5: column task_type: task type 2 of 2 task types"), "{error}");
    std::fs::write(path.join("jobs.parquet"), "policy,seed\n").unwrap();
    let error = run(2, 3).unwrap_err().to_string();
    assert!(error.contains("jobs.parquet: cannot be read"), "{error}");
    let error = check(&path.join("no-such"), &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("no-such: cannot be read"), "{error}");
    let folder = results(&[("a", 1, job(0, f64::NAN, Outcome::Served))]);
    let error = check(folder.path(), &Wanted::default()).unwrap_err().to_string();
    assert!(error.ends_with(":1: column scheduled_s: a time in seconds is missing"), "{error}");
}
