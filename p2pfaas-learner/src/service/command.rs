//! The `p2pfaas-learner` command, from its arguments to its exit code.

use std::hash::{BuildHasher, RandomState};
use std::io::{IsTerminal, Write, stderr};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::builder::FalseyValueParser;
use p2pfaas_core::wire::{LEARNER_PORT, LEARNER_WEBSOCKET_PORT, go};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use super::access::{Guard, Role, SecretPlace, Tokens};
use super::folder::DataFolder;
use super::signals::StopSignals;
use super::start::Sources;
use super::state::Service;
use super::{ask_health, routes, serve, serve_websocket};
use crate::online::{Online, OnlineOptions};

/// Exit code for a wrong configuration, and for data that cannot be used.
const MISCONFIGURED: u8 = 2;
/// Threads for what may wait for training or for the disk.
const MAX_BLOCKING_THREADS: usize = 4;

/// The learner of a P2PFaaS node: chooses actions, and learns from what came of them.
///
/// HTTP: GET /act, GET /train, POST /train_batch, /learner/parameters, /learner/stats,
/// /learner/weights, /learner/reset, /learner/checkpoint, /metrics, /health; /openapi.json describes
/// them. Websocket: a JSON array of numbers in, "action,epsilon" out.
#[derive(Parser)]
#[command(
    name = "p2pfaas-learner",
    version,
    after_long_help = "Examples:\n  \
        p2pfaas-learner --data /var/lib/p2pfaas\n  \
        p2pfaas-learner --agent trained.ckpt --frozen\n\n\
        Parameters (--config) are a flat TOML file, such as: rule = \"q-learning\"\n\
        Exit codes: 0 stopped as told, 1 failed, 2 wrong usage or data that cannot be used."
)]
struct Options {
    /// Address and port of the HTTP interface [default: 127.0.0.1:19020]
    #[arg(long, env = "P2PFAAS_LEARNER_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Address and port of the websocket [default: the address of --listen, port 8765]
    #[arg(long, env = "P2PFAAS_LEARNER_WS_LISTEN", value_name = "ADDRESS:PORT")]
    ws_listen: Option<SocketAddr>,

    /// Address to listen on, as the old learner takes it
    #[arg(long, env = "P2PFAAS_LISTENING_HOST", value_name = "ADDRESS", hide = true)]
    listening_host: Option<IpAddr>,

    /// Port of the HTTP interface, as the old learner takes it
    #[arg(long, env = "P2PFAAS_LISTENING_PORT", value_name = "PORT", hide = true)]
    listening_port: Option<u16>,

    /// Where the tokens are that may use the learner, a line each: ROLE[,ROLE] TOKEN; the role here is learn. With
    /// them other addresses than loopback need no --open
    #[arg(long, env = "P2PFAAS_LEARNER_TOKENS", value_name = "file:PATH|env:NAME|none", value_parser = SecretPlace::parse, default_value = "none")]
    tokens: Place,

    /// Let everybody who reaches this machine use the learner: needed for addresses beyond loopback without tokens
    #[arg(long, env = "P2PFAAS_LEARNER_OPEN", value_parser = FalseyValueParser::new())]
    open: bool,

    /// Folder for checkpoints (agent.ckpt) and parameters (p2pfaas_learner.json); without it nothing is kept
    #[arg(long, env = "P2PFAAS_DIR_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// The agent's parameters; without it those of the data folder count
    #[arg(long, env = "P2PFAAS_LEARNER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Begin with the agent of this checkpoint, if the data folder has none
    #[arg(long, env = "P2PFAAS_LEARNER_AGENT", value_name = "FILE")]
    agent: Option<PathBuf>,

    /// Only act, always by what is believed best; learn nothing
    #[arg(long, env = "P2PFAAS_LEARNER_FROZEN", value_parser = FalseyValueParser::new())]
    frozen: bool,

    /// Time between two checkpoints
    #[arg(long, env = "P2PFAAS_LEARNER_CHECKPOINT_INTERVAL", value_name = "SPAN", default_value = "10s", value_parser = span)]
    checkpoint_interval: Duration,

    /// Seed of a new agent [default: a random one, which is logged]
    #[arg(long, env = "P2PFAAS_LEARNER_SEED", value_name = "NUMBER")]
    seed: Option<u64>,

    /// What is logged, such as `warn` or `p2pfaas_learner=debug` [default: info]
    #[arg(long, env = "P2PFAAS_LEARNER_LOG", value_name = "FILTER", value_parser = filter)]
    log: Option<String>,

    /// Only ask the learner that runs at --listen whether it is well: exit code 0 or 1, for a container's health check
    #[arg(long)]
    health: bool,

    /// `development` logs more, as with the old learner
    #[arg(long, env = "P2PFAAS_RUNNING_ENVIRONMENT", value_name = "NAME", hide = true)]
    running_environment: Option<String>,
}

/// clap takes an option of an option for one that may be left out.
type Place = Option<SecretPlace>;

fn span(text: &str) -> Result<Duration, String> {
    let span = go::parse_duration(text).filter(|span| !span.is_zero());
    span.ok_or_else(|| "expected a span of time such as 10s or 500ms".into())
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.into()).map_err(|error| error.to_string())
}

