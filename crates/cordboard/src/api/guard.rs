//! Who may ask.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

use super::answer::Failure;

/// Knows the token.
pub struct Guard {
    token: String,
}

impl Guard {
    /// A guard that lets those pass who show `token`.
    pub const fn new(token: String) -> Self {
        Self { token }
    }

    /// Takes the same time for every wrong token of the right length.
    fn knows(&self, shown: &str) -> bool {
        shown.as_bytes().ct_eq(self.token.as_bytes()).into()
    }
}

/// Refuses what a web page in a browser on this machine could have been made to send.
pub(super) async fn loopback(State(_): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    let authority = request.uri().authority().map(axum::http::uri::Authority::as_str);
    if !host.or(authority).is_some_and(is_loopback) {
        return Failure::new(StatusCode::FORBIDDEN, "use 127.0.0.1, [::1] or localhost as the host")
            .into_response();
    }
    if let Some(origin) = text(headers, header::ORIGIN) {
        let theirs = origin.split_once("://").map(|(_, authority)| authority);
        if theirs != host {
            return Failure::new(StatusCode::FORBIDDEN, "other web pages may not ask").into_response();
        }
    }
    next.run(request).await
}

/// Wants `Authorization: Bearer TOKEN`.
pub(super) async fn token(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let shown =
        text(request.headers(), header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    if !shown.is_some_and(|shown| guard.knows(shown)) {
        let says = "the token is missing or wrong: it stands in the file `token` of the data folder";
        let failure = Failure::new(StatusCode::UNAUTHORIZED, says);
        return ([(header::WWW_AUTHENTICATE, "Bearer")], failure).into_response();
    }
    next.run(request).await
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let only = values.next()?;
    if values.next().is_some() { None } else { only.to_str().ok() }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        for good in ["127.0.0.1", "127.0.0.1:8060", "localhost:1", "LOCALHOST", "[::1]:8060", "[::1]"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in
            ["evil.example", "evil.example:8060", "127.0.0.1.evil.example", "192.0.2.1", "localhost:x", ""]
        {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
