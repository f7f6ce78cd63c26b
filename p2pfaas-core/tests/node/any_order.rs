//! Events in any order, late, twice, for nobody or never: the node keeps its promises.

use p2pfaas_core::agent::Choice;
use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::*;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::fixture::{descriptor, me, ms, named};
use crate::model::{Stage, World};

/// Machines around the node, itself among them: a wrong entry in a list of peers does no harm.
const MACHINES: [&str; 6] = ["a", "b", "c", "d", "old", "me"];

const POLICIES: [&str; 13] = [
    "NoScheduler false",
    "NoScheduler true",
    "ForwardScheduler 3",
    "PowerOfNScheduler 1 0 true 1",
    "PowerOfNScheduler 3 1 true 3",
    "PowerOfNScheduler 2 0 true 9 choice=random-among-not-more-loaded failed_probe=zero",
    "PowerOfNSchedulerTau 2 0 true 3 10ms",
    "PowerOfNSchedulerTau 2 1 true 2 80ms own_load=running",
    "RoundRobinWithMasterScheduler true a true",
    "RoundRobinWithMasterScheduler false a true",
    "LearningScheduler 2",
    "LearningScheduler 3 fallback=none",
    "LearningScheduler 1 state=load+rate+time_left/0.05+peer_loads:3+peer_ages:3+round_trips:3",
];

