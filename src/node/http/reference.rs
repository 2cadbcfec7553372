//! `/api`: a page that shows the OpenAPI document to people and asks its operations. Inside the binary, nothing from
//! elsewhere, nothing inline.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

use super::reply::other_method;

const PAGE: &str = include_str!("reference/page.html");
const STYLE: &str = include_str!("reference/page.css");
const SCRIPT: &str = include_str!("reference/page.js");

/// What the page may load and ask: this node alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

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
    app.service(file("/api", "text/html; charset=utf-8", PAGE))
        .service(file("/api/page.css", "text/css; charset=utf-8", STYLE))
        .service(file("/api/page.js", "text/javascript; charset=utf-8", SCRIPT));
}
