//! A learner service beside the node, asked and taught as the old one (fact sheet 1.7): one websocket
//! frame a question, batches of experiences over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode, header};
use p2pfaas_core::agent::{Choice, Observation};
use p2pfaas_core::wire::go;
use p2pfaas_core::{Event, JobKey, NodeConfig, Time};
use p2pfaas_learner::Entry;
use p2pfaas_learner::episodes::Episodes;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};

use super::LinkCounts;
use crate::client::{CallSettings, Client};
use crate::engine::Engine;
use crate::security::BearerToken;
use crate::settings::LearnerAddress;

/// Websockets, and so questions under way at once.
const CONNECTIONS: usize = 8;
/// Questions that wait for a websocket; one more goes to the fallback policy.
const MAX_QUESTIONS: usize = 256;
/// Experiences that wait to be handed over; one more is lost.
const MAX_EXPERIENCES: usize = 65_536;
/// Experiences in one batch.
const BATCH: usize = 256;
/// For the first experience of a batch to wait for more.
const BATCH_INTERVAL: Duration = Duration::from_millis(200);
/// For the learner to take a batch.
const BATCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Times that a batch is sent to a learner that does not answer, before it is given up.
const BATCH_TRIES: u32 = 5;
/// Until a learner that does not answer is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// For the opening of a websocket.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest frame or answer that is read.
const MAX_ANSWER_BYTES: usize = 4_096;

/// A learner service.
pub(crate) struct Remote {
    address: LearnerAddress,
    token: Option<BearerToken>,
    ask_timeout: Duration,
    client: Client,
    questions: mpsc::Sender<Question>,
    /// Taken in turn by the websockets' tasks.
    asked: Mutex<mpsc::Receiver<Question>>,
    experiences: mpsc::Sender<Lesson>,
    up: AtomicUsize,
    learned: AtomicU64,
    lost: AtomicU64,
    refused: AtomicU64,
    /// Whether a refusal has been told since the learner answered last.
    refusal_told: AtomicBool,
}

struct Question {
    job: JobKey,
    frame: String,
    asked: Instant,
}

enum Lesson {
    Learn(Entry),
    /// Everything before it is to be handed over now.
    Flush(oneshot::Sender<()>),
}

/// One experience as the old clients send it; ε and mask are ours, and old learners pass over them.
#[derive(Serialize)]
struct WireEntry {
    eid: String,
    state: String,
    action: String,
    reward: f64,
    epsilon: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mask: Vec<bool>,
}

impl Remote {
    /// The way to a learner, and the end of it that [`teach`](Self::teach) empties.
    pub(crate) fn new(
        address: LearnerAddress,
        token: Option<BearerToken>,
        core: &NodeConfig,
    ) -> (Arc<Self>, Lessons) {
        // Jobs end in another order than their choices were made. A learner gives up early what is missing,
        // and would never hear of the jobs that took longest: they are brought into order here.
        let longest = core.job_timeout.unwrap_or(Duration::MAX);
        let mut order = Episodes::new(core.max_jobs as usize, longest);
        order.begin_at(core.first_eid);
        let (questions, asked) = mpsc::channel(MAX_QUESTIONS);
        let (experiences, lessons) = mpsc::channel(MAX_EXPERIENCES);
        let remote = Remote {
            address,
            token,
            ask_timeout: core.ask_timeout,
            client: Client::new(CallSettings::new(MAX_ANSWER_BYTES)),
            questions,
            asked: Mutex::new(asked),
            experiences,
            up: AtomicUsize::new(0),
            learned: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            refusal_told: AtomicBool::new(false),
        };
        (Arc::new(remote), Lessons { lessons, order })
    }

    /// Passes a question on; false: nobody can answer it now.
    pub(super) fn ask(&self, job: JobKey, observation: &Observation) -> bool {
        if self.up.load(Ordering::Acquire) == 0 {
            return false;
        }
        let numbers: Vec<_> = observation.state.iter().map(f64::to_string).collect();
        let frame = format!("[{}]", numbers.join(","));
        self.questions.try_send(Question { job, frame, asked: Instant::now() }).is_ok()
    }

