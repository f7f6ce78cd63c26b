use p2pfaas_core::Time;
use p2pfaas_core::agent::{Feature, Observation};
use tempfile::tempdir;

use super::*;
use crate::config::RuleKind;
use crate::entry::{Entry, Mask, State};

fn learner(seed: u64) -> Learner {
    let config = AgentConfig { actions_n: 4, alpha: 0.1, ..AgentConfig::default() };
    Learner::new(config, None, seed).expect("valid")
}

/// Lets it act, and learn from what it did. Some experiences come late or never.
fn go_on(learner: &mut Learner, eids: std::ops::Range<u64>) {
    for eid in eids {
        let state = [(eid % 7) as f64, (eid * eid % 5) as f64];
        let choice =
            learner.act(&Observation { state: state.into(), mask: vec![true; 4] }).expect("an action");
        let shuffled = eid ^ 1;
        if shuffled % 50 == 13 {
            continue;
        }
        let entry = Entry {
            eid: shuffled,
            state: State::from_slice(&state),
            mask: Mask::new(),
            action: choice.action,
            epsilon: choice.epsilon,
            reward: Some(f64::from(choice.action == 2)),
            terminal: false,
        };
        learner.learn(Time::from_nanos(eid), entry);
    }
}

fn checkpoint(trained: u64) -> Checkpoint {
    let mut learner = learner(7);
    go_on(&mut learner, 0..trained);
    Checkpoint { learner, peers: vec!["a".into(), "b:18080".into()] }
}

fn bytes(trained: u64) -> Vec<u8> {
    checkpoint(trained).to_bytes().expect("can be written")
}

fn read_bytes(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::from_bytes(bytes, Path::new("agent.ckpt"))
}

/// What an agent in a store knows.
fn trained(store: &Store) -> u64 {
    let found = store.read().expect("usable").expect("there");
    found.checkpoint.learner.counters().trained
}

#[test]
fn a_restored_agent_goes_on_bit_for_bit() {
    for k in [0, 1, 13, 64, 500] {
        let mut original = checkpoint(k);
        let mut restored = read_bytes(&original.to_bytes().expect("bytes")).expect("whole");
        assert_eq!(restored.peers, original.peers);
        go_on(&mut original.learner, k..k + 300);
        go_on(&mut restored.learner, k..k + 300);
        assert!(original.to_bytes().expect("bytes") == restored.to_bytes().expect("bytes"), "after {k}");
    }
}

#[test]
fn a_checkpoint_that_is_torn_anywhere_is_refused_as_damaged() {
    let whole = bytes(200);
    for end in 0..whole.len() {
        match read_bytes(&whole[..end]) {
            Err(CheckpointError::Damaged { .. }) => {}
            other => panic!("torn at {end}: {:?}", other.map(|_| "taken")),
        }
    }
}

#[test]
fn a_checkpoint_with_any_byte_changed_or_added_is_refused() {
    let whole = bytes(50);
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        assert!(read_bytes(&changed).is_err(), "byte {place}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(read_bytes(&longer).is_err());
    assert!(read_bytes(&whole).is_ok());
}

#[test]
fn something_else_and_something_newer_are_told_apart() {
    let text = |bytes: &[u8]| read_bytes(bytes).expect_err("refused").to_string();
    assert_eq!(text(b"{\"a\": 1}"), "agent.ckpt is not a checkpoint of an agent");
    assert_eq!(text(b"p2pfaas-agent 2\nxyz"), "agent.ckpt has format 2; this program reads format 1");
    assert_eq!(text(b"p2pfaas-agent 1\n"), "agent.ckpt is damaged: it is torn");
}

#[test]
fn what_one_may_want_to_know_is_read_without_the_agent() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("agent.ckpt");
    let checkpoint = checkpoint(100);
    checkpoint.save(&path).expect("written");
    let summary = Summary::load(&path).expect("read");
    assert_eq!(summary.config, *checkpoint.learner.config());
    assert_eq!((summary.trained, summary.actions), (checkpoint.learner.counters().trained, 4));
    assert_eq!(summary.peers, checkpoint.peers);
}