impl Options {
    fn addresses(&self) -> Result<(SocketAddr, SocketAddr), String> {
        let host = self.listening_host.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let old = SocketAddr::new(host, self.listening_port.unwrap_or(LEARNER_PORT));
        let http = self.listen.unwrap_or(old);
        let websocket = self.ws_listen.unwrap_or(SocketAddr::new(http.ip(), LEARNER_WEBSOCKET_PORT));
        match [http, websocket].iter().find(|address| !address.ip().is_loopback()) {
            Some(address) if !self.open && self.tokens.is_none() => Err(format!(
                "everybody who reaches {address} could change this learner: give --tokens, or --open if that is meant"
            )),
            _ => Ok((http, websocket)),
        }
    }

    fn guard(&self) -> Result<Guard, String> {
        let Some(place) = &self.tokens else { return Ok(Guard::new(Tokens::default(), self.open)) };
        let variable = |name: &str| std::env::var(name).ok();
        let tokens = place.read(|path| std::fs::read_to_string(path), variable);
        let tokens: Tokens = tokens.map_err(|error| format!("--tokens {place}: {error}"))?;
        match tokens.has(Role::Learn) {
            true => Ok(Guard::new(tokens, self.open)),
            false => Err(format!(
                "--tokens {place}: no token has the role {}: nobody could use this learner",
                Role::Learn
            )),
        }
    }

    fn start_log(&self) {
        let development = self.running_environment.as_deref() == Some("development");
        let filter = self.log.as_deref().unwrap_or(if development { "debug" } else { "info" });
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(stderr)
            .with_ansi(stderr().is_terminal())
            .init();
    }
}

/// Runs a learner until it is told to stop: the whole of a `main`.
pub fn run() -> ExitCode {
    let options = Options::parse();
    options.start_log();
    if options.health {
        return health(&options);
    }
    match start(&options) {
        Ok((learner, addresses)) => keep(learner, addresses),
        Err(why) => {
            let _ = writeln!(stderr(), "p2pfaas-learner: {why}");
            ExitCode::from(MISCONFIGURED)
        }
    }
}

fn health(options: &Options) -> ExitCode {
    let well = options.addresses().and_then(|(http, _)| ask_health(http).map_err(|why| why.to_string()));
    match well {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(stderr(), "p2pfaas-learner: not well: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A learner that has been started, and what it needs to go on.
struct Started {
    online: Arc<Online>,
    folder: Option<DataFolder>,
    guard: Arc<Guard>,
}

fn start(options: &Options) -> Result<(Started, (SocketAddr, SocketAddr)), String> {
    let addresses = options.addresses()?;
    let guard = Arc::new(options.guard()?);
    let folder = options.data.as_deref().map(DataFolder::open).transpose()?;
    if folder.is_none() {
        warn!("no --data: what is learned is not kept");
    }
    let sources = Sources {
        folder: folder.as_ref(),
        config: options.config.as_deref(),
        agent: options.agent.as_deref(),
        seed: options.seed.unwrap_or_else(|| RandomState::new().hash_one(0)),
    };
    let settings = OnlineOptions {
        checkpoint: folder.as_ref().map(DataFolder::checkpoint),
        interval: options.checkpoint_interval,
        frozen: options.frozen,
        ..OnlineOptions::default()
    };
    let online = Online::start(sources.agent()?, settings).map_err(|error| error.to_string())?;
    Ok((Started { online, folder, guard }, addresses))
}

fn keep(started: Started, addresses: (SocketAddr, SocketAddr)) -> ExitCode {
    // Training has a thread of its own; one is enough for all that waits for the network.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build();
    let served = match runtime {
        Ok(runtime) => {
            let served = runtime.block_on(answer(&started, addresses));
            runtime.shutdown_timeout(Duration::ZERO);
            served
        }
        Err(error) => Err(error.to_string()),
    };
    let failed_before = started.online.stats().checkpoint_errors;
    started.online.stop();
    let kept = started.online.stats().checkpoint_errors == failed_before;
    match served {
        Ok(()) if kept => {
            info!("stopped");
            ExitCode::SUCCESS
        }
        Ok(()) => ExitCode::FAILURE,
        Err(why) => {
            error!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn answer(started: &Started, (http, websocket): (SocketAddr, SocketAddr)) -> Result<(), String> {
    let mut signals = StopSignals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let http = listen(http).await?;
    let websocket = listen(websocket).await?;
    let at = |listener: &TcpListener| listener.local_addr().map_err(|error| error.to_string());
    info!(http = %at(&http)?, websocket = %at(&websocket)?, "listening");

    let (stop, stopped) = watch::channel(false);
    let Started { online, folder, guard } = started;
    let service = Service {
        parameters_file: folder.as_ref().map(DataFolder::parameters),
        guard: Some(guard.clone()),
        ..Service::new(online.clone())
    };
    let mut serving = tokio::spawn(serve(http, routes(service), guard.clone(), stopped.clone()));
    let mut answering = tokio::spawn(serve_websocket(websocket, online.clone(), guard.clone(), stopped));

    signals.next().await;
    info!("told to stop; what has been asked is answered");
    stop.send_replace(true);
    tokio::select! {
        _ = async { tokio::join!(&mut serving, &mut answering) } => Ok(()),
        () = signals.next() => {
            warn!("told to stop again");
            Ok(())
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
}
