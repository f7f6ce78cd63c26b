//! Pictures of faces for tests and load generators, without a picture in this repository: the
//! group photo that the rustface package carries, and crops of it.

use std::sync::OnceLock;

use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};

use crate::function::FunctionError;
use crate::mark;

static PICTURE: &[u8] = include_bytes!(env!("PIGO_SAMPLE_PICTURE"));

/// Left, top and side of squares around single faces of the group photo.
#[rustfmt::skip]
const SQUARES: [[u32; 3]; 28] = [
    [217, 10, 104], [1345, 13, 104], [351, 64, 95], [874, 71, 91],
    [1265, 80, 81], [1113, 71, 102], [589, 74, 102], [1410, 72, 106],
    [991, 84, 102], [443, 103, 98], [896, 166, 100], [740, 164, 108],
    [28, 170, 102], [356, 173, 104], [542, 177, 102], [1058, 177, 104],
    [1235, 180, 110], [188, 191, 100], [1402, 195, 98], [80, 229, 98],
    [1137, 222, 115], [840, 224, 112], [442, 229, 106], [1013, 227, 110],
    [1335, 236, 100], [258, 232, 115], [634, 234, 114], [1461, 250, 110],
];

/// Crops hold no more detail from 115 pixels on; 4096 are 50 MB while one is being made.
const SIDE_PIXELS_MAX: u32 = 4096;

/// The group photo of the rustface package: a PNG of 1666 x 1136 pixels.
pub fn picture() -> &'static [u8] {
    PICTURE
}

/// Square crops around single faces of the group photo, scaled to `pixels` by `pixels`, as JPEG,
/// always in the same order. From 80 pixels up the default detector finds a face in each; below,
/// the faces, half as wide as their crops, are smaller than its window.
pub fn crops(pixels: u32) -> Result<Vec<Vec<u8>>, FunctionError> {
    if !(1..=SIDE_PIXELS_MAX).contains(&pixels) {
        return Err(FunctionError::NotWritten(format!("crops have 1 to {SIDE_PIXELS_MAX} pixels a side")));
    }
    let photo = photo()?;
    SQUARES
        .iter()
        .map(|&[left, top, side]| {
            let square = imageops::crop_imm(photo, left, top, side, side).to_image();
            mark::jpeg(&imageops::resize(&square, pixels, pixels, FilterType::Triangle))
        })
        .collect()
}

/// Decoding takes a tenth of a second: done once.
fn photo() -> Result<&'static RgbImage, FunctionError> {
    static PHOTO: OnceLock<RgbImage> = OnceLock::new();
    if let Some(photo) = PHOTO.get() {
        return Ok(photo);
    }
    let photo = image::load_from_memory_with_format(PICTURE, ImageFormat::Png)
        .map_err(|error| FunctionError::NotAnImage(error.to_string().into()))?;
    Ok(PHOTO.get_or_init(|| photo.into_rgb8()))
}
