//! What actix-web does not limit by itself: time for a whole request, a panic in a handler.
//!
//! The body is read inside the handlers, so the deadline covers a body that never comes.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::middleware::Next;
use futures::FutureExt;

use super::problem::refusal_at;

/// Longest that a request may take, its body included. The slowest answer is a full page from a cold disk.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// The same for the operator, who mints many blocks in one request.
pub const OPERATOR_DEADLINE: Duration = Duration::from_secs(60);
/// Longest body. A transfer is below 4 KiB.
pub const MAX_BODY: usize = 64 * 1024;

/// Ends a request after [`DEADLINE`], and turns a panic into an answer.
pub async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    within(DEADLINE, request, next).await
}

/// [`guard`] for the operator.
pub async fn operator_guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    within(OPERATOR_DEADLINE, request, next).await
}

/// [`guard`] with another deadline.
pub async fn within<B: MessageBody + 'static>(
    deadline: Duration,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let path = request.path().to_owned();
    let call = AssertUnwindSafe(next.call(request)).catch_unwind();
    match tokio::time::timeout(deadline, call).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            tracing::error!(path, "a handler panicked");
            Err(closing(&path, 500, "internal fault"))
        }
        Err(_) => {
            tracing::debug!(path, "a request took too long");
            Err(closing(&path, 408, "the request took too long"))
        }
    }
}

/// Nobody knows how much of the request was read, so the connection ends.
fn closing(path: &str, status: u16, message: &str) -> Error {
    let mut reply = refusal_at(path, status, message);
    reply.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    InternalError::from_response("", reply).into()
}
