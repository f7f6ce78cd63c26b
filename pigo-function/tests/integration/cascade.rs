//! Files of cascades: whole, broken and hostile.

use std::sync::Arc;

use pigo_function::{
    Cascade, CascadeError, DetectionParameters, Detector, GrayPicture, Model, ModelError, PicoDetector,
};
use pigo_function::{FaceFunction, Settings};
use proptest::prelude::*;

use crate::facefinder;

/// A cascade whose every tree compares the same two pixels.
fn file(depth: i32, trees: i32, node: [i8; 4], leaves: [f32; 2], threshold: f32) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.extend(depth.to_le_bytes());
    bytes.extend(trees.to_le_bytes());
    for _ in 0..trees {
        for _ in 1..1 << depth {
            bytes.extend(node.map(i8::cast_unsigned));
        }
        for leaf in 0..1 << depth {
            // The last comparison decides between the two.
            bytes.extend(leaves[leaf % 2].to_le_bytes());
        }
        bytes.extend(threshold.to_le_bytes());
    }
    bytes
}

fn header(depth: i32, trees: i32) -> Vec<u8> {
    [[0; 8].as_slice(), &depth.to_le_bytes(), &trees.to_le_bytes()].concat()
}

#[test]
fn a_whole_file_is_read() {
    let cascade = Cascade::parse(&file(3, 5, [1, 2, 3, 4], [0.5, 1.0], 0.0)).unwrap();
    assert_eq!((cascade.depth(), cascade.trees()), (3, 5));
}

#[test]
fn pigos_facefinder_is_read() {
    let Some(path) = facefinder() else { return };
    let cascade = Cascade::open(&path).unwrap();
    assert_eq!((cascade.depth(), cascade.trees()), (6, 468));
}

#[test]
fn every_truncation_is_an_error() {
    let whole = file(2, 3, [0; 4], [1.0, 1.0], 0.0);
    for length in 0..whole.len() {
        assert!(matches!(Cascade::parse(&whole[..length]), Err(CascadeError::Truncated { .. })), "{length}");
    }
}

#[test]
fn absurd_headers_are_errors_and_cost_no_memory() {
    for depth in [i32::MIN, -1, 0, 13, 31, 63, i32::MAX] {
        assert!(matches!(Cascade::parse(&header(depth, 1)), Err(CascadeError::Depth(_))), "{depth}");
    }
    for trees in [i32::MIN, -1, 0] {
        assert!(matches!(Cascade::parse(&header(6, trees)), Err(CascadeError::Trees(_))), "{trees}");
    }
    assert!(matches!(Cascade::parse(&header(12, i32::MAX)), Err(CascadeError::Truncated { .. })));
}

#[test]
fn numbers_that_are_none_are_errors() {
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let leaf = Cascade::parse(&file(2, 1, [0; 4], [1.0, number], 0.0));
        let threshold = Cascade::parse(&file(2, 1, [0; 4], [1.0, 1.0], number));
        assert!(matches!(leaf, Err(CascadeError::NotFinite { tree: 0 })));
        assert!(matches!(threshold, Err(CascadeError::NotFinite { tree: 0 })));
    }
}

#[test]
fn a_file_that_is_absent_is_an_error_that_names_it() {
    let error =
        FaceFunction::new(Model::Cascade("/no/such/cascade".into()), Settings::default()).err().unwrap();
    assert!(matches!(error, ModelError::Cascade(CascadeError::Unreadable(..))));
    assert!(error.to_string().contains("/no/such/cascade"));
}

/// What a window scores, in the words of the method: one pixel pair after the other.
fn score(bytes: &[u8], picture: GrayPicture<'_>, row: i32, col: i32, size: i32) -> Option<f32> {
    let depth = i32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let trees = i32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let width = 1 << depth;
    let number = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut sum = 0.0;
    let mut last = 0.0;
    for tree in 0..trees {
        let start = 16 + tree * (8 * width);
        let mut node = 1;
        for _ in 0..depth {
            let code = |n: usize| i32::from(bytes[start + 4 * (node - 1) + n].cast_signed());
            let pixel = |n: usize| {
                let y = (256 * row + code(n) * size) >> 8;
                let x = (256 * col + code(n + 1) * size) >> 8;
                picture.pixels()[y as usize * picture.width() as usize + x as usize]
            };
            node = 2 * node + usize::from(pixel(0) <= pixel(2));
        }
        let leaves = start + 4 * (width - 1);
        sum += number(leaves + 4 * (node - width));
        last = number(leaves + 4 * width);
        if sum <= last {
            return None;
        }
    }
    Some(sum - last)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_a_cascade_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Cascade::parse(&bytes);
    }

    /// Blocks, tables and order of evaluation change nothing: each window has the score that the
    /// plain method gives, whatever the codes, the depth and the sides of the picture.
    #[test]
    fn windows_are_those_of_the_plain_method(
        depth in 1..8_i32,
        seed in any::<u64>(),
        width in 24..90_u32,
        height in 24..90_u32,
    ) {
        let mut state = seed | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let trees = 4;
        let mut bytes = header(depth, trees);
        for _ in 0..trees {
            for _ in 0..4 * ((1 << depth) - 1) {
                bytes.push(random() as u8);
            }
            for _ in 0..1 << depth {
                bytes.extend((((random() % 200) as f32 - 80.0) / 100.0).to_le_bytes());
            }
            bytes.extend((-0.3_f32).to_le_bytes());
        }
        let pixels: Vec<u8> = (0..width * height).map(|_| random() as u8).collect();
        let picture = GrayPicture::new(&pixels, width, height).unwrap();
        let parameters = DetectionParameters::default();
        let mut detector = PicoDetector::new(Arc::new(Cascade::parse(&bytes).unwrap()));
        let windows = detector.windows(picture, &parameters).to_vec();

        let mut expected = Vec::new();
        let mut size = 20;
        while 2 * (size / 2 + 1) <= width.min(height) as i32 {
            let (margin, step) = (size / 2 + 1, (f64::from(size) * 0.1) as i32);
            for row in (margin..=height as i32 - margin).step_by(step as usize) {
                for col in (margin..=width as i32 - margin).step_by(step as usize) {
                    if let Some(q) = score(&bytes, picture, row, col, size) {
                        expected.push(pigo_function::Face { row, col, scale: size, q });
                    }
                }
            }
            size = (f64::from(size) * 1.1) as i32;
        }
        prop_assert_eq!(windows.len(), expected.len());
        for face in &expected {
            prop_assert!(windows.contains(face));
        }
        let mut faces = Vec::new();
        prop_assert!(detector.detect(picture, &parameters, &mut faces).is_ok());
    }
}
