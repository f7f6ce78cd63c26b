//! Waits: a function that takes time and no processor.

use http::StatusCode;

use super::refusal;
use super::seconds::{done, seconds};
use crate::executor::{Execution, Executor, FunctionCall};

pub(super) struct Sleep;

impl Executor for Sleep {
    fn execute(&self, call: FunctionCall) -> Execution {
        Box::pin(async move {
            match seconds(&call.payload) {
                Ok(span) => {
                    tokio::time::sleep(span).await;
                    Ok(done(span))
                }
                Err(why) => Ok(refusal(StatusCode::BAD_REQUEST, &why)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::tests::answer;

    #[tokio::test]
    async fn sleep_takes_the_time_that_it_is_told() {
        let started = Instant::now();
        let answer = answer("sleep", br#"{"seconds": 0.03}"#).await;
        assert!(started.elapsed() >= Duration::from_millis(30));
        assert_eq!(answer.body, r#"{"seconds":0.03}"#);
    }

    #[tokio::test]
    async fn sleep_refuses_what_is_no_time() {
        assert_eq!(answer("sleep", b"soon").await.status, 400);
    }
}
