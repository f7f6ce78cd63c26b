use std::fs;
use std::path::PathBuf;

use super::*;

/// A file of this text, looked at.
fn seen(name: &str, text: &str, asked: &Asked) -> Result<Info, p2pfaas_sim::arrivals::TraceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    look(&path, asked, &mut |_| ())
}

const CALLS: &str = "app,func,end_timestamp,duration\n";
const COUNTS: &str =
    "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,60,0,30\no,a,g,http,0,120,30\n";
const DURATIONS: &str = "HashOwner,HashApp,HashFunction,Count,percentile_Average_0,percentile_Average_1,\
                         percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,\
                         percentile_Average_100\no,a,f,9,100,100,100,100,100,100,100\n";
const MEMORY: &str = "HashOwner,HashApp,SampleCount,AverageAllocatedMb,AverageAllocatedMb_pct1,\
                      AverageAllocatedMb_pct5,AverageAllocatedMb_pct25,AverageAllocatedMb_pct50,\
                      AverageAllocatedMb_pct75,AverageAllocatedMb_pct95,AverageAllocatedMb_pct99\n\
                      o,a,7,100,1,2,3,4,5,6,150\no,b,7,300,1,2,3,4,5,6,320\n";

#[test]
fn an_instant_beyond_all_numbers_ends_in_the_last_bin() {
    let calls = format!("{CALLS}a,f,0.1,0.1\na,g,57,1e308\n");
    let series = seen("calls.csv", &calls, &Asked::default()).unwrap().over_time.expect("it has jobs");
    assert_eq!(series.values.len(), 4096);
}

#[test]
fn jobs_in_equal_gaps_have_no_dispersion_and_bursts_have_what_is_worked_out_by_hand() {
    let even: String = (0..=240).map(|call| format!("a,f{},{}.5,0.5\n", call % 3, call)).collect();
    let info = seen("even.csv", &format!("{CALLS}{even}"), &Asked::default()).unwrap();
    assert_eq!(
        (info.format, info.jobs, info.functions, info.apps),
        (Format::Azure2021, Some(241.0), Some(3), Some(1))
    );
    assert_eq!(info.span_s, Some([0.0, 240.0]));
    let rate = info.rate.unwrap();
    assert!((rate.mean - 241.0 / 240.0).abs() < 1e-12 && rate.peak == Some(1.0), "{rate:?}");
    let burstiness = info.burstiness.unwrap();
    assert_eq!((burstiness.dispersion_per_second, burstiness.gap_variation), (Some(0.0), Some(0.0)));
    let durations = info.durations.unwrap();
    assert_eq!((durations.known, durations.mean_s, durations.max_s), (241, 0.5, 0.5));
    assert!(durations.quantiles_s.iter().all(|quantile| (quantile - 0.5).abs() < 0.001));

    // Ten jobs at once every 10 s: windows of a second have 10 (one of ten) or 0.
    let bursts: String = (0..=200).map(|call| format!("a,f,{},1\n", 1 + 10 * (call / 10))).collect();
    let info = seen("bursts.csv", &format!("{CALLS}{bursts}"), &Asked::default()).unwrap();
    let burstiness = info.burstiness.unwrap();
    assert!((burstiness.dispersion_per_second.unwrap() - 9.0).abs() < 1e-9, "{burstiness:?}");
    assert_eq!(burstiness.dispersion_per_minute, Some(0.0));
    // 180 gaps of 0 and 20 of 10: mean 1, variance 9.
    assert!((burstiness.gap_variation.unwrap() - 3.0).abs() < 1e-9, "{burstiness:?}");
    let series = info.over_time.unwrap();
    let jobs: f64 = series.values.iter().map(|rate| rate * series.step_s).sum();
    assert!((jobs - 201.0).abs() < 1e-6, "{jobs}");
}

#[test]
fn every_format_is_told_by_how_its_file_begins() {
    let folder = tempfile::tempdir().unwrap();
    let guess = |text: &str| {
        let path = folder.path().join("trace");
        fs::write(&path, text).unwrap();
        Format::guess(&path)
    };
    for (text, format) in [
        ("PAR1...", Format::Recorded),
        ("task_type,node,at_s\n", Format::Recorded),
        (CALLS, Format::Azure2021),
        (COUNTS, Format::Azure2019),
        (DURATIONS, Format::Azure2019Durations),
        (MEMORY, Format::Azure2019Memory),
        ("\n  {\"f\": {}}", Format::K6),
        ("0,0.5\n1,0.25\n", Format::Profile),
    ] {
        assert_eq!(guess(text), Ok(format));
    }
    assert_eq!(Format::guess(folder.path()), Ok(Format::Recorded));
    let error = guess("a,b,c\n").unwrap_err().to_string();
    assert!(error.contains("--format takes recorded, azure-2019, azure-2019-durations"), "{error}");
}

