//! The frontal model of the rustface package (SeetaFace), embedded in the program.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::{iter, thread};

use rustface::ImageData;

use crate::detector::{DetectionFailed, DetectionParameters, Detector, Face, GrayPicture};

/// The model's file as the rustface package ships it; `build.rs` finds it.
static MODEL: &[u8] = include_bytes!(env!("PIGO_FRONTAL_MODEL"));

/// The side of the model's window. Smaller faces are not found: the picture is never enlarged.
pub const WINDOW_PIXELS: u32 = 40;

/// A model, read once, from which detectors are made.
#[derive(Clone)]
pub struct FrontalModel(rustface::Model);

impl FrontalModel {
    /// Reads the embedded model.
    pub fn read() -> Result<Self, std::io::Error> {
        rustface::read_model(MODEL).map(Self)
    }
}

/// Evaluates the [`FrontalModel`].
///
/// Of the parameters, `shift` and `scale` become the step of the window and the ratio of the
/// picture pyramid; `quality` compares with the model's own score; `iou` with the overlap that is
/// left after the model's own merging (at most 0.3).
///
/// The package's detector may not change threads, so that this one owns a thread, on which the
/// other works. A picture on which it panics costs that thread, not the caller's.
pub struct FrontalDetector {
    model: FrontalModel,
    /// Started by the first picture, and anew after a panic.
    worker: Option<Worker>,
    /// The pixels' way to the worker and back.
    pixels: Vec<u8>,
}

impl FrontalDetector {
    /// A detector with a model and buffers of its own (3 MB, and 20 bytes a pixel of the largest
    /// picture seen).
    pub fn new(model: &FrontalModel) -> Self {
        Self { model: model.clone(), worker: None, pixels: Vec::new() }
    }
}

impl Detector for FrontalDetector {
    fn detect(
        &mut self,
        picture: GrayPicture<'_>,
        parameters: &DetectionParameters,
        faces: &mut Vec<Face>,
    ) -> Result<(), DetectionFailed> {
        faces.clear();
        let Some(size_max_pixels) = largest_face(picture.width().min(picture.height()), parameters) else {
            return Ok(());
        };
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(Worker::start(self.model.clone())?),
        };
        let mut pixels = std::mem::take(&mut self.pixels);
        pixels.clear();
        pixels.extend_from_slice(picture.pixels());
        let task = Task {
            pixels,
            width: picture.width(),
            height: picture.height(),
            size_max_pixels,
            parameters: *parameters,
            faces: std::mem::take(faces),
        };
        match worker.work(task) {
            Some(task) => {
                self.pixels = task.pixels;
                *faces = task.faces;
                Ok(())
            }
            None => {
                self.worker = None;
                Err(DetectionFailed)
            }
        }
    }
}

/// The largest face to look for in a picture whose shorter side this is; `None` if no window fits.
///
/// The package's detector shrinks the picture until its shorter side is just above the window, and
/// reads outside of it if a rounding leaves it one pixel below. The size returned is one at which
/// that does not happen.
fn largest_face(side: u32, parameters: &DetectionParameters) -> Option<u32> {
    let ratio = pyramid_ratio(parameters);
    let fits = |size_max: u32| {
        let scale_min = WINDOW_PIXELS as f32 / size_max as f32;
        let scales = iter::successors(Some(1.0_f32), |scale| Some(scale * ratio));
        scales
            .take_while(|scale| *scale >= scale_min)
            .all(|scale| (side as f32 * scale) as u32 >= WINDOW_PIXELS)
    };
    (WINDOW_PIXELS..=side.min(parameters.size_max_pixels)).rev().find(|size_max| fits(*size_max))
}

fn pyramid_ratio(parameters: &DetectionParameters) -> f32 {
    ((1.0 / parameters.scale) as f32).clamp(0.01, 0.99)
}

struct Worker {
    tasks: Sender<Task>,
    done: Receiver<Task>,
}

/// A picture on its way to the worker, and the faces on the way back.
struct Task {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
    size_max_pixels: u32,
    parameters: DetectionParameters,
    faces: Vec<Face>,
}

impl Worker {
    /// The thread ends when the worker is dropped.
    fn start(model: FrontalModel) -> Result<Self, DetectionFailed> {
        let (tasks, todo) = channel::<Task>();
        let (finished, done) = channel();
        let work = move || {
            let mut detector = rustface::create_detector_with_model(model.0);
            for mut task in todo {
                run(&mut *detector, &mut task);
                if finished.send(task).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("frontal-detector".to_owned())
            .spawn(work)
            .map_err(|_| DetectionFailed)?;
        Ok(Self { tasks, done })
    }

    fn work(&self, task: Task) -> Option<Task> {
        self.tasks.send(task).ok()?;
        self.done.recv().ok()
    }
}

fn run(detector: &mut dyn rustface::Detector, task: &mut Task) {
    let parameters = &task.parameters;
    let step = ((parameters.shift * f64::from(WINDOW_PIXELS)) as u32).max(1);
    detector.set_slide_window_step(step, step);
    detector.set_pyramid_scale_factor(pyramid_ratio(parameters));
    detector.set_max_face_size(task.size_max_pixels);
    detector.set_score_thresh(f64::from(parameters.quality).max(f64::MIN_POSITIVE));
    let found = detector.detect(&ImageData::new(&task.pixels, task.width, task.height));

    let faces = &mut task.faces;
    faces.extend(found.iter().map(|info| {
        let bbox = info.bbox();
        let side = bbox.width().cast_signed();
        Face { row: bbox.y() + side / 2, col: bbox.x() + side / 2, scale: side, q: info.score() as f32 }
    }));
    faces
        .retain(|face| face.q > parameters.quality && face.scale >= parameters.size_min_pixels.cast_signed());
    faces.sort_by(|a, b| b.q.total_cmp(&a.q));
    let mut kept = 0;
    for index in 0..faces.len() {
        let face = faces[index];
        if faces[..kept].iter().all(|better| better.iou(&face) <= parameters.iou) {
            faces[kept] = face;
            kept += 1;
        }
    }
    faces.truncate(kept);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_side_of_a_picture_lets_the_pyramid_fall_below_the_window() {
        for scale in [1.01, 1.05, 1.1, 1.2, 1.25, 1.5, 2.0] {
            let parameters = DetectionParameters { scale, size_max_pixels: 4000, ..Default::default() };
            for side in 1..3000_u32 {
                let found = largest_face(side, &parameters);
                assert_eq!(found.is_some(), side >= WINDOW_PIXELS);
                // The guard costs at most a pixel of the largest face.
                assert!(found.is_none_or(|size| size + 1 >= side), "{side} {scale} {found:?}");
            }
        }
    }

    #[test]
    fn a_worker_that_is_gone_is_an_error_and_the_next_picture_gets_another() {
        let mut detector = FrontalDetector::new(&FrontalModel::read().unwrap());
        let pixels = vec![90; 64 * 64];
        let picture = GrayPicture::new(&pixels, 64, 64).unwrap();
        let (parameters, mut faces) = (DetectionParameters::default(), Vec::new());
        // A worker whose thread has ended, as after a panic.
        let (tasks, _) = channel();
        let (_, done) = channel();
        detector.worker = Some(Worker { tasks, done });
        assert_eq!(detector.detect(picture, &parameters, &mut faces), Err(DetectionFailed));
        assert_eq!(detector.detect(picture, &parameters, &mut faces), Ok(()));
    }
}
