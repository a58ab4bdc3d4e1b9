//! Finds the switchboard and speaks to it.

use serde_json::Value;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::Which;
use crate::config::{self, Faults};
use crate::data::{self, DataError};

/// How long the switchboard may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the outcome of what is done with a call may take.
const OUTCOME: Duration = Duration::from_mins(12);
/// How long nothing at all may come of what has no end: the switchboard gives a sign of life each 15 seconds.
const SILENCE: Duration = Duration::from_mins(1);
/// The largest answer: half a million registrations fit.
const MAX_ANSWER: u64 = 1 << 30;

/// Why a wish was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum CtlError {
    /// The configuration does not tell where the switchboard is.
    #[error("{0}")]
    Config(Faults),
    /// There is neither a file nor a folder here.
    #[error(
        "neither cordboard.toml nor cordboard-data is here: name the switchboard with --config FILE or --data FOLDER"
    )]
    Nowhere,
    /// The data folder does not tell.
    #[error(
        "{0}\n  try: start the switchboard (`cordboard serve`), or name it with --config FILE or --data FOLDER"
    )]
    Data(DataError),
    /// The token cannot be read.
    #[error("the token {} cannot be read: {source}; the switchboard keeps it in its data folder", .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address is none.
    #[error("`{0}` is not the address of a switchboard: write it as in http://127.0.0.1:8060")]
    Url(String),
    /// Nobody answers.
    #[error("no switchboard answers at {0} ({1}): is it running? `cordboard serve --config FILE` starts it")]
    NotRunning(String, String),
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// What answers is something else.
    #[error("what answers at {0} is no switchboard (status {1}): check the address")]
    Other(String, u16),
    /// It was there and is not any more.
    #[error("the switchboard tells nothing any more: {0}")]
    Ended(String),
    /// Reading or printing failed here.
    #[error("standard input or output fails: {0}")]
    Local(io::Error),
}

/// A client of the HTTP API of one switchboard.
pub struct Client {
    base: String,
    token: String,
    agent: ureq::Agent,
}

impl Client {
    /// Finds the switchboard that is meant, and its token.
    pub fn find(which: &Which) -> Result<Self, CtlError> {
        let (base, token) = match which {
            Which { url: Some(url), token: Some(file), .. } => {
                let token = std::fs::read_to_string(file)
                    .map_err(|error| CtlError::Token { path: file.clone(), source: error })?;
                (base_of(url)?, token.trim().to_owned())
            }
            Which { data: Some(folder), .. } => Self::announced(folder)?,
            Which { config: Some(file), .. } => Self::configured(file)?,
            _ if Path::new("cordboard.toml").exists() => Self::configured(Path::new("cordboard.toml"))?,
            _ if Path::new("cordboard-data").exists() => Self::announced(Path::new("cordboard-data"))?,
            _ => return Err(CtlError::Nowhere),
        };
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .build()
            .into();
        Ok(Self { base, token, agent })
    }

    fn configured(file: &Path) -> Result<(String, String), CtlError> {
        Self::announced(&config::load(file).map_err(CtlError::Config)?.data)
    }

    fn announced(folder: &Path) -> Result<(String, String), CtlError> {
        let (http, token) = data::announced(folder).map_err(CtlError::Data)?;
        Ok((format!("http://{http}"), token))
    }

    /// Reads something.
    pub fn get(&self, path: &str) -> Result<Value, CtlError> {
        self.finish(self.agent.get(self.url(path)).header("Authorization", self.bearer()).call())
    }

    /// Asks for something whose outcome may take as long as a phone rings.
    pub(super) fn act(&self, path: &str, body: &Value) -> Result<Value, CtlError> {
        let asked = self.agent.post(self.url(path)).header("Authorization", self.bearer());
        self.finish(asked.config().timeout_global(Some(OUTCOME)).build().send_json(body))
    }

    /// Reads what comes without an end, line by line, until `each` has had enough.
    pub(super) fn follow(
        &self,
        path: &str,
        mut each: impl FnMut(&str) -> Result<(), CtlError>,
    ) -> Result<(), CtlError> {
        let asked = self.agent.get(self.url(path)).header("Authorization", self.bearer());
        let asked = asked.config().timeout_global(None).timeout_per_read(Some(SILENCE)).build().call();
        let mut answer = asked.map_err(|error| CtlError::NotRunning(self.base.clone(), error.to_string()))?;
        if !answer.status().is_success() {
            return self.finish(Ok(answer)).map(drop);
        }
        let lines = BufReader::new(answer.body_mut().as_reader()).lines();
        for line in lines {
            each(&line.map_err(|error| CtlError::Ended(error.to_string()))?)?;
        }
        Err(CtlError::Ended("it has ended the connection".to_owned()))
    }

    pub(super) fn delete(&self, path: &str) -> Result<Value, CtlError> {
        self.finish(self.agent.delete(self.url(path)).header("Authorization", self.bearer()).call())
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, CtlError> {
        self.finish(self.agent.post(self.url(path)).header("Authorization", self.bearer()).send_json(body))
    }

    /// Puts something in the place of what is there.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, CtlError> {
        self.finish(self.agent.put(self.url(path)).header("Authorization", self.bearer()).send_json(body))
    }

    /// Changes what is named of something, and leaves the rest.
    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<Value, CtlError> {
        self.finish(self.agent.patch(self.url(path)).header("Authorization", self.bearer()).send_json(body))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn finish(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, CtlError> {
        let mut answer =
            answer.map_err(|error| CtlError::NotRunning(self.base.clone(), error.to_string()))?;
        let status = answer.status();
        let body: Result<Value, _> = answer.body_mut().with_config().limit(MAX_ANSWER).read_json();
        match body {
            Ok(body) if status.is_success() => Ok(body),
            Ok(Value::Object(body)) if body.contains_key("error") => {
                Err(CtlError::Refused(body["error"].as_str().unwrap_or("it says no").to_owned()))
            }
            _ => Err(CtlError::Other(self.base.clone(), status.as_u16())),
        }
    }
}

/// The address without a slash at its end. HTTPS is not spoken here: the switchboard listens on loopback.
fn base_of(url: &str) -> Result<String, CtlError> {
    let parsed = url.parse::<ureq::http::Uri>().ok();
    let fits = parsed.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some());
    if fits { Ok(url.trim_end_matches('/').to_owned()) } else { Err(CtlError::Url(url.to_owned())) }
}

/// A segment of a path or a value of a query.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_ids_survive_a_path() {
        assert_eq!(escaped("a1-b/c?d@e ü"), "a1-b%2Fc%3Fd%40e%20%C3%BC");
    }
}
