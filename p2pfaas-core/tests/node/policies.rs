//! Each policy's rule, on situations where its answer is known.

use p2pfaas_core::*;

use crate::fixture::*;

fn starts(effects: &[Effect], job: JobKey) -> bool {
    effects == [Effect::Execute { job }]
}

#[test]
fn no_scheduler_with_loss_drops_although_the_queue_is_free() {
    for (policy, drops) in [("NoScheduler true", true), ("NoScheduler false", false)] {
        let mut rig = Rig::sized(policy, 1, 4);
        assert!(matches!(rig.arrive(client()).1[..], [Effect::Execute { .. }]));
        let (job, effects) = rig.arrive(client());
        assert_eq!(outcomes(&effects), if drops { vec![(job, Outcome::Dropped)] } else { vec![] });
        assert_eq!(rig.node.slots().queued(), u32::from(!drops));
        assert_eq!(rig.node.policy_name(), "NoScheduler");
    }
}

#[test]
fn reject_scheduler_rejects() {
    let mut rig = Rig::new("RejectScheduler");
    let (job, effects) = rig.arrive(client());
    assert_eq!(outcomes(&effects), [(job, Outcome::Rejected)]);
}

#[test]
fn a_header_takes_the_place_of_the_configured_policy() {
    let with = |policy| Arrival { policy, ..client() };
    let mut rig = Rig::sized("RejectScheduler", 1, 4).among(&["a"]);
    let (job, effects) = rig.arrive(with(PolicyChoice::Bypass));
    assert!(starts(&effects, job));
    let (job, effects) = rig.arrive(with(PolicyChoice::Bypass));
    assert_eq!(outcomes(&effects), [(job, Outcome::Dropped)], "with loss: the queue is not used");
    let (_, effects) = rig.arrive(with(PolicyChoice::Forward));
    assert_eq!(forwarded_to(&effects), Some(rig.peer("a")));
    rig.node.set_policy(policy("NoScheduler false"));
    let (job, effects) = rig.arrive(with(PolicyChoice::Reject));
    assert_eq!(outcomes(&effects), [(job, Outcome::Rejected)]);
}

#[test]
fn forward_scheduler_forwards_without_looking_until_the_hops_are_used_up() {
    let mut rig = Rig::new("ForwardScheduler 2").among(&["a"]);
    assert_eq!(forwarded_to(&rig.arrive(client()).1), Some(rig.peer("a")));
    assert_eq!(forwarded_to(&rig.arrive(from_ours(None, 1, &["x"], 1)).1), Some(rig.peer("a")));
    let (job, effects) = rig.arrive(from_ours(None, 2, &["x", "y"], 2));
    assert!(starts(&effects, job));
    let (job, effects) = Rig::new("ForwardScheduler 2").arrive(client());
    assert!(starts(&effects, job), "without peers it runs here");
}

#[test]
fn power_of_n_probes_from_its_threshold_on() {
    for threshold in 1..4 {
        let mut rig = Rig::new(&format!("PowerOfNScheduler 1 {threshold} true 1")).among(&["a"]);
        rig.load_up_to(threshold - 1);
        let (job, effects) = rig.arrive(client());
        assert!(starts(&effects, job), "load {} is below", threshold - 1);
        let (job, effects) = rig.arrive(client());
        assert_eq!(
            effects,
            [Effect::Probe { job, peer: rig.peer("a"), question: None }],
            "load {threshold} is not"
        );
    }
}

#[test]
fn power_of_n_counts_its_queue_as_load() {
    let mut rig = Rig::sized("PowerOfNScheduler 1 2 true 1", 1, 4).among(&["a"]);
    rig.arrive(client());
    rig.arrive(client());
    assert_eq!((rig.node.slots().running(), rig.node.slots().queued()), (1, 1));
    assert_eq!(probed(&rig.arrive(client()).1).len(), 1);
}

#[test]
fn power_of_n_forwards_to_strictly_less_load_only() {
    for (there, goes) in [(load(1, 0), true), (load(0, 1), true), (load(2, 0), false), (load(1, 1), false)] {
        let mut rig = Rig::new("PowerOfNScheduler 1 2 true 1").among(&["a"]);
        rig.load_up_to(2);
        let (job, _) = rig.arrive(client());
        let effects = rig.replied(job, "a", there);
        assert_eq!(forwarded_to(&effects).is_some(), goes, "{there:?}");
        assert_eq!(starts(&effects, job), !goes);
    }
}

