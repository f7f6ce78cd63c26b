//! Calls and results on disk. One thread writes, and what comes while it waits for the disk is written together, so
//! that many calls share one wait.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use tokio::sync::oneshot;

use super::call::{Call, Stored};
use super::{AsyncSettings, CallId, State};
use crate::clock::unix_ms;

/// The file in the data folder.
const FILE: &str = "async_calls.redb";
/// Changes that are written together, at most.
const BATCH: usize = 512;
/// Changes that wait for their turn.
const INBOX: usize = 4_096;

/// Accepted calls that are not over, by id: the order in which they came.
const CALLS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("calls");
/// Those of them that have begun.
const BEGUN: TableDefinition<'_, u128, ()> = TableDefinition::new("begun");
/// Results by id, each with when it was there, in milliseconds since 1970.
const RESULTS: TableDefinition<'_, u128, (u64, &[u8])> = TableDefinition::new("results");
/// The same by that time, with their bytes: the oldest goes first.
const AGES: TableDefinition<'_, (u64, u128), u64> = TableDefinition::new("ages");

/// The journal cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal of asynchronous calls, {path}: {reason}")]
pub struct JournalError {
    path: Arc<PathBuf>,
    reason: String,
}

impl JournalError {
    /// Whether there is such a file: then it may have calls that were accepted.
    pub(crate) fn is_there(&self) -> bool {
        self.path.is_file()
    }
}

/// Whether a call that was found had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    Yes,
    No,
}

/// A change.
enum Change {
    Accept(CallId, Box<Call>),
    Begin(CallId),
    End(CallId, Box<Stored>),
    Forget(CallId),
}

/// A change, and who waits for it. The answer says whether there was something to change.
struct Request {
    change: Change,
    done: oneshot::Sender<Result<bool, JournalError>>,
}

/// The journal of one node.
pub(super) struct Journal {
    file: File,
    inbox: Option<SyncSender<Request>>,
    writer: Option<JoinHandle<()>>,
}

/// The file, as its readers and its writer share it.
#[derive(Clone)]
struct File {
    database: Arc<Database>,
    path: Arc<PathBuf>,
    settings: AsyncSettings,
    /// Bytes of all results.
    kept_bytes: Arc<Mutex<u64>>,
}

/// A call that is not over, as it was found.
pub(super) type Found = (CallId, Begun, Call);

impl Journal {
    /// Opens it, or makes it, and reads the calls that are not over.
    pub(super) fn open(data: &Path, settings: AsyncSettings) -> Result<(Journal, Vec<Found>), JournalError> {
        let path = Arc::new(data.join(FILE));
        let failed = |reason: String| JournalError { path: path.clone(), reason };
        std::fs::create_dir_all(data).map_err(|error| failed(error.to_string()))?;
        let database = Database::create(&*path).map_err(|error| failed(error.to_string()))?;
        let file =
            File { database: Arc::new(database), path: path.clone(), settings, kept_bytes: Arc::default() };
        let found = file.found()?;
        let (inbox, requests) = mpsc::sync_channel(INBOX);
        let writing = file.clone();
        let writer = std::thread::Builder::new()
            .name("p2pfaas-journal".into())
            .spawn(move || writing.write_all(&requests))
            .map_err(|error| failed(error.to_string()))?;
        Ok((Journal { file, inbox: Some(inbox), writer: Some(writer) }, found))
    }

    pub(super) async fn accept(&self, id: CallId, call: Call) -> Result<(), JournalError> {
        self.change(Change::Accept(id, Box::new(call))).await.map(drop)
    }

    pub(super) async fn begin(&self, id: CallId) -> Result<(), JournalError> {
        self.change(Change::Begin(id)).await.map(drop)
    }

    pub(super) async fn end(&self, id: CallId, result: Stored) -> Result<(), JournalError> {
        self.change(Change::End(id, Box::new(result))).await.map(drop)
    }

