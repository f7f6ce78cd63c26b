//! Policies by name: the wire form, the typed form, and what is wrong with a bad one.

use std::collections::BTreeMap;

use p2pfaas_core::policy::{Descriptor, PolicyError, Registry};
use proptest::prelude::*;

use crate::fixture::descriptor;

fn error(words: &str) -> PolicyError {
    match Registry::builtin().build(&descriptor(words)) {
        Ok(policy) => panic!("{} was built", policy.full_name()),
        Err(error) => error,
    }
}

fn typed(name: &str, parameters: &[(&str, &str)]) -> Result<String, PolicyError> {
    let parameters = parameters.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Registry::builtin().build_typed(name, &parameters).map(|policy| policy.full_name())
}

#[test]
fn the_wire_form_of_a_policy_builds_the_same_policy() {
    for words in [
        "NoScheduler true",
        "NoScheduler false",
        "RejectScheduler",
        "ForwardScheduler 3",
        "PowerOfNScheduler 1 2 true 1",
        "PowerOfNScheduler 4294967295 0 false 7 choice=random-among-not-more-loaded failed_probe=zero",
        "PowerOfNSchedulerTau 1 2 true 1 1500ms",
        "PowerOfNSchedulerTau 1 2 true 1 0ms own_load=running failed_probe=zero",
        "RoundRobinWithMasterScheduler true 10.0.0.1:18080 true",
        "RoundRobinWithMasterScheduler false 10.0.0.1 false",
        "LearningScheduler 2",
        "LearningScheduler 16 fallback=none",
        "LearningScheduler 2 fallback=none state=type+load/2+peer_loads:3",
        "NoScheduler false shed=late",
        "RejectScheduler shed=late",
        "PowerOfNScheduler 1 2 true 1 failed_probe=zero shed=late",
    ] {
        let policy = Registry::builtin().build(&descriptor(words)).unwrap();
        assert_eq!(policy.descriptor(), descriptor(words));
    }
}

#[test]
fn all_that_go_reads_is_read_and_written_in_its_plain_form() {
    for (given, echoed) in [
        ("NoScheduler T", "NoScheduler true"),
        ("PowerOfNSchedulerTau 1 2 1 1 1.5s", "PowerOfNSchedulerTau 1 2 true 1 1500ms"),
        ("PowerOfNSchedulerTau 1 2 FALSE 1 0", "PowerOfNSchedulerTau 1 2 false 1 0ms"),
        ("PowerOfNScheduler 1 2 true 1 and more", "PowerOfNScheduler 1 2 true 1"),
        ("LearningScheduler 1 fallback=policy", "LearningScheduler 1"),
        ("LearningScheduler 1 shed=none", "LearningScheduler 1"),
        (
            "PowerOfNScheduler 1 2 true 1 shed=late failed_probe=zero",
            "PowerOfNScheduler 1 2 true 1 failed_probe=zero shed=late",
        ),
        ("LearningScheduler 1 state=reference", "LearningScheduler 1"),
        ("LearningScheduler 1 state=type+running/1.0+queued", "LearningScheduler 1"),
        ("LearningScheduler 1 state=load/0.50", "LearningScheduler 1 state=load/0.5"),
    ] {
        let policy = Registry::builtin().build(&descriptor(given)).unwrap();
        assert_eq!(policy.descriptor(), descriptor(echoed));
    }
}

#[test]
fn the_full_name_is_that_of_the_answer_header() {
    for (words, name) in [
        ("NoScheduler true", "NoScheduler"),
        ("RejectScheduler", "RejectScheduler"),
        ("ForwardScheduler 1", "ForwardScheduler(1)"),
        ("PowerOfNScheduler 1 2 true 1", "PowerOfNScheduler(1, 2, true, 1)"),
        ("PowerOfNSchedulerTau 1 2 true 1 200ms", "PowerOfNSchedulerTau(1, 2, true, 1, 200ms)"),
        ("LearningScheduler 1", "LearningScheduler(1)"),
        ("NoScheduler false shed=late", "NoScheduler(shed=late)"),
        ("LearningScheduler 1 shed=late", "LearningScheduler(1, shed=late)"),
    ] {
        assert_eq!(Registry::builtin().build(&descriptor(words)).unwrap().full_name(), name);
    }
}

proptest! {
    #[test]
    fn any_tau_survives_its_wire_form(nanos in 0..10_000_000_000_000_u64, whole_ms: bool) {
        let nanos = if whole_ms { nanos / 1_000_000 * 1_000_000 } else { nanos };
        let built = |descriptor: &Descriptor| Registry::builtin().build(descriptor).unwrap().descriptor();
        let first = built(&descriptor(&format!("PowerOfNSchedulerTau 1 2 true 1 {nanos}ns")));
        prop_assert_eq!(&built(&first), &first);
        let read = p2pfaas_core::wire::go::parse_duration(&first.parameters[4]).unwrap();
        prop_assert_eq!(read.as_nanos(), u128::from(nanos));
        prop_assert!(!whole_ms || first.parameters[4].ends_with("ms"));
    }
}

