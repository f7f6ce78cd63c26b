//! Functions that a node embeds, so that it can be tried and measured without any container.

mod blocking;
mod burn;
mod echo;
mod pigo;
mod seconds;
mod sleep;

use std::sync::Arc;

use super::Executor;

/// Names of the functions that a node embeds, for `builtin:NAME`.
pub const NAMES: [&str; 4] = ["echo", "sleep", "burn", "pigo"];

/// The built-in function of this name: `echo`, `sleep`, `burn` or `pigo`.
pub fn builtin(name: &str) -> Option<Arc<dyn Executor>> {
    Some(match name {
        "echo" => Arc::new(echo::Echo),
        "sleep" => Arc::new(sleep::Sleep),
        "burn" => Arc::new(burn::Burn),
        "pigo" => Arc::new(pigo::Pigo),
        _ => return None,
    })
}

/// An error that the function itself answers with.
fn refusal(status: http::StatusCode, why: &dyn std::fmt::Display) -> super::FunctionAnswer {
    let body = serde_json::json!({ "error": why.to_string() }).to_string();
    super::FunctionAnswer { status, ..super::FunctionAnswer::ok("application/json", body) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, header};

    use super::*;
    use crate::executor::{FunctionAnswer, FunctionCall};

    pub(super) fn call(body: &'static [u8]) -> FunctionCall {
        FunctionCall {
            payload: Bytes::from_static(body),
            content_type: None,
            tracing: String::new(),
            task_type: 0,
            traceparent: None,
        }
    }

    pub(super) async fn answer(name: &str, body: &'static [u8]) -> FunctionAnswer {
        builtin(name).expect("exists").execute(call(body)).await.expect("answers")
    }

    #[test]
    fn every_name_has_a_function_and_no_other_text_has() {
        assert!(NAMES.iter().all(|name| builtin(name).is_some()));
        assert!(["", "Echo", "http://echo:8080"].iter().all(|name| builtin(name).is_none()));
    }

    #[tokio::test]
    async fn echo_answers_body_and_content_type_as_they_came() {
        let mut call = call(b"\x00\xff");
        let plain = builtin("echo").expect("exists").execute(call.clone()).await.expect("answers");
        assert_eq!((&plain.body[..], plain.headers.len()), (&b"\x00\xff"[..], 0));

        call.content_type = Some(HeaderValue::from_static("image/png"));
        let typed = builtin("echo").expect("exists").execute(call).await.expect("answers");
        assert_eq!(typed.headers[header::CONTENT_TYPE], "image/png");
    }
}