    pub(super) async fn forget(&self, id: CallId) -> Result<bool, JournalError> {
        self.change(Change::Forget(id)).await
    }

    /// Ends a call before the node is there.
    pub(super) fn end_now(&self, id: CallId, result: &Stored) -> Result<(), JournalError> {
        self.file.write(&[Change::End(id, Box::new(result.clone()))]).map(drop)
    }

    /// A call that is not over.
    pub(super) fn call(&self, id: CallId) -> Result<Option<Call>, JournalError> {
        self.file
            .read(|calls, _| Ok(calls.get(id.0)?.map(|bytes| bytes.value().to_vec())))?
            .map_or(Ok(None), |bytes| self.file.decode(&bytes).map(Some))
    }

    pub(super) fn state(&self, id: CallId) -> Result<Option<State>, JournalError> {
        let (open, result) = self.file.read(|calls, results| {
            let result = results.get(id.0)?.map(|entry| entry.value().1.to_vec());
            Ok((calls.get(id.0)?.is_some(), result))
        })?;
        match result {
            Some(bytes) => self.file.decode(&bytes).map(|stored| Some(State::Over(stored))),
            None => Ok(open.then_some(State::Open)),
        }
    }

    async fn change(&self, change: Change) -> Result<bool, JournalError> {
        let (done, answer) = oneshot::channel();
        let inbox = self.inbox.clone();
        let ended = || self.file.error("its writer has ended");
        let request = Request { change, done };
        // Only when the disk has stood still for thousands of changes is there no room at once.
        let sent = match inbox.as_ref().map(|inbox| inbox.try_send(request)) {
            Some(Ok(())) => true,
            Some(Err(mpsc::TrySendError::Full(request))) => {
                tokio::task::spawn_blocking(move || inbox.is_some_and(|inbox| inbox.send(request).is_ok()))
                    .await
                    .unwrap_or(false)
            }
            _ => false,
        };
        if !sent {
            return Err(ended());
        }
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Drop for Journal {
    /// What was sent is written.
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

type Calls = redb::ReadOnlyTable<u128, &'static [u8]>;
type Results = redb::ReadOnlyTable<u128, (u64, &'static [u8])>;

impl File {
    fn error(&self, reason: impl ToString) -> JournalError {
        JournalError { path: self.path.clone(), reason: reason.to_string() }
    }

    fn decode<'a, T: serde::Deserialize<'a>>(&self, bytes: &'a [u8]) -> Result<T, JournalError> {
        postcard::from_bytes(bytes).map_err(|error| self.error(error))
    }

    fn encode<T: serde::Serialize>(value: &T) -> Vec<u8> {
        // Into memory, of texts and numbers: nothing can fail.
        postcard::to_allocvec(value).unwrap_or_default()
    }

    fn read<T>(
        &self,
        look: impl FnOnce(Calls, Results) -> Result<T, redb::StorageError>,
    ) -> Result<T, JournalError> {
        let look = || -> Result<T, redb::Error> {
            let transaction = self.database.begin_read()?;
            Ok(look(transaction.open_table(CALLS)?, transaction.open_table(RESULTS)?)?)
        };
        look().map_err(|error| self.error(error))
    }

    /// Makes the tables, and reads what is in them.
    fn found(&self) -> Result<Vec<Found>, JournalError> {
        let look = || -> Result<(Vec<_>, u64), redb::Error> {
            let transaction = self.database.begin_write()?;
            let mut found = Vec::new();
            let mut bytes = 0;
            {
                let begun = transaction.open_table(BEGUN)?;
                let calls = transaction.open_table(CALLS)?;
                transaction.open_table(RESULTS)?;
                for entry in calls.iter()? {
                    let (id, call) = entry?;
                    let begun = if begun.get(id.value())?.is_some() { Begun::Yes } else { Begun::No };
                    found.push((CallId(id.value()), begun, call.value().to_vec()));
                }
                for entry in transaction.open_table(AGES)?.iter()? {
                    bytes += entry?.1.value();
                }
            }
            transaction.commit()?;
            Ok((found, bytes))
        };
        let (found, bytes) = look().map_err(|error| self.error(error))?;
        *self.kept_bytes.lock() = bytes;
        found.into_iter().map(|(id, begun, call)| Ok((id, begun, self.decode(&call)?))).collect()
    }

    /// The writer: until nobody can send any more.
    fn write_all(&self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut batch = vec![first];
            batch.extend(requests.try_iter().take(BATCH - 1));
            let (changes, waiting): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|request| (request.change, request.done)).unzip();
            let written = self.write(&changes);
            for (index, done) in waiting.into_iter().enumerate() {
                // Who asked may be gone.
                let _ = done.send(written.as_ref().map(|there| there[index]).map_err(Clone::clone));
            }
        }
    }

    /// Writes changes, all or none; returns of each whether there was something to change.
    fn write(&self, changes: &[Change]) -> Result<Vec<bool>, JournalError> {
        let now_ms = unix_ms();
        let mut bytes = self.kept_bytes.lock();
        let mut after = *bytes;
        let mut write = || -> Result<Vec<bool>, redb::Error> {
            let transaction = self.database.begin_write()?;
            let there = changes
                .iter()
                .map(|change| apply(&transaction, change, now_ms, &mut after))
                .collect::<Result<_, _>>()?;
            self.sweep(&transaction, now_ms, &mut after)?;
            transaction.commit()?;
            Ok(there)
        };
        let there = write().map_err(|error| self.error(error))?;
        *bytes = after;
        Ok(there)
    }

    /// Forgets results that are too old, and the oldest ones where there are too many.
    fn sweep(&self, transaction: &WriteTransaction, now_ms: u64, bytes: &mut u64) -> Result<(), redb::Error> {
        let keep_ms = u64::try_from(self.settings.keep.as_millis()).unwrap_or(u64::MAX);
        let (mut ages, mut results) = (transaction.open_table(AGES)?, transaction.open_table(RESULTS)?);
        loop {
            let oldest = ages.first()?.map(|(age, size)| (age.value(), size.value()));
            let Some(((at_ms, id), size)) = oldest else { return Ok(()) };
            // One result is kept, whatever its size.
            let room = *bytes <= self.settings.max_bytes as u64 || ages.len()? == 1;
            if at_ms.saturating_add(keep_ms) > now_ms && room {
                return Ok(());
            }
            ages.remove((at_ms, id))?;
            results.remove(id)?;
            *bytes = bytes.saturating_sub(size);
        }
    }
}

fn apply(
    transaction: &WriteTransaction,
    change: &Change,
    now_ms: u64,
    bytes: &mut u64,
) -> Result<bool, redb::Error> {
    Ok(match change {
        Change::Accept(id, call) => {
            transaction.open_table(CALLS)?.insert(id.0, &*File::encode(call))?.is_none()
        }
        Change::Begin(id) => transaction.open_table(BEGUN)?.insert(id.0, ())?.is_none(),
        Change::End(id, result) => {
            let open = transaction.open_table(CALLS)?.remove(id.0)?.is_some();
            transaction.open_table(BEGUN)?.remove(id.0)?;
            // One that is over already keeps its result.
            if open {
                let result = File::encode(result);
                transaction.open_table(RESULTS)?.insert(id.0, (now_ms, &*result))?;
                transaction.open_table(AGES)?.insert((now_ms, id.0), result.len() as u64)?;
                *bytes += result.len() as u64;
            }
            open
        }
        Change::Forget(id) => {
            let at_ms = transaction.open_table(RESULTS)?.remove(id.0)?.map(|entry| entry.value().0);
            if let Some(at_ms) = at_ms {
                let size = transaction.open_table(AGES)?.remove((at_ms, id.0))?.map(|size| size.value());
                *bytes = bytes.saturating_sub(size.unwrap_or_default());
            }
            at_ms.is_some()
        }
    })
}

#[cfg(test)]
mod tests;
