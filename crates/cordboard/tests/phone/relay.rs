//! A wire that can be cut: what comes in goes on to a server, and back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// It takes connections until the test is over.
pub(crate) struct Relay {
    address: String,
    /// Both ends of each connection so far.
    wires: Arc<Mutex<Vec<[TcpStream; 2]>>>,
}

impl Relay {
    /// A relay to a server.
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let wires: Arc<Mutex<Vec<[TcpStream; 2]>>> = Arc::default();
        let (kept, server) = (Arc::clone(&wires), server.to_owned());
        thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                let Ok(far) = TcpStream::connect(&server) else { return };
                kept.lock().unwrap().push([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                let (back, forth) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                thread::spawn(move || carry(near, far));
                thread::spawn(move || carry(back, forth));
            }
        });
        Self { address, wires }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.wires.lock().unwrap().len()
    }

    /// Cuts every wire.
    pub(crate) fn cut(&self) {
        for end in self.wires.lock().unwrap().iter().flatten() {
            // It may be down already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut room = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut room) {
        if to.write_all(&room[..count]).is_err() {
            return;
        }
    }
}
