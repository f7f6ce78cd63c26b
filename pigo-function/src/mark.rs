//! Draws the faces into their picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use crate::detector::Face;
use crate::function::FunctionError;

const FRAME: Rgb<u8> = Rgb([255, 0, 0]);
const JPEG_QUALITY: u8 = 90;

/// Draws a frame around each face. What lies outside of the picture is left out.
pub fn mark(picture: &mut RgbImage, faces: &[Face]) {
    // Seen at any size: one pixel more for every 200 of the picture.
    let thickness = 2 + picture.width().max(picture.height()) / 200;
    for face in faces {
        let (left, top, right, bottom) = edges(face);
        for inset in 0..i64::from(thickness).min(i64::from(face.scale) / 2) {
            for col in left + inset..right - inset {
                dot(picture, col, top + inset);
                dot(picture, col, bottom - 1 - inset);
            }
            for row in top + inset..bottom - inset {
                dot(picture, left + inset, row);
                dot(picture, right - 1 - inset, row);
            }
        }
    }
}

/// The picture as JPEG.
pub fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, FunctionError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .encode_image(picture)
        .map_err(|error| FunctionError::NotWritten(error.to_string()))?;
    Ok(bytes)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Left, top, right and bottom of the square; right and bottom are just outside.
pub(crate) fn edges(face: &Face) -> (i64, i64, i64, i64) {
    let side = i64::from(face.scale);
    let (left, top) = (i64::from(face.col) - side / 2, i64::from(face.row) - side / 2);
    (left, top, left + side, top + side)
}

fn dot(picture: &mut RgbImage, col: i64, row: i64) {
    if let (Ok(col), Ok(row)) = (u32::try_from(col), u32::try_from(row))
        && let Some(pixel) = picture.get_pixel_mut_checked(col, row)
    {
        *pixel = FRAME;
    }
}
