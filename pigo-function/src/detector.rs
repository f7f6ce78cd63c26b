//! What every detector takes and gives.

use serde::{Deserialize, Serialize};

/// Finds faces in gray pictures.
///
/// A detector keeps the buffers of one picture for the next one, hence `&mut self`; share work
/// between threads by giving each its own detector.
pub trait Detector: Send {
    /// Puts the faces of `picture` into `faces`, which is emptied first, the best first.
    ///
    /// A picture smaller than the detector's window holds no faces; that is no error.
    fn detect(
        &mut self,
        picture: GrayPicture<'_>,
        parameters: &DetectionParameters,
        faces: &mut Vec<Face>,
    ) -> Result<(), DetectionFailed>;
}

/// The detector broke on this picture. The next picture may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the face detector failed on this picture")]
pub struct DetectionFailed;

/// A gray picture, row by row without gaps, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct GrayPicture<'a> {
    pixels: &'a [u8],
    width: u32,
    height: u32,
}

impl<'a> GrayPicture<'a> {
    /// The longest side that detectors take. It bounds their arithmetic: an offset of a pixel
    /// fits an `i32` with room to spare.
    pub const SIDE_PIXELS_MAX: u32 = 32_768;

    /// `None` unless there is exactly one byte a pixel and neither side is longer than
    /// [`SIDE_PIXELS_MAX`](Self::SIDE_PIXELS_MAX).
    pub fn new(pixels: &'a [u8], width: u32, height: u32) -> Option<Self> {
        let fits = width <= Self::SIDE_PIXELS_MAX
            && height <= Self::SIDE_PIXELS_MAX
            && pixels.len() == width as usize * height as usize;
        fits.then_some(Self { pixels, width, height })
    }

    /// The pixels, row by row.
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }
}

/// One face: a square around its centre, as pigo's `Detection` has it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// The row of the centre, in pixels from the top.
    pub row: i32,
    /// The column of the centre, in pixels from the left.
    pub col: i32,
    /// The side of the square, in pixels.
    pub scale: i32,
    /// How sure the detector is. Above zero; the scales of different models do not compare.
    pub q: f32,
}

impl Face {
    /// The overlap of two faces: the area of their intersection over that of their union, 0 to 1.
    pub fn iou(&self, other: &Face) -> f64 {
        let side = f64::from(self.scale);
        let other_side = f64::from(other.scale);
        let along = |centre: i32, other_centre: i32| {
            let (a, b) = (f64::from(centre), f64::from(other_centre));
            let end = (a + side / 2.0).min(b + other_side / 2.0);
            let start = (a - side / 2.0).max(b - other_side / 2.0);
            (end - start).max(0.0)
        };
        let both = along(self.row, other.row) * along(self.col, other.col);
        if both == 0.0 { 0.0 } else { both / (side * side + other_side * other_side - both) }
    }
}

/// How to look for faces. The defaults are those of the reference's function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectionParameters {
    /// The smallest face, in pixels. Half of it costs four times the time and finds more that is
    /// no face. Never below [`SIZE_PIXELS_MIN`](Self::SIZE_PIXELS_MIN).
    pub size_min_pixels: u32,
    /// The largest face, in pixels. Faces larger than the picture are not looked for anyway.
    pub size_max_pixels: u32,
    /// How far the window moves, as a part of its size: 0.01 to 1. Less finds more and
    /// costs the inverse square.
    pub shift: f64,
    /// The ratio between one window size and the next: at least 1.01, at most 4.
    pub scale: f64,
    /// Two windows that overlap more than this (intersection over union, 0 to 1) show one face.
    pub iou: f64,
    /// Faces of which the detector is less sure are left out. Zero keeps all.
    pub quality: f32,
}

impl DetectionParameters {
    /// The hard limit of [`size_min_pixels`](Self::size_min_pixels): below it there is no face to see.
    pub const SIZE_PIXELS_MIN: u32 = 12;

    /// Says what is wrong with the first value out of its range.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        let checks: [(&'static str, &'static str, bool); 6] = [
            ("size_min_pixels", "at least 12", self.size_min_pixels >= Self::SIZE_PIXELS_MIN),
            (
                "size_max_pixels",
                "at least the smallest size, at most 32768",
                (self.size_min_pixels..=GrayPicture::SIDE_PIXELS_MAX).contains(&self.size_max_pixels),
            ),
            ("shift", "0.01 to 1", self.shift >= 0.01 && self.shift <= 1.0),
            ("scale", "1.01 to 4", (1.01..=4.0).contains(&self.scale)),
            ("iou", "0 to 1", (0.0..=1.0).contains(&self.iou)),
            ("quality", "finite and not negative", self.quality.is_finite() && self.quality >= 0.0),
        ];
        match checks.into_iter().find(|(_, _, holds)| !holds) {
            Some((name, range, _)) => Err(InvalidParameter { name, range }),
            None => Ok(()),
        }
    }
}

impl Default for DetectionParameters {
    fn default() -> Self {
        Self { size_min_pixels: 20, size_max_pixels: 2000, shift: 0.1, scale: 1.1, iou: 0.18, quality: 5.0 }
    }
}

/// A detection parameter out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the detection parameter {name} must be {range}")]
pub struct InvalidParameter {
    /// The field of [`DetectionParameters`].
    pub name: &'static str,
    /// What it may be.
    pub range: &'static str,
}
