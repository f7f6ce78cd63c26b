//! An agent that learns while it acts: choices on the caller's thread, training on one of its own.
//!
//! Acting takes a lock that training holds only while it copies what has changed, so that a choice
//! never waits for a training step. Experiences go into a bounded inbox; what does not fit is lost and
//! counted. Checkpoints are written by a timer, on request and at the end.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use p2pfaas_core::Time;
use p2pfaas_core::agent::{Choice, Observation, StateSpace};
use tracing::{error, warn};

use super::sync::thread::{Builder, JoinHandle};
use super::sync::{AtomicBool, AtomicU64, Condvar, Mutex, Ordering};
use crate::checkpoint::{Checkpoint, CheckpointError, Store};
use crate::config::{AgentConfig, ConfigError, ValueKind};
use crate::entry::Entry;
use crate::learner::{Actor, Counters, Learner, MAX_ACTIONS, SpaceError, Trainer};
use crate::value::{Value, Values};

/// Experiences trained between two publications to the acting side.
const CHUNK: usize = 256;
/// The same where one of them can mean a batch of a network: others wait for the lock meanwhile.
const NETWORK_CHUNK: usize = 4;
/// Missing experiences are given up by time as well: the thread looks at least so often.
const GLANCE: Duration = Duration::from_millis(200);

/// How an [`Online`] agent is kept.
#[derive(Debug, Clone)]
pub struct OnlineOptions {
    /// File for checkpoints; `None` keeps none.
    pub checkpoint: Option<PathBuf>,
    /// Between two checkpoints, when something has changed.
    pub interval: Duration,
    /// Experiences that wait for training, at most.
    pub inbox: usize,
    /// Only act.
    pub frozen: bool,
}

impl Default for OnlineOptions {
    fn default() -> Self {
        OnlineOptions { checkpoint: None, interval: Duration::from_secs(10), inbox: 65_536, frozen: false }
    }
}

/// What an online agent has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// What the agent itself counts.
    pub counters: Counters,
    /// Experiences in the inbox.
    pub inbox: usize,
    /// Experiences that did not fit into it.
    pub lost: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Checkpoints that could not be written.
    pub checkpoint_errors: u64,
}

/// An agent with its thread. Dropping it stops the thread and writes a last checkpoint.
pub struct Online {
    pub(super) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Shared {
    acting: Mutex<Acting>,
    pub(super) training: Mutex<Training>,
    inbox: Mutex<Inbox>,
    /// Signalled when the inbox fills, and when it is closed.
    filled: Condvar,
    /// Signalled when the inbox has been emptied.
    emptied: Condvar,
    capacity: usize,
    frozen: AtomicBool,
    /// Names of the peers to which the forward actions belong, in the order of the actions. Under a lock of
    /// its own, like what the states mean: whoever asks or tells must not wait for training.
    peers: Mutex<Peers>,
    space: Mutex<Option<StateSpace>>,
    handed_over: AtomicU64,
    lost: AtomicU64,
    checkpoints: AtomicU64,
    checkpoint_errors: AtomicU64,
    store: Option<Store>,
    /// Held while a checkpoint is written: two writers would use the same file.
    saving: Mutex<()>,
    origin: Instant,
}

#[derive(Default)]
struct Peers {
    names: Vec<String>,
    changed: bool,
}

#[derive(Default)]
struct Inbox {
    entries: VecDeque<(Entry, Bringer)>,
    /// The end has come: nothing is taken any more, and what is there is trained.
    closed: bool,
}

/// Who brings an experience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bringer {
    /// Whoever asked for the choice.
    Asker,
    /// Somebody else, over HTTP.
    Other,
}

/// What choices are made with: a copy, which training renews.
struct Acting {
    actor: Actor,
    values: Values,
    /// Numbers that a state has, where that is known.
    state_numbers: Option<usize>,
    /// For choices among all actions: their mask, and room for a state.
    unmasked: Observation,
}

