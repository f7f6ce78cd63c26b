//! The `pigo-function` command: face detection as an HTTP service.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::builder::FalseyValueParser;
use pigo_function::service::{ServiceSettings, serve};
use pigo_function::{
    DetectionParameters, FaceFunction, FetchSettings, InputLimits, InputMode, Model, OutputMode, Settings,
};
use tokio::net::TcpListener;
use tokio::runtime;
use tracing_subscriber::EnvFilter;

/// Finds faces in pictures, as a function in the OpenFaaS contract.
///
/// POST a JPEG or PNG (its bytes, or base64 of them) to any path; the answer is JSON:
/// {"Faces": [{"Min": {"X", "Y"}, "Max": {"X", "Y"}, "Row", "Col", "Scale", "Q"}], "ImageBase64": ""}.
/// GET /_/health and /_/ready answer 200 while the service takes calls.
/// SIGTERM and Ctrl-C let the calls in hand finish, then end the service.
#[derive(Parser)]
#[command(
    version,
    after_long_help = "Examples:\n  \
        pigo-function\n  \
        curl --data-binary @group.jpg http://localhost:8080/\n\n  \
        pigo-function --cascade facefinder --output-mode image\n  \
        curl --data-binary @group.jpg http://localhost:8080/ -o marked.jpg\n\n\
        Exit codes: 0 stopped as told, 1 failed (the message says why), 2 wrong usage.\n\
        Every option is also an environment variable; an option given wins. RUST_LOG sets what is logged."
)]
struct Options {
    /// Address and port to listen on
    #[arg(long, env = "PIGO_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// Use this PICO cascade, for instance pigo's `facefinder`, not the embedded model
    ///
    /// Several times faster than the embedded model, and finds faces down to 20 pixels where the
    /// embedded model ends at 40. The file lies in the pigo repository, in the folder `cascade`.
    #[arg(long, env = "PIGO_CASCADE", value_name = "FILE")]
    cascade: Option<PathBuf>,

    /// What is posted: `image` (a JPEG or PNG, plain or in base64) or `url` (where one lies)
    #[arg(long, env = "input_mode", value_name = "MODE", default_value = "image")]
    input_mode: InputMode,

    /// What is answered: `json` (the faces), `image` (a JPEG with the faces marked) or `json_image` (both)
    #[arg(long, env = "output_mode", value_name = "MODE", default_value = "json")]
    output_mode: OutputMode,

    /// The smallest face to look for; half of it takes four times as long
    #[arg(long, env = "PIGO_SIZE_MIN", value_name = "PIXELS", default_value_t = 20)]
    size_min: u32,

    /// The largest face to look for
    #[arg(long, env = "PIGO_SIZE_MAX", value_name = "PIXELS", default_value_t = 2000)]
    size_max: u32,

    /// How far the window moves, as a part of its size; half of it takes four times as long
    #[arg(long, env = "PIGO_SHIFT", value_name = "PART", default_value_t = 0.1)]
    shift: f64,

    /// The ratio between one size of the window and the next
    #[arg(long, env = "PIGO_SCALE", value_name = "RATIO", default_value_t = 1.1)]
    scale: f64,

    /// Windows that overlap more than this show one face (intersection over union)
    #[arg(long, env = "PIGO_IOU", value_name = "PART", default_value_t = 0.18)]
    iou: f64,

    /// How sure the detector must be; 2 finds more, and more that is no face
    #[arg(long, env = "PIGO_QUALITY", value_name = "Q", default_value_t = 5.0)]
    quality: f32,

    /// The longest body taken, and the longest picture fetched; more gets 413
    #[arg(long, env = "PIGO_BODY_BYTES_MAX", value_name = "BYTES", default_value_t = InputLimits::default().body_bytes_max)]
    body_bytes_max: usize,

    /// The largest picture once decoded; more gets 413
    #[arg(long, env = "PIGO_PIXELS_MAX", value_name = "PIXELS", default_value_t = InputLimits::default().pixels_max)]
    pixels_max: u64,

