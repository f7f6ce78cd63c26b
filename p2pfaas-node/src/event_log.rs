//! Writes the event log of one node: every event and every effect, for exact replay.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use p2pfaas_core::log::{Entry, Header, Input};
use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::{Effect, Event, JobKey, Time};

pub(crate) struct EventLog {
    file: BufWriter<File>,
    failed: bool,
}

impl EventLog {
    pub(crate) fn create(path: &Path, header: &Header) -> std::io::Result<Self> {
        let mut log = EventLog { file: BufWriter::new(File::create(path)?), failed: false };
        serde_json::to_writer(&mut log.file, header)?;
        log.file.write_all(b"\n")?;
        Ok(log)
    }

    /// Lets `turn` handle the event and writes down what it did.
    pub(crate) fn record(
        &mut self,
        at: Time,
        event: Event,
        turn: impl FnOnce(Event, &mut Vec<Effect>) -> Option<JobKey>,
    ) -> Option<JobKey> {
        let mut effects = Vec::new();
        let input = Input::Event(event.clone());
        let key = turn(event, &mut effects);
        self.write(&Entry { at, input, effects });
        key
    }

    pub(crate) fn policy(&mut self, at: Time, policy: Descriptor) {
        self.write(&Entry { at, input: Input::SetPolicy(policy), effects: Vec::new() });
    }

    pub(crate) fn flush(&mut self) {
        let result = self.file.flush();
        self.note_failure(result);
    }

    fn write(&mut self, entry: &Entry) {
        if self.failed {
            return;
        }
        let result = serde_json::to_writer(&mut self.file, entry).map_err(Into::into);
        let result = result.and_then(|()| self.file.write_all(b"\n"));
        self.note_failure(result);
    }

    /// A log with a hole cannot be replayed: say so once and stop writing.
    fn note_failure(&mut self, result: std::io::Result<()>) {
        if let Err(error) = result
            && !self.failed
        {
            self.failed = true;
            tracing::error!(%error, "the event log cannot be written; it ends here");
        }
    }
}
