//! Request bodies of the compatible interface, read as leniently as the original reads them: a JSON object of texts,
//! missing fields are empty, unknown ones ignored.

use actix_web::Error;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::limits::MAX_BODY;
use super::reply::Refusal;

/// A body that may be too long, or have broken off.
pub type Received = Result<Bytes, Error>;

/// The body, if all of it is here.
pub fn whole(body: Received) -> Result<Bytes, Refusal> {
    body.map_err(|error| match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(413, format!("the body has more than {MAX_BODY} bytes")),
        _ => Refusal::bad("the body broke off"),
    })
}

/// The text fields of a body.
#[derive(Debug, Default, PartialEq)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads `body`. Without one every field is empty; a form has no field that the original would know.
    pub fn read(content_type: &str, body: &[u8], type_name: &str) -> Result<Self, Refusal> {
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if body.is_empty() || media == "application/x-www-form-urlencoded" || media == "multipart/form-data" {
            return Ok(Self::default());
        }
        if media != "application/json" {
            return Err(invalid("code=415, message=Unsupported Media Type"));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(Value::Null) => Ok(Self::default()),
            Ok(other) => Err(wrong_type(type_name, &other, "")),
            Err(error) => Err(invalid(&format!("code=400, message=Syntax error: {error}"))),
        }
    }

    /// The fields of a value that was read before.
    pub fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        Ok(match serde_json::to_value(value)? {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        })
    }

    /// A text field; empty if it is missing.
    pub fn text(&self, name: &str) -> Result<String, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(wrong_type("string", other, name)),
        }
    }
}

fn invalid(why: &str) -> Refusal {
    Refusal::bad(format!("invalid payload {why}"))
}

fn wrong_type(expected: &str, got: &Value, field: &str) -> Refusal {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    invalid(&format!("code=400, message=Unmarshal type error: expected={expected}, got={got}, field={field}"))
}

/// `text` without the first `0x`, wherever it stands: what the original does.
pub fn without_prefix(text: &str) -> String {
    if text.contains("0x") { text.replacen("0x", "", 1) } else { text.replacen("0X", "", 1) }
}

/// Hex as bytes, with the error texts of the original.
pub fn hex_bytes(text: &str) -> Result<Vec<u8>, String> {
    if let Some(bad) = text.bytes().find(|byte| !byte.is_ascii_hexdigit()) {
        let shown = char::from(bad);
        return Err(match shown.is_control() {
            true => format!("encoding/hex: invalid byte: U+{bad:04X}"),
            false => format!("encoding/hex: invalid byte: U+{bad:04X} '{shown}'"),
        });
    }
    hex::decode(text).map_err(|_| "encoding/hex: odd length hex string".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a09_hostile_json_is_refused_with_a_reason() {
        let deep = "[".repeat(60_000);
        for bad in [deep.as_bytes(), b"{bad", b"{\"a\":1e400}", b"\"\xff\"", b"{\"a\":1}{}", b"tru"] {
            let error = Fields::read("application/json", bad, "X").unwrap_err();
            assert!(error.message().starts_with("invalid payload code=400, message=Syntax error: "), "{error:?}");
        }
        let number = Fields::read("application/json", b"{\"a\":5}", "X").unwrap();
        let error = number.text("a").unwrap_err();
        assert!(error.message().contains("expected=string, got=number, field=a"), "{error:?}");
    }

    #[test]
    fn hex_errors_read_as_the_original_wrote_them() {
        assert_eq!(hex_bytes("zz"), Err("encoding/hex: invalid byte: U+007A 'z'".into()));
        assert_eq!(hex_bytes("abc"), Err("encoding/hex: odd length hex string".into()));
        assert_eq!(hex_bytes("0aFF"), Ok(vec![10, 255]));
        assert_eq!(
            (without_prefix("0xab"), without_prefix("0Xab"), without_prefix("ab")),
            ("ab".into(), "ab".into(), "ab".into())
        );
    }
}
