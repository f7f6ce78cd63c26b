//! The `p2pfaas-node` command, from its arguments to its exit code.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use p2pfaas_core::policy::Registry;
use p2pfaas_learner::service::{StopSignals, ask_health};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::NodeService;
use crate::config::{self, Asked, Loaded, LogFormat, LogSettings};
use crate::supervisor;

/// Exit code for a wrong configuration.
const MISCONFIGURED: u8 = 2;

/// Runs a node that knows these policies, until it is told to stop: the whole of a `main`.
pub fn run(registry: Registry) -> ExitCode {
    let read_file = |path: &std::path::Path| std::fs::read_to_string(path);
    match config::load(std::env::args_os(), std::env::vars_os(), &read_file, &registry) {
        Ok(Asked::Node(loaded)) => serve(*loaded, registry),
        Ok(Asked::Health(listen)) => match ask_health(listen) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                let _ = writeln!(stderr(), "p2pfaas-node: the node at {listen} is not well: {why}");
                ExitCode::FAILURE
            }
        },
        Ok(Asked::Text(text)) => {
            // A reader that has seen enough and closed its end is no failure.
            let _ = stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            let _ =
                writeln!(stderr(), "p2pfaas-node: {errors}\nNothing was started; --help explains all keys.");
            ExitCode::from(MISCONFIGURED)
        }
    }
}

fn serve(loaded: Loaded, registry: Registry) -> ExitCode {
    start_log(&loaded.log);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    // The requests are served by threads of their own; here stay discovery, timers and signals.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(why) => {
            error!(%why, "cannot start threads");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(node(loaded, registry));
    // Not waiting for what the shutdown's grace has cut off.
    runtime.shutdown_background();
    code
}

async fn node(loaded: Loaded, registry: Registry) -> ExitCode {
    let mut settings = loaded.settings;
    settings.workers = loaded.threads;
    // Grows over restarts, and with it the ids of jobs.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    settings.core.first_job_number = u64::try_from(since_1970.as_micros()).unwrap_or_default();
    settings.core.first_eid = settings.core.first_job_number;
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(why) => {
            error!(%why, "cannot listen for signals");
            return ExitCode::FAILURE;
        }
    };

    info!(
        version = env!("CARGO_PKG_VERSION"),
        seed = settings.seed,
        first_job_number = settings.core.first_job_number,
        threads = loaded.threads,
        slots = settings.core.capacity.slots,
        queue = settings.core.capacity.queue,
        policy = %settings.policy,
        peers = settings.peers.len(),
        "starting"
    );
    for function in &loaded.functions {
        info!(name = %function.name, target = %function.target, deadline = ?function.deadline, "function");
    }
    let (discovery, learner) = (settings.discovery_listen, settings.learner_listen);
    let service = match NodeService::start(settings, Arc::new(registry)).await {
        Ok(service) => service,
        Err(why) => {
            error!(%why, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    info!(address = %service.address(), ?discovery, ?learner, "listening");

    supervisor::ready();
    tokio::select! {
        () = signals.next() => {}
        never = supervisor::live() => match never {},
    }
    supervisor::stopping();
    info!("told to stop; jobs under way may finish");
    tokio::select! {
        () = service.shutdown() => {
            info!("stopped");
            ExitCode::SUCCESS
        }
        () = signals.next() => {
            warn!("told to stop again; jobs under way are lost");
            ExitCode::FAILURE
        }
    }
}

fn start_log(settings: &LogSettings) {
    // It has been checked with the rest of the configuration.
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match settings.format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
}