    /// Hands an experience over, or counts it as lost.
    pub(super) fn learn(&self, entry: Entry) {
        if self.experiences.try_send(Lesson::Learn(entry)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn counts(&self) -> LinkCounts {
        LinkCounts {
            learned: self.learned.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            up: self.up.load(Ordering::Acquire) > 0,
        }
    }

    /// Waits until everything has been handed over, or given up.
    pub(crate) async fn flush(&self) {
        let (sender, done) = oneshot::channel();
        if self.experiences.send(Lesson::Flush(sender)).await.is_ok() {
            // It ends early only with the task that would have told.
            let _ = done.await;
        }
    }

    /// Keeps websockets open and carries questions over them. Runs as long as the node.
    pub(crate) async fn answer(self: Arc<Self>, engine: Arc<Engine>) {
        let one = |_| self.clone().keep_connection(engine.clone());
        futures_util::future::join_all((0..CONNECTIONS).map(one)).await;
    }

    async fn keep_connection(self: Arc<Self>, engine: Arc<Engine>) {
        loop {
            match timeout(CONNECT_TIMEOUT, self.connect()).await {
                Ok(Ok(socket)) => {
                    self.refusal_told.store(false, Ordering::Relaxed);
                    if self.up.fetch_add(1, Ordering::AcqRel) == 0 {
                        tracing::info!(learner = %self.address, "the learner answers");
                    }
                    let why = self.carry(socket, &engine).await;
                    if self.up.fetch_sub(1, Ordering::AcqRel) == 1 {
                        tracing::warn!(learner = %self.address, why, "the learner is gone; the fallback policy decides");
                    }
                }
                Ok(Err(WebSocketError::Http(answer))) if is_for_want_of_a_token(answer.status()) => {
                    let said = answer.body().as_deref().unwrap_or_default();
                    self.is_refused(answer.status(), said);
                }
                Ok(Err(error)) => tracing::debug!(learner = %self.address, %error, "no learner"),
                Err(_) => tracing::debug!(learner = %self.address, "the learner does not answer"),
            }
            sleep(RETRY).await;
        }
    }

    /// Counts a refusal, and tells it once: the learner will say the same again until somebody gives it or this node
    /// another token.
    fn is_refused(&self, status: StatusCode, said: &[u8]) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if !self.refusal_told.swap(true, Ordering::Relaxed) {
            let said = shortened(said);
            let learner = &self.address;
            tracing::warn!(%learner, %status, said, "the learner refuses this node: it wants another token (learner-token)");
        }
    }

    async fn connect(&self) -> Result<WebSocketStream<TcpStream>, WebSocketError> {
        let stream = TcpStream::connect((self.address.host.as_str(), self.address.websocket_port)).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_ANSWER_BYTES))
            .max_frame_size(Some(MAX_ANSWER_BYTES));
        let url = format!("ws://{}:{}/", self.address.in_url(), self.address.websocket_port);
        let mut request = url.into_client_request()?;
        if let Some(token) = &self.token {
            token.put(request.headers_mut());
        }
        let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        Ok(socket)
    }

    /// Carries questions until the websocket breaks; returns why it did.
    async fn carry(&self, mut socket: WebSocketStream<TcpStream>, engine: &Engine) -> &'static str {
        loop {
            let question = tokio::select! {
                // First: a websocket that has been closed takes no question with it.
                biased;
                frame = socket.next() => match frame {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    _ => return "it closed the websocket",
                },
                question = async { self.asked.lock().await.recv().await } => question,
            };
            let Some(Question { job, frame, asked }) = question else { return "the node ends" };
            let Some(left) = self.ask_timeout.checked_sub(asked.elapsed()) else {
                // The fallback has decided about it already.
                continue;
            };
            let answer = timeout(left, exchange(&mut socket, frame)).await;
            let choice = answer.ok().flatten();
            engine.notice(Event::Acted { job, choice });
            if choice.is_none() {
                // A late answer would be taken for that of the next question.
                return "it gave no proper answer in time";
            }
        }
    }

    /// Sends experiences in batches. Runs as long as the node.
    pub(crate) async fn teach(self: Arc<Self>, Lessons { mut lessons, mut order }: Lessons) {
        let began = Instant::now();
        let now = || Time::from_nanos(began.elapsed().as_nanos() as u64);
        let (mut batch, mut ordered) = (Vec::new(), Vec::new());
        while let Some(lesson) = lessons.recv().await {
            let mut flushed = None;
            let send_at = Instant::now() + BATCH_INTERVAL;
            let mut next = Some(lesson);
            order.tick(now(), &mut ordered);
            while let Some(lesson) = next {
                match lesson {
                    Lesson::Learn(entry) => order.push(now(), entry, &mut ordered),
                    Lesson::Flush(sender) => {
                        order.flush(&mut ordered);
                        flushed = Some(sender);
                    }
                }
                batch.extend(ordered.drain(..).filter_map(|next| WireEntry::of(&next.entry)));
                if batch.len() >= BATCH || flushed.is_some() {
                    break;
                }
                next = tokio::time::timeout_at(send_at, lessons.recv()).await.ok().flatten();
            }
            if !batch.is_empty() {
                self.send(&batch).await;
                batch.clear();
            }
            if let Some(sender) = flushed {
                // Whoever waited may have given up.
                let _ = sender.send(());
            }
        }
    }

    async fn send(&self, batch: &[WireEntry]) {
        let count = batch.len() as u64;
        let body = Bytes::from(serde_json::to_vec(batch).unwrap_or_default());
        let uri = format!("http://{}:{}/train_batch", self.address.in_url(), self.address.port);
        for attempt in 1..=BATCH_TRIES {
            let request = Request::builder()
                .method(Method::POST)
                .uri(&uri)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone());
            let Ok(mut request) = request else { break };
            if let Some(token) = &self.token {
                token.put(request.headers_mut());
            }
            match timeout(BATCH_TIMEOUT, self.client.send(request)).await {
                Ok(Ok(answer)) if answer.status().is_success() => {
                    self.learned.fetch_add(count, Ordering::Relaxed);
                    return;
                }
                // It would say the same again.
                Ok(Ok(answer)) if is_for_want_of_a_token(answer.status()) => {
                    self.is_refused(answer.status(), answer.body());
                    break;
                }
                Ok(Ok(answer)) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => {
                    let said = shortened(answer.body());
                    tracing::warn!(status = %answer.status(), said, "the learner refuses a batch");
                    break;
                }
                Ok(Ok(_)) => tracing::debug!(attempt, "the learner has no room for a batch"),
                Ok(Err(error)) => tracing::debug!(attempt, %error, "a batch has not been sent"),
                Err(_) => tracing::debug!(attempt, "no answer to a batch"),
            }
            sleep(RETRY).await;
        }
        self.lost.fetch_add(count, Ordering::Relaxed);
        tracing::warn!(count, "experiences are lost: the learner did not take them");
    }
}

