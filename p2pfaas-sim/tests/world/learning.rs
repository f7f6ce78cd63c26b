//! Agents in virtual time.

use p2pfaas_learner::AgentConfig;
use p2pfaas_sim::arrivals::Schedule;
use p2pfaas_sim::learning::AgentPlan;
use p2pfaas_sim::scenario::Scenario;
use p2pfaas_sim::world::{Contender, World};
use std::time::Duration;

use crate::support::{Counts, equal_nodes, policy};

/// Node 0 has all the traffic, node 1 the speed.
fn unequal() -> Scenario {
    let mut scenario = equal_nodes(2, 1, 2, 0.0, 2_000.0);
    scenario.traffic[0].rates = vec![1.5, 0.0];
    scenario.nodes[1].speed = 4.0;
    scenario.jobs[0].deadline = Some(Duration::from_secs(2));
    scenario
}

fn learned(shared: bool, frozen: bool) -> Contender {
    let config = AgentConfig { epsilon_start: 1.0, epsilon_min: 0.02, ..AgentConfig::default() };
    let mut contender = policy("LearningScheduler", ["1"]);
    contender.agents = Some(AgentPlan { config: Some(config), checkpoints: Vec::new(), shared, frozen });
    contender
}

fn served_in_time(scenario: &Scenario, contender: &Contender, seed: u64) -> (Counts, String) {
    let mut world = World::new(scenario, contender, seed).expect("a world");
    world.session(
        Schedule::training(&scenario.traffic, seed, 4_000.0),
        -4_000.0,
        0.0,
        &mut Counts::default(),
    );
    let agents = world.agents_mut().expect("agents");
    agents.settle();
    agents.freeze(true);
    let mut counts = Counts::default();
    let horizon_s = scenario.horizon_s();
    world.session(Schedule::new(&scenario.traffic, seed, horizon_s), 0.0, horizon_s, &mut counts);
    let agents = world.agents().expect("agents");
    let known: Vec<_> = agents.learners().iter().map(|learner| learner.counters()).collect();
    (counts, format!("{known:?}"))
}

#[test]
fn agents_that_learn_beat_those_that_draw_and_the_same_seed_teaches_the_same() {
    let scenario = unequal();
    let share = |counts: &Counts| counts.in_time as f64 / counts.offered as f64;
    let (random, _) = served_in_time(&scenario, &learned(false, true), 1);
    for shared in [false, true] {
        let (counts, known) = served_in_time(&scenario, &learned(shared, false), 1);
        assert!(share(&counts) > share(&random) + 0.2, "{} and {}", share(&counts), share(&random));
        assert_eq!(known, served_in_time(&scenario, &learned(shared, false), 1).1);
        assert_ne!(known, served_in_time(&scenario, &learned(shared, false), 2).1);
    }
}

#[test]
fn nothing_is_lost_on_the_way_to_the_agents() {
    for shared in [false, true] {
        let (scenario, contender) = (unequal(), learned(shared, false));
        let mut world = World::new(&scenario, &contender, 1).expect("a world");
        world.session(Schedule::new(&scenario.traffic, 1, 2_000.0), 0.0, 2_000.0, &mut Counts::default());
        let asks = world.counters().asks;
        world.agents_mut().expect("agents").settle();
        let counters = world.agents().expect("agents").learners().iter().map(|learner| learner.counters());
        let (trained, gaps) =
            counters.fold((0, 0), |sum, now| (sum.0 + now.trained, sum.1 + now.episodes.gaps));
        assert_eq!(gaps, 0);
        // The last of all has no successor.
        assert!(asks - trained <= 2, "{asks} asked, {trained} trained");
    }
}
