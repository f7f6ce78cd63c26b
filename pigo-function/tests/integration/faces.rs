//! What the two detectors find.

use std::sync::Arc;

use pigo_function::{
    Cascade, DetectionParameters, Detector, Face, FaceFunction, FrontalDetector, FrontalModel, GrayPicture,
    Model, Settings, sample,
};

use crate::{facefinder, frontal, gray};

fn detect(detector: &mut dyn Detector, bytes: &[u8]) -> Vec<Face> {
    let (pixels, width, height) = gray(bytes);
    let mut faces = Vec::new();
    let picture = GrayPicture::new(&pixels, width, height).unwrap();
    detector.detect(picture, &DetectionParameters::default(), &mut faces).unwrap();
    faces
}

#[test]
fn the_frontal_model_finds_the_29_faces_of_the_group_photo() {
    assert_eq!(frontal().call(sample::picture()).unwrap().faces, 29);
}

#[test]
fn the_frontal_model_finds_a_face_in_every_crop() {
    let function = frontal();
    for pixels in [80, 96, 160, 224, 320] {
        for (index, crop) in sample::crops(pixels).unwrap().iter().enumerate() {
            let answer = function.call(crop).unwrap();
            assert!(answer.faces >= 1, "crop {index} at {pixels} pixels");
        }
    }
}

#[test]
fn crops_are_always_the_same() {
    assert_eq!(sample::crops(64).unwrap(), sample::crops(64).unwrap());
    assert!(sample::crops(64).unwrap().len() >= 20);
}

#[test]
fn the_cascade_finds_the_faces_of_the_group_photo() {
    let Some(path) = facefinder() else { return };
    let function = FaceFunction::new(Model::Cascade(path), Settings::default()).unwrap();
    let faces = function.call(sample::picture()).unwrap().faces;
    assert!((30..=40).contains(&faces), "{faces} faces");
}

#[test]
fn both_detectors_agree_on_every_crop() {
    let Some(path) = facefinder() else { return };
    let mut pico = pigo_function::PicoDetector::new(Arc::new(Cascade::open(&path).unwrap()));
    let mut frontal = FrontalDetector::new(&FrontalModel::read().unwrap());
    for (index, crop) in sample::crops(160).unwrap().iter().enumerate() {
        let (ours, theirs) = (detect(&mut pico, crop), detect(&mut frontal, crop));
        let agree = theirs.iter().all(|face| ours.iter().any(|other| other.iou(face) > 0.4));
        assert!(agree && !theirs.is_empty(), "crop {index}: PICO {ours:?}, frontal {theirs:?}");
    }
}

#[test]
fn pictures_smaller_than_the_window_hold_no_faces() {
    let mut detectors: Vec<Box<dyn Detector>> =
        vec![Box::new(FrontalDetector::new(&FrontalModel::read().unwrap()))];
    if let Some(path) = facefinder() {
        let cascade = Arc::new(Cascade::open(&path).unwrap());
        detectors.push(Box::new(pigo_function::PicoDetector::new(cascade)));
    }
    for detector in &mut detectors {
        for (width, height) in
            [(0, 0), (1, 1), (19, 300), (300, 12), (20, 20), (21, 21), (39, 40), (40, 40), (41, 90)]
        {
            let pixels = vec![128; (width * height) as usize];
            let mut faces = vec![Face { row: 1, col: 1, scale: 1, q: 1.0 }];
            let picture = GrayPicture::new(&pixels, width, height).unwrap();
            detector.detect(picture, &DetectionParameters::default(), &mut faces).unwrap();
            assert_eq!(faces, []);
        }
    }
}

#[test]
fn a_detector_finds_the_same_after_other_pictures() {
    let crops = sample::crops(160).unwrap();
    let model = FrontalModel::read().unwrap();
    let mut used = FrontalDetector::new(&model);
    for crop in [&crops[3], &crops[7], &sample::crops(96).unwrap()[0]] {
        detect(&mut used, crop);
    }
    assert_eq!(detect(&mut used, &crops[0]), detect(&mut FrontalDetector::new(&model), &crops[0]));
}

#[test]
fn calls_from_many_threads_give_the_same_answers() {
    let function = frontal();
    let crops = sample::crops(120).unwrap();
    let alone: Vec<_> = crops.iter().map(|crop| function.call(crop).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (crop, answer) in crops.iter().zip(&alone) {
                    assert_eq!(function.call(crop).unwrap(), *answer);
                }
            });
        }
    });
}

#[test]
fn crops_that_no_jpeg_can_hold_are_errors() {
    assert!(sample::crops(0).is_err());
    assert!(sample::crops(70_000).is_err());
}
