//! Drives one job: carries out what the state machine says about it, and feeds back what happened.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{FuturesUnordered, Stream};
use p2pfaas_core::offers::Offer;
use p2pfaas_core::{Arrival, Event, JobKey, NodeId, PeerId, PeerLoad};

use crate::engine::{Command, Ending};
use crate::executor::{ExecuteError, Execution, FunctionAnswer, FunctionCall};
use crate::functions::RegisteredFunction;
use crate::peer_client::{ForwardJob, PeerAnswer};
use crate::shared::Shared;

/// A job's end, and what the function or the peer said.
pub(crate) struct Finished {
    pub ending: Ending,
    pub result: JobResult,
}

/// What came back for a job.
pub(crate) enum JobResult {
    /// It never got that far.
    Nothing,
    /// The function ran here.
    Here(Result<FunctionAnswer, ExecuteError>),
    /// A peer answered.
    Peer(PeerAnswer),
}

/// A probed peer's answer: its load and identity.
pub(crate) struct Probed {
    pub peer: PeerId,
    pub load: Option<PeerLoad>,
    pub offer: Option<Offer>,
    pub node: Option<NodeId>,
}

/// A future that can be kept.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a job's task waits for, besides mail.
enum Work {
    Nothing,
    Execution(Execution),
    Probes(FuturesUnordered<Boxed<Probed>>),
    Forward(Boxed<PeerAnswer>),
}

enum Done {
    Executed(Result<FunctionAnswer, ExecuteError>),
    Probed(Probed),
    Forwarded(PeerAnswer),
}

impl Work {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Done> {
        match self {
            Work::Nothing => Poll::Pending,
            Work::Execution(execution) => {
                let polled = catch_unwind(AssertUnwindSafe(|| execution.as_mut().poll(context)));
                polled.unwrap_or_else(|_| Poll::Ready(Err(panicked()))).map(Done::Executed)
            }
            Work::Probes(probes) => match Pin::new(probes).poll_next(context) {
                Poll::Ready(Some(probed)) => Poll::Ready(Done::Probed(probed)),
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            },
            Work::Forward(forward) => forward.as_mut().poll(context).map(Done::Forwarded),
        }
    }
}

/// A function's panic is its own failure, not the node's.
fn panicked() -> ExecuteError {
    ExecuteError::Failed("it panicked".into())
}

/// One job under way. If its task goes away (the client has closed), a function that runs is let
/// finish, and anything else is cancelled.
struct Job {
    shared: Arc<Shared>,
    key: JobKey,
    function: Arc<RegisteredFunction>,
    call: FunctionCall,
    /// To be waited for before the function may run, here or at a peer.
    before: Option<Boxed<()>>,
    work: Work,
    result: JobResult,
    over: bool,
    detached: bool,
}

/// Brings a job to the node and drives it to its end.
pub(crate) async fn drive(
    shared: Arc<Shared>,
    function: Arc<RegisteredFunction>,
    arrival: Arrival,
    call: FunctionCall,
) -> Finished {
    drive_after(shared, function, arrival, call, None).await
}

/// The same for a job whose beginning must be written down: `before` is waited for, once, before its function may
/// run. As long as it has not been polled, the function has not run.
pub(crate) async fn drive_after(
    shared: Arc<Shared>,
    function: Arc<RegisteredFunction>,
    arrival: Arrival,
    call: FunctionCall,
    before: Option<Boxed<()>>,
) -> Finished {
    let (key, command) = shared.engine.arrive(arrival);
    let (work, result) = (Work::Nothing, JobResult::Nothing);
    let mut job = Job { shared, key, function, call, before, work, result, over: false, detached: false };
    job.run(command).await
}

impl Job {
    async fn run(&mut self, mut command: Option<Command>) -> Finished {
        loop {
            match command {
                Some(Command::End(ending)) => {
                    self.over = true;
                    self.work = Work::Nothing;
                    return Finished {
                        ending: *ending,
                        result: std::mem::replace(&mut self.result, JobResult::Nothing),
                    };
                }
                Some(other) => self.begin(other),
                None => {}
            }
            command = self.next().await;
        }
    }

