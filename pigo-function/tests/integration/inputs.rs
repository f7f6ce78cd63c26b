//! Bodies of all kinds, and the three kinds of answers.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use image::{DynamicImage, ImageFormat};
use pigo_function::{DetectionParameters, FaceFunction, InputLimits, Model, OutputMode, Settings, sample};
use serde_json::Value;

use crate::frontal;

fn crop() -> Vec<u8> {
    sample::crops(120).unwrap().swap_remove(0)
}

fn function(settings: Settings) -> FaceFunction {
    FaceFunction::new(Model::Frontal, settings).unwrap()
}

fn status(function: &FaceFunction, body: &[u8]) -> u16 {
    function.call(body).unwrap_err().http_status()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn json_has_the_names_of_the_reference() {
    let answer = frontal().call(&crop()).unwrap();
    assert_eq!(answer.content_type, "application/json");
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["ImageBase64"], "");
    let faces = json["Faces"].as_array().unwrap();
    assert_eq!(faces.len(), answer.faces);
    let face = &faces[0];
    let number = |value: &Value| value.as_i64().unwrap();
    let (left, top) = (number(&face["Min"]["X"]), number(&face["Min"]["Y"]));
    let (right, bottom) = (number(&face["Max"]["X"]), number(&face["Max"]["Y"]));
    assert_eq!((right - left, bottom - top), (number(&face["Scale"]), number(&face["Scale"])));
    assert_eq!(left + number(&face["Scale"]) / 2, number(&face["Col"]));
    assert_eq!(top + number(&face["Scale"]) / 2, number(&face["Row"]));
    assert!(face["Q"].as_f64().unwrap() > 5.0);
}

#[test]
fn images_come_back_with_the_faces_marked() {
    let plain = image::load_from_memory(&crop()).unwrap().to_rgb8();
    let answer =
        function(Settings { output: OutputMode::Image, ..Settings::default() }).call(&crop()).unwrap();
    assert_eq!(answer.content_type, "image/jpeg");
    let marked = image::load_from_memory_with_format(&answer.body, ImageFormat::Jpeg).unwrap().to_rgb8();
    assert_eq!(marked.dimensions(), plain.dimensions());
    let red = |picture: &image::RgbImage| {
        picture.pixels().filter(|p| p.0[0] > 200 && p.0[1] < 80 && p.0[2] < 80).count()
    };
    assert!(red(&marked) > red(&plain) + 100);

    let both =
        function(Settings { output: OutputMode::JsonImage, ..Settings::default() }).call(&crop()).unwrap();
    let json: Value = serde_json::from_slice(&both.body).unwrap();
    assert_eq!(STANDARD.decode(json["ImageBase64"].as_str().unwrap()).unwrap(), answer.body);
    assert_eq!(json["Faces"].as_array().unwrap().len(), answer.faces);
}

#[test]
fn base64_is_the_same_as_the_bytes() {
    let function = frontal();
    let expected = function.call(&crop()).unwrap();
    let text = STANDARD.encode(crop());
    let lines: Vec<_> = text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    for body in [
        text.clone(),
        STANDARD_NO_PAD.encode(crop()),
        URL_SAFE.encode(crop()),
        lines.join("\r\n") + "\n",
        format!("\n data:image/jpeg;base64,{text}\n"),
        format!("DATA:image/jpeg;name=a;BASE64,{}", lines.join("\n")),
    ] {
        assert_eq!(function.call(body.as_bytes()).unwrap(), expected, "{}", &body[..40]);
    }
}

#[test]
fn every_kind_of_png_is_read() {
    let function = frontal();
    let picture = image::load_from_memory(&crop()).unwrap();
    for (kind, picture) in [
        ("rgb8", DynamicImage::from(picture.to_rgb8())),
        ("rgba8", DynamicImage::from(picture.to_rgba8())),
        ("rgb16", DynamicImage::from(picture.to_rgb16())),
        ("rgba16", DynamicImage::from(picture.to_rgba16())),
        ("luma8", DynamicImage::from(picture.to_luma8())),
        ("luma_alpha8", DynamicImage::from(picture.to_luma_alpha8())),
        ("luma16", DynamicImage::from(picture.to_luma16())),
        ("luma_alpha16", DynamicImage::from(picture.to_luma_alpha16())),
    ] {
        let answer = function.call(&encoded(&picture, ImageFormat::Png)).unwrap();
        assert!(answer.faces >= 1, "{kind}");
    }
}