impl Acting {
    fn new(learner: &Learner) -> Self {
        let config = learner.config();
        let declared = learner.space().map(|space| space.features.len());
        let bounds = Some(config.bounds.len()).filter(|numbers| *numbers > 0);
        let actions = (config.actions_n as usize).min(MAX_ACTIONS);
        Acting {
            actor: learner.actor.clone(),
            values: learner.values.clone(),
            state_numbers: declared.or(bounds),
            unmasked: Observation { state: Vec::new(), mask: vec![true; actions] },
        }
    }

    fn act(&mut self, observation: &Observation) -> Option<Choice> {
        if self.state_numbers.is_some_and(|numbers| numbers != observation.state.len()) {
            return None;
        }
        self.values.grow(observation.mask.len().min(MAX_ACTIONS));
        self.actor.act(&self.values, observation)
    }
}

pub(super) struct Training {
    values: Values,
    trainer: Trainer,
    /// Something has been learned that no checkpoint has.
    pub(super) changed: bool,
    /// Choices when the last checkpoint was written.
    saved_inferences: u64,
}

/// An agent whose forward actions belong to other peers than this one's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its actions forward to {found:?}, those of this node to {known:?}")]
pub struct OtherPeers {
    /// The checkpoint's.
    pub found: Vec<String>,
    /// This node's.
    pub known: Vec<String>,
}

/// Experiences that do not fit into the inbox now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the inbox is full: {free} of {needed} experiences would fit")]
pub struct Full {
    /// Free places.
    pub free: usize,
    /// Places needed.
    pub needed: usize,
}

