//! Kamailio as somebody else's proxy and registrar: it believes whoever registers, and stays in the route of no dialog.

use std::fs;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::deadline::{STEP, wait_for};
use crate::place::Place;
use crate::process::Program;

/// A running Kamailio.
#[derive(Debug)]
pub struct Kamailio {
    _program: Program,
}

impl Kamailio {
    /// Starts one that serves the domain `address` at its port 5060, over UDP, and waits until it answers.
    pub fn start(place: &Place, address: &str) -> Self {
        let directory = place.subdirectory("kamailio");
        let file = directory.join("kamailio.cfg");
        fs::write(&file, configuration(address)).expect("the directory can be written");
        let mut command = Command::new("kamailio");
        command
            .args(["-DD", "-E", "-m", "64", "-M", "8", "-n", "1", "-f"])
            .arg(&file)
            .arg("-Y")
            .arg(&directory)
            .current_dir(&directory)
            .stdin(Stdio::null());
        let program = Program::start("kamailio", command, &directory.join("output.log"));
        let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback is up");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket can be tuned");
        wait_for("Kamailio to answer", STEP, || {
            // It answers what has no way to go; until it is there, nobody does.
            socket.send_to(options(&socket, address).as_bytes(), (address, 5060)).ok()?;
            socket.recv(&mut [0; 2048]).ok()
        });
        Self { _program: program }
    }
}

fn options(socket: &UdpSocket, address: &str) -> String {
    let local = socket.local_addr().expect("a bound socket has an address");
    format!(
        "OPTIONS sip:nobody@{address} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-there\r\nMax-Forwards: 70\r\n\
         From: <sip:rig@{local}>;tag=rig\r\nTo: <sip:nobody@{address}>\r\nCall-ID: is-it-there\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn configuration(address: &str) -> String {
    format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{address}:5060

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"

request_route {{
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("CANCEL|ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
  if (is_method("REGISTER")) {{ if (!save("location")) {{ sl_reply_error(); }} exit; }}
  t_check_trans();
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  if (!t_relay()) {{ sl_reply_error(); }}
}}
"#
    )
}
