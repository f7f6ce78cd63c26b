//! What the tests share: a node with its clock and its generator, and short words for events.

use std::time::Duration;

use p2pfaas_core::agent::{Choice, Experience, Observation};
use p2pfaas_core::policy::{Descriptor, Policy, Registry};
use p2pfaas_core::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// The node under test.
pub fn me() -> NodeId {
    named("me")
}

/// The node with this machine id.
pub fn named(machine_id: &str) -> NodeId {
    NodeId::from_machine_id(machine_id)
}

/// `"PowerOfNScheduler 1 2 true 1"` as a descriptor.
pub fn descriptor(words: &str) -> Descriptor {
    let mut words = words.split_whitespace();
    Descriptor::new(words.next().unwrap_or_default(), words)
}

/// The policy of the descriptor [`descriptor`].
pub fn policy(words: &str) -> Box<dyn Policy> {
    Registry::builtin().build(&descriptor(words)).expect("a policy that exists")
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Peers with these names, each one of our nodes.
pub fn ours(names: &[&str]) -> Event {
    Event::SetPeers(names.iter().map(|name| (name.to_string(), Some(named(name)))).collect())
}

pub fn client() -> Arrival {
    Arrival::from_client(FunctionId(0))
}

/// A job that node `x` has sent here after this many hops.
pub fn from_ours(sender: Option<PeerId>, hops: u32, visited: &[&str], number: u64) -> Arrival {
    let visited = visited.iter().map(|name| named(name)).collect();
    let id = Some(JobId { origin: named("x"), number });
    Arrival { source: Source::Peer { sender, hops, visited }, id, ..client() }
}

/// A job of an old peer, perhaps with an id behind its tracing text.
pub fn from_old(sender: Option<PeerId>, id: Option<JobId>) -> Arrival {
    Arrival { source: Source::ForeignPeer { sender, hops: 1 }, id, ..client() }
}

/// A peer's load; slots do not matter to the policies here.
pub fn load(running: u32, queued: u32) -> Option<PeerLoad> {
    Some(PeerLoad { running, queued, slots: 4 })
}

/// A node with its clock and its generator.
pub struct Rig {
    pub node: Node,
    pub now: Time,
    pub rng: Xoshiro256PlusPlus,
}

impl Rig {
    /// A node with the default configuration whose fallback is `NoScheduler(false)`.
    pub fn new(policy: &str) -> Self {
        Rig::with(policy, "NoScheduler false", |_| {})
    }

    /// A node with this many slots and queue places.
    pub fn sized(policy: &str, slots: u32, queue: u32) -> Self {
        Rig::with(policy, "NoScheduler false", |config| config.capacity = Capacity { slots, queue })
    }

    pub fn with(policy: &str, fallback: &str, configure: impl FnOnce(&mut NodeConfig)) -> Self {
        let mut config = NodeConfig::default();
        configure(&mut config);
        let node = Node::new(me(), config, self::policy(policy), self::policy(fallback));
        Rig { node, now: Time::ZERO, rng: Xoshiro256PlusPlus::seed_from_u64(1) }
    }

    /// The same node among these peers.
    pub fn among(mut self, peers: &[&str]) -> Self {
        self.tell(ours(peers));
        self
    }

    pub fn peer(&self, name: &str) -> PeerId {
        self.node.peers().by_name(name).expect("a peer that is known")
    }

    /// A job arrives; what the node does, without its wishes to be woken.
    pub fn arrive(&mut self, arrival: Arrival) -> (JobKey, Vec<Effect>) {
        let mut effects = Vec::new();
        let job = self.node.arrive(self.now, arrival, &mut self.rng, &mut effects);
        (job, without_wakes(effects))
    }

    /// An event; what the node does, without its wishes to be woken.
    pub fn tell(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.node.handle(self.now, event, &mut self.rng, &mut effects);
        without_wakes(effects)
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Time passes, then the node is woken.
    pub fn wake_after(&mut self, time: Duration) -> Vec<Effect> {
        self.pass(time);
        self.tell(Event::Wake)
    }

    /// Jobs of clients that run here, from a door that no policy guards, until the load is `load`.
    pub fn load_up_to(&mut self, load: u32) -> Vec<JobKey> {
        let bypass = Arrival { policy: PolicyChoice::Bypass, ..client() };
        (self.node.slots().load()..load).map(|_| self.arrive(bypass.clone()).0).collect()
    }

    pub fn executed(&mut self, job: JobKey) -> Vec<Effect> {
        self.tell(Event::Executed { job, success: true })
    }

    pub fn replied(&mut self, job: JobKey, peer: &str, load: Option<PeerLoad>) -> Vec<Effect> {
        let peer = self.peer(peer);
        self.tell(Event::Probed { job, peer, load, offer: None, node: None })
    }

    pub fn acted(&mut self, job: JobKey, action: Option<u32>) -> Vec<Effect> {
        let choice = action.map(|action| Choice { action, epsilon: 0.25, probability: None });
        self.tell(Event::Acted { job, choice })
    }
}

fn without_wakes(mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.retain(|effect| !matches!(effect, Effect::WakeAt { .. }));
    effects
}

/// The outcomes among effects.
pub fn outcomes(effects: &[Effect]) -> Vec<(JobKey, Outcome)> {
    let outcome = |effect: &Effect| match effect {
        Effect::Answer { job, outcome, .. } => Some((*job, *outcome)),
        _ => None,
    };
    effects.iter().filter_map(outcome).collect()
}

/// The peer to which a single effect forwards.
pub fn forwarded_to(effects: &[Effect]) -> Option<PeerId> {
    match effects {
        [Effect::Forward { forward, .. }] => Some(forward.peer),
        _ => None,
    }
}

/// The peers that effects probe.
pub fn probed(effects: &[Effect]) -> Vec<PeerId> {
    let probed = |effect: &Effect| match effect {
        Effect::Probe { peer, .. } => Some(*peer),
        _ => None,
    };
    effects.iter().filter_map(probed).collect()
}

/// Number and reward of the experiences among effects.
pub fn learned(effects: &[Effect]) -> Vec<(u64, Option<f64>)> {
    let learned = |effect: &Effect| match effect {
        Effect::Learn { eid, reward, .. } => Some((*eid, *reward)),
        _ => None,
    };
    effects.iter().filter_map(learned).collect()
}

/// What an [`Effect`] does not keep of a report: the policy's name and what was learned.
#[derive(Debug)]
pub struct Heard {
    pub job: JobKey,
    pub policy: String,
    pub learned: Option<(Vec<f64>, Choice)>,
}

/// A sink that hears reports alone.
#[derive(Debug, Default)]
pub struct Reports(pub Vec<Heard>);

impl Effects for Reports {
    fn execute(&mut self, _: JobKey) {}
    fn probe(&mut self, _: JobKey, _: PeerId, _: Option<&p2pfaas_core::offers::Question>) {}
    fn forward(&mut self, _: JobKey, _: &Forward) {}
    fn ask(&mut self, _: JobKey, _: &Observation) {}
    fn learn(&mut self, _: &Experience<'_>) {}
    fn answer(&mut self, job: JobKey, report: &Report<'_>) {
        let learned = report.learned.map(|learned| (learned.state.to_vec(), learned.choice));
        self.0.push(Heard { job, policy: report.policy.to_string(), learned });
    }
    fn abandon(&mut self, _: JobKey) {}
    fn wake_at(&mut self, _: Time) {}
}
