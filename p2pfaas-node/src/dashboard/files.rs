//! The page, its style and its scripts: in the program, so that it needs no network and no folder.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::shared::Shared;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path below `/dashboard/`, type and text of each file.
const FILES: [(&str, &str, &str); 11] = [
    ("style.css", CSS, include_str!("web/style.css")),
    ("icon.svg", SVG, include_str!("web/icon.svg")),
    ("main.js", JAVASCRIPT, include_str!("web/main.js")),
    ("stream.js", JAVASCRIPT, include_str!("web/stream.js")),
    ("dom.js", JAVASCRIPT, include_str!("web/dom.js")),
    ("chart.js", JAVASCRIPT, include_str!("web/chart.js")),
    ("load.js", JAVASCRIPT, include_str!("web/load.js")),
    ("cluster.js", JAVASCRIPT, include_str!("web/cluster.js")),
    ("policy.js", JAVASCRIPT, include_str!("web/policy.js")),
    ("learned.js", JAVASCRIPT, include_str!("web/learned.js")),
    ("map.js", JAVASCRIPT, include_str!("web/map.js")),
];

const PAGE: &str = include_str!("web/index.html");

/// Nothing but what this node itself serves, and nothing inline; in no frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Whether somebody would rather read a page than what `/` has always answered.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        html && !parts.any(|part| part.replace(' ', "").eq_ignore_ascii_case("q=0"))
    })
}

/// The page.
pub(crate) fn page() -> Response {
    let mut page = file(HTML, PAGE);
    // Under the same address others get JSON.
    page.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    page
}

/// Its files.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    let add = |router: Router<Arc<Shared>>, (path, kind, text): (&str, &'static str, &'static str)| {
        router.route(&format!("/dashboard/{path}"), get(async move || file(kind, text)))
    };
    FILES.into_iter().fold(Router::new(), add)
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // The next version of the program has other files.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What stands between two texts, wherever it does.
    fn between<'a>(text: &'a str, before: &'a str, after: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(move |rest| Some(rest.split_once(after)?.0))
    }

    fn scripts() -> impl Iterator<Item = (&'static str, &'static str)> {
        FILES.into_iter().filter(|(_, kind, _)| *kind == JAVASCRIPT).map(|(path, _, text)| (path, text))
    }

    #[test]
    fn every_element_that_a_script_looks_up_is_in_the_page() {
        let ids: Vec<&str> = between(PAGE, " id=\"", "\"").collect();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(once.len(), ids.len(), "an id is given once");
        let mut looked_up = 0;
        for (path, text) in scripts() {
            for id in between(text, "byId(\"", "\")") {
                assert!(once.contains(id), "{path} looks for {id}");
                looked_up += 1;
            }
        }
        assert!(looked_up > 20);
        for label in between(PAGE, " for=\"", "\"").chain(between(PAGE, " aria-labelledby=\"", "\"")) {
            assert!(once.contains(label), "{label}");
        }
    }

    #[test]
    fn the_page_and_its_scripts_name_only_files_that_are_served_and_nothing_inline() {
        let served: BTreeSet<&str> = FILES.iter().map(|(path, _, _)| *path).collect();
        for file in between(PAGE, "=\"dashboard/", "\"") {
            assert!(served.contains(file), "{file}");
        }
        for (path, text) in scripts() {
            for import in between(text, " from \"./", "\"") {
                assert!(served.contains(import), "{path} imports {import}");
            }
            assert!(!text.contains("innerHTML") && !text.contains("eval("), "{path}");
        }
        for (path, text) in FILES.into_iter().map(|(path, _, text)| (path, text)).chain([("/", PAGE)]) {
            let foreign = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!foreign.contains("http://") && !foreign.contains("https://"), "{path}");
        }
        assert!(!PAGE.contains("<style") && !PAGE.contains(" style=") && !PAGE.contains(" onclick"));
        let scripts: Vec<&str> = between(PAGE, "<script", ">").collect();
        assert_eq!(scripts, [" type=\"module\" src=\"dashboard/main.js\""]);
    }

    #[test]
    fn only_who_asks_for_html_is_a_browser() {
        let asks = |accept: &str| {
            let value = HeaderValue::from_str(accept).expect("a header");
            is_browser(&HeaderMap::from_iter([(header::ACCEPT, value)]))
        };
        assert!(asks("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(asks("application/json;q=0.5, Text/HTML;q=0.9"));
        for other in ["*/*", "text/*", "application/json", "", "text/html;q=0", "text/htmlx"] {
            assert!(!asks(other), "{other}");
        }
        assert!(!is_browser(&HeaderMap::new()));
    }
}
