//! The web application: a page with its style, scripts and icon, inside the binary, asking nobody but this node.
//!
//! The files are built from `src/web` by `src/web/build`; building the node takes them as they are. Nothing is ever read
//! from the disk, so no path can lead elsewhere.

use std::io::{self, Write};
use std::sync::LazyLock;

use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, ETag, Encoding, EntityTag, Header, HeaderName, IfNoneMatch,
};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::reply::other_method;

/// What every file is sent with. Nothing comes from elsewhere, nothing is inline, no text becomes code; scripts of the
/// workers come from here too. `no-cache` lets browsers keep a copy and ask whether it is still the newest.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (header::PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=()"),
    (header::CACHE_CONTROL, "no-cache"),
    (header::VARY, "Accept-Encoding"),
];

/// A file of the application, as it is served.
struct Asset {
    path: &'static str,
    kind: &'static str,
    plain: Bytes,
    /// Made once: phones are on slow lines, and to compress for each request would cost the node more.
    gzip: Bytes,
}

macro_rules! assets {
    ($($path:literal $kind:literal $file:literal)*) => {
        [$(Asset::new($path, $kind, include_bytes!(concat!("../web/dist/", $file)))),*]
    };
}

static ASSETS: LazyLock<[Asset; 7]> = LazyLock::new(|| {
    assets! {
        "/" "text/html; charset=utf-8" "index.html"
        "/style.css" "text/css; charset=utf-8" "style.css"
        "/app.js" "text/javascript; charset=utf-8" "app.js"
        "/vault.js" "text/javascript; charset=utf-8" "vault.js"
        "/work.js" "text/javascript; charset=utf-8" "work.js"
        "/icon.svg" "image/svg+xml" "icon.svg"
        "/manifest.webmanifest" "application/manifest+json" "manifest.webmanifest"
    }
});

/// The page and its parts.
pub fn routes(app: &mut ServiceConfig) {
    for asset in ASSETS.iter() {
        let serve = move |request: HttpRequest| async move { asset.reply(&request) };
        app.service(web::resource(asset.path).route(web::get().to(serve)).default_service(web::to(other_method)));
    }
}

impl Asset {
    fn new(path: &'static str, kind: &'static str, file: &'static [u8]) -> Self {
        let plain = Bytes::from_static(file);
        // Writing into memory does not fail; if it did, the plain form would still be right.
        let gzip = compressed(file).map_or_else(|_| plain.clone(), Bytes::from);
        Self { path, kind, plain, gzip }
    }

    /// The file in the form that the client takes, or that the client's copy is the newest.
    fn reply(&self, request: &HttpRequest) -> HttpResponse {
        let gzip = self.gzip.len() < self.plain.len() && takes_gzip(request);
        let body = if gzip { &self.gzip } else { &self.plain };
        let tag = EntityTag::new_strong(hex::encode(&Sha256::digest(body)[..16]));
        let known = is_known(request, &tag);
        let mut reply = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        for header in HEADERS {
            reply.insert_header(header);
        }
        reply.insert_header(ETag(tag));
        if known {
            return reply.finish();
        }
        if gzip {
            reply.insert_header(ContentEncoding::Gzip);
        }
        reply.content_type(self.kind).body(body.clone())
    }
}

fn compressed(file: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(file)?;
    encoder.finish()
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let forms = [Encoding::gzip(), Encoding::identity()];
    let chosen = AcceptEncoding::parse(request).ok().and_then(|accepted| accepted.negotiate(forms.iter()));
    chosen == Some(Encoding::gzip())
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
