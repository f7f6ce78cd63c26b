//! Functions behind an OpenFaaS gateway, and the calls of `/system/*` that are passed through to it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::container::{answer, post};
use super::{ExecuteError, Execution, Executor, FunctionAnswer, FunctionCall};
use crate::client::{CallSettings, Client};

/// Between two looks at whether a scaled function has a replica, and so the error of the delay.
const SCALE_POLL: Duration = Duration::from_millis(100);
/// After this a scaled function without a replica counts as failed.
const SCALE_TIMEOUT: Duration = Duration::from_secs(60);

/// A gateway. Clones share its connections.
#[derive(Clone)]
pub struct OpenFaas {
    /// Without a slash at its end.
    address: String,
    authorization: Option<HeaderValue>,
    client: Client,
}

/// Name and password of a gateway's basic authentication.
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What `POST /system/functions` takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// The function, as OpenFaaS describes it; it goes to the gateway as it is.
    pub openfaas_service: serde_json::Value,
    /// Its deadline in seconds.
    #[serde(default)]
    pub deadline: Option<f64>,
}

/// How long a function took to get its first replica.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScaleDelay {
    /// In seconds.
    pub approximate_delay: f64,
    /// How far off that may be, in milliseconds.
    pub error_margin: u32,
    /// How often the gateway was asked.
    pub attempts: u32,
}

impl OpenFaas {
    /// The gateway at this `http://` address, whose answers may have this many bytes.
    pub fn new(gateway: &Uri, credentials: Option<&Credentials>, max_answer_bytes: usize) -> Self {
        OpenFaas {
            address: gateway.to_string().trim_end_matches('/').to_string(),
            authorization: credentials.map(Credentials::header),
            client: Client::new(CallSettings::new(max_answer_bytes)),
        }
    }

    /// What runs a function of the gateway.
    pub fn executor(&self, function: &str) -> Arc<dyn Executor> {
        Arc::new(OpenFaasFunction { gateway: self.clone(), function: function.to_string() })
    }

    /// All functions: `GET /system/functions`.
    ///
    /// # Errors
    /// The gateway gave no answer. What it answers, errors too, is passed through.
    pub async fn functions(&self) -> Result<FunctionAnswer, ExecuteError> {
        self.ask(Method::GET, "/system/functions", None).await
    }

    /// Deploys a function: `POST /system/functions`.
    ///
    /// # Errors
    /// See [`OpenFaas::functions`].
    pub async fn deploy(&self, deployment: &Deployment) -> Result<FunctionAnswer, ExecuteError> {
        self.ask(Method::POST, "/system/functions", Some(&deployment.openfaas_service)).await
    }

    /// One function: `GET /system/function/{name}`.
    ///
    /// # Errors
    /// See [`OpenFaas::functions`]; a name that cannot be one.
    pub async fn function(&self, name: &str) -> Result<FunctionAnswer, ExecuteError> {
        self.ask(Method::GET, &format!("/system/function/{}", segment(name)?), None).await
    }

    /// Sets a function's replicas: `POST /system/scale-function/{name}`.
    ///
    /// # Errors
    /// See [`OpenFaas::function`].
    pub async fn scale(&self, name: &str, replicas: u64) -> Result<FunctionAnswer, ExecuteError> {
        // Gateways have called the name both ways.
        let body = json!({ "service": name, "serviceName": name, "replicas": replicas });
        self.ask(Method::POST, &format!("/system/scale-function/{}", segment(name)?), Some(&body)).await
    }

    /// Scales a function to one replica and measures how long it takes until it is there.
    ///
    /// # Errors
    /// The gateway gave no answer or an error, or there is no replica after a minute.
    pub async fn scale_delay(&self, name: &str) -> Result<ScaleDelay, ExecuteError> {
        let measure = async {
            let started = Instant::now();
            succeeded(self.scale(name, 1).await?)?;
            let mut attempts = 1;
            while replicas(&succeeded(self.function(name).await?)?)? == 0 {
                tokio::time::sleep(SCALE_POLL).await;
                attempts += 1;
            }
            let approximate_delay = started.elapsed().as_secs_f64();
            Ok(ScaleDelay { approximate_delay, error_margin: SCALE_POLL.as_millis() as u32, attempts })
        };
        let late = |_| ExecuteError::Failed(format!("no replica after {} s", SCALE_TIMEOUT.as_secs()));
        tokio::time::timeout(SCALE_TIMEOUT, measure).await.map_err(late)?
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<FunctionAnswer, ExecuteError> {
        let uri = self.uri(path)?;
        let json = body.map(|body| Bytes::from(body.to_string()));
        let mut headers = self.headers();
        if json.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut request = Request::new(json.unwrap_or_default());
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        answer(self.client.send(request).await, &uri.to_string())
    }

    fn uri(&self, path: &str) -> Result<Uri, ExecuteError> {
        let address = format!("{}{path}", self.address);
        address.parse().map_err(|_| ExecuteError::Failed(format!("{address} is no address")))
    }

    fn headers(&self) -> HeaderMap {
        self.authorization.iter().map(|value| (header::AUTHORIZATION, value.clone())).collect()
    }
}

impl fmt::Debug for OpenFaas {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFaas").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Credentials {
    fn header(&self) -> HeaderValue {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)));
        let mut value = HeaderValue::try_from(basic).unwrap_or(HeaderValue::from_static("Basic"));
        value.set_sensitive(true);
        value
    }
}

struct OpenFaasFunction {
    gateway: OpenFaas,
    function: String,
}

impl Executor for OpenFaasFunction {
    fn execute(&self, call: FunctionCall) -> Execution {
        let path = segment(&self.function).map(|name| format!("/function/{name}"));
        let uri = path.and_then(|path| self.gateway.uri(&path));
        let OpenFaas { client, .. } = self.gateway.clone();
        let headers = self.gateway.headers();
        Box::pin(async move {
            let uri = uri?;
            let address = uri.to_string();
            answer(client.send(post(uri, call, headers)).await, &address)
        })
    }
}

/// A name as part of a path: it must not lead elsewhere on the gateway.
fn segment(name: &str) -> Result<&str, ExecuteError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.is_empty() && name.bytes().all(plain) && !name.bytes().all(|byte| byte == b'.') {
        Ok(name)
    } else {
        Err(ExecuteError::Failed(format!("{name:?} cannot be the name of a function")))
    }
}

fn succeeded(answer: FunctionAnswer) -> Result<FunctionAnswer, ExecuteError> {
    if answer.status.is_success() {
        Ok(answer)
    } else {
        Err(ExecuteError::Failed(format!("the gateway answered {}", answer.status)))
    }
}

fn replicas(answer: &FunctionAnswer) -> Result<u64, ExecuteError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        #[serde(default)]
        available_replicas: u64,
    }

    let status: Status =
        serde_json::from_slice(&answer.body).map_err(|error| ExecuteError::BadAnswer(error.to_string()))?;
    Ok(status.available_replicas)
}

#[cfg(test)]
mod tests;
