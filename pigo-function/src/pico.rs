//! PICO cascades: decision trees that compare two pixels a node.
//!
//! The method is that of Markuš, Frljak, Pandžić, Ahlberg and Forchheimer, "Object detection with
//! pixel intensity comparisons organized in decision trees" (2013); the files are those of pico,
//! picojs and pigo, and the faces found are pigo's, in its integer arithmetic.
//!
//! Two things make it fast. A node's pixels are at the same distance from the centre of every
//! window of one size, so their offsets are computed once a size, not once a window. And windows
//! pass the trees in blocks, tree by tree: the walks of different windows do not depend on each
//! other, so that the processor overlaps them, and no branch depends on a pixel.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cluster::cluster;
use crate::detector::{DetectionFailed, DetectionParameters, Detector, Face, GrayPicture};

/// A cascade, read from its file.
///
/// The file, little-endian: 8 bytes that nobody reads, the depth of a tree and the number of trees
/// (`i32` each), then for each tree its inner nodes (4 `i8` each: row and column of one pixel, row
/// and column of the other, in 1/256 of the window's size from its centre), its leaves and its
/// threshold (`f32` each).
pub struct Cascade {
    depth: u32,
    /// 2^depth a tree; the root is at 1, the node at 0 is a filler.
    nodes: Vec<[i8; 4]>,
    /// 2^depth a tree.
    leaves: Vec<f32>,
    /// One a tree: a window whose sum is not above it is no face.
    thresholds: Vec<f32>,
}

impl Cascade {
    /// The deepest trees taken. Known cascades have 5 or 6; 12 are 4,095 nodes.
    pub const DEPTH_MAX: u32 = 12;
    /// The largest file taken: 280 times that of pigo's `facefinder`.
    pub const FILE_BYTES_MAX: u64 = 64 << 20;

