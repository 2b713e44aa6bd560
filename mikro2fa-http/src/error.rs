//! What a caller is told when a request fails: problem details (RFC 9457), and nothing from inside.

use std::{borrow::Cow, convert::Infallible, error::Error};

use serde::Serialize;
use warp::{
    Rejection, Reply,
    http::{HeaderValue, StatusCode, header},
    reject::{self, Reject},
    reply::Response,
};

/// The media type of problem details (RFC 9457, section 3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A kind of failure: its status, a stable name for programs and a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The request can't be understood.
    Malformed,
    /// Nobody who may ask: no token, or one that is not known or over.
    Unauthorized,
    /// Known, but not for this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is, but not with this method.
    MethodNotAllowed,
    /// Somebody else changed it meanwhile, or its state does not allow this.
    Conflict,
    /// The body is longer than this address takes.
    TooLarge,
    /// The body is not JSON, or not said to be.
    UnsupportedMediaType,
    /// Understood, but it makes no sense; `detail` names the field.
    Invalid,
    /// Too many requests.
    TooMany,
    /// Our own fault; the log knows more.
    Internal,
    /// Not now: starting, stopping, or the database does not answer.
    Unavailable,
}

impl Kind {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request can't be understood",
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "A valid token is needed",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "This token may not do that",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This address does not take this method",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "The present state does not allow this",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too long",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Only JSON is understood here",
            ),
            Self::Invalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "A value makes no sense",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many",
                "Too many requests",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something failed here",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Not available right now",
            ),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.parts().0
    }
}

/// A failure on its way to the caller. Also a rejection, so that filters can end with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: Option<Cow<'static, str>>,
}

impl Problem {
    /// A failure that its kind says all about.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self { kind, detail: None }
    }

    /// A failure with a sentence about this one: what was wrong, and what to do. Callers read it: no inner errors.
    pub fn with(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: Some(detail.into()),
        }
    }

    /// A failure of ours. The cause goes to the log, the caller is only told that it is there.
    #[must_use]
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(cause = %chain(cause), "a request failed");
        Self::with(
            Kind::Internal,
            "nothing more is said here; the server's log has the cause",
        )
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl Reject for Problem {}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.parts();
        let body = Body {
            kind: format!("urn:mikro2fa:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: self.detail.as_deref(),
        };
        let mut response =
            warp::reply::with_status(warp::reply::json(&body), status).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.kind == Kind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

/// Turns every rejection into a problem; for the outermost `recover`.
///
/// # Errors
///
/// Never: what is not known becomes [`Kind::Internal`].
pub async fn recover(rejection: Rejection) -> Result<Problem, Infallible> {
    Ok(problem(&rejection))
}

fn problem(rejection: &Rejection) -> Problem {
    if let Some(problem) = rejection.find::<Problem>() {
        return problem.clone();
    }
    if rejection.is_not_found() {
        return Problem::new(Kind::NotFound);
    }
    if let Some(error) = rejection.find::<warp::body::BodyDeserializeError>() {
        // serde_json names the field and the place, and quotes only what the caller sent.
        let detail = error.source().map_or_else(String::new, ToString::to_string);
        return Problem::with(
            Kind::Malformed,
            format!("the body is not what this address takes: {detail}"),
        );
    }
    let known = [
        (
            rejection.find::<reject::PayloadTooLarge>().is_some(),
            Kind::TooLarge,
        ),
        (
            rejection.find::<reject::LengthRequired>().is_some(),
            Kind::Malformed,
        ),
        (
            rejection.find::<reject::UnsupportedMediaType>().is_some(),
            Kind::UnsupportedMediaType,
        ),
        (
            rejection.find::<reject::InvalidQuery>().is_some(),
            Kind::Malformed,
        ),
        (
            rejection.find::<reject::InvalidHeader>().is_some(),
            Kind::Malformed,
        ),
        (
            rejection.find::<reject::MissingHeader>().is_some(),
            Kind::Malformed,
        ),
        (
            rejection.find::<reject::MethodNotAllowed>().is_some(),
            Kind::MethodNotAllowed,
        ),
    ];
    match known.into_iter().find_map(|(is, kind)| is.then_some(kind)) {
        Some(kind) => Problem::new(kind),
        None => {
            tracing::error!(?rejection, "a rejection that nobody knows");
            Problem::new(Kind::Internal)
        }
    }
}

/// An error with its causes on one line, for the log.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use warp::Filter;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Wanted {
        count: u8,
    }

    /// One address that fails in as many ways as there are.
    fn filter() -> impl Filter<Extract = (Response,), Error = Infallible> + Clone {
        let body = warp::path!("body")
            .and(warp::post())
            .and(warp::body::content_length_limit(64))
            .and(warp::body::json())
            .map(|wanted: Wanted| warp::reply::json(&wanted.count).into_response());
        let fails = warp::path!("fails").and_then(async || {
            let cause = std::io::Error::other("the secret hunter2");
            Err::<Response, _>(Rejection::from(Problem::internal(&cause)))
        });
        let closed = warp::path!("closed").and_then(async || {
            Err::<Response, _>(Rejection::from(Problem::new(Kind::Unauthorized)))
        });
        body.or(fails)
            .unify()
            .or(closed)
            .unify()
            .recover(recover)
            .map(Reply::into_response)
    }

    async fn answer(
        request: warp::test::RequestBuilder,
    ) -> (StatusCode, Value, warp::http::HeaderMap) {
        let response = request.reply(&filter()).await;
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status(), body, response.headers().clone())
    }

    fn post(body: &str) -> warp::test::RequestBuilder {
        warp::test::request()
            .method("POST")
            .path("/body")
            .header("content-type", "application/json")
            .body(body)
    }

    #[tokio::test]
    async fn a_problem_is_typed() {
        let (status, body, headers) = answer(warp::test::request().path("/nowhere")).await;
        assert_eq!(status, 404);
        assert_eq!(headers["content-type"], PROBLEM_JSON);
        let expected = json!({"type": "urn:mikro2fa:problem:not-found", "title": "There is no such thing", "status": 404});
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn bad_bodies_have_statuses_of_their_own() {
        let cases = [
            (post("{\"count\": 1}"), 200),
            (post("{\"count\": 300}"), 400),
            (post("{"), 400),
            (post(&" ".repeat(65)), 413),
            (warp::test::request().path("/body"), 405),
            (
                warp::test::request()
                    .method("POST")
                    .path("/body")
                    .header("content-type", "text/plain")
                    .body("1"),
                415,
            ),
        ];
        for (request, expected) in cases {
            let (status, body, _) = answer(request).await;
            assert_eq!(status, expected, "{body}");
        }
        let (_, body, _) = answer(post("{\"count\": 300}")).await;
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("300")),
            "{body}"
        );
    }

    #[tokio::test]
    async fn inner_causes_stay_inside() {
        let (status, body, _) = answer(warp::test::request().path("/fails")).await;
        assert_eq!(status, 500);
        assert!(!body.to_string().contains("hunter2"), "{body}");
    }

    #[tokio::test]
    async fn who_is_not_known_is_told_how() {
        let (status, _, headers) = answer(warp::test::request().path("/closed")).await;
        assert_eq!(
            (
                status.as_u16(),
                headers["www-authenticate"].to_str().unwrap()
            ),
            (401, "Bearer")
        );
    }
}
