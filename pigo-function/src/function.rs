//! The function itself: a body in, an answer out.

use std::borrow::Cow;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::decode::Picture;
use crate::detector::{DetectionFailed, DetectionParameters, Detector, Face, InvalidParameter};
use crate::frontal::{FrontalDetector, FrontalModel};
use crate::mark;
use crate::pico::{Cascade, CascadeError, PicoDetector};

/// What finds the faces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// The model embedded in the program: frontal faces of at least 40 pixels.
    #[default]
    Frontal,
    /// A PICO cascade, for instance pigo's `facefinder`, from this file. Several times faster.
    Cascade(PathBuf),
}

/// How the function behaves. The defaults are those of the reference's function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// What the body of a request is.
    pub input: InputMode,
    /// What the answer is.
    pub output: OutputMode,
    /// How to look for faces.
    pub detection: DetectionParameters,
    /// What is refused.
    pub limits: InputLimits,
    /// How pictures are fetched, if the input is a URL.
    pub fetch: FetchSettings,
}

/// What the body of a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputMode {
    /// A JPEG or PNG: its bytes, or these in base64.
    #[default]
    Image,
    /// The URL of such a picture.
    Url,
}

/// What the answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// The faces in JSON.
    #[default]
    Json,
    /// The picture with the faces marked, as JPEG.
    Image,
    /// The faces in JSON, and in it the picture with the faces marked, as JPEG in base64.
    JsonImage,
}

/// A mode that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown mode {given:?}: one of {known}")]
pub struct UnknownMode {
    given: String,
    known: &'static str,
}

impl FromStr for InputMode {
    type Err = UnknownMode;

    /// An empty text, as an unset variable of a compose file gives it, is the default.
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "" | "image" => Ok(Self::Image),
            "url" => Ok(Self::Url),
            _ => Err(UnknownMode { given: text.to_owned(), known: "image, url" }),
        }
    }
}

impl FromStr for OutputMode {
    type Err = UnknownMode;

    /// An empty text, as an unset variable of a compose file gives it, is the default.
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "" | "json" => Ok(Self::Json),
            "image" => Ok(Self::Image),
            "json_image" => Ok(Self::JsonImage),
            _ => Err(UnknownMode { given: text.to_owned(), known: "json, image, json_image" }),
        }
    }
}

/// What is refused before work is put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLimits {
    /// The longest body of a request, and the longest picture behind a URL.
    pub body_bytes_max: usize,
    /// The largest picture once decoded. A few kilobytes can decode to gigabytes; and the work of
    /// detection grows with the pixels (frontal model: about a second a megapixel).
    pub pixels_max: u64,
}

impl Default for InputLimits {
    /// 10 MiB and 16 megapixels, the pictures of most cameras.
    fn default() -> Self {
        Self { body_bytes_max: 10 << 20, pixels_max: 16 << 20 }
    }
}

/// How pictures are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchSettings {
    /// Whether URLs may lead to private, loopback and other addresses that are not public. Leave
    /// this off where callers are not trusted: the function would reach into its own network for
    /// them.
    pub allow_private: bool,
    /// How long one picture may take, redirects included.
    pub timeout_s: u32,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { allow_private: false, timeout_s: 10 }
    }
}

/// What a call gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The media type of the body.
    pub content_type: &'static str,
    /// JSON or a JPEG, depending on the [`OutputMode`].
    pub body: Vec<u8>,
    /// How many faces were found.
    pub faces: usize,
}

/// The body of an answer in JSON: the names are the reference's, what comes after `Max` is ours.
#[derive(Serialize)]
struct FacesJson {
    #[serde(rename = "Faces")]
    faces: Vec<FaceJson>,
    #[serde(rename = "ImageBase64")]
    image: String,
}

/// A face as Go writes an `image.Rectangle`, and as pigo writes a `Detection`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FaceJson {
    min: PointJson,
    max: PointJson,
    row: i32,
    col: i32,
    scale: i32,
    q: f32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PointJson {
    x: i64,
    y: i64,
}

impl From<&Face> for FaceJson {
    fn from(face: &Face) -> Self {
        let (left, top, right, bottom) = mark::edges(face);
        let &Face { row, col, scale, q } = face;
        Self {
            min: PointJson { x: left, y: top },
            max: PointJson { x: right, y: bottom },
            row,
            col,
            scale,
            q,
        }
    }
}

/// Why a function cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The cascade's file is no cascade.
    #[error(transparent)]
    Cascade(#[from] CascadeError),
    /// The embedded model cannot be read: the program was built wrongly.
    #[error("the embedded face model cannot be read")]
    Frontal(#[source] std::io::Error),
    /// A detection parameter is out of its range.
    #[error(transparent)]
    Parameter(#[from] InvalidParameter),
    /// The input is a URL, and the program was built without the cargo feature `url`.
    #[error("this program was built without the feature `url`: it cannot fetch pictures")]
    NoFetching,
}

/// Why a call gave no answer. Nothing of a failed call remains; the next one may be made.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The body is not a whole JPEG or PNG, nor one in base64.
    #[error("not an image: {0}")]
    NotAnImage(Cow<'static, str>),
    /// The body, or the picture behind the URL, is too long.
    #[error("the picture has more than {bytes_max} bytes")]
    TooManyBytes {
        /// The limit.
        bytes_max: usize,
    },
    /// The picture decodes to more pixels than allowed.
    #[error("the picture is too large: {width} x {height} pixels, at most {pixels_max} in all")]
    TooManyPixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// The limit.
        pixels_max: u64,
    },
    /// Decoding the picture would take more memory than its pixels account for.
    #[error("decoding the picture takes too much memory")]
    TooMuchMemory,
    /// The body is not a URL that can be fetched.
    #[error("not a URL to fetch: {0}")]
    BadUrl(String),
    /// The URL, or a redirect from it, leads to an address that is not public.
    #[error("the URL leads to the address {0}, which is not public")]
    ForbiddenAddress(std::net::IpAddr),
    /// The picture behind the URL cannot be had.
    #[error("the picture cannot be fetched: {0}")]
    Fetch(String),
    /// The server of the picture is too slow.
    #[error("the picture did not arrive within {0} s")]
    FetchTimeout(u32),
    /// The detector broke on this picture.
    #[error(transparent)]
    Detection(#[from] DetectionFailed),
    /// The answer could not be written.
    #[error("the answer could not be written: {0}")]
    NotWritten(String),
}

impl FunctionError {
    /// The HTTP status that says the same: 400, 403, 413, 500, 502 or 504.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::NotAnImage(_) | Self::BadUrl(_) => 400,
            Self::ForbiddenAddress(_) => 403,
            Self::TooManyBytes { .. } | Self::TooManyPixels { .. } | Self::TooMuchMemory => 413,
            Self::Detection(_) | Self::NotWritten(_) => 500,
            Self::Fetch(_) => 502,
            Self::FetchTimeout(_) => 504,
        }
    }
}