#[test]
fn the_one_before_is_kept_and_used_when_the_newest_is_torn() {
    let folder = tempdir().expect("a folder");
    let store = Store::new(folder.path().join("sub").join("agent.ckpt"));
    assert!(store.read().expect("nothing is wrong").is_none());
    store.write(&checkpoint(100)).expect("written");
    store.write(&checkpoint(200)).expect("written");
    let newest = trained(&store);
    assert_eq!(newest, checkpoint(200).learner.counters().trained);

    let whole = fs::read(store.path()).expect("read");
    fs::write(store.path(), &whole[..whole.len() / 2]).expect("torn");
    let found = store.read().expect("the one before").expect("there");
    assert!(matches!(found.passed_over, Some(CheckpointError::Damaged { .. })));
    assert_eq!(found.checkpoint.learner.counters().trained, checkpoint(100).learner.counters().trained);

    // The next one takes the place of the torn one, and does not push out the whole one.
    store.write(&checkpoint(300)).expect("written");
    assert_eq!(trained(&store), checkpoint(300).learner.counters().trained);
    fs::remove_file(store.path()).expect("removed");
    assert_eq!(trained(&store), checkpoint(100).learner.counters().trained);
}

#[test]
fn a_crash_between_any_two_steps_of_writing_leaves_a_whole_checkpoint() {
    let (old, new) = (bytes(100), bytes(200));
    let names = ["agent.ckpt", "agent.ckpt.previous", "agent.ckpt.new"];
    // Contents under the three names after each step: writing the new file in pieces, then two renames.
    let steps: [[Option<&[u8]>; 3]; 5] = [
        [Some(&old), None, Some(&[])],
        [Some(&old), None, Some(&new[..new.len() / 3])],
        [Some(&old), None, Some(&new)],
        [None, Some(&old), Some(&new)],
        [Some(&new), Some(&old), None],
    ];
    for (step, contents) in steps.iter().enumerate() {
        let folder = tempdir().expect("a folder");
        for (name, content) in
            names.iter().zip(contents).filter_map(|(name, content)| Some((name, (*content)?)))
        {
            fs::write(folder.path().join(name), content).expect("written");
        }
        let store = Store::new(folder.path().join(names[0]));
        let expected = checkpoint(if step == 4 { 200 } else { 100 }).learner.counters().trained;
        assert_eq!(trained(&store), expected, "step {step}");
        store.write(&checkpoint(300)).expect("goes on");
        assert_eq!(trained(&store), checkpoint(300).learner.counters().trained);
    }
}

#[test]
fn a_foreign_or_newer_file_is_never_overwritten() {
    for content in ["a poem", "p2pfaas-agent 2\n..."] {
        let folder = tempdir().expect("a folder");
        let store = Store::new(folder.path().join("agent.ckpt"));
        fs::write(store.path(), content).expect("written");
        assert!(store.read().is_err());
        assert!(store.write(&checkpoint(10)).is_err());
        assert_eq!(fs::read_to_string(store.path()).expect("read"), content);
    }
}

#[test]
fn an_agent_of_other_parts_or_for_other_states_does_not_fit() {
    let checkpoint = checkpoint(10);
    let own = checkpoint.learner.config().clone();
    assert_eq!(checkpoint.fits(&AgentConfig { alpha: 0.5, ..own.clone() }, None), Ok(()));
    let misfit = checkpoint.fits(&AgentConfig { rule: RuleKind::QLearning, ..own.clone() }, None);
    let text = misfit.expect_err("another rule").to_string();
    assert_eq!(
        text,
        r#"the checkpoint is of another agent: its rule is "differential-sarsa", not "q-learning""#
    );

    let space = |encoder: &str| StateSpace {
        encoder: encoder.into(),
        features: vec![Feature { name: "x".into(), low: 0.0, high: 1.0 }],
    };
    let learner = Learner::new(own.clone(), Some(space("loads")), 1).expect("valid");
    let checkpoint = Checkpoint { learner, peers: Vec::new() };
    assert_eq!(checkpoint.fits(&own, Some(&space("loads"))), Ok(()));
    assert!(checkpoint.fits(&own, Some(&space("counts"))).is_err());
}
