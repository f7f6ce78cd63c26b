//! Traces made of runs, and played.

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::{Arrival, Schedule};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::experiment::Place;
use crate::recorded::record;
use crate::results::Folder;
use crate::simulate::{self, Options, SimProgress, VirtualTime};
use crate::testing::{parse_on, sweep_file};

fn play(path: &Path) -> Result<Vec<RecordedJob>, TraceError> {
    open(path, &Wanted::default(), 2, 3, &Speeds::default())?.open()?.collect()
}

#[test]
fn a_trace_is_the_run_in_order_as_parquet_and_as_csv_and_is_never_overwritten() {
    let folder = two_runs();
    let cluster =
        "[cluster]\nspeed = 0.5\n[[jobs]]\nname = \"small, or not\"\n[[jobs]]\n[[jobs]]\nname = \"c\"\n";
    std::fs::write(folder.path().join("experiment.toml"), cluster).unwrap();
    let run = jobs_of_run(&check(folder.path(), &Wanted::default()).unwrap());

    let mut heard = 0;
    let written = record(folder.path(), &Wanted::default(), None, |all| heard += all).unwrap();
    assert_eq!(written.path, folder.path().join("trace.parquet"));
    assert_eq!((written.jobs, written.with_service, written.nodes, written.task_types), (5, 4, 2, 3));
    assert_eq!((written.policy.as_str(), written.seed, written.span_s, heard), ("a", 1, (1.0, 10.0), 25));
    assert_eq!(play(&written.path).unwrap(), run);

    let csv = folder.path().join("t.CSV");
    record(folder.path(), &Wanted::default(), Some(&csv), |_| ()).unwrap();
    let text = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<_> = text.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            "at_s,node,task_type,task_type_name,service_s,deadline_s",
            "1,0,0,\"small, or not\",,",
            "2,1,1,job-1,0.05,"
        ]
    );
    assert_eq!(play(&csv).unwrap(), run);

    let error = record(folder.path(), &Wanted::default(), Some(&csv), |_| ()).unwrap_err();
    assert!(
        error.is_input()
            && error.to_string().ends_with("t.CSV is there already; give another name with --out")
    );
    let error = record(folder.path(), &Wanted::default(), Some(&folder.path().join("no/t.csv")), |_| ());
    assert!(!error.unwrap_err().is_input());
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), text);
}

#[test]
fn the_run_that_is_asked_for_is_taken_with_its_deadlines_and_half_a_trace_never_stays() {
    let mut late = job(5, 3.0, Outcome::Served);
    late.deadline_s = Some(0.25);
    let folder = results(&[("a", 1, job(0, 1.0, Outcome::Served)), ("b", 2, late)]);
    let wanted = Wanted { policy: Some("b".into()), ..Wanted::default() };
    let csv = folder.path().join("b.csv");
    record(folder.path(), &wanted, Some(&csv), |_| ()).unwrap();
    assert!(std::fs::read_to_string(&csv).unwrap().ends_with("\n3,1,2,job-2,0.1,0.25\n"));
    let error = open(&csv, &wanted, 2, 3, &Speeds::default()).unwrap_err().to_string();
    assert!(error.contains("b.csv: has a single run"), "{error}");

    let empty = tempfile::tempdir().unwrap();
    let error = record(empty.path(), &wanted, None, |_| ()).unwrap_err().to_string();
    assert!(error.contains("has no jobs.parquet; a run on the simulator writes it with --jobs"), "{error}");

    let broken = results(&[("a", 1, job(0, f64::NAN, Outcome::Served))]);
    let out = broken.path().join("t.csv");
    assert!(record(broken.path(), &Wanted::default(), Some(&out), |_| ()).unwrap_err().is_input());
    let left: Vec<_> =
        std::fs::read_dir(broken.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["jobs.parquet"]);
}