/// Face detection as a function.
///
/// Calls from several threads run side by side, each with a detector of its own; detectors and
/// their buffers go from one call to the next. At most as many as there are processors are kept.
pub struct FaceFunction {
    source: DetectorSource,
    settings: Settings,
    idle: Mutex<Vec<Workplace>>,
    idle_max: usize,
    #[cfg(feature = "url")]
    fetcher: Option<crate::fetch::Fetcher>,
}

/// From what detectors are made.
enum DetectorSource {
    Frontal(FrontalModel),
    Cascade(Arc<Cascade>),
}

/// What one call works with.
struct Workplace {
    detector: Box<dyn Detector>,
    picture: Picture,
    faces: Vec<Face>,
}

/// After a picture that leaves more than this in the buffers they are not kept: 32 MiB are a
/// picture of 8 megapixels in colour.
const KEPT_BYTES_MAX: usize = 32 << 20;

impl FaceFunction {
    /// Reads the model and checks the settings.
    pub fn new(model: Model, settings: Settings) -> Result<Self, ModelError> {
        settings.detection.validate()?;
        let source = match model {
            Model::Frontal => DetectorSource::Frontal(FrontalModel::read().map_err(ModelError::Frontal)?),
            Model::Cascade(path) => DetectorSource::Cascade(Arc::new(Cascade::open(&path)?)),
        };
        #[cfg(not(feature = "url"))]
        if settings.input == InputMode::Url {
            return Err(ModelError::NoFetching);
        }
        Ok(Self {
            source,
            idle: Mutex::default(),
            idle_max: thread::available_parallelism().map_or(1, usize::from),
            #[cfg(feature = "url")]
            fetcher: (settings.input == InputMode::Url)
                .then(|| crate::fetch::Fetcher::new(settings.fetch, settings.limits.body_bytes_max)),
            settings,
        })
    }

    /// What the function was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Finds the faces in the picture that `body` is, or names.
    ///
    /// CPU bound and blocking: call it on a blocking thread.
    pub fn call(&self, body: &[u8]) -> Result<Answer, FunctionError> {
        let bytes_max = self.settings.limits.body_bytes_max;
        if body.len() > bytes_max {
            return Err(FunctionError::TooManyBytes { bytes_max });
        }
        #[cfg(feature = "url")]
        if let Some(fetcher) = &self.fetcher {
            return self.answer(&fetcher.fetch(body)?);
        }
        self.answer(body)
    }

    fn answer(&self, bytes: &[u8]) -> Result<Answer, FunctionError> {
        let mut workplace = self.take();
        let answer = workplace.answer(bytes, &self.settings);
        self.put_back(workplace);
        answer
    }

    fn take(&self) -> Workplace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Workplace {
            detector: match &self.source {
                DetectorSource::Frontal(model) => Box::new(FrontalDetector::new(model)),
                DetectorSource::Cascade(cascade) => Box::new(PicoDetector::new(Arc::clone(cascade))),
            },
            picture: Picture::default(),
            faces: Vec::new(),
        })
    }

    fn put_back(&self, workplace: Workplace) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.idle_max && workplace.picture.capacity_bytes() <= KEPT_BYTES_MAX {
            idle.push(workplace);
        }
    }
}

impl Workplace {
    fn answer(&mut self, bytes: &[u8], settings: &Settings) -> Result<Answer, FunctionError> {
        self.picture.decode(bytes, settings.limits.pixels_max)?;
        let gray = self.picture.gray().ok_or(DetectionFailed)?;
        self.detector.detect(gray, &settings.detection, &mut self.faces)?;

        let (content_type, body) = match settings.output {
            OutputMode::Json => ("application/json", self.json(String::new())?),
            OutputMode::Image => ("image/jpeg", self.marked()?),
            OutputMode::JsonImage => ("application/json", self.json(mark::base64(&self.marked()?))?),
        };
        Ok(Answer { content_type, body, faces: self.faces.len() })
    }

    fn marked(&self) -> Result<Vec<u8>, FunctionError> {
        let mut picture = self.picture.rgb().ok_or(DetectionFailed)?;
        mark::mark(&mut picture, &self.faces);
        mark::jpeg(&picture)
    }

    fn json(&self, image: String) -> Result<Vec<u8>, FunctionError> {
        let faces = self.faces.iter().map(FaceJson::from).collect();
        serde_json::to_vec(&FacesJson { faces, image })
            .map_err(|error| FunctionError::NotWritten(error.to_string()))
    }
}
