//! What every node and every cluster owes, whatever goes wrong; and what is told when a promise was broken.

use std::fmt;

use p2pfaas_core::Time;

/// A promise. The first ones are about one node, the last ones about the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// A job that came to a node is answered once, by the end, and is not spoken of again; each effect is one that is in
    /// place for the job.
    OneAnswer,
    /// Nothing starts while all slots are taken, nobody joins a full queue or waits while a slot is free, and what a node
    /// says to run is what runs.
    Slots,
    /// Jobs that came are those that were answered and those under way; counts of probes, forwards and strays are those
    /// that were seen, and none goes back.
    Conservation,
    /// What came too late, twice, or for nobody is counted and has no effect.
    Strays,
    /// Whoever waits for something that ends with the time has asked to be woken by then.
    Alarm,
    /// An event has no more effects than what it touches can need: 64 probes a job and decision, and one alarm.
    BoundedEffects,
    /// Tables keep within their bounds.
    BoundedTables,
    /// A choice that was taken has one experience, and their numbers have no gap.
    Learning,
    /// A job goes, and probes go, to peers that are there, that did not send it, that could be reached with it and that are
    /// not this node; no peer is probed twice in one decision.
    Targets,
    /// A forward has one hop more than the job came with, at most the node's bound, and the path with this node.
    Path,
    /// A node forwards a peer's job at most once by its id, as long as the id is remembered, and never a job that has been
    /// here already by its own path.
    ForwardOnce,
    /// As long as all nodes are what they are taken for, no job that stays among our nodes is at a node twice.
    NoReturn,
    /// A job's function is begun at most once in the whole cluster; one more time for each copy that an old peer made.
    /// A forward without an answer is a failure: the sender never begins the job anew. It does so only when the peer says
    /// that it has not taken the job, or when nothing of it could be sent. A job whose message comes twice is begun once,
    /// as long as the node that took it lives.
    ExecutedOnce,
    /// Who hears that its job was served had its function answer with success.
    Truth,
    /// A client hears one outcome, and none if its node broke down; then nobody owes it one.
    OneOutcome,
    /// When nothing is on its way any more, no node holds a job, a slot, a place in the queue, a time-out or an unnumbered
    /// experience; and that moment comes.
    Quiet,
    /// Nothing panics.
    NoPanic,
    /// The same seed lives through the same.
    Repeatable,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Invariant; 18] = [
        Invariant::OneAnswer,
        Invariant::Slots,
        Invariant::Conservation,
        Invariant::Strays,
        Invariant::Alarm,
        Invariant::BoundedEffects,
        Invariant::BoundedTables,
        Invariant::Learning,
        Invariant::Targets,
        Invariant::Path,
        Invariant::ForwardOnce,
        Invariant::NoReturn,
        Invariant::ExecutedOnce,
        Invariant::Truth,
        Invariant::OneOutcome,
        Invariant::Quiet,
        Invariant::NoPanic,
        Invariant::Repeatable,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Invariant::OneAnswer => "one-answer",
            Invariant::Slots => "slots",
            Invariant::Conservation => "conservation",
            Invariant::Strays => "strays",
            Invariant::Alarm => "alarm",
            Invariant::BoundedEffects => "bounded-effects",
            Invariant::BoundedTables => "bounded-tables",
            Invariant::Learning => "learning",
            Invariant::Targets => "targets",
            Invariant::Path => "path",
            Invariant::ForwardOnce => "forward-once",
            Invariant::NoReturn => "no-return",
            Invariant::ExecutedOnce => "executed-once",
            Invariant::Truth => "truth",
            Invariant::OneOutcome => "one-outcome",
            Invariant::Quiet => "quiet",
            Invariant::NoPanic => "no-panic",
            Invariant::Repeatable => "repeatable",
        }
    }

    /// What it promises, in a line.
    pub fn meaning(self) -> &'static str {
        match self {
            Invariant::OneAnswer => {
                "a job is answered once and not spoken of again; no effect is out of turn"
            }
            Invariant::Slots => "no more run than there are slots, no more join than the queue holds",
            Invariant::Conservation => "jobs that came = answered + under way; counts are what was seen",
            Invariant::Strays => "what is late, repeated or for nobody is counted and has no effect",
            Invariant::Alarm => "a node that waits has asked to be woken in time",
            Invariant::BoundedEffects => "an event has a bounded number of effects",
            Invariant::BoundedTables => "tables keep within their bounds",
            Invariant::Learning => "a choice has one experience, numbered without gaps",
            Invariant::Targets => "probes and jobs go to peers that are there, and not back",
            Invariant::Path => "hops grow by one up to the bound, the path grows by the node",
            Invariant::ForwardOnce => {
                "a node forwards a peer's job once by its id, and none that has been here"
            }
            Invariant::NoReturn => "among our nodes no job is at a node twice",
            Invariant::ExecutedOnce => "a function begins once a job, whatever answers get lost",
            Invariant::Truth => "a job that was served had its function answer with success",
            Invariant::OneOutcome => "a client hears one outcome, unless its node broke down",
            Invariant::Quiet => "in the end nothing is left over",
            Invariant::NoPanic => "nothing panics",
            Invariant::Repeatable => "the same seed lives through the same",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A promise that was broken, and all that is needed to see it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// The promise.
    pub invariant: Invariant,
    /// What was found.
    pub what: String,
    /// After how many things had happened.
    pub step: u64,
    /// When.
    pub at: Time,
    /// The log up to there: its last lines.
    pub last_lines: Vec<String>,
    /// The command that shows it again, with the whole log.
    pub command: String,
}

impl std::error::Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { seed, invariant, what, step, at, last_lines, command } = self;
        let at_s = at.as_nanos() as f64 / 1e9;
        writeln!(f, "seed {seed} breaks {invariant}: {}", invariant.meaning())?;
        writeln!(f, "  found: {what}")?;
        writeln!(f, "  at step {step}, {at_s:.6} s")?;
        writeln!(f, "  last lines of its log:")?;
        for line in last_lines {
            writeln!(f, "    {line}")?;
        }
        write!(f, "  all of it: {command}")
    }
}

/// A promise that was found broken, before it is known where.
#[derive(Debug)]
pub(super) struct Broken {
    pub invariant: Invariant,
    pub what: String,
}

pub(super) type Checked<T = ()> = Result<T, Broken>;

/// `Err` unless it holds.
pub(super) fn holds(held: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Checked {
    if held { Ok(()) } else { Err(Broken { invariant, what: what() }) }
}
