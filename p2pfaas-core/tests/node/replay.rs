//! The event log: what is written down can be lived through again.

use p2pfaas_core::log::{Entry, Header, Input, ReplayError, replay};
use p2pfaas_core::policy::{PolicyError, Registry};
use p2pfaas_core::*;
use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::any_order::{Step, configs, policies, run, steps};
use crate::fixture::descriptor;
use crate::model::World;

/// A log as a driver writes it: a header, then an entry a line.
fn lines(world: &World) -> String {
    let json = |entry| serde_json::to_string(entry).expect("a log entry");
    let header = serde_json::to_string(&world.header).expect("a header");
    std::iter::once(header).chain(world.log.iter().map(json)).map(|line| line + "\n").collect()
}

fn read(text: &str) -> (Header, Vec<Entry>) {
    let (header, entries) = text.split_once('\n').expect("a header");
    let entry = |line| serde_json::from_str(line).expect("a log entry");
    (serde_json::from_str(header).expect("a header"), entries.lines().map(entry).collect())
}

fn again(header: &Header, entries: Vec<Entry>) -> Result<Node, ReplayError> {
    replay::<Xoshiro256PlusPlus>(header, entries, &Registry::builtin())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_replayed_log_gives_the_same_effects_and_a_changed_one_is_found_out(
        config in configs(),
        policy in policies(),
        steps in prop::collection::vec(steps(), 1..100),
        changed: prop::sample::Index,
        seed: u64,
    ) {
        let mut world = World::new(config, policy, descriptor("PowerOfNScheduler 2 0 true 1"), seed);
        run(&mut world, Step::SetPeers(vec!["a", "b", "c"]));
        steps.into_iter().for_each(|step| run(&mut world, step));
        let text = lines(&world);
        let (header, mut entries) = read(&text);
        prop_assert_eq!(&header, &world.header);
        prop_assert_eq!(&entries, &world.log);

        let node = again(&header, entries.clone()).expect("the same effects");
        prop_assert_eq!(node.counters(), world.node.counters());
        prop_assert_eq!(node.slots().load(), world.node.slots().load());
        prop_assert_eq!(node.policy_name(), world.node.policy_name());

        let changed = changed.index(entries.len());
        if entries[changed].effects.pop().is_none() {
            entries[changed].effects.push(Effect::WakeAt { at: Time::ZERO });
        }
        match again(&header, entries).map(|_| ()) {
            Err(ReplayError::Differs { entry, .. }) => prop_assert_eq!(entry, changed),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn another_seed_or_another_input_is_found_out() {
    let mut world =
        World::new(NodeConfig::default(), descriptor("ForwardScheduler 1"), descriptor("RejectScheduler"), 1);
    run(&mut world, Step::SetPeers(vec!["a", "b", "c", "d"]));
    for _ in 0..40 {
        world.arrive(Arrival::from_client(FunctionId(0)));
    }
    let header = Header { seed: 2, ..world.header.clone() };
    assert!(matches!(again(&header, world.log.clone()), Err(ReplayError::Differs { .. })));

    let mut log = world.log.clone();
    log[7].input = Input::Event(Event::Wake);
    let Err(error) = again(&world.header, log) else { panic!("nothing was found") };
    assert!(matches!(error, ReplayError::Differs { entry: 7, .. }));
    assert!(error.to_string().starts_with("entry 7: the log has [Forward"), "{error}");
}

#[test]
fn a_log_of_an_unknown_policy_is_refused() {
    let world =
        World::new(NodeConfig::default(), descriptor("RejectScheduler"), descriptor("RejectScheduler"), 1);
    let header = Header { policy: descriptor("Mine 1"), ..world.header.clone() };
    assert!(matches!(again(&header, Vec::new()), Err(ReplayError::Policy(PolicyError::UnknownName { .. }))));
    let input = Input::SetPolicy(descriptor("Mine 1"));
    let entries = vec![Entry { at: Time::ZERO, input, effects: Vec::new() }];
    assert!(matches!(again(&world.header, entries), Err(ReplayError::Policy(_))));
}

#[test]
fn a_log_from_before_there_was_something_is_replayed_without_it() {
    let mut world =
        World::new(NodeConfig::default(), descriptor("ForwardScheduler 1"), descriptor("RejectScheduler"), 1);
    run(&mut world, Step::SetPeers(vec!["a", "b", "c", "d"]));
    let mut header = serde_json::to_value(&world.header).expect("a header");
    let config = header["config"].as_object_mut().expect("an object");
    for later in ["taken_ids", "ejection", "retry_percent"] {
        assert!(config.remove(later).is_some(), "{later}");
    }
    let header: Header = serde_json::from_value(header).expect("a header all the same");
    assert_eq!((header.config.taken_ids, header.config.ejection), (0, std::time::Duration::ZERO));
    let mut node = again(&header, world.log).expect("the same effects");
    // It ran what came twice.
    let source = Source::Peer { sender: None, hops: 1, visited: [NodeId(5)].into_iter().collect() };
    let id = Some(JobId { origin: NodeId(5), number: 1 });
    let arrival = Arrival { source, id, ..Arrival::from_client(FunctionId(0)) };
    let mut rng = <Xoshiro256PlusPlus as rand_xoshiro::rand_core::SeedableRng>::seed_from_u64(1);
    for _ in 0..2 {
        node.arrive(Time::ZERO, arrival.clone(), &mut rng, &mut Vec::new());
    }
    assert_eq!((node.slots().running(), node.counters().repeated), (2, 0));
}

#[test]
fn the_lines_of_a_log_are_what_they_were() {
    let entry: Entry = serde_json::from_str(
        r#"{"at": 5000000, "input": {"event": {"Executed": {"job": {"index": 0, "generation": 3}, "success": true}}},
            "effects": [{"WakeAt": {"at": 7000000}}]}"#,
    )
    .unwrap();
    assert_eq!(entry.at, Time::from_nanos(5_000_000));
    assert!(matches!(entry.input, Input::Event(Event::Executed { success: true, .. })));
    let policy =
        r#"{"at":0,"input":{"set_policy":{"name":"NoScheduler","parameters":["true"]}},"effects":[]}"#;
    let entry: Entry = serde_json::from_str(policy).unwrap();
    assert_eq!(entry.input, Input::SetPolicy(descriptor("NoScheduler true")));
    assert_eq!(serde_json::to_string(&entry).unwrap(), policy);
}
