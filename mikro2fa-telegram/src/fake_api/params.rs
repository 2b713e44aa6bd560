//! What a caller sent, however it was sent: query string, form, or JSON, as the real server takes it.

use serde_json::{Map, Value};

/// The parameters of one call. In a form everything is text, so text that reads as a number, a flag or JSON is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Map<String, Value>);

impl Params {
    pub(super) fn from_request(
        query: Option<&str>,
        content_type: &str,
        body: &[u8],
    ) -> Result<Self, String> {
        let mut map = Map::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            map.insert(name.into_owned(), Value::String(value.into_owned()));
        }
        if body.is_empty() {
            return Ok(Self(map));
        }
        if content_type.starts_with("application/json") {
            match serde_json::from_slice(body) {
                Ok(Value::Object(object)) => map.extend(object),
                _ => return Err("Bad Request: can't parse JSON object".to_owned()),
            }
        } else {
            for (name, value) in form_urlencoded::parse(body) {
                map.insert(name.into_owned(), Value::String(value.into_owned()));
            }
        }
        Ok(Self(map))
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_i64(),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => {
                matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "1")
            }
            Some(value) => value.as_i64().is_some_and(|n| n != 0),
            None => false,
        }
    }

    pub(super) fn json(&self, name: &str) -> Option<Value> {
        match self.0.get(name)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            Value::Null => None,
            value => Some(value.clone()),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