impl Online {
    /// Starts the thread. The learner goes on where it was.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(checkpoint: Checkpoint, options: OnlineOptions) -> std::io::Result<Arc<Self>> {
        let Checkpoint { mut learner, peers } = checkpoint;
        learner.freeze(options.frozen);
        learner.trainer.restart_clock(Time::ZERO);
        let acting = Acting::new(&learner);
        let Learner { actor, values, trainer } = learner;
        let saved_inferences = actor.inferences();
        let shared = Arc::new(Shared {
            acting: Mutex::new(acting),
            peers: Mutex::new(Peers { names: peers, changed: false }),
            space: Mutex::new(trainer.space().cloned()),
            handed_over: AtomicU64::new(0),
            training: Mutex::new(Training { values, trainer, changed: false, saved_inferences }),
            inbox: Mutex::new(Inbox::default()),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            capacity: options.inbox.max(1),
            frozen: AtomicBool::new(options.frozen),
            lost: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            checkpoint_errors: AtomicU64::new(0),
            store: options.checkpoint.map(Store::new),
            saving: Mutex::new(()),
            origin: Instant::now(),
        });
        let working = shared.clone();
        let interval = options.interval;
        let thread = Builder::new().name("learner".into()).spawn(move || working.work(interval))?;
        Ok(Arc::new(Online { shared, thread: Mutex::new(Some(thread)) }))
    }

    /// Chooses among the actions that the mask allows; `None` if it allows none, or if the state has not
    /// as many numbers as it should.
    pub fn act(&self, observation: &Observation) -> Option<Choice> {
        self.shared.acting.lock().act(observation)
    }

    /// Chooses among all the actions that the agent has been given at its beginning, `actions_n`.
    pub fn act_unmasked(&self, state: &[f64]) -> Option<Choice> {
        let mut acting = self.shared.acting.lock();
        let mut observation = std::mem::take(&mut acting.unmasked);
        observation.state.clear();
        observation.state.extend_from_slice(state);
        let choice = acting.act(&observation);
        acting.unmasked = observation;
        choice
    }

    /// What each action is worth in a state, as it acts by it now; nothing if the state has not as many
    /// numbers as it should.
    pub fn values_of(&self, state: &[f64]) -> Vec<f64> {
        let (mut values, mut scratch) = (Vec::new(), Vec::new());
        let acting = self.shared.acting.lock();
        if acting.state_numbers.is_none_or(|numbers| numbers == state.len()) {
            acting.values.values(state, &mut values, &mut scratch);
        }
        values
    }

    /// States that have a value of their own, at most so many; only tables have any.
    pub fn known_states(&self, max: usize) -> Vec<Vec<i64>> {
        match &self.shared.acting.lock().values.first {
            Value::Table(table) => table.rows().take(max).map(|(state, _)| state.to_vec()).collect(),
            _ => Vec::new(),
        }
    }

    /// Numbers that a state must have, where that is known.
    pub fn state_numbers(&self) -> Option<usize> {
        self.shared.acting.lock().state_numbers
    }

    /// Hands an experience over; false: the inbox is full, and it is lost and counted.
    pub fn learn(&self, entry: Entry) -> bool {
        if self.is_frozen() {
            return true;
        }
        let mut inbox = self.shared.inbox.lock();
        if inbox.closed || inbox.entries.len() >= self.shared.capacity {
            drop(inbox);
            self.count_lost(1);
            return false;
        }
        inbox.entries.push_back((entry, Bringer::Asker));
        self.shared.handed_over.fetch_add(1, Ordering::Relaxed);
        if inbox.entries.len() == 1 {
            self.shared.filled.notify_one();
        }
        true
    }

    /// Hands over experiences that others bring, all of them or none, and leaves `entries` empty if it took them.
    ///
    /// # Errors
    /// They do not fit now, or it has been stopped. Nothing is lost or counted yet: the caller may try
    /// again.
    pub fn learn_all(&self, entries: &mut Vec<Entry>) -> Result<(), Full> {
        if self.is_frozen() {
            entries.clear();
            return Ok(());
        }
        let mut inbox = self.shared.inbox.lock();
        let free = self.shared.capacity.saturating_sub(inbox.entries.len());
        let free = if inbox.closed { 0 } else { free };
        if entries.len() > free {
            return Err(Full { free, needed: entries.len() });
        }
        self.shared.handed_over.fetch_add(entries.len() as u64, Ordering::Relaxed);
        inbox.entries.extend(entries.drain(..).map(|entry| (entry, Bringer::Other)));
        self.shared.filled.notify_one();
        Ok(())
    }

    /// Experiences that the caller gives up.
    pub fn count_lost(&self, experiences: u64) {
        self.shared.lost.fetch_add(experiences, Ordering::Relaxed);
    }

    /// Experiences handed over so far, and those lost. Waits for nobody.
    pub fn handed_over_and_lost(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.shared.handed_over), read(&self.shared.lost))
    }

    /// Waits until all that has been handed over is trained. Blocks.
    pub fn settle(&self) {
        while self.is_running() {
            let mut inbox = self.shared.inbox.lock();
            if inbox.entries.is_empty() {
                break;
            }
            self.shared.emptied.wait_for(&mut inbox, GLANCE);
        }
        // What has been taken out is trained under this lock.
        drop(self.shared.training.lock());
    }

    /// Only act from now on (`true`), or explore and learn again.
    pub fn freeze(&self, frozen: bool) {
        self.shared.frozen.store(frozen, Ordering::Release);
        self.shared.acting.lock().actor.freeze(frozen);
    }

    /// Whether it only acts.
    pub fn is_frozen(&self) -> bool {
        self.shared.frozen.load(Ordering::Acquire)
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        let counters = {
            let training = self.shared.training.lock();
            let acting = self.shared.acting.lock();
            training.trainer.counters(&acting.actor, &training.values)
        };
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            counters,
            inbox: self.shared.inbox.lock().entries.len(),
            lost: read(&self.shared.lost),
            checkpoints: read(&self.shared.checkpoints),
            checkpoint_errors: read(&self.shared.checkpoint_errors),
        }
    }

    /// ε, or the temperature, of the next choice.
    pub fn epsilon(&self) -> f64 {
        self.shared.acting.lock().actor.epsilon()
    }

    /// Its parameters.
    pub fn config(&self) -> AgentConfig {
        self.shared.training.lock().trainer.config().clone()
    }

    /// What its states mean, if it has been told.
    pub fn space(&self) -> Option<StateSpace> {
        self.shared.space.lock().clone()
    }

    /// Changes parameters; see [`Learner::set_config`].
    ///
    /// # Errors
    /// Parameters that are out of range or do not go together; nothing is changed.
    pub fn set_config(&self, config: AgentConfig) -> Result<(), ConfigError> {
        config.check()?;
        let mut training = self.shared.training.lock();
        self.shared.acting.lock().actor.set_config(&config);
        training.trainer.set_config(config);
        training.changed = true;
        Ok(())
    }

    /// Tells what the states mean; see [`Learner::adopt`].
    ///
    /// # Errors
    /// It has learned from states of another meaning; nothing is changed.
    pub fn adopt(&self, space: StateSpace) -> Result<(), SpaceError> {
        if self.shared.space.lock().as_ref().is_some_and(|known| known.means_the_same(&space)) {
            return Ok(());
        }
        let mut training = self.shared.training.lock();
        let mut learner = self.shared.whole(&training);
        learner.adopt(space)?;
        self.shared.empty_inbox();
        self.shared.install(&mut training, learner);
        Ok(())
    }

    /// Forgets what it has learned; see [`Learner::reset`]. What is in the inbox is forgotten too.
    ///
    /// # Errors
    /// The parameters need bounds that nobody has declared; nothing is changed.
    pub fn reset(&self) -> Result<(), ConfigError> {
        let mut training = self.shared.training.lock();
        let mut learner = self.shared.whole(&training);
        learner.reset()?;
        self.shared.empty_inbox();
        learner.freeze(self.is_frozen());
        self.shared.install(&mut training, learner);
        Ok(())
    }

    /// The agent as it is now.
    pub fn checkpoint(&self) -> Checkpoint {
        let training = self.shared.training.lock();
        Checkpoint { learner: self.shared.whole(&training), peers: self.peers() }
    }

    /// Goes on with another agent. In a node, the numbers of experiences and the peers stay this node's.
    ///
    /// # Errors
    /// Its forward actions belong to other peers than this node's; nothing is changed.
    pub fn restore(&self, checkpoint: Checkpoint) -> Result<(), OtherPeers> {
        let mut training = self.shared.training.lock();
        let Checkpoint { mut learner, peers: found } = checkpoint;
        if training.trainer.has_own_numbers() {
            let known = self.peers();
            if found.iter().zip(&known).any(|(found, known)| found != known) {
                return Err(OtherPeers { found, known });
            }
            learner.follow_on(&training.trainer);
        } else {
            learner.expect_anything();
            *self.shared.peers.lock() = Peers { names: found, changed: true };
        }
        self.shared.empty_inbox();
        learner.freeze(self.is_frozen());
        learner.trainer.restart_clock(self.shared.now());
        self.shared.install(&mut training, learner);
        Ok(())
    }

    /// The peers to which the forward actions belong, in the order of the actions.
    pub fn peers(&self) -> Vec<String> {
        self.shared.peers.lock().names.clone()
    }

    /// Tells to which peers the forward actions belong, for the checkpoints.
    pub fn set_peers(&self, names: Vec<String>) {
        let mut peers = self.shared.peers.lock();
        if peers.names != names {
            *peers = Peers { names, changed: true };
        }
    }

    /// Writes a checkpoint now. Without a file to write to it does nothing.
    ///
    /// # Errors
    /// It cannot be written; the one before it is still there.
    pub fn save(&self) -> Result<(), CheckpointError> {
        self.shared.save()
    }

    /// Whether its thread is there: it ends when told to, and should not do so otherwise.
    pub fn is_running(&self) -> bool {
        self.thread.lock().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Trains what is in the inbox, writes a last checkpoint and ends the thread. Blocks.
    pub fn stop(&self) {
        self.shared.inbox.lock().closed = true;
        self.shared.filled.notify_all();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Drop for Online {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn now(&self) -> Time {
        Time::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }

    fn work(&self, interval: Duration) {
        let glance = GLANCE.min(interval).max(Duration::from_millis(1));
        let mut save_at = Instant::now().checked_add(interval);
        let mut batch = Vec::new();
        loop {
            let closed = self.wait_for_work(glance);
            let trained = self.train(&mut batch);
            let end = closed && !trained;
            if end || save_at.is_some_and(|at| Instant::now() >= at) {
                if self.has_changed()
                    && let Err(error) = self.save()
                {
                    error!(%error, "the checkpoint cannot be written");
                }
                save_at = Instant::now().checked_add(interval);
            }
            if end {
                return;
            }
        }
    }

    /// Waits until there is something in the inbox, it is closed (then true), or some time has passed.
    fn wait_for_work(&self, glance: Duration) -> bool {
        let mut inbox = self.inbox.lock();
        if inbox.entries.is_empty() && !inbox.closed {
            self.filled.wait_for(&mut inbox, glance);
        }
        inbox.closed
    }

    /// Trains a chunk of the inbox, gives up what is missing for too long, and publishes what has
    /// changed; false when the inbox was empty.
    fn train(&self, batch: &mut Vec<(Entry, Bringer)>) -> bool {
        let mut training = self.training.lock();
        let Training { values, trainer, changed, .. } = &mut *training;
        {
            let network = trainer.config().value == ValueKind::Network;
            let mut inbox = self.inbox.lock();
            let count = inbox.entries.len().min(if network { NETWORK_CHUNK } else { CHUNK });
            batch.extend(inbox.entries.drain(..count));
            if inbox.entries.is_empty() {
                self.emptied.notify_all();
            }
        }
        let any = !batch.is_empty();
        if self.frozen.load(Ordering::Acquire) {
            // It has been frozen after these had been taken.
            self.lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
            batch.clear();
            return any;
        }
        let now = self.now();
        for (entry, bringer) in batch.drain(..) {
            match bringer {
                Bringer::Asker => trainer.learn(now, entry, values),
                Bringer::Other => trainer.learn_foreign(now, entry, values),
            }
        }
        if trainer.tick(now, values) || any {
            *changed = true;
            values.publish(&mut self.acting.lock().values);
        }
        any
    }

    fn empty_inbox(&self) {
        self.inbox.lock().entries.clear();
        // Who waits until all is trained waits for these no more.
        self.emptied.notify_all();
    }

    fn whole(&self, training: &Training) -> Learner {
        let actor = self.acting.lock().actor.clone();
        Learner { actor, values: training.values.clone(), trainer: training.trainer.clone() }
    }

    fn install(&self, training: &mut Training, learner: Learner) {
        let acting = Acting::new(&learner);
        // What was there before is dropped without the lock.
        let _before = std::mem::replace(&mut *self.acting.lock(), acting);
        *self.space.lock() = learner.trainer.space().cloned();
        (training.values, training.trainer) = (learner.values, learner.trainer);
        training.changed = true;
    }

    fn has_changed(&self) -> bool {
        let training = self.training.lock();
        training.changed
            || self.peers.lock().changed
            || self.acting.lock().actor.inferences() != training.saved_inferences
    }

    fn save(&self) -> Result<(), CheckpointError> {
        let Some(store) = &self.store else { return Ok(()) };
        let _one_at_a_time = self.saving.lock();
        let checkpoint = {
            let mut training = self.training.lock();
            training.changed = false;
            let learner = self.whole(&training);
            training.saved_inferences = learner.actor.inferences();
            let mut peers = self.peers.lock();
            peers.changed = false;
            Checkpoint { learner, peers: peers.names.clone() }
        };
        // On the disk without a lock that a choice needs. The timer's saving is training's own pause.
        match store.write(&checkpoint) {
            Ok(()) => {
                self.checkpoints.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.checkpoint_errors.fetch_add(1, Ordering::Relaxed);
                self.training.lock().changed = true;
                warn!(%error, "will try again");
                Err(error)
            }
        }
    }
}