/// Experiences on their way to [`Remote::teach`].
pub(crate) struct Lessons {
    lessons: mpsc::Receiver<Lesson>,
    order: Episodes,
}

impl WireEntry {
    /// `None` for one of which nothing can be said: old learners have no word for it.
    fn of(entry: &Entry) -> Option<Self> {
        Some(WireEntry {
            eid: entry.eid.to_string(),
            state: go::format_f_list(&entry.state),
            action: go::format_f(f64::from(entry.action)),
            reward: entry.reward?,
            epsilon: entry.epsilon,
            mask: entry.mask.to_vec(),
        })
    }
}

fn is_for_want_of_a_token(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// What a learner said, for the log.
fn shortened(said: &[u8]) -> String {
    String::from_utf8_lossy(said).chars().take(200).collect()
}

/// One question and its answer; `None` when the answer is not proper.
async fn exchange(socket: &mut WebSocketStream<TcpStream>, frame: String) -> Option<Choice> {
    socket.send(Message::text(frame)).await.ok()?;
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return choice(&text),
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return None,
        }
    }
}

/// `action,eps`, both with decimals.
fn choice(text: &str) -> Option<Choice> {
    let (action, epsilon) = text.split_once(',')?;
    let action = action.trim().parse::<f64>().ok()?;
    let epsilon = epsilon.trim().parse::<f64>().ok().filter(|epsilon| epsilon.is_finite())?;
    let whole = (0.0..=f64::from(u32::MAX)).contains(&action);
    whole.then_some(Choice { action: action as u32, epsilon, probability: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_action_and_an_epsilon() {
        let told = choice("3.00000,0.89100").map(|choice| (choice.action, choice.epsilon));
        assert_eq!(told, Some((3, 0.891)));
        for text in ["", "1", "1;0.5", "-1.0,0.5", "x,0.5", "1.0,", "NaN,0.5", "1.0,inf", "5000000000,0.1"] {
            assert_eq!(choice(text), None, "{text}");
        }
    }

    #[test]
    fn an_experience_is_sent_as_the_old_clients_do() {
        let entry = Entry {
            eid: 7,
            state: [0.0, 2.0, 1.0].into_iter().collect(),
            mask: Default::default(),
            action: 3,
            epsilon: 0.5,
            reward: Some(1.0),
            terminal: false,
        };
        let sent = serde_json::to_string(&WireEntry::of(&entry)).expect("serialises");
        let expected = r#"{"eid":"7","state":"0.000000,2.000000,1.000000","action":"3.000000","reward":1.0,"epsilon":0.5}"#;
        assert_eq!(sent, expected);
    }
}
