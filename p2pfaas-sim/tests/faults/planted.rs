//! A test of the tester: bugs that are planted are found.

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::faults::{Invariant, Planted, Suspect, Trial};

const SEEDS: u64 = 1_000;

#[test]
fn every_planted_bug_is_found_within_a_thousand_seeds_by_the_promise_that_it_breaks() {
    let registry = Registry::builtin();
    for bug in Planted::ALL {
        let trial = Trial::new(&registry, Suspect::Any).expect("policies that exist").with(Some(bug));
        let found = (0..SEEDS).find_map(|seed| trial.run(seed).err());
        let violation = found.unwrap_or_else(|| panic!("{} was not found", bug.name()));
        assert_eq!(violation.invariant, bug.breaks(), "{violation}");
        println!("{}: seed {}", bug.name(), violation.seed);
    }
}

#[test]
fn planted_bugs_break_different_promises_and_have_names() {
    for (index, bug) in Planted::ALL.into_iter().enumerate() {
        assert_eq!(bug.name().parse(), Ok(bug));
        assert!(Planted::ALL[..index].iter().all(|other| other.breaks() != bug.breaks()), "{bug:?}");
    }
    let unknown = "forgets-all".parse::<Planted>().expect_err("no such bug").to_string();
    assert!(unknown.contains("forgets-all") && unknown.contains("forgets-slot"), "{unknown}");
    assert!(Invariant::ALL.into_iter().all(|promise| !promise.meaning().is_empty()));
}

#[test]
fn a_violation_says_all_that_is_needed_to_see_it_again() {
    let registry = Registry::builtin();
    let suspect = "PowerOfNScheduler".parse().unwrap_or_default();
    let trial =
        Trial::new(&registry, suspect).expect("a policy that exists").with(Some(Planted::ForgetsSlot));
    let violation = (0..SEEDS).find_map(|seed| trial.run(seed).err()).expect("it is found");
    let text = violation.to_string();
    let command =
        format!("p2pfaas faults --log {} --policy 'PowerOfNScheduler' --plant forgets-slot", violation.seed);
    for part in
        [format!("seed {} breaks slots", violation.seed), format!("at step {}", violation.step), command]
    {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
    let (lines, outcome) = trial.log(violation.seed);
    assert!(lines.ends_with(&violation.last_lines), "the last lines are those of its log");
    assert_eq!(outcome.expect_err("the same").what, violation.what);
}
