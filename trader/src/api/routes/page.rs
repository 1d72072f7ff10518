//! Mission Control, built into the binary.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::api::App;
use crate::api::envelope::Told;
use crate::api::error::{ApiError, ErrorCode};

#[derive(RustEmbed)]
#[folder = "dashboard/dist"]
#[allow_missing = true]
struct Dist;

/// The page's files by their path, such as `index.html` and `assets/index-4f3c.js`. Only these are
/// served: a path that is not among them leads nowhere.
#[derive(Debug, Clone, Default)]
pub struct Page {
    files: BTreeMap<String, File>,
}

#[derive(Debug, Clone)]
struct File {
    bytes: Bytes,
    media_type: HeaderValue,
    etag: HeaderValue,
}

impl Page {
    /// The page that was built before this binary was.
    #[must_use]
    pub fn embedded() -> Self {
        let file = |path: Cow<'static, str>| {
            let bytes = match Dist::get(&path)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((path.into_owned(), bytes))
        };
        Self::new(Dist::iter().filter_map(file))
    }

    /// A page of these files.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let file = |(path, bytes): (String, Bytes)| {
            let mut media_type = mime_guess::from_path(&path).first_or_octet_stream().to_string();
            if media_type.starts_with("text/") {
                media_type.push_str("; charset=utf-8");
            }
            let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
            let file = File {
                bytes,
                media_type: HeaderValue::from_str(&media_type).ok()?,
                etag: HeaderValue::from_str(&etag).ok()?,
            };
            Some((path, file))
        };
        Self { files: files.into_iter().filter_map(file).collect() }
    }
}

/// For a binary that was built without the page.
const NOT_BUILT: &str = "Mission Control is not built into this binary.

Build it, then the trader again, in the repository:
    make page
    cargo build -p sapphire-trader

The API works without it: /api/openapi.json lists what there is.
";

/// The page itself: asked for anew each time, told by its tag whether it changed.
pub(super) async fn index(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Some(file) = app.page.files.get("index.html") else {
        let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, text, NOT_BUILT).into_response();
        response.extensions_mut().insert(Told);
        return response;
    };
    serve(file, &headers, "no-cache")
}

/// Its parts.
pub(super) async fn asset(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = app.page.files.get(&format!("assets/{path}")).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, "the page has no such file: load the page again")
    })?;
    let lasts = if is_hashed(&path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(serve(file, &headers, lasts))
}

/// Whether the name changes with the content, as Vite writes it: `name-hash.extension`, the hash
/// eight characters of base 64.
fn is_hashed(path: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let hash = stem.len().checked_sub(9).and_then(|at| stem.get(at..)?.strip_prefix('-'));
    hash.is_some_and(|hash| hash.bytes().all(base64))
}

fn serve(file: &File, asked: &HeaderMap, lasts: &'static str) -> Response {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| matches(tags, &file.etag));
    let common = [
        (header::ETAG, file.etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static(lasts)),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let media_type = [(header::CONTENT_TYPE, file.media_type.clone())];
    (common, media_type, file.bytes.clone()).into_response()
}

/// A list of tags, weak ones among them (RFC 9110, 13.1.2: compared weakly).
fn matches(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let tags = tags.to_str().unwrap_or_default();
    tags.split(',').map(str::trim).any(|tag| {
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("index-D0vDkNQL.css", true)]
    #[case("index-a_b-c1D2.js", true)]
    #[case("licenses.txt", false)]
    #[case("sapphire-mark.svg", false)]
    #[case("-D0vDkNQL", true)]
    #[case("ü-12345é.js", false)]
    #[case("", false)]
    fn only_a_name_with_a_hash_lasts(#[case] path: &str, #[case] hashed: bool) {
        assert_eq!(is_hashed(path), hashed);
    }
}