#[test]
fn power_of_n_sends_to_the_least_loaded_of_those_probed() {
    let mut rig = Rig::new("PowerOfNScheduler 3 0 true 1").among(&["a", "b", "c"]);
    rig.load_up_to(4);
    let (job, effects) = rig.arrive(client());
    let mut peers = probed(&effects);
    peers.sort();
    assert_eq!(peers, [PeerId(0), PeerId(1), PeerId(2)], "without repeats");
    rig.replied(job, "a", load(2, 0));
    rig.replied(job, "b", load(0, 1));
    assert_eq!(forwarded_to(&rig.replied(job, "c", load(3, 0))), Some(rig.peer("b")));
}

#[test]
fn power_of_n_probes_all_there_are_when_there_are_fewer_than_it_wants() {
    let mut rig = Rig::new("PowerOfNScheduler 5 0 true 1").among(&["a", "b"]);
    assert_eq!(probed(&rig.arrive(client()).1).len(), 2);
    let mut alone = Rig::new("PowerOfNScheduler 5 0 true 1");
    let (job, effects) = alone.arrive(client());
    assert!(starts(&effects, job));
    let mut none = Rig::new("PowerOfNScheduler 0 0 true 1").among(&["a"]);
    let (job, effects) = none.arrive(client());
    assert!(starts(&effects, job), "a fan-out of nobody");
}

#[test]
fn power_of_n_leaves_a_job_alone_that_has_made_its_hops() {
    for (hops, probes) in [(1, 1), (2, 0), (3, 0)] {
        let mut rig = Rig::new("PowerOfNScheduler 1 0 true 2").among(&["a"]);
        let (_, effects) = rig.arrive(from_ours(None, hops, &["x"], 1));
        assert_eq!(probed(&effects).len(), probes, "{hops} hops");
    }
}

#[test]
fn the_loss_of_power_of_n_has_no_effect() {
    for loss in ["true", "false"] {
        let mut rig = Rig::sized(&format!("PowerOfNScheduler 1 9 {loss} 1"), 1, 1).among(&["a"]);
        rig.arrive(client());
        assert_eq!(rig.arrive(client()).1, [], "it waits");
    }
}

#[test]
fn the_options_of_the_peer_rule_reproduce_the_reference() {
    let counts = |options: &str, replies: [Option<PeerLoad>; 2]| {
        let mut counts = [0; 3];
        let mut rig = Rig::new(&format!("PowerOfNScheduler 2 0 true 1 {options}")).among(&["a", "b"]);
        rig.load_up_to(3);
        for _ in 0..200 {
            let (job, _) = rig.arrive(client());
            rig.replied(job, "a", replies[0]);
            let effects = rig.replied(job, "b", replies[1]);
            counts[forwarded_to(&effects).map_or(2, |peer| peer.0 as usize)] += 1;
            rig.tell(Event::Forwarded { job, answer: ForwardAnswer::Served });
            rig.executed(job);
        }
        counts
    };
    assert_eq!(counts("", [load(1, 0), load(3, 0)]), [200, 0, 0]);
    let random = counts("choice=random-among-not-more-loaded", [load(1, 0), load(3, 0)]);
    assert!(random[0] > 50 && random[1] > 50 && random[2] == 0, "{random:?}");
    assert_eq!(counts("choice=least-loaded", [load(1, 0), load(3, 0)]), [200, 0, 0]);
    assert_eq!(counts("", [None, load(2, 0)]), [0, 200, 0]);
    assert_eq!(counts("failed_probe=zero", [None, load(2, 0)]), [200, 0, 0]);
    assert_eq!(counts("failed_probe=no-answer", [None, load(2, 0)]), [0, 200, 0]);
    assert_eq!(counts("failed_probe=zero", [None, None]), [0, 0, 200]);
}

#[test]
fn tau_acts_when_its_time_has_come_and_on_what_was_said_before() {
    let mut rig = Rig::new("PowerOfNSchedulerTau 1 2 true 1 50ms").among(&["a"]);
    let first = rig.load_up_to(2);
    let (job, effects) = rig.arrive(client());
    assert_eq!(probed(&effects).len(), 1);
    rig.pass(ms(10));
    assert_eq!(rig.replied(job, "a", load(1, 0)), [], "it waits");
    assert_eq!(rig.replied(job, "a", load(9, 0)), [], "news come too late");
    assert_eq!(rig.wake_after(ms(39)), []);
    let effects = rig.wake_after(ms(1));
    assert_eq!(forwarded_to(&effects), Some(rig.peer("a")));
    assert!(outcomes(&rig.executed(first[0])).len() == 1);
}

