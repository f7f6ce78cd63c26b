//! Calls that are accepted now and answered later: `X-Async` on `/function/{name}` gets 202 and an id, and
//! `/async/{id}` the answer.
//!
//! A call is on disk before it is accepted, and so is that it has begun before it begins. After a crash, calls that had
//! not begun are run; of those that had, nobody knows whether they ran: they end as *outcome unknown*, unless their
//! function is declared idempotent, and then they are run again. So each accepted call has exactly one result, and
//! a function that is not idempotent runs at most once for it.

pub(crate) mod api;
mod call;
mod journal;
mod run;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use tokio::sync::{Notify, watch};

use crate::clock::unix_ms;
pub(crate) use call::{Call, Stored};
pub use journal::JournalError;
use journal::{Begun, Journal};
pub(crate) use run::run;

/// Bounds of the calls that are answered later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsyncSettings {
    /// Calls that run at once.
    pub running: usize,
    /// Calls that are accepted and not over; beyond it 429.
    pub max_calls: usize,
    /// Bytes of their payloads, and as many again of results.
    pub max_bytes: usize,
    /// For so long a result can be fetched.
    pub keep: Duration,
}

impl Default for AsyncSettings {
    fn default() -> Self {
        AsyncSettings { running: 32, max_calls: 10_000, max_bytes: 1 << 30, keep: Duration::from_secs(3600) }
    }
}

/// What a client gets to fetch its result with: who does not have it cannot guess it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallId(u128);

impl CallId {
    /// In the order of time, and random in the lower half.
    fn new(now_ms: u64) -> Self {
        CallId((u128::from(now_ms) << 64) | u128::from(rand::rng().random::<u64>()))
    }

    /// From its text in an address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let right = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(CallId)
    }
}

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Why a call is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    #[error("too many calls wait for their answers (async-calls, async-bytes)")]
    Full,
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The calls of one node.
pub(crate) struct AsyncCalls {
    settings: AsyncSettings,
    journal: Journal,
    waiting: Mutex<Waiting>,
    more: Notify,
    /// Calls between their beginning and the writing of their end.
    trying: watch::Sender<usize>,
}

/// Calls that are accepted and have not begun, and how much all that are not over take.
struct Waiting {
    calls: VecDeque<CallId>,
    open: usize,
    open_bytes: usize,
}

/// How a call is doing.
pub(crate) enum State {
    /// Accepted, and perhaps begun.
    Open,
    /// It is over.
    Over(Stored),
}

impl AsyncCalls {
    /// Those that a data folder holds, after whatever ended the process before. `idempotent` says whether a
    /// function may be run again.
    ///
    /// # Errors
    /// The journal cannot be opened.
    pub(crate) fn open(
        data: &Path,
        settings: AsyncSettings,
        idempotent: impl Fn(&str) -> bool,
    ) -> Result<Arc<Self>, JournalError> {
        let (journal, found) = Journal::open(data, settings)?;
        let mut waiting = Waiting { calls: VecDeque::new(), open: 0, open_bytes: 0 };
        for (id, begun, call) in found {
            match begun {
                Begun::Yes if !idempotent(&call.function) => journal.end_now(id, &Stored::unknown())?,
                Begun::Yes | Begun::No => {
                    waiting.calls.push_back(id);
                    waiting.open += 1;
                    waiting.open_bytes += call.payload.len();
                }
            }
        }
        let waiting = Mutex::new(waiting);
        Ok(Arc::new(AsyncCalls {
            settings,
            journal,
            waiting,
            more: Notify::new(),
            trying: watch::Sender::new(0),
        }))
    }

    /// Takes a call. When this returns it is on disk. Not to be broken off: the call may be there already.
    ///
    /// # Errors
    /// There are too many, or it cannot be written: then it is not accepted.
    pub(crate) async fn accept(&self, call: Call) -> Result<CallId, AcceptError> {
        let bytes = call.payload.len();
        {
            let mut waiting = self.waiting.lock();
            let full = waiting.open >= self.settings.max_calls
                || waiting.open_bytes.saturating_add(bytes) > self.settings.max_bytes;
            if full {
                return Err(AcceptError::Full);
            }
            waiting.open += 1;
            waiting.open_bytes += bytes;
        }
        let id = CallId::new(unix_ms());
        self.journal.accept(id, call).await.inspect_err(|_| self.over(bytes))?;
        self.waiting.lock().calls.push_back(id);
        self.more.notify_one();
        Ok(id)
    }

    /// How a call is doing; `None` where there is none of this id, or its result is not kept any more.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(crate) fn state(&self, id: CallId) -> Result<Option<State>, JournalError> {
        self.journal.state(id)
    }

    /// Forgets a result. Whether there was one.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(crate) async fn forget(&self, id: CallId) -> Result<bool, JournalError> {
        self.journal.forget(id).await
    }

    /// Calls that are accepted and not over.
    pub(crate) fn open_calls(&self) -> usize {
        self.waiting.lock().open
    }

    /// Waits until what has begun has been written down.
    pub(crate) async fn settled(&self) {
        // The sender is this very value: it is there.
        let _ = self.trying.subscribe().wait_for(|trying| *trying == 0).await;
    }

    fn over(&self, bytes: usize) {
        let mut waiting = self.waiting.lock();
        waiting.open -= 1;
        waiting.open_bytes -= bytes;
    }
}
