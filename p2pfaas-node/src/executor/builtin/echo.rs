//! Answers with what it got.

use http::{HeaderMap, StatusCode, header};

use crate::executor::{Execution, Executor, FunctionAnswer, FunctionCall};

pub(super) struct Echo;

impl Executor for Echo {
    fn execute(&self, call: FunctionCall) -> Execution {
        let content_type = call.content_type.map(|value| (header::CONTENT_TYPE, value));
        let headers: HeaderMap = content_type.into_iter().collect();
        let answer = FunctionAnswer { status: StatusCode::OK, headers, body: call.payload };
        Box::pin(std::future::ready(Ok(answer)))
    }
}
