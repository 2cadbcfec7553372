//! Why a request is not granted (RFC 9457).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request is not granted (RFC 9457). The type is stable; the detail is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem for ever.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub kind: Cow<'static, str>,
    /// The kind in words.
    pub title: Cow<'static, str>,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, and what to do about it.
    pub detail: String,
    /// A stable word for the reason, where there are several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub reason: Option<Cow<'static, str>>,
    /// Seconds after which asking again makes sense.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub retry_after_s: Option<u64>,
}
