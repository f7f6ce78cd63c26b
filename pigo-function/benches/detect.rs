//! How long detection takes: our PICO evaluator beside the pico-detect package on the same pictures
//! with the same parameters, and the default function on a crop.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use image::GrayImage;
use image::imageops::{self, FilterType};
use pico_detect::clusterize::Clusterizer;
use pico_detect::multiscale::Multiscaler;
use pico_detect::{DetectMultiscale, Detector as PackageDetector};
use pigo_function::{
    Cascade, DetectionParameters, Detector, FaceFunction, FrontalDetector, FrontalModel, GrayPicture, Model,
    PicoDetector, Settings, sample,
};

fn pictures() -> Vec<(&'static str, GrayImage)> {
    let photo = image::load_from_memory(sample::picture()).unwrap().to_luma8();
    let crop = |pixels| image::load_from_memory(&sample::crops(pixels).unwrap()[0]).unwrap().to_luma8();
    let corner = imageops::crop_imm(&photo, 200, 0, 512, 512).to_image();
    let half = imageops::resize(&photo, 833, 568, FilterType::Triangle);
    vec![("crop 160", crop(160)), ("crop 320", crop(320)), ("512 x 512", corner), ("833 x 568", half)]
}

fn gray(picture: &GrayImage) -> GrayPicture<'_> {
    GrayPicture::new(picture.as_raw(), picture.width(), picture.height()).unwrap()
}

fn pico(criterion: &mut Criterion) {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/pico/facefinder");
    let path = std::env::var_os("PIGO_CASCADE").map_or(beside, PathBuf::from);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("SKIPPED: no cascade at {} (PIGO_CASCADE=FILE names one)", path.display());
        return;
    };
    let parameters = DetectionParameters::default();
    let mut ours = PicoDetector::new(Arc::new(Cascade::parse(&bytes).unwrap()));
    let package = PackageDetector::load(&bytes[..]).unwrap();
    let multiscale = DetectMultiscale::builder()
        .multiscaler(Multiscaler::new(20, 2000, 0.1, 1.1).unwrap())
        .clusterizer(Clusterizer { intersection_threshold: 0.18, score_threshold: 5.0 })
        .build()
        .unwrap();

    let mut group = criterion.benchmark_group("pico");
    for (name, picture) in pictures() {
        let mut faces = Vec::new();
        group.bench_with_input(BenchmarkId::new("ours", name), &picture, |bencher, picture| {
            bencher.iter(|| ours.detect(black_box(gray(picture)), &parameters, &mut faces).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("pico-detect", name), &picture, |bencher, picture| {
            bencher.iter(|| multiscale.run(&package, black_box(picture)));
        });
    }
    group.finish();
}

fn frontal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frontal");
    group.sample_size(20);
    let mut detector = FrontalDetector::new(&FrontalModel::read().unwrap());
    let function = FaceFunction::new(Model::Frontal, Settings::default()).unwrap();
    for pixels in [160, 320] {
        let jpeg = sample::crops(pixels).unwrap().swap_remove(0);
        let picture = image::load_from_memory(&jpeg).unwrap().to_luma8();
        let mut faces = Vec::new();
        group.bench_with_input(BenchmarkId::new("detector", pixels), &picture, |bencher, picture| {
            let parameters = DetectionParameters::default();
            bencher.iter(|| detector.detect(black_box(gray(picture)), &parameters, &mut faces).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("function", pixels), &jpeg, |bencher, jpeg| {
            bencher.iter(|| function.call(black_box(jpeg)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, pico, frontal);
criterion_main!(benches);
