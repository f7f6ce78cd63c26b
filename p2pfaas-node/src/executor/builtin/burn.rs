//! Keeps a processor busy for a while, as a function that computes does.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;

use super::blocking::blocking;
use super::refusal;
use super::seconds::{done, seconds};
use crate::executor::{Execution, Executor, FunctionCall};

pub(super) struct Burn;

impl Executor for Burn {
    fn execute(&self, call: FunctionCall) -> Execution {
        Box::pin(async move {
            match seconds(&call.payload) {
                Ok(span) => Ok(done(blocking(move |given_up| burn(span, given_up)).await?)),
                Err(why) => Ok(refusal(StatusCode::BAD_REQUEST, &why)),
            }
        })
    }
}

/// Computes until the time is over or nobody waits any more; says how long it was.
fn burn(span: Duration, given_up: &AtomicBool) -> Duration {
    let started = Instant::now();
    loop {
        let taken = started.elapsed();
        if taken >= span || given_up.load(Ordering::Relaxed) {
            return taken;
        }
        // A few microseconds: little against any span, much against reading the clock.
        black_box((0..black_box(5_000_u64)).fold(1, |sum: u64, n| sum.wrapping_mul(31).wrapping_add(n)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, call};
    use super::*;

    #[tokio::test]
    async fn burn_takes_the_time_that_it_is_told() {
        let started = Instant::now();
        let answer = answer("burn", b"0.02").await;
        assert!(started.elapsed() >= Duration::from_millis(20));
        let said: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert!(said["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.02), "{said}");
    }

    #[test]
    fn a_burn_that_nobody_waits_for_ends_at_once() {
        let taken = burn(Duration::from_secs(60), &AtomicBool::new(true));
        assert!(taken < Duration::from_secs(1));
    }

    #[test]
    fn a_dropped_call_frees_its_thread() {
        let started = Instant::now();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let mut burning = Burn.execute(call(b"60"));
            // The first poll starts it; dropping it is what a time-out of the node does.
            let poll = std::future::poll_fn(|context| std::task::Poll::Ready(burning.as_mut().poll(context)));
            assert!(poll.await.is_pending());
        });
        // Waits for all blocking work.
        drop(runtime);
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
