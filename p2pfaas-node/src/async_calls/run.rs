//! Runs accepted calls, so many at once, as jobs like any others.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use p2pfaas_core::wire::ErrorCode;
use p2pfaas_core::{Arrival, Outcome as JobOutcome, PolicyChoice, Source};
use tokio::task::JoinSet;

use super::call::{Call, Outcome, Stored};
use super::{AsyncCalls, CallId};
use crate::api::answer::client_answer;
use crate::api::error::WireError;
use crate::clock::unix_ms;
use crate::drive::{Boxed, drive_after};
use crate::executor::FunctionCall;
use crate::functions::RegisteredFunction;
use crate::shared::Shared;
use crate::trace::Trace;

/// Before a call that found no room is tried again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// Before something is tried again that the disk refused.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// What became of one try.
enum Tried {
    /// It is over, and that is written.
    Over,
    /// There was no room; it has not run.
    NoRoom,
    /// The node ends: the next one sees to it.
    Left,
}

/// Runs as long as the node. Calls that are under way when it is dropped are those of the next start.
pub(crate) async fn run(shared: Arc<Shared>, calls: Arc<AsyncCalls>) {
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let next = if running.len() < calls.settings.running {
            calls.waiting.lock().calls.pop_front()
        } else {
            None
        };
        match next {
            Some(id) => {
                let (shared, calls) = (shared.clone(), calls.clone());
                running.spawn(async move { see_to(&shared, &calls, id).await });
            }
            None if running.is_empty() => calls.more.notified().await,
            None => {
                tokio::select! {
                    () = calls.more.notified(), if running.len() < calls.settings.running => {}
                    _ = running.join_next() => {}
                }
            }
        }
    }
}

/// Tries a call until it is over.
async fn see_to(shared: &Arc<Shared>, calls: &Arc<AsyncCalls>, id: CallId) {
    let mut pause = PAUSES.0;
    let call = loop {
        match calls.journal.call(id) {
            Ok(Some(call)) => break call,
            // Nobody but this takes it away.
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "a call that was accepted cannot be read");
                tokio::time::sleep(DISK_PAUSE).await;
            }
        }
    };
    loop {
        calls.trying.send_modify(|trying| *trying += 1);
        let tried = attempt(shared, calls, id, &call).await;
        calls.trying.send_modify(|trying| *trying -= 1);
        match tried {
            Tried::Over => return calls.over(call.payload.len()),
            Tried::Left => return,
            Tried::NoRoom => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

async fn attempt(shared: &Arc<Shared>, calls: &Arc<AsyncCalls>, id: CallId, call: &Call) -> Tried {
    if shared.draining.load(Ordering::Acquire) {
        return Tried::Left;
    }
    let left = call.left(unix_ms());
    let Some(function) = shared.functions.get(&call.function).cloned() else {
        let message = format!("no function {:?} is registered at this node any more", call.function);
        let error = WireError::new(ErrorCode::NotFound, message);
        return end(calls, id, Stored::error(Outcome::Failed, &error)).await;
    };
    if left.is_some_and(|left| left.is_zero()) {
        let message = "the deadline passed before there was room for the call";
        let error = WireError::new(ErrorCode::NoRoom, message);
        return end(calls, id, Stored::error(Outcome::Failed, &error)).await;
    }
    let begins = calls.clone();
    let begins = async move { insist("that a call begins", || begins.journal.begin(id)).await };
    let (outcome, answer) = job(shared, &function, call, left, Box::pin(begins)).await;
    match outcome {
        JobOutcome::Dropped => Tried::NoRoom,
        // If it had begun it may have run, or not: that is for the next start to say.
        JobOutcome::Cancelled => Tried::Left,
        JobOutcome::Served => end(calls, id, Stored::of(Outcome::Served, answer).await).await,
        JobOutcome::Rejected | JobOutcome::Failed(_) => {
            end(calls, id, Stored::of(Outcome::Failed, answer).await).await
        }
    }
}

async fn job(
    shared: &Arc<Shared>,
    function: &Arc<RegisteredFunction>,
    call: &Call,
    left: Option<Duration>,
    begins: Boxed<()>,
) -> (JobOutcome, axum::response::Response) {
    let arrival = Arrival {
        source: Source::Client,
        id: None,
        function: function.id,
        task_type: call.task_type,
        deadline: left,
        policy: PolicyChoice::Configured,
        told: None,
    };
    let trace = Trace::from_header(None);
    let content_type = call.content_type.as_deref();
    let run = FunctionCall {
        payload: call.payload.clone().into(),
        content_type: content_type.and_then(|bytes| http::HeaderValue::from_bytes(bytes).ok()),
        tracing: call.tracing.clone(),
        task_type: call.task_type,
        traceparent: trace.header(),
    };
    let finished = drive_after(shared.clone(), function.clone(), arrival, run, Some(begins)).await;
    let outcome = finished.ending.outcome;
    (outcome, client_answer(shared, function, &trace, finished))
}

async fn end(calls: &AsyncCalls, id: CallId, result: Stored) -> Tried {
    insist("how a call ended", || calls.journal.end(id, result.clone())).await;
    Tried::Over
}

/// A call that was accepted is not given up because the disk is full for a while.
async fn insist<F>(what: &str, write: impl Fn() -> F)
where
    F: Future<Output = Result<(), super::JournalError>>,
{
    while let Err(error) = write().await {
        tracing::error!(%error, "cannot write {what}; trying again");
        tokio::time::sleep(DISK_PAUSE).await;
    }
}