#[test]
fn the_typed_form_fills_in_what_is_left_out() {
    for (name, parameters) in Registry::builtin().kinds() {
        let defaults: Vec<_> = parameters.iter().map(|parameter| parameter.default).collect();
        let wire = Registry::builtin().build(&Descriptor::new(name, defaults)).unwrap();
        let typed = Registry::builtin().build_typed(name, &BTreeMap::new()).unwrap();
        assert_eq!(typed.descriptor(), wire.descriptor());
    }
    assert_eq!(typed("PowerOfNScheduler", &[]).unwrap(), "PowerOfNScheduler(1, 2, true, 1)");
    let some = typed("PowerOfNScheduler", &[("threshold", "5"), ("failed_probe", "zero")]);
    assert_eq!(some.unwrap(), "PowerOfNScheduler(1, 5, true, 1, failed_probe=zero)");
}

#[test]
fn the_options_that_a_policy_lists_are_taken_and_their_defaults_change_nothing() {
    let registry = Registry::builtin();
    for (name, _) in registry.kinds() {
        let plain = registry.build_typed(name, &BTreeMap::new()).unwrap().descriptor();
        let options = registry.options(name);
        let defaults = options.map(|option| (option.name.to_string(), option.default.to_string()));
        assert_eq!(registry.build_typed(name, &defaults.collect()).unwrap().descriptor(), plain);
    }
    assert_eq!(registry.options("LearningScheduler").count(), 3);
    assert!(registry.options("unknown").next().is_none());
}

#[test]
fn too_few_parameters_are_named() {
    let expected = PolicyError::TooFewParameters {
        policy: "PowerOfNScheduler".into(),
        needed: 4,
        names: "fan_out, threshold, loss, max_hops".into(),
        got: 3,
    };
    assert_eq!(error("PowerOfNScheduler 1 2 true"), expected);
    assert_eq!(
        error("PowerOfNScheduler 1 2 true choice=least-loaded"),
        expected,
        "an option is no parameter"
    );
    for words in ["NoScheduler", "ForwardScheduler", "PowerOfNSchedulerTau 1 2 true 1", "LearningScheduler"] {
        assert!(matches!(error(words), PolicyError::TooFewParameters { .. }), "{words}");
    }
}

#[test]
fn bad_values_are_named_with_what_would_be_good() {
    for (words, name) in [
        ("NoScheduler yes", "loss"),
        ("ForwardScheduler -1", "max_hops"),
        ("ForwardScheduler 4294967296", "max_hops"),
        ("PowerOfNScheduler 1.5 2 true 1", "fan_out"),
        ("PowerOfNSchedulerTau 1 2 true 1 5", "tau"),
        ("PowerOfNSchedulerTau 1 2 true 1 -5ms", "tau"),
        ("PowerOfNSchedulerTau 1 2 true 1 5ms own_load=none", "own_load"),
        ("PowerOfNScheduler 1 2 true 1 choice=best", "choice"),
        ("NoScheduler true shed=early", "shed"),
        ("PowerOfNScheduler 1 2 true 1 failed_probe=one", "failed_probe"),
        ("LearningScheduler 17", "task_types"),
        ("LearningScheduler 1 fallback=reject", "fallback"),
        ("LearningScheduler 1 state=lode", "state"),
    ] {
        let PolicyError::BadValue { parameter, .. } = error(words) else { panic!("{words}") };
        assert_eq!(parameter, name, "{words}");
    }
    let text = error("PowerOfNScheduler 1 2 true 1 choice=best").to_string();
    assert_eq!(
        text,
        "parameter choice: expected least-loaded or random-among-not-more-loaded, got \"best\"".to_string()
    );
    assert!(matches!(typed("PowerOfNScheduler", &[("threshold", "x")]), Err(PolicyError::BadValue { .. })));
}

#[test]
fn unknown_names_and_options_are_refused_with_what_is_known() {
    let PolicyError::UnknownName { name, known } = error("PowerOfTwo 1") else { panic!("another error") };
    assert_eq!(name, "PowerOfTwo");
    assert!(known.contains("PowerOfNScheduler, PowerOfNSchedulerTau"));

    let unknown = |parameter: &str| {
        let names = "fan_out, threshold, loss, max_hops, choice, failed_probe, shed";
        PolicyError::UnknownParameter { parameter: parameter.into(), known: names.into() }
    };
    assert_eq!(error("PowerOfNScheduler 1 2 true 1 chioce=least-loaded"), unknown("chioce"));
    assert_eq!(typed("PowerOfNScheduler", &[("fanout", "1")]), Err(unknown("fanout")));
    assert!(matches!(error("RejectScheduler loss=true"), PolicyError::UnknownParameter { .. }));
}

#[test]
fn a_descriptor_without_parameters_may_leave_the_list_out() {
    let read: Descriptor = serde_json::from_str(r#"{"name": "RejectScheduler"}"#).unwrap();
    assert_eq!(read, descriptor("RejectScheduler"));
    let json = serde_json::to_string(&descriptor("NoScheduler true")).unwrap();
    assert_eq!(json, r#"{"name":"NoScheduler","parameters":["true"]}"#);
}