/// One thing that happens. An `Index` names one of the jobs (or probes) for which it would be in
/// place; with `late` any that ever was.
#[derive(Debug, Clone)]
pub enum Step {
    Arrive(Arrival),
    Reply { which: Index, late: bool, load: Option<PeerLoad>, tells_node: bool },
    ReplyOfSomebodyElse { which: Index, peer: u32 },
    Act { which: Index, late: bool, action: Option<u32> },
    Finish { which: Index, late: bool, success: bool },
    AnswerForward { which: Index, late: bool, answer: ForwardAnswer },
    Cancel { which: Index },
    UnknownJob(Index),
    Pass(u64),
    Wake,
    WakeInTime,
    SetCapacity(Capacity),
    SetPolicy(Descriptor),
    SetPeers(Vec<&'static str>),
    Suspect { peer: u32, suspected: bool },
    Tell { peer: u32, load: PeerLoad, age_ms: u64 },
}

pub fn run(world: &mut World, step: Step) {
    let pick = |keys: Vec<JobKey>, which: Index| (!keys.is_empty()).then(|| *which.get(&keys));
    let all = |world: &World| world.keys(|_| true);
    match step {
        Step::Arrive(arrival) => world.arrive(arrival),
        Step::Reply { which, late, load, tells_node } => {
            let open = |probe: &&(JobKey, PeerId)| {
                let asked = |job: &&crate::model::Job| job.key == probe.0;
                let stage = world.jobs.iter().find(asked).map(|job| &job.stage);
                matches!(stage, Some(Stage::Probing { open, .. }) if open.contains(&probe.1))
            };
            let probes: Vec<_> = world.probes.iter().filter(|probe| late || open(probe)).copied().collect();
            if !probes.is_empty() {
                let (job, peer) = *which.get(&probes);
                let name = world.node.peers().name(peer).filter(|_| tells_node);
                let node = name.filter(|name| *name != "old").map(named);
                world.handle(Event::Probed { job, peer, load, offer: None, node });
            }
        }
        Step::ReplyOfSomebodyElse { which, peer } => {
            if let Some(job) = pick(all(world), which) {
                world.handle(Event::Probed { job, peer: PeerId(peer), load: None, offer: None, node: None });
            }
        }
        Step::Act { which, late, action } => {
            let asked = world.keys(|stage| late || matches!(stage, Stage::Asked { .. }));
            let choice = action.map(|action| Choice { action, epsilon: 0.5, probability: None });
            if let Some(job) = pick(asked, which) {
                world.handle(Event::Acted { job, choice });
            }
        }
        Step::Finish { which, late, success } => {
            let running = world.keys(|stage| late || *stage == Stage::Running);
            if let Some(job) = pick(running, which) {
                world.handle(Event::Executed { job, success });
            }
        }
        Step::AnswerForward { which, late, answer } => {
            let forwarded = world.keys(|stage| late || *stage == Stage::Forwarded);
            if let Some(job) = pick(forwarded, which) {
                world.handle(Event::Forwarded { job, answer });
            }
        }
        Step::Cancel { which } => {
            if let Some(job) = pick(all(world), which) {
                world.handle(Event::Cancel { job });
            }
        }
        Step::UnknownJob(which) => {
            let job = serde_json::from_str(r#"{"index": 4000000, "generation": 1}"#).expect("a key");
            let events = [
                Event::Probed { job, peer: PeerId(0), load: None, offer: None, node: None },
                Event::Acted { job, choice: None },
                Event::Executed { job, success: true },
                Event::Forwarded { job, answer: ForwardAnswer::NoAnswer },
                Event::Cancel { job },
            ];
            world.handle(which.get(&events).clone());
        }
        Step::Pass(millis) => world.pass(ms(millis)),
        Step::Wake => world.handle(Event::Wake),
        Step::WakeInTime => {
            world.now = world.now.max(world.wake().unwrap_or(world.now));
            world.handle(Event::Wake);
        }
        Step::SetCapacity(capacity) => world.handle(Event::SetCapacity(capacity)),
        Step::SetPolicy(policy) => world.set_policy(&policy),
        Step::SetPeers(names) => {
            let identity = |name: &str| (!["old", "b"].contains(&name)).then(|| named(name));
            let peers = names.iter().map(|name| (name.to_string(), identity(name)));
            world.handle(Event::SetPeers(peers.collect()));
        }
        Step::Suspect { peer, suspected } => {
            world.handle(Event::Suspected { peer: PeerId(peer), suspected });
        }
        Step::Tell { peer, load, age_ms } => {
            world.handle(Event::Told(vec![(PeerId(peer), load, ms(age_ms))]));
        }
    }
}

fn arrivals() -> impl Strategy<Value = Arrival> {
    let sender = || proptest::option::of((0..8_u32).prop_map(PeerId));
    let origin = select(&["a", "b", "x", "me"][..]);
    let id = || proptest::option::weighted(0.8, (origin.clone(), 0..6_u64));
    let id = move || id().prop_map(|id| id.map(|(name, number)| JobId { origin: named(name), number }));
    let visited =
        subsequence(MACHINES.to_vec(), 0..4).prop_map(|names| names.into_iter().map(named).collect());
    let source = prop_oneof![
        3 => Just((Source::Client, None)),
        1 => (sender(), 0..5_u32, visited, id())
            .prop_map(|(sender, hops, visited, id)| (Source::Peer { sender, hops, visited }, id)),
        1 => (sender(), 0..3_u32, id()).prop_map(|(sender, hops, id)| (Source::ForeignPeer { sender, hops }, id)),
    ];
    let policy = prop_oneof![
        12 => Just(PolicyChoice::Configured),
        1 => Just(PolicyChoice::Bypass),
        1 => Just(PolicyChoice::Forward),
        1 => Just(PolicyChoice::Reject),
    ];
    let deadline = proptest::option::weighted(0.3, 0..300_u64);
    (source, policy, deadline, 0..6_u16).prop_map(|((source, id), policy, deadline, task_type)| Arrival {
        source,
        id,
        function: FunctionId(0),
        task_type,
        deadline: deadline.map(ms),
        policy,
        told: None,
    })
}

fn capacities() -> impl Strategy<Value = Capacity> {
    (0..5_u32, 0..5_u32).prop_map(|(slots, queue)| Capacity { slots, queue })
}

pub fn policies() -> impl Strategy<Value = Descriptor> {
    select(&POLICIES[..]).prop_map(descriptor)
}

pub fn steps() -> impl Strategy<Value = Step> {
    let late = || proptest::bool::weighted(0.2);
    let load = (0..4_u32, 0..2_u32).prop_map(|(running, queued)| PeerLoad { running, queued, slots: 4 });
    let told = load.clone();
    let answers = [
        ForwardAnswer::Served,
        ForwardAnswer::Dropped,
        ForwardAnswer::Rejected,
        ForwardAnswer::FunctionFailed,
        ForwardAnswer::FunctionFailed,
        ForwardAnswer::FunctionRefused,
        ForwardAnswer::NotTaken,
        ForwardAnswer::NoAnswer,
        ForwardAnswer::NotReached,
        ForwardAnswer::NotReached,
    ];
    prop_oneof![
        12 => arrivals().prop_map(Step::Arrive),
        8 => (any::<Index>(), late(), proptest::option::weighted(0.8, load), any::<bool>())
            .prop_map(|(which, late, load, tells_node)| Step::Reply { which, late, load, tells_node }),
        1 => (any::<Index>(), 0..8_u32).prop_map(|(which, peer)| Step::ReplyOfSomebodyElse { which, peer }),
        4 => (any::<Index>(), late(), proptest::option::weighted(0.8, 0..10_u32))
            .prop_map(|(which, late, action)| Step::Act { which, late, action }),
        5 => (any::<Index>(), late(), any::<bool>())
            .prop_map(|(which, late, success)| Step::Finish { which, late, success }),
        3 => (any::<Index>(), late(), select(answers.to_vec()))
            .prop_map(|(which, late, answer)| Step::AnswerForward { which, late, answer }),
        2 => any::<Index>().prop_map(|which| Step::Cancel { which }),
        1 => any::<Index>().prop_map(Step::UnknownJob),
        6 => (0..40_u64).prop_map(Step::Pass),
        1 => Just(Step::Wake),
        3 => Just(Step::WakeInTime),
        1 => capacities().prop_map(Step::SetCapacity),
        1 => policies().prop_map(Step::SetPolicy),
        1 => subsequence(MACHINES.to_vec(), 0..=6).prop_map(Step::SetPeers),
        2 => (0..8_u32, any::<bool>()).prop_map(|(peer, suspected)| Step::Suspect { peer, suspected }),
        1 => (0..8_u32, told, 0..50_u64).prop_map(|(peer, load, age_ms)| Step::Tell { peer, load, age_ms }),
    ]
}

pub fn configs() -> impl Strategy<Value = NodeConfig> {
    let job_timeout = prop_oneof![3 => Just(Some(ms(200))), 1 => Just(Some(ms(30))), 1 => Just(None)];
    let max_jobs = prop_oneof![4 => Just(1_000_u32), 1 => Just(6)];
    (capacities(), any::<bool>(), job_timeout, max_jobs, 0..5_u32, 0..4_u16).prop_map(
        |(capacity, deadline_aware, job_timeout, max_jobs, max_hops, task_types)| NodeConfig {
            capacity,
            deadline_aware,
            job_timeout,
            max_jobs,
            max_hops,
            task_types,
            probe_timeout: ms(50),
            ask_timeout: ms(20),
            suspicion: ms(30),
            ejection: ms(60),
            first_job_number: 1_000,
            first_eid: 500,
            ..NodeConfig::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_is_kept_whatever_happens_in_whatever_order(
        config in configs(),
        policy in policies(),
        fallback in select(&["NoScheduler false", "PowerOfNScheduler 2 0 true 1", "LearningScheduler 1"][..]),
        steps in prop::collection::vec(steps(), 1..200),
        by_time_outs: bool,
        seed: u64,
    ) {
        let by_time_outs = by_time_outs && config.job_timeout.is_some();
        let mut world = World::new(config, policy, descriptor(fallback), seed);
        run(&mut world, Step::SetPeers(MACHINES[..4].to_vec()));
        for step in steps {
            run(&mut world, step);
        }
        world.drain(by_time_outs);
        prop_assert_eq!(world.node.id(), me());
    }
}
