//! p
use pigo_function::{detector::*, frontal::*, pico::*};
use std::time::Instant;
fn main(){
  let png = image::open(std::env::args().nth(1).unwrap()).unwrap();
  let casc = std::sync::Arc::new(Cascade::open(std::path::Path::new("/work/shared/pico/facefinder")).unwrap());
  let full = png.to_rgb8();
  let model = FrontalModel::read().unwrap();
  for (x,y,w,s) in [(0,0,0,0u32),(0,0,512,512),(200,200,300,160),(200,200,300,320)] {
    let rgb = if w==0 { full.clone() } else { let c=image::imageops::crop_imm(&full,x,y,w,w).to_image(); image::imageops::resize(&c,s,s,image::imageops::FilterType::Triangle)};
    let gray: Vec<u8> = rgb.pixels().map(|p| ((299*p.0[0] as u32+587*p.0[1] as u32+114*p.0[2] as u32)/1000) as u8).collect();
    let g = GrayPicture::new(&gray, rgb.width(), rgb.height()).unwrap();
    let mut faces=vec![];
    let n = if w==0 {3} else {20};
    println!("== {}x{}", rgb.width(), rgb.height());
    let p = DetectionParameters::default();
    let mut d = PicoDetector::new(casc.clone());
    d.detect(g,&p,&mut faces).unwrap();
    let t=Instant::now(); for _ in 0..n { d.detect(g,&p,&mut faces).unwrap(); }
    println!("pico {:?} faces {}", t.elapsed()/n, faces.len());
    let t=Instant::now(); for _ in 0..n { d.windows(g,&p); }
    println!("pico windows {:?} {}", t.elapsed()/n, d.windows(g,&p).len());
    for (sc,q) in [(1.1,0.0f32),(1.25,0.0),(1.1,2.0),(1.25,2.0),(1.1,5.0),(1.25,5.0)] {
      let p = DetectionParameters{scale:sc, quality:q,iou: 0.3, ..p};
      let t=Instant::now();
      let mut d = FrontalDetector::new(&model);
      d.detect(g,&p,&mut faces).unwrap();
      let first=t.elapsed();
      let t=Instant::now(); for _ in 0..n { d.detect(g,&p,&mut faces).unwrap(); }
      println!("frontal scale {sc} q {q}: {:?} (first {first:?}) faces {} {:?}", t.elapsed()/n, faces.len(), faces.iter().map(|f|f.q).collect::<Vec<_>>());
    }
  }
}
