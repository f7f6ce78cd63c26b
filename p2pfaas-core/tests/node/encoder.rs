//! State encoders: what a learner sees, and what is declared of it.

use p2pfaas_core::policy::{Encoder, PolicyError};
use p2pfaas_core::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::any_order::{Step, configs, run, steps};
use crate::fixture::*;
use crate::model::World;

/// What the learner sees of a job that arrives now.
fn seen(rig: &mut Rig, arrival: Arrival) -> Vec<f64> {
    let (job, effects) = rig.arrive(arrival);
    let [Effect::Ask { observation, .. }] = &effects[..] else { panic!("{effects:?}") };
    rig.acted(job, Some(0));
    observation.state.clone()
}

/// A node with 2 slots and 3 places in the queue whose learner sees this.
fn seeing(state: &str) -> Rig {
    let policy = format!("LearningScheduler 2 state={state}");
    let mut rig = Rig::sized(&policy, 2, 3);
    rig.tell(ours(&["a", "b", "c"]));
    rig
}

#[test]
fn each_group_tells_what_its_name_says() {
    let mut rig = seeing("type+running+queued+free+load+room");
    assert_eq!(seen(&mut rig, client()), [0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 3.0]);
    for task_type in [1, 1, 0, 1] {
        rig.arrive(Arrival { task_type, policy: PolicyChoice::Bypass, ..client() });
    }
    let arrival = Arrival { task_type: 1, ..client() };
    assert_eq!(seen(&mut rig, arrival), [1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 3.0], "a bypass does not wait");
}

#[test]
fn who_waits_is_counted_by_type_and_takes_room() {
    let mut rig = seeing("queued+room+load/2");
    for task_type in [1, 1, 0, 1] {
        let (job, _) = rig.arrive(Arrival { task_type, ..client() });
        rig.acted(job, Some(1));
    }
    assert_eq!(seen(&mut rig, client()), [1.0, 1.0, 1.0, 2.0]);
}

#[test]
fn the_time_that_is_left_has_an_upper_value_which_is_also_that_of_no_deadline() {
    let mut rig = seeing("time_left/0.5");
    let mut left = |deadline| seen(&mut rig, Arrival { deadline, ..client() })[0];
    assert_eq!(left(Some(ms(1_500))), 3.0);
    assert_eq!(left(Some(ms(0))), 0.0);
    let most = defaults::STATE_TIME_LEFT.as_secs_f64() / 0.5;
    assert_eq!(left(Some(ms(3_600_000))), most);
    assert_eq!(left(None), most);
}

#[test]
fn peers_are_seen_by_number_as_they_answered_last() {
    let mut rig = seeing("peer_loads:4/2+peer_ages:2+round_trips:2/0.01");
    let oldest = defaults::STATE_PEER_AGE.as_secs_f64();
    let nothing = [-1.0, -1.0, -1.0, -1.0, oldest, oldest, -1.0, -1.0];
    assert_eq!(seen(&mut rig, client()), nothing);

    rig.tell(ours(&["b"]));
    let (job, _) = rig.arrive(client());
    rig.acted(job, Some(2));
    rig.pass(ms(20));
    rig.replied(job, "b", load(2, 3));
    rig.tell(ours(&["a", "b", "c"]));
    rig.pass(ms(500));
    let told = [-1.0, 2.5, -1.0, -1.0, oldest, 0.5, -1.0, 2.0];
    assert_eq!(seen(&mut rig, client()), told);

    rig.tell(ours(&["a"]));
    rig.pass(defaults::STATE_PEER_AGE);
    let old = [-1.0, 2.5, -1.0, -1.0, oldest, oldest, -1.0, 2.0];
    assert_eq!(seen(&mut rig, client()), old, "also of a peer that has gone");
}

#[test]
fn a_failed_probe_tells_nothing() {
    let mut rig = seeing("peer_loads:1+round_trips:1");
    rig.tell(ours(&["a"]));
    let mut probe = |load| {
        let (job, _) = rig.arrive(client());
        rig.acted(job, Some(2));
        rig.pass(ms(250));
        rig.replied(job, "a", load);
        seen(&mut rig, client())
    };
    assert_eq!(probe(None), [-1.0, -1.0]);
    assert_eq!(probe(load(1, 0)), [1.0, 0.25]);
    assert_eq!(probe(None), [1.0, 0.25]);
}

#[test]
fn the_rate_is_that_of_the_nodes_own_clients() {
    let mut rig = seeing("rate");
    let mut rate = 0.0;
    for number in 0..600 {
        rig.pass(ms(100));
        rig.arrive(from_ours(None, 1, &["x"], number));
        rate = seen(&mut rig, client())[0];
    }
    assert!((rate - 10.0).abs() < 0.2, "{rate}");
}

