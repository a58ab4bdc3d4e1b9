//! Who says that somebody else has asked for something (RFC 3892): by a REFER that no telephone of ours would send.

use cordboard_sip::digest::{Ha1, ProxyAuthenticate, Request};
use cordboard_sip::{Status, View};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::office::{DOMAIN, Office, at};

/// Somebody at a socket of their own.
pub(crate) struct Forger {
    socket: UdpSocket,
    switchboard: SocketAddr,
    /// Who they are, and their password; none if they are of another domain.
    user: &'static str,
    password: Option<String>,
    asked: u32,
}

impl Forger {
    /// Somebody of ours.
    pub(crate) fn of(office: &Office, user: &'static str) -> Self {
        Self { password: Some(format!("pw-{user}")), ..Self::elsewhere(office, user) }
    }

    /// Somebody who has no password here.
    pub(crate) fn elsewhere(office: &Office, user: &'static str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { socket, switchboard: office.udp, user, password: None, asked: 0 }
    }

    /// Asks `whom` by REFER for `to`, as if somebody else of ours had: what the answer is.
    #[track_caller]
    pub(crate) fn asks(&mut self, whom: &str, to: &str, as_if: &str) -> Status {
        self.asked += 1;
        let (answer, status) = self.sends(whom, to, as_if, "");
        if status != Status::PROXY_AUTHENTICATION_REQUIRED {
            return status;
        }
        let password = self.password.clone().unwrap();
        let view = View::parse(&answer).unwrap();
        let challenge = view.header::<ProxyAuthenticate>().unwrap().unwrap();
        let challenge = challenge.digest().unwrap();
        let secret = Ha1::new(challenge.algorithm, self.user, &challenge.realm, &password);
        let request = Request { method: "REFER", uri: &at(whom), body: b"" };
        let proof = challenge.answer(self.user, &secret, &request, 1, "cnonce");
        self.asked += 1;
        self.sends(whom, to, as_if, &format!("Proxy-Authorization: {proof}\r\n")).1
    }

    /// Sends it, and waits for the answer.
    #[track_caller]
    fn sends(&self, whom: &str, to: &str, as_if: &str, proof: &str) -> (Vec<u8>, Status) {
        let Self { user, asked, socket, .. } = self;
        let (uri, local) = (at(whom), socket.local_addr().unwrap());
        let domain = if self.password.is_some() { DOMAIN } else { "elsewhere.test" };
        let text = format!(
            "REFER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKf{asked}\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{domain}>;tag=f{}\r\nTo: <{uri}>\r\nCall-ID: f{}@{local}\r\nCSeq: {asked} REFER\r\n\
             Contact: <sip:{user}@{local}>\r\nRefer-To: <{}>\r\nReferred-By: <{}>\r\n{proof}Content-Length: 0\r\n\r\n",
            local.port(),
            local.port(),
            at_with(to),
            at(as_if),
        );
        socket.send_to(text.as_bytes(), self.switchboard).unwrap();
        let mut buffer = vec![0; 65_535];
        loop {
            let length = socket.recv(&mut buffer).expect("an answer");
            let view = View::parse(&buffer[..length]).unwrap();
            // A NOTIFY of what was asked for may come first.
            let ours = view.cseq().0 == *asked && view.status().is_some_and(Status::is_final);
            if let Some(status) = view.status().filter(|_| ours) {
                return (buffer[..length].to_vec(), status);
            }
        }
    }
}

/// The address of somebody, with what stands behind a semicolon as its parameter.
fn at_with(whom: &str) -> String {
    match whom.split_once(';') {
        Some((user, parameter)) => format!("{};{parameter}", at(user)),
        None => at(whom).into(),
    }
}