#[test]
fn a_trace_by_hand_is_put_in_order_and_broken_lines_are_refused_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hand.csv");
    let write = |lines: &str| std::fs::write(&path, format!("task_type,node,at_s\n{lines}")).unwrap();
    write("0,1,2.5\n2,0,1\n");
    let told: Vec<_> = play(&path).unwrap().iter().map(|job| (job.at_s, job.node, job.task_type)).collect();
    assert_eq!(told, [(1.0, 0, Some(2)), (2.5, 1, Some(0))]);
    for (line, part) in [
        ("0,1", ":3: 2 cells, but the header has 3"),
        ("0,1,soon", ":3: column at_s: a time in seconds is missing"),
        ("0,-1,2", ":3: column node: a whole number, 0 or more, is missing"),
        ("x,1,2", ":3: column task_type: a whole number"),
        ("0,\"1,2", ":3: a quote is not closed"),
    ] {
        write(&format!("0,1,2.5\n{line}\n0,0,1\n"));
        let error = play(&path).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        let wanted = Wanted { skip_bad: true, ..Wanted::default() };
        let trace = open(&path, &wanted, 2, 3, &Speeds::default()).unwrap();
        assert_eq!((trace.count(), trace.left_out().map(|left_out| left_out.lines)), (2, Some(1)));
        assert_eq!(trace.open().unwrap().map(|job| job.unwrap().at_s).collect::<Vec<_>>(), [1.0, 2.5]);
    }
    write("0,2,1\n");
    assert!(play(&path).unwrap_err().to_string().ends_with(":2: column node: node 2 of 2 nodes"));
    write("");
    assert!(play(&path).unwrap_err().to_string().ends_with(": there is no job"));
    std::fs::write(&path, "a,b\n").unwrap();
    let error = play(&path).unwrap_err().to_string();
    assert!(error.ends_with(": there is no column \"at_s\", which `p2pfaas record` writes"), "{error}");
}

#[test]
fn broken_rows_of_a_jobs_file_are_left_out_if_that_is_asked_for() {
    let folder = results(&[
        ("a", 1, job(1, 2.0, Outcome::Served)),
        ("a", 1, job(2, f64::NAN, Outcome::Served)),
        ("a", 1, job(0, 1.0, Outcome::Dropped)),
    ]);
    assert!(check(folder.path(), &Wanted::default()).is_err());
    let run = check(folder.path(), &Wanted { skip_bad: true, ..Wanted::default() }).unwrap();
    assert_eq!(run.left_out().map(|left_out| left_out.lines), Some(1));
    assert_eq!(jobs_of_run(&run).iter().map(|job| job.at_s).collect::<Vec<_>>(), [1.0, 2.0]);
}

#[test]
fn a_simulated_run_that_was_recorded_is_played_with_the_same_arrivals_and_service_times() {
    let folder = tempfile::tempdir().unwrap();
    let simulated = |text: &str, name: &str| {
        let experiment = parse_on(Place::Sim, text).unwrap();
        let out = Folder::create(Some(&folder.path().join(name)), &experiment).unwrap();
        let options = Options { threads: None, jobs: true };
        let engine = VirtualTime::new(Registry::builtin());
        let cancel = CancellationToken::new();
        simulate::run(&experiment, &engine, &out, options, &cancel, &SimProgress::hidden()).unwrap();
        (experiment, out)
    };
    let (first, out) = simulated(sweep_file(), "first");
    for name in ["trace.parquet", "trace.csv"] {
        let trace = folder.path().join(name);
        let wanted = Wanted { policy: Some("pow".into()), seed: Some(2), skip_bad: false };
        let written = record(out.path(), &wanted, Some(&trace), |_| ()).unwrap();
        let text = sweep_file().replace(
            "kind = \"poisson\"\nrate = 2.0",
            &format!("kind = \"recorded\"\nfile = \"{}\"", trace.display()),
        );
        let (again, replayed) = simulated(&text, &format!("again-{name}"));
        let arrivals =
            |traffic: &[_], seed| Schedule::new(traffic, seed, first.horizon_s()).collect::<Vec<_>>();
        let key = |job: &Arrival| (job.number, job.at_s, job.node, job.task_type);
        let (ours, theirs) = (arrivals(&first.traffic, 2), arrivals(&again.traffic, 77));
        assert_eq!(ours.iter().map(key).collect::<Vec<_>>(), theirs.iter().map(key).collect::<Vec<_>>());
        let known = theirs.iter().filter(|job| job.service_s.is_some()).count();
        assert_eq!((ours.len(), known), (written.jobs as usize, written.with_service as usize));
        assert!(known > 20, "{known}");

        // What came of it: jobs that were run take what they took, whatever is drawn under another seed.
        let took = |out: &Folder, seed| {
            let rows = Rows::open(&out.jobs()).unwrap().map(Result::unwrap);
            let mut rows: Vec<_> =
                rows.filter(|row| (row.policy.as_str(), row.seed) == ("pow", seed)).collect();
            rows.sort_by_key(|row| row.job);
            rows
        };
        let (then, now) = (took(&out, 2), took(&replayed, 1));
        assert_eq!(then.len(), now.len());
        for (then, now) in then.iter().zip(&now) {
            assert_eq!((then.scheduled_s, then.node), (now.scheduled_s, now.node));
            if let (Some((then_s, _)), Some((now_s, _))) = (then.ran, now.ran) {
                assert!((then_s - now_s).abs() < 2e-9, "{then_s} {now_s}");
            }
        }
    }
}