    /// Let URLs lead to private and loopback addresses (never where callers are not trusted)
    #[arg(long, env = "PIGO_ALLOW_PRIVATE_URLS", value_parser = FalseyValueParser::new())]
    allow_private_urls: bool,

    /// How long fetching a picture may take
    #[arg(long, env = "PIGO_FETCH_TIMEOUT_S", value_name = "SECONDS", default_value_t = FetchSettings::default().timeout_s)]
    fetch_timeout: u32,

    /// Calls computed at the same time [default: the number of processors]
    #[arg(long, env = "PIGO_PARALLEL_MAX", value_name = "CALLS")]
    parallel_max: Option<usize>,

    /// Calls that may wait for their turn; one more gets 429 [default: 4 a processor]
    #[arg(long, env = "PIGO_WAITING_MAX", value_name = "CALLS")]
    waiting_max: Option<usize>,

    /// How long a body may take to arrive; then 408
    #[arg(long, env = "PIGO_BODY_TIMEOUT_S", value_name = "SECONDS", default_value_t = ServiceSettings::default().body_timeout_s)]
    body_timeout: u32,

    /// How long calls may go on once told to stop
    #[arg(long, env = "PIGO_GRACE_S", value_name = "SECONDS", default_value_t = ServiceSettings::default().grace_s)]
    grace: u32,

    /// Only ask the service that runs at --listen whether it is well: exit code 0 or 1, for a container's health check
    #[cfg(feature = "url")]
    #[arg(long)]
    health: bool,
}

#[cfg(feature = "url")]
const HEALTH_PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

impl Options {
    fn model(&self) -> Model {
        // A compose file gives an unset variable as an empty text.
        let cascade = self.cascade.clone().filter(|path| !path.as_os_str().is_empty());
        cascade.map_or(Model::Frontal, Model::Cascade)
    }

    fn settings(&self) -> Settings {
        Settings {
            input: self.input_mode,
            output: self.output_mode,
            detection: DetectionParameters {
                size_min_pixels: self.size_min,
                size_max_pixels: self.size_max,
                shift: self.shift,
                scale: self.scale,
                iou: self.iou,
                quality: self.quality,
            },
            limits: InputLimits { body_bytes_max: self.body_bytes_max, pixels_max: self.pixels_max },
            fetch: FetchSettings { allow_private: self.allow_private_urls, timeout_s: self.fetch_timeout },
        }
    }

    fn service(&self) -> ServiceSettings {
        let default = ServiceSettings::default();
        ServiceSettings {
            parallel_max: self.parallel_max.unwrap_or(default.parallel_max),
            waiting_max: self.waiting_max.unwrap_or(default.waiting_max),
            body_timeout_s: self.body_timeout,
            grace_s: self.grace,
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    #[cfg(feature = "url")]
    if options.health {
        return health(&options);
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pigo-function: {why}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "url")]
fn health(options: &Options) -> ExitCode {
    // A wildcard address reaches this machine as well as any other that it has.
    let asked = ureq::get(format!("http://{}/_/health", options.listen))
        .config()
        .timeout_global(Some(HEALTH_PATIENCE))
        .build()
        .call();
    match asked {
        Ok(_) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pigo-function: not well: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let function =
        Arc::new(FaceFunction::new(options.model(), options.settings()).map_err(|error| error.to_string())?);
    let runtime =
        runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        tracing::info!(%address, model = ?options.model(), "listening");
        let told = told_to_stop()?;
        serve(listener, function, options.service(), told).await.map_err(|error| error.to_string())
    });
    // Not waiting for work that the grace has cut off.
    runtime.shutdown_background();
    served
}

/// Ready at the first SIGTERM or Ctrl-C. From the call on, these no longer end the process.
#[cfg(unix)]
fn told_to_stop() -> Result<impl Future<Output = ()> + Send, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ready at the first Ctrl-C.
#[cfg(not(unix))]
fn told_to_stop() -> Result<impl Future<Output = ()> + Send, String> {
    Ok(async {
        // Without a handler the process ends at once, which is what was wanted.
        let _ = tokio::signal::ctrl_c().await;
    })
}
