//! An agent that learns while it acts: choices on the caller's thread, training on one of its own.
//!
//! Acting takes a lock that training holds only while it copies what has changed, so that a choice
//! never waits for a training step. Experiences go into a bounded inbox; what does not fit is lost and
//! counted. Checkpoints are written by a timer, on request and at the end.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use p2pfaas_core::Time;
use p2pfaas_core::agent::{Choice, Observation, StateSpace};
use parking_lot::{Condvar, Mutex};
use tracing::{error, warn};

use crate::checkpoint::{Checkpoint, CheckpointError, Store};
use crate::config::{AgentConfig, ConfigError};
use crate::entry::Entry;
use crate::learner::{Actor, Counters, Learner, MAX_ACTIONS, SpaceError, Trainer};
use crate::value::Values;

/// Experiences trained between two publications to the acting side.
const CHUNK: usize = 256;
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
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    acting: Mutex<Acting>,
    training: Mutex<Training>,
    inbox: Mutex<Inbox>,
    /// Signalled when the inbox fills, and when it is closed.
    filled: Condvar,
    /// Signalled when the inbox has been emptied.
    emptied: Condvar,
    capacity: usize,
    frozen: AtomicBool,
    lost: AtomicU64,
    checkpoints: AtomicU64,
    checkpoint_errors: AtomicU64,
    store: Option<Store>,
    /// Held while a checkpoint is written: two writers would use the same file.
    saving: Mutex<()>,
    origin: Instant,
}

#[derive(Default)]
struct Inbox {
    entries: VecDeque<Entry>,
    /// The end has come: nothing is taken any more, and what is there is trained.
    closed: bool,
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

struct Training {
    values: Values,
    trainer: Trainer,
    peers: Vec<String>,
    /// Something has been learned that no checkpoint has.
    changed: bool,
    /// Choices when the last checkpoint was written.
    saved_inferences: u64,
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
            training: Mutex::new(Training { values, trainer, peers, changed: false, saved_inferences }),
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
        let thread =
            std::thread::Builder::new().name("learner".into()).spawn(move || working.work(interval))?;
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
        inbox.entries.push_back(entry);
        if inbox.entries.len() == 1 {
            self.shared.filled.notify_one();
        }
        true
    }

    /// Hands experiences over, all of them or none, and leaves `entries` empty if it took them.
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
        inbox.entries.extend(entries.drain(..));
        self.shared.filled.notify_one();
        Ok(())
    }

    /// Experiences that the caller gives up.
    pub fn count_lost(&self, experiences: u64) {
        self.shared.lost.fetch_add(experiences, Ordering::Relaxed);
    }

    /// Waits until all that has been handed over is trained. Blocks.
    pub fn settle(&self) {
        let mut inbox = self.shared.inbox.lock();
        while !inbox.entries.is_empty() && self.is_running() {
            self.shared.emptied.wait_for(&mut inbox, GLANCE);
        }
        drop(inbox);
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
        self.shared.training.lock().trainer.space().cloned()
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
        let mut training = self.shared.training.lock();
        let mut learner = self.shared.whole(&training);
        learner.adopt(space)?;
        self.shared.install(&mut training, learner);
        Ok(())
    }

    /// Forgets what it has learned; see [`Learner::reset`]. What is in the inbox is forgotten too.
    ///
    /// # Errors
    /// The parameters need bounds that nobody has declared; nothing is changed.
    pub fn reset(&self) -> Result<(), ConfigError> {
        let mut training = self.shared.training.lock();
        self.shared.inbox.lock().entries.clear();
        let mut learner = self.shared.whole(&training);
        learner.reset()?;
        learner.freeze(self.is_frozen());
        self.shared.install(&mut training, learner);
        Ok(())
    }

    /// The agent as it is now.
    pub fn checkpoint(&self) -> Checkpoint {
        let training = self.shared.training.lock();
        Checkpoint { learner: self.shared.whole(&training), peers: training.peers.clone() }
    }

    /// Goes on with another agent.
    pub fn restore(&self, checkpoint: Checkpoint) {
        let mut training = self.shared.training.lock();
        self.shared.inbox.lock().entries.clear();
        let Checkpoint { mut learner, peers } = checkpoint;
        learner.freeze(self.is_frozen());
        learner.trainer.restart_clock(self.shared.now());
        self.shared.install(&mut training, learner);
        training.peers = peers;
    }

    /// Tells to which peers the forward actions belong, for the checkpoints.
    pub fn set_peers(&self, peers: Vec<String>) {
        let mut training = self.shared.training.lock();
        if training.peers != peers {
            training.peers = peers;
            training.changed = true;
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
        if let Some(thread) = self.thread.lock().take() {
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
    fn train(&self, batch: &mut Vec<Entry>) -> bool {
        let mut training = self.training.lock();
        let Training { values, trainer, changed, .. } = &mut *training;
        {
            let mut inbox = self.inbox.lock();
            let count = inbox.entries.len().min(CHUNK);
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
        for entry in batch.drain(..) {
            trainer.learn(now, entry, values);
        }
        if trainer.tick(now, values) || any {
            *changed = true;
            values.publish(&mut self.acting.lock().values);
        }
        any
    }

    fn whole(&self, training: &Training) -> Learner {
        let actor = self.acting.lock().actor.clone();
        Learner { actor, values: training.values.clone(), trainer: training.trainer.clone() }
    }

    fn install(&self, training: &mut Training, learner: Learner) {
        let acting = Acting::new(&learner);
        // What was there before is dropped without the lock.
        let _before = std::mem::replace(&mut *self.acting.lock(), acting);
        (training.values, training.trainer) = (learner.values, learner.trainer);
        training.changed = true;
    }

    fn has_changed(&self) -> bool {
        let training = self.training.lock();
        training.changed || self.acting.lock().actor.inferences() != training.saved_inferences
    }

    fn save(&self) -> Result<(), CheckpointError> {
        let Some(store) = &self.store else { return Ok(()) };
        let _one_at_a_time = self.saving.lock();
        let checkpoint = {
            let mut training = self.training.lock();
            training.changed = false;
            let learner = self.whole(&training);
            training.saved_inferences = learner.actor.inferences();
            Checkpoint { learner, peers: training.peers.clone() }
        };
        // On the disk without any lock: neither choices nor training wait for it.
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

#[cfg(test)]
mod tests;
