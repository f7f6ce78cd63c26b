//! Face detection, in the node itself.

use std::sync::OnceLock;

use http::StatusCode;
use pigo_function::{FaceFunction, Model, Settings};

use super::blocking::blocking;
use super::refusal;
use crate::executor::{ExecuteError, Execution, Executor, FunctionAnswer, FunctionCall};

pub(super) struct Pigo;

/// One model for all nodes in the process, read at the first call: a node at rest stays small.
static FUNCTION: OnceLock<Result<FaceFunction, String>> = OnceLock::new();

impl Executor for Pigo {
    fn execute(&self, call: FunctionCall) -> Execution {
        Box::pin(async move { blocking(move |_| detect(&call.payload)).await? })
    }
}

fn detect(body: &[u8]) -> Result<FunctionAnswer, ExecuteError> {
    let read = || FaceFunction::new(Model::Frontal, Settings::default()).map_err(|error| error.to_string());
    let function = FUNCTION.get_or_init(read).as_ref().map_err(|why| ExecuteError::Failed(why.clone()))?;
    Ok(match function.call(body) {
        Ok(answer) => FunctionAnswer::ok(answer.content_type, answer.body),
        Err(error) => {
            let status = StatusCode::from_u16(error.http_status());
            refusal(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &error)
        }
    })
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::super::tests::answer;

    /// A gray square of 64 pixels, in base64, which the function also takes.
    const PICTURE: &[u8] =
        b"iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKBQCAQfA8G320AeXC6efoAAAAASUVORK5CYII=";

    #[tokio::test]
    async fn pigo_answers_with_the_faces_in_json() {
        let answer = answer("pigo", PICTURE).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(answer.body, r#"{"Faces":[],"ImageBase64":""}"#);
    }

    #[tokio::test]
    async fn pigo_says_with_a_status_what_is_wrong_with_a_picture() {
        let answer = answer("pigo", b"no picture").await;
        assert_eq!(answer.status, 400);
        let error: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert!(error["error"].as_str().is_some_and(|why| why.starts_with("not an image")), "{error}");
    }
}
