//! Nobody breaks a promise, whatever goes wrong; and a seed is always the same.

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::faults::{Lived, Suspect, Trial};

/// Seeds of this test, if `FAULTS_SEEDS` says no other number.
const SEEDS: u64 = 20_000;

fn seeds() -> u64 {
    std::env::var("FAULTS_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

#[test]
fn nobody_breaks_a_promise_whatever_goes_wrong() {
    let registry = Registry::builtin();
    let trial = Trial::new(&registry, Suspect::Any).expect("policies that exist");
    let mut lived = Lived::default();
    for seed in 0..seeds() {
        match trial.run(seed) {
            Ok(one) => lived += one,
            Err(violation) => panic!("{violation}"),
        }
    }
    println!("{lived:#?}");
    // A trial in which nothing happens would find nothing.
    let clusters = lived.clusters;
    assert!(
        lived.forwarded > clusters
            && lived.probes > clusters
            && lived.strays > clusters
            && lived.repeated > clusters / 4
            && lived.ejections > clusters / 100,
        "{lived:?}"
    );
    assert!(
        lived.served > clusters && lived.not_served > clusters && lived.crashes > clusters / 4,
        "{lived:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_log_line_by_line_and_another_seed_another() {
    let registry = Registry::builtin();
    let trial = Trial::new(&registry, Suspect::Any).expect("policies that exist");
    for seed in 0..50 {
        let (first, outcome) = trial.log(seed);
        let (second, _) = trial.log(seed);
        for (number, (first, second)) in first.iter().zip(&second).enumerate() {
            assert_eq!(first, second, "line {number} of seed {seed}");
        }
        assert_eq!(first.len(), second.len());
        assert_eq!(outcome, trial.run(seed), "the log changes nothing");
        assert_ne!(first, trial.log(seed + 50).0);
    }
}

#[test]
fn every_built_in_policy_can_be_put_on_trial_by_its_name_and_with_its_parameters() {
    let registry = Registry::builtin();
    for (name, _) in registry.kinds() {
        let trial = Trial::new(&registry, Suspect::Named(name.into())).expect("a policy that exists");
        for seed in 0..20 {
            trial.run(seed).unwrap_or_else(|violation| panic!("{violation}"));
        }
    }
    let exactly = "PowerOfNScheduler 3 0 true 100".parse().unwrap_or_default();
    assert!(matches!(&exactly, Suspect::Exactly(_)));
    let trial = Trial::new(&registry, exactly).expect("a policy that exists");
    let (log, _) = trial.log(1);
    assert!(
        log.iter().any(|line| line.contains("starts with PowerOfNScheduler(3, 0, true, 100)")),
        "{log:?}"
    );
    for wrong in ["NoSuchPolicy", "PowerOfNScheduler 1", "NoScheduler perhaps"] {
        assert!(Trial::new(&registry, wrong.parse().unwrap_or_default()).is_err(), "{wrong}");
    }
}