    /// Reads a cascade from its file.
    pub fn open(path: &Path) -> Result<Self, CascadeError> {
        let failed = |error| CascadeError::Unreadable(path.to_owned(), error);
        let mut bytes = Vec::new();
        File::open(path)
            .map_err(failed)?
            .take(Self::FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > Self::FILE_BYTES_MAX {
            return Err(CascadeError::TooLarge);
        }
        Self::parse(&bytes)
    }

    /// Reads a cascade from the bytes of its file. Allocates no more than the bytes account for.
    pub fn parse(bytes: &[u8]) -> Result<Self, CascadeError> {
        let Some((header, mut rest)) = bytes.split_at_checked(16) else {
            return Err(CascadeError::Truncated { bytes: bytes.len(), wanted: 16 });
        };
        let (depth, trees) = (int(&header[8..12]), int(&header[12..16]));
        let depth = u32::try_from(depth)
            .ok()
            .filter(|depth| (1..=Self::DEPTH_MAX).contains(depth))
            .ok_or(CascadeError::Depth(depth))?;
        let trees =
            usize::try_from(trees).ok().filter(|trees| *trees > 0).ok_or(CascadeError::Trees(trees))?;

        let width = 1_usize << depth;
        let tree_bytes = 4 * (width - 1) + 4 * width + 4;
        let wanted = trees.saturating_mul(tree_bytes).saturating_add(16);
        if bytes.len() < wanted {
            return Err(CascadeError::Truncated { bytes: bytes.len(), wanted });
        }
        let mut cascade = Self {
            depth,
            nodes: Vec::with_capacity(trees * width),
            leaves: Vec::with_capacity(trees * width),
            thresholds: Vec::with_capacity(trees),
        };
        for tree in 0..trees {
            let (this, next) = rest.split_at(tree_bytes);
            rest = next;
            let (nodes, numbers) = this.split_at(4 * (width - 1));
            cascade.nodes.push([0; 4]);
            cascade.nodes.extend(nodes.as_chunks::<4>().0.iter().map(|node| node.map(u8::cast_signed)));
            let (numbers, _) = numbers.as_chunks::<4>();
            let numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
            if numbers.clone().any(|number| !number.is_finite()) {
                return Err(CascadeError::NotFinite { tree });
            }
            cascade.leaves.extend(numbers.clone().take(width));
            cascade.thresholds.extend(numbers.skip(width));
        }
        Ok(cascade)
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.thresholds.len()
    }

    /// How many comparisons each tree makes for a window.
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

fn int(bytes: &[u8]) -> i32 {
    bytes.try_into().map_or(0, i32::from_le_bytes)
}

/// Why a file is no cascade.
#[derive(Debug, thiserror::Error)]
pub enum CascadeError {
    /// The file cannot be read.
    #[error("the cascade {path} cannot be read: {error}", path = .0.display(), error = .1)]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file is larger than [`Cascade::FILE_BYTES_MAX`].
    #[error("the cascade is larger than {} bytes", Cascade::FILE_BYTES_MAX)]
    TooLarge,
    /// The file ends too early.
    #[error("the cascade has {bytes} bytes where its header promises {wanted}")]
    Truncated {
        /// What there is.
        bytes: usize,
        /// What there should be.
        wanted: usize,
    },
    /// Trees without nodes, or deeper than [`Cascade::DEPTH_MAX`].
    #[error("the cascade has trees of depth {0}, not 1 to {max}", max = Cascade::DEPTH_MAX)]
    Depth(i32),
    /// No trees.
    #[error("the cascade has {0} trees")]
    Trees(i32),
    /// A leaf or a threshold is infinite or not a number.
    #[error("tree {tree} of the cascade holds a number that is not finite")]
    NotFinite {
        /// Counted from 0.
        tree: usize,
    },
}

/// Windows that pass the trees together: enough to overlap their walks, few enough for the
/// first-level cache.
const BLOCK_WINDOWS: usize = 1024;

/// The offsets of a node's two pixels from the centre of a window, in bytes.
type Node = [i32; 2];

/// Evaluates a [`Cascade`].
pub struct PicoDetector {
    cascade: Arc<Cascade>,
    /// The nodes of the trees that windows of the current size have reached.
    nodes: Vec<Node>,
    /// The centres of the windows still in the race, as indices of pixels.
    centres: Vec<u32>,
    /// What their trees add up to.
    sums: Vec<f32>,
    hits: Vec<Face>,
    scratch: Vec<bool>,
}

impl PicoDetector {
    /// A detector with buffers of its own; the cascade is shared.
    pub fn new(cascade: Arc<Cascade>) -> Self {
        let nodes = Vec::with_capacity(cascade.nodes.len());
        let centres = Vec::with_capacity(BLOCK_WINDOWS);
        let sums = Vec::with_capacity(BLOCK_WINDOWS);
        Self { cascade, nodes, centres, sums, hits: Vec::new(), scratch: Vec::new() }
    }

    /// Every window that all trees take for a face, before clustering. For tests and tools.
    pub fn windows(&mut self, picture: GrayPicture<'_>, parameters: &DetectionParameters) -> &[Face] {
        self.hits.clear();
        let sides = picture.width().min(picture.height());
        let mut size = parameters.size_min_pixels.max(DetectionParameters::SIZE_PIXELS_MIN);
        // Half a window and one pixel on each side of the centre: every pixel that a node can
        // name (at most 128/256 of the size away) lies in the picture.
        while size <= parameters.size_max_pixels && 2 * (size / 2 + 1) <= sides {
            self.windows_of_size(picture, size, parameters.shift);
            size = ((f64::from(size) * parameters.scale) as u32).max(size + 1);
        }
        &self.hits
    }

    fn windows_of_size(&mut self, picture: GrayPicture<'_>, size: u32, shift: f64) {
        let step = ((shift * f64::from(size)) as usize).max(1);
        let margin = size / 2 + 1;
        let (width, height) = (picture.width(), picture.height());
        self.nodes.clear();
        self.centres.clear();
        for row in (margin..=height - margin).step_by(step) {
            for col in (margin..=width - margin).step_by(step) {
                self.centres.push(row * width + col);
                if self.centres.len() == BLOCK_WINDOWS {
                    self.race(picture, size);
                }
            }
        }
        self.race(picture, size);
    }

    /// Sends the windows in `centres` through the trees; those that come through become hits.
    fn race(&mut self, picture: GrayPicture<'_>, size: u32) {
        let cascade = Arc::clone(&self.cascade);
        let width = 1_usize << cascade.depth;
        self.sums.clear();
        self.sums.resize(self.centres.len(), 0.0);
        for (tree, &threshold) in cascade.thresholds.iter().enumerate() {
            if self.centres.is_empty() {
                return;
            }
            let range = tree * width..(tree + 1) * width;
            if self.nodes.len() == range.start {
                let codes = cascade.nodes[range.clone()].iter();
                self.nodes.extend(codes.map(|codes| offsets(*codes, size, picture.width())));
            }
            let nodes = &self.nodes[range.clone()];
            let leaves = &cascade.leaves[range];
            let (centres, sums) = (&mut self.centres[..], &mut self.sums[..]);
            let kept = match (nodes.as_array::<64>(), leaves.as_array::<64>()) {
                (Some(nodes), Some(leaves)) => {
                    pass_depth_6(picture.pixels(), nodes, leaves, threshold, centres, sums)
                }
                _ => pass_any_depth(picture.pixels(), nodes, leaves, threshold, centres, sums),
            };
            self.centres.truncate(kept);
            self.sums.truncate(kept);
        }
        let last = cascade.thresholds.last().copied().unwrap_or_default();
        for (&centre, &sum) in self.centres.iter().zip(&self.sums) {
            let q = sum - last;
            if q > 0.0 {
                let (row, col) = (centre / picture.width(), centre % picture.width());
                self.hits.push(Face {
                    row: row.cast_signed(),
                    col: col.cast_signed(),
                    scale: size.cast_signed(),
                    q,
                });
            }
        }
        self.centres.clear();
    }
}

impl Detector for PicoDetector {
    fn detect(
        &mut self,
        picture: GrayPicture<'_>,
        parameters: &DetectionParameters,
        faces: &mut Vec<Face>,
    ) -> Result<(), DetectionFailed> {
        faces.clear();
        self.windows(picture, parameters);
        cluster(&mut self.hits, parameters.iou, &mut self.scratch, faces);
        faces.retain(|face| face.q > parameters.quality);
        Ok(())
    }
}

/// Where a node's pixels are. `(256 * row + code * size) >> 8` is `row + (code * size >> 8)`: the
/// shift rounds down, and the row is whole.
fn offsets([row_a, col_a, row_b, col_b]: [i8; 4], size: u32, width: u32) -> Node {
    let (size, width) = (size.cast_signed(), width.cast_signed());
    let along = |code: i8| (i32::from(code) * size) >> 8;
    [along(row_a) * width + along(col_a), along(row_b) * width + along(col_b)]
}

/// One tree over a block of windows: adds each window's leaf to its sum and moves the windows
/// whose sum is above the threshold to the front. Returns how many these are.
#[inline(always)]
fn pass(
    pixels: &[u8],
    threshold: f32,
    centres: &mut [u32],
    sums: &mut [f32],
    leaf: impl Fn(&[u8], u32) -> f32,
) -> usize {
    let mut kept = 0;
    let windows = centres.len().min(sums.len());
    for window in 0..windows {
        let centre = centres[window];
        let sum = sums[window] + leaf(pixels, centre);
        centres[kept] = centre;
        sums[kept] = sum;
        kept += usize::from(sum > threshold);
    }
    kept
}

#[inline(always)]
fn brighter_or_equal(pixels: &[u8], centre: u32, [a, b]: Node) -> usize {
    let pixel = |offset| pixels[centre.wrapping_add_signed(offset) as usize];
    usize::from(pixel(a) <= pixel(b))
}

fn pass_depth_6(
    pixels: &[u8],
    nodes: &[Node; 64],
    leaves: &[f32; 64],
    threshold: f32,
    centres: &mut [u32],
    sums: &mut [f32],
) -> usize {
    pass(pixels, threshold, centres, sums, |pixels, centre| {
        let mut node = 1;
        for _ in 0..6 {
            // The mask changes nothing; it shows the compiler that no check is needed.
            node = 2 * node + brighter_or_equal(pixels, centre, nodes[node & 63]);
        }
        leaves[node & 63]
    })
}

fn pass_any_depth(
    pixels: &[u8],
    nodes: &[Node],
    leaves: &[f32],
    threshold: f32,
    centres: &mut [u32],
    sums: &mut [f32],
) -> usize {
    pass(pixels, threshold, centres, sums, |pixels, centre| {
        let mut node = 1;
        while node < nodes.len() {
            node = 2 * node + brighter_or_equal(pixels, centre, nodes[node]);
        }
        leaves[node - nodes.len()]
    })
}
