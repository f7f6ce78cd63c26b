use std::fs;
use std::path::Path;

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Within};

use crate::experiment::{Experiment, Known, Place, Problems};

/// An experiment with two nodes and a traffic that begins in line 4.
fn text(traffic: &str, jobs: &str) -> String {
    format!(
        "[cluster]\nnodes = 2\n[traffic]\n{traffic}\n{jobs}\n\
         [[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = 100\n"
    )
}

const JOB: &str = "[[jobs]]\nfunction = \"echo\"";

fn parse(folder: &Path, text: String) -> Result<Experiment, Problems> {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    Experiment::parse(&folder.join("a.toml"), text, Place::Local, &known)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let head = "HashOwner,HashApp,HashFunction,Trigger,1,2";
    fs::write(folder.path().join("calls.csv"), format!("{head}\no,a,f,http,3,4\no,a,g,http,0,5\n")).unwrap();
    fs::write(folder.path().join("broken.csv"), format!("{head}\no,a,f,http,3,x\n")).unwrap();
    fs::write(folder.path().join("day0.csv"), "0,0.5\n1,1\n").unwrap();
    fs::write(folder.path().join("day1.csv"), "0,0\n").unwrap();
    fs::write(folder.path().join("badday.csv"), "0,0.5\n1,2\n").unwrap();
    folder
}

#[test]
fn every_kind_is_read_with_its_defaults() {
    let folder = folder();
    let kind = |traffic: &str| {
        let experiment = parse(folder.path(), text(traffic, JOB));
        experiment.unwrap_or_else(|problems| panic!("{problems}")).traffic.remove(0)
    };
    let mmpp = kind("kind = \"mmpp\"\nrate = 2\nfactors = [0.5, 3]\nsojourns_s = [4, 1]\ncommon = true");
    assert!(matches!(mmpp.kind, ArrivalKind::Mmpp(ref chain) if chain.common && chain.mean_factor() == 1.0));
    let wave = kind("kind = \"sinusoid\"\nrates = [2, 3]\nperiod_s = 50\namplitude = 0.5\nphases = [0, 0.5]");
    assert!(matches!(wave.kind, ArrivalKind::Sinusoid(ref wave) if wave.phase(3) == 0.5));
    let crowd = kind("kind = \"flash-crowd\"\nrate = 2\nat_s = 10\nlasts_s = 5\nfactor = 4\nnodes = [1]");
    assert_eq!(crowd.expected_jobs(0.0, 100.0), 400.0 + 2.0 * 3.0 * 5.0);
    let day = kind("kind = \"trace\"\nformat = \"profile\"\nfile = \"day{node}.csv\"\nrate = 4");
    assert!(
        matches!(day.kind, ArrivalKind::Profile(ref day) if day.period_s == 100.0 && day.mean(0) == 0.75)
    );
    let calls = kind("kind = \"trace\"\nformat = \"azure-2019\"\nfile = \"calls.csv\"\nrow_nodes = [1]");
    let ArrivalKind::Counts(counts) = &calls.kind else { panic!("{calls:?}") };
    assert_eq!((counts.minute_s, counts.within, &counts.row_nodes[..]), (60.0, Within::Random, &[1][..]));
    let arrivals: Vec<_> = Schedule::new(std::slice::from_ref(&calls), 1, 120.0).collect();
    assert_eq!(arrivals.len(), 12);
    assert!(arrivals.iter().all(|arrival| arrival.node == 1));
}

#[test]
fn a_task_type_may_have_traffic_of_its_own() {
    let jobs = "[[jobs]]\nfunction = \"echo\"\n[jobs.traffic]\nkind = \"deterministic\"\nrates = [0, 5]\n\
                [[jobs]]\nfunction = \"echo\"";
    let experiment = parse(Path::new(""), text("kind = \"poisson\"\nrate = 2", jobs)).unwrap();
    let shares: Vec<_> = experiment.traffic.iter().map(|traffic| &traffic.shares[..]).collect();
    assert_eq!(shares, [[0.0, 1.0], [1.0, 0.0]]);
    let arrivals = Schedule::new(&experiment.traffic, 1, 100.0);
    assert!(arrivals.filter(|job| job.task_type == 0).all(|job| job.node == 1));

    let only = jobs.split("[[jobs]]\nfunction = \"echo\"").nth(1).unwrap();
    let only = format!("[[jobs]]\nfunction = \"echo\"{only}");
    let alone = text("", &only).replace("[traffic]\n", "");
    assert_eq!(parse(Path::new(""), alone).unwrap().traffic.len(), 1);
    for (jobs, part) in [
        (only.clone(), ":3: traffic: every task type has traffic of its own"),
        (
            only.replace("echo\"", "echo\"\nshare = 1"),
            "jobs[0].share: given together with traffic of its own",
        ),
        (jobs.replace("deterministic", "recorded"), "jobs[0].traffic.kind: a recording has jobs of all"),
        (jobs.replace("[0, 5]", "[0, -5]"), "jobs[0].traffic.rates: the rate of node 1 is not possible"),
    ] {
        let complaint =
            parse(Path::new(""), text("kind = \"poisson\"\nrate = 2", &jobs)).unwrap_err().to_string();
        assert!(complaint.contains(part), "{complaint}");
    }
}