    fn begin(&mut self, command: Command) {
        self.work = match command {
            Command::Execute => {
                let (call, executor) = (self.call.clone(), &self.function.executor);
                if let Some(before) = self.before.take() {
                    let executor = executor.clone();
                    Work::Execution(Box::pin(async move {
                        before.await;
                        executor.execute(call).await
                    }))
                } else {
                    let begun = catch_unwind(AssertUnwindSafe(|| executor.execute(call)));
                    Work::Execution(begun.unwrap_or_else(|_| Box::pin(async { Err(panicked()) })))
                }
            }
            Command::Probe(peers) => Work::Probes(
                peers
                    .into_iter()
                    .map(|(peer, question)| {
                        Box::pin(self.shared.peers.probe(peer, &self.function.name, question))
                            as Boxed<Probed>
                    })
                    .collect(),
            ),
            Command::Forward(forward) => {
                let job = ForwardJob {
                    function: self.function.name.clone(),
                    payload: self.call.payload.clone(),
                    content_type: self.call.content_type.clone(),
                    tracing: self.call.tracing.clone(),
                    traceparent: self.call.traceparent.clone(),
                    forward: *forward,
                };
                let forward = self.shared.peers.forward(job);
                match self.before.take() {
                    None => Work::Forward(Box::pin(forward)),
                    Some(before) => Work::Forward(Box::pin(async move {
                        before.await;
                        forward.await
                    })),
                }
            }
            Command::End(_) => Work::Nothing,
        };
    }

    /// Waits until work is done or mail comes; what to do then.
    async fn next(&mut self) -> Option<Command> {
        let Job { shared, key, work, .. } = self;
        let done = poll_fn(|context| match work.poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => shared.engine.poll_command(*key, context).map(Err),
        });
        match done.await {
            Err(command) => Some(command),
            Ok(done) => self.done(done),
        }
    }

    fn done(&mut self, done: Done) -> Option<Command> {
        let job = self.key;
        let event = match done {
            Done::Probed(Probed { peer, load, offer, node }) => {
                Event::Probed { job, peer, load, offer, node }
            }
            Done::Executed(result) => {
                let success = result.as_ref().is_ok_and(|answer| answer.status.is_success());
                self.work = Work::Nothing;
                self.result = JobResult::Here(result);
                Event::Executed { job, success }
            }
            Done::Forwarded(answer) => {
                let outcome = answer.outcome();
                self.work = Work::Nothing;
                let command = self.shared.engine.feed(job, Event::Forwarded { job, answer: outcome });
                // A job that was turned away, or reached nobody, may begin anew: then this is not its answer.
                let ended = matches!(&command, Some(Command::End(ending)) if ending.forwarded);
                if ended {
                    self.result = JobResult::Peer(answer);
                }
                return command;
            }
        };
        self.shared.engine.feed(job, event)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if self.detached {
            // The process ends: give the slot back.
            self.shared.engine.feed(self.key, Event::Executed { job: self.key, success: false });
            return self.shared.engine.forget(self.key);
        }
        let mut work = std::mem::replace(&mut self.work, Work::Nothing);
        if !matches!(work, Work::Execution(_)) {
            work = Work::Nothing;
            match self.shared.engine.feed(self.key, Event::Cancel { job: self.key }) {
                Some(Command::Execute) => {}
                // Cancelled, or at its end already.
                Some(_) => return,
                None => return self.shared.engine.forget(self.key),
            }
        }
        // The slot is taken: let the function finish, with nobody to hear it.
        let mut rest = Job {
            shared: self.shared.clone(),
            key: self.key,
            function: self.function.clone(),
            call: self.call.clone(),
            before: self.before.take(),
            work,
            result: JobResult::Nothing,
            over: false,
            detached: true,
        };
        let first = matches!(rest.work, Work::Nothing).then_some(Command::Execute);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                rest.run(first).await;
            });
        }
    }
}