#[test]
fn a_state_is_declared_with_names_and_ranges() {
    let declared = |state: &str| {
        let space = seeing(state).node.policy().state_space(seeing(state).node.slots()).expect("a learner");
        let features: Vec<_> =
            space.features.iter().map(|feature| (feature.name.clone(), feature.low, feature.high)).collect();
        (space.encoder, features)
    };
    let feature = |name: &str, low: f64, high: f64| (name.to_string(), low, high);
    let reference = vec![
        feature("type", 0.0, 1.0),
        feature("running_0", 0.0, 2.0),
        feature("running_1", 0.0, 2.0),
        feature("queued_0", 0.0, 3.0),
        feature("queued_1", 0.0, 3.0),
    ];
    assert_eq!(declared("reference"), ("reference".to_string(), reference));
    let richer = "rate/10+peer_loads:1/5+time_left+peer_ages:2/2+round_trips:1+load/2+free+room";
    let features = vec![
        feature("rate", 0.0, 10.0),
        feature("peer_load_0", -1.0, 1.0),
        feature("time_left", 0.0, 30.0),
        feature("peer_age_0", 0.0, 5.0),
        feature("peer_age_1", 0.0, 5.0),
        feature("round_trip_0", -1.0, 0.5),
        feature("load", 0.0, 2.5),
        feature("free", 0.0, 2.0),
        feature("room", 0.0, 3.0),
    ];
    assert_eq!(declared(richer), (richer.to_string(), features));
    assert_eq!(policy("NoScheduler true").state_space(seeing("type").node.slots()), None);
}

#[test]
fn a_text_that_is_no_state_is_refused_with_what_is_known() {
    let error = |text: &str| match text.parse::<Encoder>() {
        Err(PolicyError::BadValue { parameter, expected, got }) if parameter == "state" => (expected, got),
        other => panic!("{text}: {other:?}"),
    };
    let (expected, got) = error("type+lode");
    assert_eq!(got, "lode");
    assert!(expected.starts_with("reference, or groups joined by +: type, running"), "{expected}");
    assert!(expected.contains("peer_loads:K"), "{expected}");
    for text in ["", "+", "type+", "Type", "load:3", "peer_loads", "reference+load", "type + load", "lode:3"]
    {
        assert!(error(text).0.starts_with("reference, or"), "{text}");
    }
    for text in ["load/0", "load/-1", "load/", "load/x", "load/NaN", "load/inf", "load/1e300", "load/1/2"] {
        assert!(error(text).0.contains("a step"), "{text}");
    }
    for text in ["peer_loads:0", "peer_ages:257", "round_trips:x", "peer_loads:-1", "peer_loads:99999999999"]
    {
        assert!(error(text).0.contains("a count of peers from 1 to 256"), "{text}");
    }
    assert_eq!(error("load+load/2"), ("each group once".to_string(), "load/2".to_string()));
}

fn texts() -> impl Strategy<Value = String> {
    let groups = ["type", "running", "queued", "time_left", "free", "load", "room", "rate"];
    let of_peers = ["peer_loads", "peer_ages", "round_trips"];
    let names: Vec<_> = groups.into_iter().chain(of_peers).collect();
    let one = (1..=8_u32, proptest::option::of(prop_oneof![1e-6..1e6_f64, select(&[1.0, 0.5, 20.0][..])]));
    let names = subsequence(names, 1..=11).prop_shuffle();
    (names, prop::collection::vec(one, 11)).prop_map(move |(names, settings)| {
        let text = |(name, (count, step)): (&str, (u32, Option<f64>))| {
            let count = if of_peers.contains(&name) { format!(":{count}") } else { String::new() };
            name.to_string() + &count + &step.map(|step| format!("/{step}")).unwrap_or_default()
        };
        names.into_iter().zip(settings).map(text).collect::<Vec<_>>().join("+")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn an_encoder_survives_its_text(text in texts()) {
        let encoder: Encoder = text.parse().unwrap();
        let again: Encoder = encoder.to_string().parse().unwrap();
        prop_assert_eq!(&again, &encoder);
        prop_assert_eq!(again.to_string(), encoder.to_string());
        let words = format!("LearningScheduler 2 state={encoder}");
        let built = policy(&words).descriptor();
        let expected = if encoder == Encoder::default() { "LearningScheduler 2" } else { &words };
        prop_assert_eq!(built, descriptor(expected));
    }

    #[test]
    fn a_state_has_as_many_numbers_as_are_declared_and_each_is_above_its_lower_bound(
        text in texts(),
        task_types in 0..=16_u32,
        config in configs(),
        steps in prop::collection::vec(steps(), 1..60),
        seed: u64,
    ) {
        let words = descriptor(&format!("LearningScheduler {task_types} state={text}"));
        let mut world = World::new(config, words, descriptor("NoScheduler false"), seed);
        run(&mut world, Step::SetPeers(vec!["a", "b", "c"]));
        for step in steps.into_iter().filter(|step| !matches!(step, Step::SetPolicy(_))) {
            run(&mut world, step);
            let space = world.node.policy().state_space(world.node.slots()).expect("a learner");
            for effect in world.log.last().map(|entry| &entry.effects[..]).unwrap_or_default() {
                let Effect::Ask { observation, .. } = effect else { continue };
                prop_assert_eq!(observation.state.len(), space.features.len());
                for (number, feature) in observation.state.iter().zip(&space.features) {
                    prop_assert!(feature.low < feature.high);
                    prop_assert!(number.is_finite() && *number >= feature.low, "{:?}: {}", feature, number);
                }
            }
        }
    }
}