#[test]
fn tau_compares_old_replies_with_its_own_load_of_now() {
    let mut rig = Rig::new("PowerOfNSchedulerTau 1 2 true 1 50ms").among(&["a"]);
    let running = rig.load_up_to(2);
    let (job, _) = rig.arrive(client());
    rig.replied(job, "a", load(1, 0));
    rig.executed(running[0]);
    assert!(starts(&rig.wake_after(ms(50)), job), "own load 1 is not more than 1");
}

#[test]
fn tau_does_not_wait_when_probing_took_longer_or_nobody_was_probed() {
    let mut rig = Rig::new("PowerOfNSchedulerTau 1 2 true 1 50ms").among(&["a"]);
    let (job, effects) = rig.arrive(client());
    assert!(starts(&effects, job), "below the threshold");
    rig.load_up_to(2);
    let (job, _) = rig.arrive(client());
    rig.pass(ms(60));
    assert_eq!(forwarded_to(&rig.replied(job, "a", load(1, 0))), Some(rig.peer("a")));
}

#[test]
fn tau_leaves_its_own_queue_out_where_the_reference_is_reproduced() {
    for (option, probes) in [("", 1), ("own_load=running-and-queued", 1), ("own_load=running", 0)] {
        let policy = format!("PowerOfNSchedulerTau 1 2 true 1 0s {option}");
        let mut rig = Rig::sized(&policy, 1, 4).among(&["a"]);
        rig.arrive(client());
        rig.arrive(client());
        assert_eq!(rig.node.slots().load(), 2);
        assert_eq!(probed(&rig.arrive(client()).1).len(), probes, "{option}");
    }
}

#[test]
fn the_master_sends_jobs_around_and_never_back() {
    let mut rig = Rig::new("RoundRobinWithMasterScheduler true me true").among(&["a", "b", "x"]);
    let sender = Some(rig.peer("x"));
    let goes_to = [0, 1, 2, 3].map(|number| {
        forwarded_to(&rig.arrive(from_ours(sender, 1, &["x"], number)).1).expect("somebody else is there")
    });
    let (a, b) = (rig.peer("a"), rig.peer("b"));
    assert_eq!(goes_to, [a, b, a, b]);
    // An old peer tells no path: only who it is keeps the job from going back.
    let sender = Some(rig.peer("a"));
    for _ in 0..4 {
        let (_, effects) = rig.arrive(from_old(sender, None));
        assert!(forwarded_to(&effects).is_some_and(|peer| peer != rig.peer("a")));
    }
}

#[test]
fn the_master_drops_what_it_can_send_to_nobody() {
    let mut rig = Rig::new("RoundRobinWithMasterScheduler true me true").among(&["x"]);
    let (job, effects) = rig.arrive(client());
    assert_eq!(outcomes(&effects), [(job, Outcome::Dropped)], "clients have no business there");
    let sender = Some(rig.peer("x"));
    let (job, effects) = rig.arrive(from_ours(sender, 1, &["x"], 1));
    assert_eq!(outcomes(&effects), [(job, Outcome::Dropped)]);
}

#[test]
fn the_others_send_to_the_master_by_host_or_host_and_port() {
    let peers = ["m:18080", "n:18080", "n:9000"];
    for (address, master) in
        [("m", Some("m:18080")), ("m:18080", Some("m:18080")), ("n:9000", Some("n:9000")), ("o", None)]
    {
        let mut rig = Rig::new(&format!("RoundRobinWithMasterScheduler false {address} true")).among(&peers);
        let (job, effects) = rig.arrive(client());
        assert_eq!(forwarded_to(&effects), master.map(|name| rig.peer(name)), "{address}");
        if master.is_none() {
            assert_eq!(outcomes(&effects), [(job, Outcome::Failed(Failure::Forward))]);
        }
        let (job, effects) = rig.arrive(from_ours(None, 2, &["x", "m:18080"], 1));
        assert!(starts(&effects, job), "what the master sends runs here");
    }
}
