//! Face detection as a serverless function.
//!
//! [`FaceFunction`] takes the body of a request, a JPEG or PNG (or one in base64, or its URL), and
//! answers with the faces in it, in JSON or drawn into the picture. It is a library that a node
//! embeds; with the feature `service` it is also an HTTP service that keeps the contract of
//! OpenFaaS functions.
//!
//! Two detectors stand behind one trait, [`Detector`]: [`FrontalDetector`] with a model that is
//! embedded in the program and needs nothing from outside, and [`PicoDetector`], which evaluates
//! PICO cascades such as pigo's `facefinder` from a file, finds what pigo finds, and is several
//! times faster.
//!
//! ```
//! use pigo_function::{FaceFunction, Model, Settings};
//!
//! let function = FaceFunction::new(Model::Frontal, Settings::default())?;
//! let error = function.call(b"no picture").unwrap_err();
//! assert_eq!(error.http_status(), 400);
//! # Ok::<(), pigo_function::ModelError>(())
//! ```

mod cluster;
mod decode;
mod detector;
#[cfg(feature = "url")]
mod fetch;
mod frontal;
mod function;
mod mark;
mod pico;
#[cfg(feature = "sample")]
pub mod sample;
#[cfg(feature = "service")]
pub mod service;

pub use detector::{DetectionFailed, DetectionParameters, Detector, Face, GrayPicture, InvalidParameter};
#[cfg(feature = "url")]
pub use fetch::is_public;
pub use frontal::{FrontalDetector, FrontalModel};
pub use function::{
    Answer, FaceFunction, FetchSettings, FunctionError, InputLimits, InputMode, Model, ModelError,
    OutputMode, Settings, UnknownMode,
};
pub use pico::{Cascade, CascadeError, PicoDetector};
