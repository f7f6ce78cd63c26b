use clap::Parser;
use serde_json::Value;

use super::*;
use crate::cli::{Cli, Command};

fn ask(line: &str) -> Result<String, TheoryError> {
    let line = format!("p2pfaas theory {line}");
    let Command::Theory(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
        panic!("theory")
    };
    run(&args)
}

fn lines(line: &str) -> Vec<Value> {
    serde_json::from_str(&ask(&format!("{line} --json")).unwrap()).unwrap()
}

#[test]
fn every_subject_prints_what_is_known() {
    // Command; name and value in its first line; lines.
    let known = [
        ("erlang-b --slots 3,8 --load 0.9,1.1", "lost", 0.30873841, 4),
        ("mm1k --places 10,20 --load 0.9", "mean_response_s", 4.646601, 2),
        ("mmck --slots 4 --queue 4,endless --load 0.9", "lost", 0.096636, 2),
        ("mmck --slots 8 --queue endless --load 0.9 --service-s 0.5", "mean_response_s", 0.938458, 1),
        ("ll --nodes 4,2 --slots 1 --queue 9 --threshold 0 --load 0.9", "mean_response_s", 3.486965, 2),
        ("mean-field --slots 10 --threshold 0,8 --load 0.7,0.8", "forwarded", 0.392684, 4),
        ("mean-field --slots 3 --threshold 2 --load 0.9 --after 90,100", "lost", 0.182778, 2),
        ("power-of-d --choices 2,3 --load 0.9", "mean_response_s", 2.614057, 2),
        ("jsq --nodes 2,3 --load 0.7", "mean_response_s", 2.108197, 2),
        ("jsq --nodes 3 --choices 2 --load 0.7", "mean_response_s", 1.884792, 1),
        (
            "cold-start --warm-s 0.137 --cold-s 0.513 --idle-s 30 --instances 7 --rate 20,30",
            "rejected_per_s",
            0.29924,
            2,
        ),
    ];
    for (line, name, value, count) in known {
        let lines = lines(line);
        let found = lines[0][name].as_f64().unwrap();
        assert!((found - value).abs() < 5e-4 * value, "{line}: {found}, not {value}");
        assert_eq!(lines.len(), count, "{line}");
        let table = ask(line).unwrap();
        assert!(table.lines().filter(|line| line.starts_with(' ')).count() > count, "{table}");
    }
}

#[test]
fn the_old_rule_can_be_asked_for() {
    let line = "ll --nodes 4 --slots 2 --fan-out 3 --threshold 0 --load 0.9";
    let least = lines(line)[0]["lost"].as_f64().unwrap();
    let random = lines(&format!("{line} --choice random-among-not-more-loaded"))[0]["lost"].as_f64().unwrap();
    assert!(random > 1.05 * least, "{random} and {least}");
}

#[test]
fn where_theory_has_no_answer_it_says_why() {
    for (line, part) in [
        ("mm1k --places 0 --load 0.9", "the number of slots is 0: it must be at least 1"),
        ("mm1k --places 3 --load -1", "the arrival rate is -1"),
        ("mm1k --places 3 --load 1 --service-s 0", "the service rate is inf"),
        ("mmck --slots 2 --queue endless --load 1.5", "the load is 1.5"),
        ("power-of-d --choices 2 --load 1", "the load is 1"),
        ("jsq --nodes 2 --load 1", "the load is 1"),
        ("ll --nodes 100 --slots 10 --load 0.9", "take fewer nodes or places"),
        ("cold-start --warm-s 1 --cold-s 2 --idle-s 0 --instances 7 --rate 20", "the idle time-out is 0"),
    ] {
        let error = ask(&line.replace("--load -1", "--load=-1")).unwrap_err().to_string();
        assert!(error.contains(part), "{line}: {error}");
    }
    let error =
        Cli::try_parse_from(["p2pfaas", "theory", "mmck", "--slots", "1", "--queue", "x", "--load", "1"]);
    assert!(error.unwrap_err().to_string().contains("or `endless`"));
}
