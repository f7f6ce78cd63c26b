//! Where nodes are on Earth, and how far from each other.

use std::path::Path;

use super::table_file::{FileError, each_row, field, node};

/// Mean radius of Earth, kilometres (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;
/// Light in glass goes at about two thirds of its speed in the void: kilometres a millisecond.
const LIGHT_IN_FIBRE_KM_PER_MS: f64 = 299.792_458 * 2.0 / 3.0;

/// A place on Earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

impl Coordinates {
    /// A place; `None` unless its latitude is from -90 to 90 and its longitude from -180 to 180 degrees.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let there = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        there.then_some(Coordinates { latitude, longitude })
    }

    /// Reads a file with a line `node,latitude,longitude` for each node, in any order.
    ///
    /// # Errors
    /// It cannot be read; a line is something else; a node is missing, there twice, or does not exist.
    pub fn read(path: &Path, nodes: usize) -> Result<Vec<Self>, FileError> {
        let mut places = vec![None; nodes];
        each_row(path, |fields| {
            let [number, latitude, longitude] = fields else {
                return Err(format!("{} fields; expected node,latitude,longitude", fields.len()));
            };
            let number = node(number, nodes)?;
            const DEGREES: &str = "a number of degrees";
            let place = Coordinates::new(field(latitude, DEGREES)?, field(longitude, DEGREES)?)
                .ok_or("no such place; expected a latitude from -90 to 90, a longitude from -180 to 180")?;
            match places[number as usize].replace(place) {
                None => Ok(()),
                Some(_) => Err(format!("node {number} has a place already")),
            }
        })?;
        let missing = places.iter().position(Option::is_none);
        places.into_iter().collect::<Option<_>>().ok_or_else(|| FileError::Incomplete {
            path: path.into(),
            reason: format!("node {} has no place; expected one line a node", missing.unwrap_or_default()),
        })
    }

    /// The point on a sphere of radius 1, so that distances take no angles any more.
    fn on_sphere(self) -> [f64; 3] {
        let (sin_latitude, cos_latitude) = self.latitude.to_radians().sin_cos();
        let (sin_longitude, cos_longitude) = self.longitude.to_radians().sin_cos();
        [cos_latitude * cos_longitude, cos_latitude * sin_longitude, sin_latitude]
    }
}

/// The nodes on their sphere.
#[derive(Debug, Clone)]
pub(super) struct Globe {
    points: Vec<[f64; 3]>,
    /// Milliseconds along a whole radius.
    radius_ms: f64,
}

impl Globe {
    pub fn new(places: &[Coordinates], route_factor: f64) -> Self {
        let points = places.iter().map(|place| place.on_sphere()).collect();
        Globe { points, radius_ms: EARTH_RADIUS_KM / LIGHT_IN_FIBRE_KM_PER_MS * route_factor }
    }

    /// Milliseconds along the great circle. Half the straight line through the Earth is the sine of half
    /// the angle, whose square is the haversine.
    pub fn delay_ms(&self, from: u32, to: u32) -> f64 {
        let (a, b) = (self.points[from as usize], self.points[to as usize]);
        let line = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        let line = (line[0] * line[0] + line[1] * line[1] + line[2] * line[2]).sqrt();
        2.0 * (line / 2.0).min(1.0).asin() * self.radius_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
        let place = |(latitude, longitude)| Coordinates::new(latitude, longitude).unwrap();
        Globe::new(&[place(a), place(b)], 1.0).delay_ms(0, 1) * LIGHT_IN_FIBRE_KM_PER_MS
    }

    #[test]
    fn known_distances_come_out() {
        let (rome, milan) = ((41.9028, 12.4964), (45.4642, 9.19));
        let haversine = |a: (f64, f64), b: (f64, f64)| {
            let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
            let h = half(a.0, b.0) + a.0.to_radians().cos() * b.0.to_radians().cos() * half(a.1, b.1);
            2.0 * EARTH_RADIUS_KM * h.sqrt().asin()
        };
        assert!((distance_km(rome, milan) - haversine(rome, milan)).abs() < 1e-6);
        assert!((distance_km(rome, milan) - 477.0).abs() < 1.0, "{}", distance_km(rome, milan));
        let quarter = EARTH_RADIUS_KM * std::f64::consts::FRAC_PI_2;
        assert!((distance_km((90.0, 0.0), (0.0, 77.0)) - quarter).abs() < 1e-6);
        assert!((distance_km((10.0, 20.0), (-10.0, -160.0)) - 2.0 * quarter).abs() < 1e-3);
        // Across the date line, and none at all.
        assert!((distance_km((0.0, 179.0), (0.0, -179.0)) - quarter / 45.0).abs() < 1e-6);
        assert_eq!(distance_km(rome, rome), 0.0);
    }

    #[test]
    fn places_off_the_earth_are_none() {
        for (latitude, longitude) in [(91.0, 0.0), (0.0, -181.0), (f64::NAN, 0.0)] {
            assert_eq!(Coordinates::new(latitude, longitude), None);
        }
    }
}
