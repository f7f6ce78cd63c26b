//! Public traces: fixtures in their exact schemas, with arrivals worked out by hand.

use super::*;

const COUNTS: &str = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\n";
const DURATIONS: &str = "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,\
                         percentile_Average_1,percentile_Average_25,percentile_Average_50,percentile_Average_75,\
                         percentile_Average_99,percentile_Average_100\n";
const MEMORY: &str = "HashOwner,HashApp,SampleCount,AverageAllocatedMb,AverageAllocatedMb_pct1,\
                      AverageAllocatedMb_pct5,AverageAllocatedMb_pct25,AverageAllocatedMb_pct50,\
                      AverageAllocatedMb_pct75,AverageAllocatedMb_pct95,AverageAllocatedMb_pct99,\
                      AverageAllocatedMb_pct100\n";
const CALLS: &str = "app,func,end_timestamp,duration\n";

fn played(kind: ArrivalKind, shares: &[f64], seed: u64, ends_s: f64) -> Vec<Arrival> {
    let traffic = Traffic { kind, rates: vec![], shares: shares.to_vec() };
    let mut schedule = Schedule::new(&[traffic], seed, ends_s);
    let arrivals = schedule.by_ref().collect();
    assert_eq!(schedule.failure(), None);
    arrivals
}

/// Every error names its file first.
fn complains(file: &NamedTempFile, error: Result<(), TraceError>, part: &str) {
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with(&file.path().display().to_string()) && error.contains(part), "{part}: {error}");
}

fn durations() -> NamedTempFile {
    file(&format!(
        "{DURATIONS}o,a,f,40,9,0,100,0,10,20,40,80,90,100\no,a,g,7,9,7,7,1000,1000,1000,1000,1000,1000,1000\n"
    ))
}

#[test]
fn durations_are_straight_lines_between_their_percentiles() {
    let file = durations();
    let table = Durations::read(file.path(), false).unwrap();
    let of = table.of(["o", "a", "f"]).unwrap();
    for (part, ms) in
        [(0.0, 0.0), (0.005, 5.0), (0.01, 10.0), (0.13, 15.0), (0.25, 20.0), (0.375, 30.0), (0.5, 40.0)]
    {
        assert!((of.at(part) - ms / 1e3).abs() < 1e-12, "{part}: {}", of.at(part));
    }
    for (part, ms) in [(0.75, 80.0), (0.87, 85.0), (0.99, 90.0), (0.995, 95.0), (1.0, 100.0)] {
        assert!((of.at(part) - ms / 1e3).abs() < 1e-12, "{part}: {}", of.at(part));
    }
    let mean_ms = 0.01 * 5.0 + 0.24 * 15.0 + 0.25 * 30.0 + 0.25 * 60.0 + 0.24 * 85.0 + 0.01 * 95.0;
    assert!((of.mean_s() - mean_ms / 1e3).abs() < 1e-12, "{}", of.mean_s());
    let mut draws = generator(1, Purpose::ServiceTimes, 0);
    let drawn: Vec<_> = (0..40_000).map(|_| of.sample(&mut draws)).collect();
    let (mean, _) = mean_and_variance(&drawn);
    assert!((mean - mean_ms / 1e3).abs() < 0.0008, "{mean}");
    assert_eq!(table.of(["o", "b", "f"]), None, "a function of another app");
}