#[test]
fn wrong_traffic_is_refused_with_its_line_its_key_and_the_place_in_the_trace() {
    let folder = folder();
    let azure = "kind = \"trace\"\nformat = \"azure-2019\"\n";
    let profile = "kind = \"trace\"\nformat = \"profile\"\nrate = 1\n";
    for (traffic, part) in [
        ("kind = \"mmpp\"\nrate = 1\nfactors = [1, 2]".into(), ":3: traffic.sojourns_s: missing"),
        (
            "kind = \"mmpp\"\nrate = 1\nfactors = [1, 2]\nsojourns_s = [1]".into(),
            ":7: traffic.sojourns_s: 2 factors and 1 sojourns",
        ),
        (
            "kind = \"mmpp\"\nrate = 1\nfactors = [1, -2]\nsojourns_s = [1, 1]".into(),
            ":6: traffic.factors: [1, -2] is not possible",
        ),
        ("kind = \"poisson\"\nrate = 1\nfactors = [1]".into(), ":6: traffic.factors: unknown key"),
        ("kind = \"poisson\"\nrate = inf".into(), ":5: traffic.rate: inf is not possible"),
        ("kind = \"poisson\"\nrate = 1e308".into(), "jobs in one run are too many"),
        (
            "kind = \"sinusoid\"\nrate = 1\nperiod_s = 0\namplitude = 2".into(),
            ":7: traffic.amplitude: 2 is not possible",
        ),
        (
            "kind = \"flash-crowd\"\nrate = 1\nat_s = 1\nlasts_s = 1\nfactor = 2\nnodes = [2]".into(),
            ":9: traffic.nodes: [2] is not possible; expected numbers of nodes, from 0 to 1",
        ),
        ("kind = \"trace\"\nformat = \"azure\"".into(), ":5: traffic.format: unknown value \"azure\""),
        (format!("{azure}file = \"gone.csv\""), ":6: traffic.file: "),
        (format!("{azure}file = \"broken.csv\""), "broken.csv:2: column 2: \"x\" is not a whole number"),
        (format!("{azure}file = \"calls.csv\"\nminute_s = 0"), ":7: traffic.minute_s: 0 is not possible"),
        (format!("{azure}file = \"calls.csv\"\nrate = 3"), ":7: traffic.rate: unknown key"),
        (format!("{azure}file = \"calls.csv\"\nfrom_s = 120"), "there is no job in the 100 s of a run"),
        (
            format!("{azure}file = \"calls.csv\"\nrow_task_types = [1]"),
            "expected numbers of task types, from 0 to 0",
        ),
        (
            format!("{profile}file = \"badday.csv\""),
            "badday.csv:2: column value: \"2\" is not a number from 0 to 1",
        ),
        ("kind = \"recorded\"\nfile = \"none\"".into(), ":5: traffic.file: "),
    ] {
        let complaint = parse(folder.path(), text(&traffic, JOB)).unwrap_err().to_string();
        assert!(complaint.contains(part), "{traffic}: {complaint}");
    }
}

#[test]
fn empirical_service_times_are_read_and_a_broken_line_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = |content: &str| {
        fs::write(folder.path().join("times.csv"), content).unwrap();
        let job = format!("{JOB}\nservice = {{ kind = \"empirical\", file = \"times.csv\" }}");
        parse(folder.path(), text("kind = \"poisson\"\nrate = 1", &job))
    };
    let jobs = service("0.25\n0.75\n").unwrap().jobs;
    assert_eq!(jobs[0].service.as_ref().unwrap().mean_s(), 0.5);
    let complaint = service("0.25\nnever\n").unwrap_err().to_string();
    assert!(complaint.contains(":8: jobs[0].service.file: "), "{complaint}");
    assert!(complaint.contains("times.csv:2: \"never\" is not a time in seconds"), "{complaint}");
}
