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

fn traces() -> tempfile::TempDir {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("single.csv", "app,func,end_timestamp,duration\na,f,2,1\na,g,broken,1\na,g,9,8\nb,h,9.5,0.5\n");
    write("rates.json", "{\"small\": {\"x\": [10, 0], \"y\": [0, 10]},\n\"large\": {\"y\": [5, 5]}}");
    let head = "HashOwner,HashApp,HashFunction,Count,percentile_Average_0,percentile_Average_1,\
                percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,\
                percentile_Average_100\n";
    write("durations.csv", &format!("{head}o,a,g,1,500,500,500,500,500,500,500\n"));
    write("memory.csv", "HashOwner,HashApp\no,a\n");
    write("trace.csv", "at_s,node,task_type,service_s\n5,1,0,0.25\n1,0,1,\n");
    folder
}

const TWO_JOBS: &str = "[[jobs]]\nfunction = \"echo\"\n[[jobs]]\nfunction = \"echo\"";

#[test]
fn public_traces_are_played_with_their_service_times_and_in_turns() {
    let folder = traces();
    let jobs = |traffic: &str, jobs: &str| {
        let experiment = parse(folder.path(), text(traffic, jobs));
        let experiment = experiment.unwrap_or_else(|problems| panic!("{problems}"));
        Schedule::new(&experiment.traffic, 1, 1e6).collect::<Vec<_>>()
    };
    let azure = "kind = \"trace\"\nformat = \"azure-2021\"\nfile = \"single.csv\"\nskip_bad = true\n";
    let told: Vec<_> = jobs(&format!("{azure}row_task_types = [1, 0]"), TWO_JOBS)
        .iter()
        .map(|job| (job.at_s, job.node, job.task_type, job.service_s))
        .collect();
    // Functions f, g and h are at nodes 0, 1 and 0, and of the types 1, 0 and 1.
    assert_eq!(told, [(1.0, 0, 1, Some(1.0)), (1.0, 1, 0, Some(8.0)), (9.0, 0, 1, Some(0.5))]);
    let own = format!("[[jobs]]\nfunction = \"echo\"\n[jobs.traffic]\n{azure}from_s = 1");
    let own = own + "\n[[jobs]]\nfunction = \"echo\"";
    let own: Vec<_> =
        jobs("kind = \"poisson\"\nrate = 1e-9", &own).iter().map(|job| (job.at_s, job.task_type)).collect();
    assert_eq!(own, [(0.0, 0), (0.0, 0), (8.0, 0)]);

    let counts =
        "kind = \"trace\"\nformat = \"azure-2019\"\nfile = \"calls.csv\"\ndurations = \"durations.csv\"";
    for job in jobs(counts, JOB) {
        assert_eq!(job.service_s, (job.node == 1).then_some(0.5));
    }

    let stages = "kind = \"trace\"\nformat = \"k6\"\nfile = \"rates.json\"\nstage_s = 50";
    let played = jobs(stages, TWO_JOBS);
    let of = |node, task_type, from_s: f64| {
        let within = |job: &&p2pfaas_sim::arrivals::Arrival| {
            (job.node, job.task_type) == (node, task_type) && (from_s..from_s + 50.0).contains(&job.at_s)
        };
        played.iter().filter(within).count()
    };
    // Each function is a kind of job.
    assert_eq!((of(0, 0, 50.0), of(1, 0, 0.0), of(0, 1, 0.0)), (0, 0, 0));
    assert!((400..600).contains(&of(0, 0, 0.0)) && (400..600).contains(&of(1, 0, 50.0)));
    assert!((170..330).contains(&of(1, 1, 0.0)) && (170..330).contains(&of(1, 1, 50.0)));

    let recorded = jobs("kind = \"recorded\"\nfile = \"trace.csv\"", TWO_JOBS);
    let told: Vec<_> =
        recorded.iter().map(|job| (job.at_s, job.node, job.task_type, job.service_s)).collect();
    assert_eq!(told, [(1.0, 0, 1, None), (5.0, 1, 0, Some(0.25))]);
}

#[test]
fn what_is_wrong_with_a_public_trace_is_told_with_both_lines_and_what_was_left_out_is_a_warning() {
    let folder = traces();
    let format =
        |name: &str, file: &str| format!("kind = \"trace\"\nformat = \"{name}\"\nfile = \"{file}\"\n");
    for (traffic, part) in [
        (
            format("azure-2021", "single.csv"),
            "single.csv:3: column end_timestamp: \"broken\" is not a number",
        ),
        (format("azure-2021", "single.csv") + "rate = 1", ":7: traffic.rate: unknown key"),
        (format("azure-2019", "calls.csv") + "durations = \"gone.csv\"", ":7: traffic.durations: "),
        (format("azure-2019", "calls.csv") + "memory = \"memory.csv\"", "has no column SampleCount"),
        (format("k6", "rates.json") + "stage_s = 10\nramp_s = 11", ":8: traffic.ramp_s: 11 is not possible"),
        (format("k6", "rates.json") + "from_s = 120", "there is no job in the 100 s of a run"),
        (format("k6", "rates.json") + "row_nodes = [2]", ":7: traffic.row_nodes: [2] is not possible"),
        (format("k6", "rates.json") + "skip_bad = true", ":7: traffic.skip_bad: unknown key"),
        (format("k6", "calls.csv"), "calls.csv:1: expected value"),
        ("kind = \"recorded\"\nfile = \"trace.csv\"\nseed = 1".into(), "trace.csv: has a single run"),
        (
            "kind = \"recorded\"\nfile = \"trace.csv\"".into(),
            "trace.csv:3: column task_type: task type 1 of 1",
        ),
    ] {
        let complaint = parse(folder.path(), text(&traffic, JOB)).unwrap_err().to_string();
        assert!(complaint.contains(part), "{traffic}: {complaint}");
    }
    let traffic = format("azure-2021", "single.csv") + "skip_bad = true";
    let experiment = parse(folder.path(), text(&traffic, JOB)).unwrap();
    let warnings = crate::warnings::about_traffic(&experiment);
    assert!(
        warnings[0].starts_with("1 broken line of ") && warnings[0].contains("single.csv left out"),
        "{warnings:?}"
    );
    let sound = parse(folder.path(), text("kind = \"poisson\"\nrate = 1", JOB)).unwrap();
    assert!(crate::warnings::about_traffic(&sound).is_empty());
}
