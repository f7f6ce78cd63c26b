//! The function as its callers see it: bodies in, answers out, and HTTP.

#![allow(clippy::unwrap_used)]

mod cascade;
mod faces;
mod inputs;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "url")]
mod urls;

use std::path::{Path, PathBuf};

use pigo_function::{FaceFunction, Model, Settings};

/// The function with its defaults.
fn frontal() -> FaceFunction {
    FaceFunction::new(Model::Frontal, Settings::default()).unwrap()
}

/// pigo's `facefinder`: where `PIGO_CASCADE` says, or beside the workspace. Says so if it is absent.
fn facefinder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/pico/facefinder");
    let path = std::env::var_os("PIGO_CASCADE").map_or(beside, PathBuf::from);
    if path.is_file() {
        return Some(path);
    }
    println!("SKIPPED: no cascade at {} (PIGO_CASCADE=FILE names one)", path.display());
    None
}

/// The pixels of a picture in gray, width and height.
fn gray(bytes: &[u8]) -> (Vec<u8>, u32, u32) {
    let rgb = image::load_from_memory(bytes).unwrap().to_rgb8();
    let luma = |p: &image::Rgb<u8>| {
        let [r, g, b] = p.0.map(u32::from);
        ((299 * r + 587 * g + 114 * b) / 1000) as u8
    };
    (rgb.pixels().map(luma).collect(), rgb.width(), rgb.height())
}