#[test]
fn what_is_no_image_is_400() {
    let function = frontal();
    let png_of_nothing = b"\x89PNG\r\n\x1a\n garbage garbage garbage";
    for body in [
        b"".as_slice(),
        b" \n ",
        b"hello",
        b"hello, this is no picture at all!",
        b"GIF89a",
        b"data:image/png,plain",
        b"data:image/png;base64",
        b"data:image/png;base64,%%%",
        b"aGVsbG8gd29ybGQ=",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0 garbage \xff\xda \xff\xd9",
        png_of_nothing,
        &[0; 4096],
    ] {
        assert_eq!(status(&function, body), 400, "{:?}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_truncated_image_is_400() {
    let function = frontal();
    let jpeg = crop();
    let png = encoded(&image::load_from_memory(&jpeg).unwrap(), ImageFormat::Png);
    for whole in [jpeg, png] {
        for part in 1..10 {
            let length = whole.len() * part / 10;
            assert_eq!(status(&function, &whole[..length]), 400, "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn a_body_above_the_limit_is_413() {
    let jpeg = crop();
    let limits = |body_bytes_max| InputLimits { body_bytes_max, ..InputLimits::default() };
    let fits = function(Settings { limits: limits(jpeg.len()), ..Settings::default() });
    assert!(fits.call(&jpeg).is_ok());
    let too_long = function(Settings { limits: limits(jpeg.len() - 1), ..Settings::default() });
    assert_eq!(status(&too_long, &jpeg), 413);
}

#[test]
fn a_decompression_bomb_is_413() {
    let function = frontal();
    // 144 megapixels of nothing in a PNG of less than a megabyte.
    let bomb = encoded(&DynamicImage::new_luma8(12_000, 12_000), ImageFormat::Png);
    assert!(bomb.len() < 1_000_000);
    assert_eq!(status(&function, &bomb), 413);
    assert_eq!(status(&function, STANDARD.encode(&bomb).as_bytes()), 413);

    // A header that promises 2^31 x 2^31 pixels.
    let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    header.extend([0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 8, 6, 0, 0, 0]);
    let crc = crc32(&header[12..]);
    header.extend(crc.to_be_bytes());
    header.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    let status = status(&function, &header);
    assert!(status == 413 || status == 400, "{status}");

    // A long, narrow picture of few pixels.
    let ribbon = encoded(&DynamicImage::new_luma8(40_000, 1), ImageFormat::Png);
    assert_eq!(function.call(&ribbon).unwrap_err().http_status(), 413);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn a_function_goes_on_after_errors() {
    let function = frontal();
    let expected = function.call(&crop()).unwrap();
    assert_eq!(status(&function, &crop()[..200]), 400);
    assert_eq!(function.call(&crop()).unwrap(), expected);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let good = DetectionParameters::default();
    for bad in [
        DetectionParameters { size_min_pixels: 0, ..good },
        DetectionParameters { size_max_pixels: 19, ..good },
        DetectionParameters { shift: 0.0, ..good },
        DetectionParameters { shift: f64::NAN, ..good },
        DetectionParameters { scale: 1.0, ..good },
        DetectionParameters { iou: -0.1, ..good },
        DetectionParameters { quality: f32::NAN, ..good },
    ] {
        assert!(
            FaceFunction::new(Model::Frontal, Settings { detection: bad, ..Settings::default() }).is_err()
        );
    }
}

#[test]
fn modes_have_the_names_of_the_reference() {
    assert_eq!("json_image".parse(), Ok(OutputMode::JsonImage));
    assert_eq!("image".parse(), Ok(OutputMode::Image));
    assert_eq!("".parse(), Ok(OutputMode::Json));
    assert_eq!("url".parse(), Ok(pigo_function::InputMode::Url));
    assert!("text".parse::<OutputMode>().unwrap_err().to_string().contains("json_image"));
}
