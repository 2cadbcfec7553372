//! The explorer: one page with its style and script, inside the binary, asking nobody but this node.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

use super::reply::other_method;

const HTML: &str = include_str!("../web/explorer.html");
const CSS: &str = include_str!("../web/explorer.css");
const JS: &str = include_str!("../web/explorer.js");
const ICON: &str = include_str!("../web/explorer.svg");

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its parts.
pub fn routes(app: &mut ServiceConfig) {
    let file = |path: &str, kind: &'static str, text: &'static str| {
        let serve = move || async move {
            HttpResponse::Ok()
                .content_type(kind)
                .insert_header(("Content-Security-Policy", POLICY))
                .insert_header(("Referrer-Policy", "no-referrer"))
                .insert_header(("Cache-Control", "no-cache"))
                .body(text)
        };
        web::resource(path).route(web::get().to(serve)).default_service(web::to(other_method))
    };
    app.service(file("/", "text/html; charset=utf-8", HTML))
        .service(file("/explorer.css", "text/css; charset=utf-8", CSS))
        .service(file("/explorer.js", "text/javascript; charset=utf-8", JS))
        .service(file("/explorer.svg", "image/svg+xml", ICON));
}