#[test]
fn calls_of_functions_with_durations_bring_service_times_and_others_do_not() {
    let table = durations();
    let table = Durations::read(table.path(), false).unwrap();
    let calls = file(&format!("{COUNTS}o,a,f,http,30,0,40\no,a,g,timer,5,5,5\no,a,unknown,queue,3,3,3\n"));
    let load = |durations| Counts::check(calls.path(), 3, &Loading { durations, skip_bad: false }).unwrap();
    let counts = load(Some(&table));
    assert_eq!((counts.functions(), counts.with_durations()), (3, 2));
    let play = |counts: &Counts, seed| played(ArrivalKind::Counts(counts.clone()), &[1.0], seed, 1e9);
    let arrivals = play(&counts, 7);
    assert_eq!(arrivals, play(&counts, 7));
    assert_ne!(arrivals, play(&counts, 8));
    for job in &arrivals {
        match job.node {
            0 => assert!(job.service_s.is_some_and(|service_s| (0.0..=0.1).contains(&service_s))),
            1 => assert_eq!(job.service_s, Some(1.0)),
            _ => assert_eq!(job.service_s, None),
        }
    }
    let of_f = |seed| {
        let jobs = play(&counts, seed).into_iter().filter(|job| job.node == 0);
        jobs.map(|job| job.service_s.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of_f(7).len(), 70);
    assert_ne!(of_f(7), of_f(8));
    // What functions take does not move their calls.
    let instants = |jobs: Vec<Arrival>| jobs.iter().map(|job| job.at_s).collect::<Vec<_>>();
    assert_eq!(instants(play(&load(None), 7)), instants(arrivals));
}

#[test]
fn broken_tables_are_refused_with_line_and_column_or_left_out_and_counted() {
    for (line, part) in [
        ("o,a,h,1,9,0,1,0,1,2,3,4,5", ":2: 13 cells, but the header has 14"),
        ("o,a,h,1,9,0,1,0,1,2,x,4,5,6", ":2: column percentile_Average_50: \"x\" is not a number, 0 or more"),
        ("o,a,h,1,9,0,1,0,1,2,-3,4,5,6", ":2: column percentile_Average_50: \"-3\" is not a number"),
        ("o,a,h,1,9,0,1,0,1,2,1,4,5,6", ":2: column percentile_Average_50: less than the percentile before"),
        ("o,a,h,1,,0,1,0,1,2,3,4,5,6", ":2: column Count: \"\" is not a number"),
    ] {
        let broken = file(&format!("{DURATIONS}{line}\no,a,g,1,9,0,1,0,1,2,3,4,5,6\n"));
        complains(&broken, Durations::read(broken.path(), false).map(|_| ()), part);
        let table = Durations::read(broken.path(), true).unwrap();
        assert_eq!((table.all().count(), table.left_out().lines), (1, 1));
    }
    let twice = file(&format!("{DURATIONS}{0}{0}", "o,a,g,1,9,0,1,0,1,2,3,4,5,6\n"));
    complains(&twice, Durations::read(twice.path(), false).map(|_| ()), ":3: the function has a line before");
    let other = file("HashOwner,HashApp\no,a\n");
    complains(
        &other,
        Durations::read(other.path(), true).map(|_| ()),
        ": the header has no column HashFunction",
    );

    let right = "o,a,7,100,1,2,3,4,5,6,7,8\n";
    for (line, part) in [
        ("o,a,7,-1,1,2,3,4,5,6,7,8\n", ":3: column AverageAllocatedMb: \"-1\""),
        ("o,a,7,100,1,2,3,2,5,6,7,8\n", ":3: column AverageAllocatedMb_pct50: less than"),
    ] {
        let broken = file(&format!("{MEMORY}{right}{line}"));
        complains(&broken, Memory::read(broken.path(), false).map(|_| ()), part);
        let memory = Memory::read(broken.path(), true).unwrap();
        assert_eq!((&memory.averages_mb[..], memory.left_out.lines), (&[100.0][..], 1));
    }
    // Files about functions have one column more.
    let more =
        file(&format!("{}o,f,a,7,100,1,2,3,4,5,6,7,8\n", MEMORY.replace("Owner,", "Owner,HashFunction,")));
    assert_eq!(Memory::read(more.path(), false).unwrap().highest_p99_mb, 7.0);
}

#[test]
fn broken_rows_of_counts_are_left_out_whole_and_the_others_are_played() {
    let calls = file(&format!("{COUNTS}o,a,f,http,1,2,3\no,a,g,http,100,x,100\no,a,h,http,4,5,6\n"));
    let load = |skip_bad| Counts::check(calls.path(), 2, &Loading { durations: None, skip_bad });
    complains(&calls, load(false).map(|_| ()), ":3: column 2: \"x\"");
    let counts = load(true).unwrap();
    assert_eq!((counts.functions(), counts.minutes()), (2, &[5, 7, 9][..]));
    let traffic = Traffic { kind: ArrivalKind::Counts(counts.clone()), rates: vec![], shares: vec![1.0] };
    assert_eq!(traffic.left_out(), [LeftOut { path: calls.path().into(), lines: 1 }]);
    let jobs = played(ArrivalKind::Counts(counts), &[1.0], 1, 1e9);
    let of = |node| jobs.iter().filter(|job| job.node == node).count();
    assert_eq!((of(0), of(1)), (6, 15));
    let text = format!("{COUNTS}o,a,f,http,1,2,3\n\u{0}");
    let mut bytes = text.into_bytes();
    bytes.push(0xff);
    let binary = file("");
    std::fs::write(binary.path(), bytes).unwrap();
    let counts = Counts::check(binary.path(), 2, &Loading { durations: None, skip_bad: true }).unwrap();
    assert_eq!(counts.left_out()[0].lines, 1, "a line that is not UTF-8");
}

fn calls() -> NamedTempFile {
    // Ends are in order, beginnings are 9.75, 0.5, 10, 10 and -0.5.
    file(&format!("{CALLS}a,f,10.0,0.25\nb,f,10.5,10\na,f,11,1\na,g,12.0,2\n\nb,f,12.5,13\r\n"))
}

#[test]
fn calls_are_due_when_they_began_and_in_that_order_with_their_durations() {
    let trace = calls();
    let mut calls = Invocations::check(trace.path(), 2, false).unwrap();
    assert_eq!((calls.functions(), calls.apps(), calls.count(), calls.first_s()), (3, 2, 5, -0.5));
    let play = |calls: &Invocations, from_s, ends_s| {
        let recorded = Recorded { recording: Arc::new(calls.clone()), from_s };
        let jobs = played(ArrivalKind::Recorded(recorded), &[0.0, 1.0], 3, ends_s);
        jobs.iter().map(|job| (job.at_s, job.node, job.task_type, job.service_s)).collect::<Vec<_>>()
    };
    // Functions are a,f then b,f then a,g, and take nodes 0 and 1 in turns; equal instants keep their order.
    let expected =
        [(0.5, 1, 1, Some(10.0)), (9.75, 0, 1, Some(0.25)), (10.0, 0, 1, Some(1.0)), (10.0, 0, 1, Some(2.0))];
    assert_eq!(play(&calls, 0.0, 100.0), expected);
    assert_eq!(play(&calls, -0.5, 1.0), [(0.0, 1, 1, Some(13.0))]);
    (calls.nodes, calls.task_types) = (vec![5], vec![2, 3]);
    let taken: Vec<_> = play(&calls, 0.0, 100.0).iter().map(|job| (job.1, job.2)).collect();
    assert_eq!(taken, [(5, 3), (5, 2), (5, 2), (5, 2)]);
}

#[test]
fn without_task_types_of_functions_they_are_drawn_by_the_shares_and_the_same_for_the_same_seed() {
    let text: String = (0..400).map(|call| format!("a,f,{call},0.5\n")).collect();
    let trace = file(&format!("{CALLS}{text}"));
    let recording: Arc<dyn Recording> = Arc::new(Invocations::check(trace.path(), 2, false).unwrap());
    let play = |seed| {
        let recorded = Recorded { recording: Arc::clone(&recording), from_s: -1.0 };
        let jobs = played(ArrivalKind::Recorded(recorded), &[0.25, 0.75], seed, 1e9);
        jobs.iter().map(|job| job.task_type).collect::<Vec<_>>()
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
    let first = play(1).iter().filter(|task_type| **task_type == 0).count();
    // Binomial: 100, deviation 8.7.
    assert!((60..140).contains(&first), "{first}");
}

#[test]
fn broken_calls_are_refused_with_their_line_or_left_out_and_counted() {
    for (line, part) in [
        ("a,f,1", ":3: 3 cells, but the header has 4"),
        ("a,f,1,-1", ":3: column duration: \"-1\" is not a number, 0 or more"),
        ("a,f,soon,1", ":3: column end_timestamp: \"soon\""),
        ("a,f,1,inf", ":3: column duration: \"inf\""),
        ("a,,1,1", ":3: column func: it is empty"),
    ] {
        let trace = file(&format!("{CALLS}a,f,1,1\n{line}\na,f,2,1\n"));
        complains(&trace, Invocations::check(trace.path(), 1, false).map(|_| ()), part);
        let calls = Invocations::check(trace.path(), 1, true).unwrap();
        assert_eq!(calls.open().unwrap().map(|job| job.unwrap().at_s).collect::<Vec<_>>(), [0.0, 1.0]);
        let recorded = Recorded { recording: Arc::new(calls), from_s: 0.0 };
        let traffic = Traffic { kind: ArrivalKind::Recorded(recorded), rates: vec![], shares: vec![] };
        assert_eq!(traffic.left_out(), [LeftOut { path: trace.path().into(), lines: 1 }]);
    }
    let none = file(CALLS);
    complains(&none, Invocations::check(none.path(), 1, true).map(|_| ()), ": there is no call");
}

#[test]
fn jobs_that_would_have_to_wait_in_too_large_a_number_are_refused() {
    let most = MOST_WAITING as u64;
    let backwards = |jobs: u64| {
        let mut lateness = Lateness::default();
        (0..jobs).for_each(|job| lateness.add(-(job as f64)));
        let job = |number: u64| {
            let job = RecordedJob { at_s: -(number as f64), node: 0, task_type: None, service_s: None };
            Ok((job, number))
        };
        InOrder::new((0..jobs).map(job), "trace.csv".into(), lateness)
    };
    assert_eq!(backwards(most).next().unwrap().unwrap().at_s, 1.0 - most as f64);
    let error = backwards(most + 1).next().unwrap().unwrap_err().to_string();
    assert!(error.contains("trace.csv: more than 1048576 jobs would have to wait"), "{error}");
}

const STAGES: &str =
    "{\"figlet\": {\"light\": [10, 30], \"heavy\": [0, 20, 40]},\n \"shasum\": {\"heavy\": [5.5]}}";

#[test]
fn stages_have_their_rates_and_functions_and_nodes_are_taken_in_turns() {
    let trace = file(STAGES);
    let mut stages = Stages::read(trace.path(), 3).unwrap();
    assert_eq!(
        (stages.functions(), stages.node_names()),
        (&["figlet".into(), "shasum".into()][..], &["light".into(), "heavy".into()][..])
    );
    (stages.stage_s, stages.task_types) = (100.0, vec![1, 0]);
    assert_eq!(stages.stages(), 3);
    assert_eq!(stages.jobs(0.0, 1e9), 1000.0 + 3000.0 + 2000.0 + 4000.0 + 550.0);
    assert_eq!(stages.jobs(150.0, 250.0), 0.5 * (3000.0 + 2000.0 + 4000.0));
    let play = |stages: &Stages, seed| played(ArrivalKind::Stages(stages.clone()), &[1.0], seed, 1e9);
    let jobs = play(&stages, 1);
    assert_eq!(jobs, play(&stages, 1));
    assert_ne!(jobs, play(&stages, 2));
    let of = |node, task_type, stage: f64| {
        let within = |job: &&Arrival| {
            job.node == node && job.task_type == task_type && (job.at_s / 100.0).floor() == stage
        };
        jobs.iter().filter(within).count() as f64
    };
    for (node, task_type, stage, expected) in [
        (0, 1, 0.0, 1000.0),
        (0, 1, 1.0, 3000.0),
        (0, 1, 2.0, 0.0),
        (1, 1, 0.0, 0.0),
        (1, 1, 1.0, 2000.0),
        (1, 1, 2.0, 4000.0),
        (1, 0, 0.0, 550.0),
    ] {
        let seen = of(node, task_type, stage);
        // Poisson: five deviations are never seen.
        assert!((seen - expected).abs() <= 5.0 * expected.sqrt(), "node {node}, stage {stage}: {seen}");
    }
    assert!(jobs.iter().all(|job| job.at_s < 300.0 && job.node < 2));
}

#[test]
fn a_stage_is_reached_in_a_straight_line_and_the_run_may_begin_in_the_middle() {
    let trace = file("{\"f\": {\"n\": [10, 30]}}");
    let mut stages = Stages::read(trace.path(), 1).unwrap();
    (stages.stage_s, stages.ramp_s) = (60.0, 20.0);
    // 0 to 10 in 20 s, 10 for 40 s, 10 to 30 in 20 s, 30 for 40 s, then nothing.
    assert_eq!(stages.jobs(0.0, 20.0), 100.0);
    assert_eq!(stages.jobs(0.0, 60.0), 500.0);
    assert_eq!(stages.jobs(60.0, 70.0), 150.0);
    assert_eq!(stages.jobs(0.0, 1e6), 500.0 + 400.0 + 1200.0);
    let jobs = played(ArrivalKind::Stages(stages.clone()), &[1.0], 1, 1e9).len() as f64;
    assert!((jobs - 2100.0).abs() < 5.0 * 2100_f64.sqrt(), "{jobs}");
    stages.from_s = 70.0;
    assert_eq!((stages.jobs(0.0, 10.0), stages.jobs(-20.0, -10.0)), (250.0, 100.0));
    assert_eq!(stages.jobs(-100.0, -70.0), 0.0, "before the trace");
    let traffic = Traffic { kind: ArrivalKind::Stages(stages), rates: vec![], shares: vec![1.0] };
    let training = Schedule::training(&[traffic], 1, 100.0).count() as f64;
    assert!((training - 650.0).abs() < 5.0 * 650_f64.sqrt(), "{training}");
}

#[test]
fn broken_stages_are_refused_with_their_line() {
    for (text, part) in [
        ("{\"f\": {\"n\": [1,\n -2]}}", ":2: -2 is not a rate, jobs per second and 0 or more"),
        ("{\"f\": {\"n\":\n [1, \"x\"]}}", ":2: invalid type: string \"x\""),
        ("{\"f\": {\"n\": [1],\n \"n\": [2]}}", ":2: \"n\" is there twice"),
        ("{\"f\": [1]}", ":1: invalid type: sequence, expected an object, {function: {node: [rates]}}"),
        ("{\"f\": {\"n\": [1]}\n", ":2: EOF while parsing an object"),
        ("{\"f\": {\"n\": []}}", ": there is no rate"),
        ("{}", ": there is no rate"),
    ] {
        let trace = file(text);
        complains(&trace, Stages::read(trace.path(), 1).map(|_| ()), part);
    }
}

#[test]
fn a_broken_point_of_a_day_keeps_its_time_and_takes_the_value_before_it() {
    let day = file("x\n1,0.5\n2,7\n3,1\n");
    let check = |skip_bad| Profile::check(&[day.path().into(), day.path().into()], 8.0, skip_bad);
    complains(&day, check(false).map(|_| ()), ":1: not of the form index,value");
    let profile = check(true).unwrap();
    assert_eq!(profile.values(0).unwrap(), [0.5, 0.5, 0.5, 1.0]);
    assert_eq!(profile.mean(1), 0.625);
    assert_eq!(profile.left_out(), [LeftOut { path: day.path().into(), lines: 2 }]);
    let broken = file("x\ny\n");
    let error = Profile::check(&[broken.path().into()], 8.0, true);
    complains(&broken, error.map(|_| ()), ": there is no point");
}

#[test]
fn a_line_that_is_too_long_is_one_line_and_the_next_can_be_read() {
    let text = file(&format!("first\n{}\nlast", "x".repeat(3 << 20)));
    let mut lines = Lines::open(text.path()).unwrap();
    assert_eq!(lines.next().unwrap().unwrap().text, "first");
    complains(&text, lines.next().map(|_| ()), ":2: the line is too long");
    let line = lines.next().unwrap().unwrap();
    assert_eq!((line.text, line.number, line.offset), ("last", 3, 6 + (3 << 20) + 1));
    assert!(lines.next().unwrap().is_none());
}
