//! From the bytes of a request to pixels, within limits.

use std::borrow::Cow;
use std::io::Cursor;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use image::{ColorType, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use crate::detector::GrayPicture;
use crate::function::FunctionError;

const FORGIVING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, FORGIVING);

/// Decoders may use this much on top of the pixels themselves.
const DECODER_BYTES: u64 = 16 << 20;

/// A decoded picture. Its buffer serves one picture after the other.
#[derive(Default)]
pub struct Picture {
    samples: Vec<u8>,
    color: Option<ColorType>,
    gray: Vec<u8>,
    width: u32,
    height: u32,
}

impl Picture {
    /// Decodes a JPEG or PNG, plain or in base64, of at most `pixels_max` pixels.
    pub fn decode(&mut self, bytes: &[u8], pixels_max: u64) -> Result<(), FunctionError> {
        self.color = None;
        let bytes = plain(bytes)?;
        let format = format(&bytes).ok_or(FunctionError::NotAnImage("neither JPEG nor PNG".into()))?;
        if format == ImageFormat::Jpeg && !jpeg_is_whole(&bytes) {
            return Err(FunctionError::NotAnImage("the JPEG ends before its end marker".into()));
        }

        let mut reader = ImageReader::with_format(Cursor::new(&bytes[..]), format);
        let mut limits = Limits::default();
        // Eight bytes are the largest pixel, four samples of 16 bits.
        limits.max_alloc = Some(pixels_max.saturating_mul(8).saturating_add(DECODER_BYTES));
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(undecodable)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        let side_max = GrayPicture::SIDE_PIXELS_MAX;
        if pixels > pixels_max || width > side_max || height > side_max {
            return Err(FunctionError::TooManyPixels { width, height, pixels_max });
        }

        let color = decoder.color_type();
        let total = usize::try_from(decoder.total_bytes()).map_err(|_| FunctionError::TooManyPixels {
            width,
            height,
            pixels_max,
        })?;
        self.samples.clear();
        self.samples.resize(total, 0);
        decoder.read_image(&mut self.samples).map_err(undecodable)?;
        (self.width, self.height) = (width, height);
        self.fill_gray(color)?;
        self.color = Some(color);
        Ok(())
    }

    /// The picture in gray, with pigo's weights (those of television, ITU-R BT.601).
    pub fn gray(&self) -> Option<GrayPicture<'_>> {
        GrayPicture::new(&self.gray, self.width, self.height)
    }

    /// A copy of the picture in colour. Transparency is ignored.
    pub fn rgb(&self) -> Option<RgbImage> {
        let mut rgb = Vec::with_capacity(self.gray.len() * 3);
        each_pixel(&self.samples, self.color?, |pixel| rgb.extend_from_slice(&pixel))?;
        RgbImage::from_raw(self.width, self.height, rgb)
    }

    /// Bytes that the buffers hold on to.
    pub fn capacity_bytes(&self) -> usize {
        self.samples.capacity() + self.gray.capacity()
    }

    fn fill_gray(&mut self, color: ColorType) -> Result<(), FunctionError> {
        let gray = &mut self.gray;
        gray.clear();
        gray.reserve(self.width as usize * self.height as usize);
        each_pixel(&self.samples, color, |[red, green, blue]| {
            let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
            gray.push((sum / 1000) as u8);
        })
        .ok_or_else(|| {
            FunctionError::NotAnImage(format!("a picture of the kind {color:?} is not supported").into())
        })
    }
}

/// Hands over every pixel as 8-bit red, green and blue; `None` for a kind of pixel unknown here.
fn each_pixel(samples: &[u8], color: ColorType, mut take: impl FnMut([u8; 3])) -> Option<()> {
    // Samples of 16 bits are in the machine's order; the half that counts is the first or second byte.
    let high = usize::from(cfg!(target_endian = "little"));
    match color {
        ColorType::L8 => samples.iter().for_each(|&v| take([v; 3])),
        ColorType::La8 => samples.as_chunks::<2>().0.iter().for_each(|&[v, _]| take([v; 3])),
        ColorType::Rgb8 => samples.as_chunks::<3>().0.iter().for_each(|&rgb| take(rgb)),
        ColorType::Rgba8 => samples.as_chunks::<4>().0.iter().for_each(|&[r, g, b, _]| take([r, g, b])),
        ColorType::L16 => samples.as_chunks::<2>().0.iter().for_each(|v| take([v[high]; 3])),
        ColorType::La16 => samples.as_chunks::<4>().0.iter().for_each(|v| take([v[high]; 3])),
        ColorType::Rgb16 => {
            samples.as_chunks::<6>().0.iter().for_each(|v| take([v[high], v[2 + high], v[4 + high]]));
        }
        ColorType::Rgba16 => {
            samples.as_chunks::<8>().0.iter().for_each(|v| take([v[high], v[2 + high], v[4 + high]]));
        }
        _ => return None,
    }
    Some(())
}

/// The bytes themselves if they begin like a picture, or else what they mean in base64: standard
/// or URL-safe letters, with or without padding, line breaks and a `data:` prefix.
fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>, FunctionError> {
    if format(bytes).is_some() {
        return Ok(Cow::Borrowed(bytes));
    }
    let not_an_image =
        || FunctionError::NotAnImage("neither JPEG nor PNG, nor either of them in base64".into());
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Err(FunctionError::NotAnImage("the body is empty".into()));
    }
    let payload = if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data:")) {
        let comma = text.iter().position(|byte| *byte == b',').ok_or_else(not_an_image)?;
        if !text[..comma].to_ascii_lowercase().ends_with(b";base64") {
            return Err(not_an_image());
        }
        &text[comma + 1..]
    } else {
        text
    };
    let letters: Vec<u8> = payload
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    BASE64.decode(letters).map(Cow::Owned).map_err(|_| not_an_image())
}

fn format(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else {
        None
    }
}

/// Whether the last scan of a JPEG is followed by an end marker. The decoder fills what is missing
/// with gray and says nothing. Neither marker occurs within a scan: there, 0xff is escaped.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    match (last(0xda), last(0xd9)) {
        (Some(scan), Some(end)) => end > scan,
        _ => false,
    }
}

fn undecodable(error: ImageError) -> FunctionError {
    match error {
        ImageError::Limits(_) => FunctionError::TooMuchMemory,
        other => FunctionError::NotAnImage(other.to_string().into()),
    }
}