#[test]
fn the_three_tables_of_2019_are_shown_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (durations, memory) = (file("d.csv", DURATIONS), file("m.csv", &format!("{MEMORY}broken\n")));
    let asked = Asked { durations: Some(durations), memory: Some(memory.clone()), ..Asked::default() };
    let error = look(&file("i.csv", COUNTS), &asked, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("m.csv:4: 1 cells, but the header has 11"), "{error}");
    let asked = Asked { skip_bad: true, ..asked };
    let info = look(&file("i.csv", &format!("{COUNTS}o,a,h,http,x,1,1\n")), &asked, &mut |_| ()).unwrap();
    assert_eq!((info.jobs, info.functions, info.broken_lines), (Some(240.0), Some(2), 2));
    let rate = info.rate.unwrap();
    assert_eq!((rate.mean, rate.peak), (240.0 / 180.0, Some(2.0)));
    // 60, 120 and 60 calls: mean 80, variance 800.
    assert_eq!(info.burstiness.unwrap().dispersion_per_minute, Some(10.0));
    assert_eq!(info.durations.as_ref().unwrap().max_s, 0.1);
    let memory = info.memory.unwrap();
    assert_eq!(
        (memory.apps, memory.mean_mb, memory.highest_mb, memory.highest_p99_mb),
        (2, 200.0, 300.0, 320.0)
    );
    let text = render(&info);
    assert!(text.lines().skip(1).all(|line| line.chars().count() <= 80), "{text}");
    for part in ["240 in", "2 lines were left out", "1 of 2 functions have durations", "2 apps: mean 200 MB"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn rates_are_shown_for_stages_and_factors_for_a_day() {
    let info = seen("r.json", "{\"f\": {\"a\": [1, 2, 3], \"b\": [0, 1]}}", &Asked::default()).unwrap();
    assert_eq!((info.jobs, info.functions, info.nodes), (Some(420.0), Some(1), Some(2)));
    assert_eq!(info.over_time.as_ref().unwrap().values, [1.0, 3.0, 3.0]);
    assert_eq!(info.rate.unwrap().peak, Some(3.0));
    let asked = Asked { skip_bad: true, ..Asked::default() };
    let info = seen("day.csv", "0,0.5\n1,x\n2,1\n3,0\n", &asked).unwrap();
    assert_eq!((info.rate.unwrap().mean, info.rate.unwrap().peak, info.broken_lines), (0.5, Some(1.0), 1));
    assert!(render(&info).contains("0.5, 1 at its highest point"), "{}", render(&info));
}

#[test]
fn pictures_are_at_most_80_columns_wide_and_every_axis_has_its_unit() {
    let calls: String =
        (0..5_000).map(|call| format!("a,f,{},{}\n", call * 173, f64::from(call) * 1e-4)).collect();
    let info =
        seen("wide.csv", &format!("{CALLS}{calls}"), &Asked { skip_bad: true, ..Asked::default() }).unwrap();
    let text = render(&info);
    let head = text.split_once('\n').unwrap().1;
    for line in head.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for part in ["jobs/s, ", " a column", "share of jobs by duration", " - ", "10 d"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours");
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&info).unwrap()).unwrap();
    assert_eq!((json["format"].as_str(), json["jobs"].as_f64()), (Some("azure-2021"), Some(5_000.0)));
}

#[test]
fn a_range_begins_at_1_2_or_5_times_a_power_of_ten_and_shares_add_up() {
    let calls: String = [0.0, 0.001, 0.0019, 0.002, 0.005, 0.5, 0.5, 99.0, 5000.0]
        .iter()
        .map(|took| format!("a,f,9000,{took}\n"))
        .collect();
    let info = seen("d.csv", &format!("{CALLS}{calls}"), &Asked::default()).unwrap();
    let bars = info.durations.unwrap().histogram;
    assert_eq!(bars.iter().map(|bar| bar.count).sum::<f64>(), 9.0);
    assert_eq!((bars[0].from_s, bars[0].below_s, bars[0].count), (0.0, 1e-5, 1.0));
    let of = |from_s: f64| bars.iter().find(|bar| bar.from_s == from_s).map(|bar| bar.count);
    assert_eq!((of(0.001), of(0.1), of(10.0), of(1000.0)), (Some(4.0), Some(2.0), Some(1.0), Some(1.0)));
}
