//! Connections that begin a message and never end it.

use super::*;
use cordboard_rig::deadline::wait_for;

const HALVES: usize = 1_000;

/// How long a message may take here, in seconds; `cordboard.example.toml` has the usual time.
const MESSAGE_TIME: u64 = 5;

/// How many files a program may have open on a machine where nobody has changed that: fewer than all these
/// connections need beside its own.
const USUAL_FILES: &str = "1024";

/// What may be kept of each: one message, in a buffer that doubles as it grows.
const KEPT: u64 = 65_536;

/// What is sent of a message, and kept waiting.
fn half(wire: &Wire, number: usize) -> String {
    match number % 4 {
        0 => String::new(),
        1 => "I".to_owned(),
        2 => options(wire, number, "X-Half: of a li"),
        _ => options(wire, number, &format!("Content-Length: 60000\r\n\r\n{}", "x".repeat(30_000))),
    }
}

#[test]
fn a_thousand_half_sent_messages() {
    isolated(&["prlimit"], |place| {
        let ours = std::process::id().to_string();
        let limited =
            Command::new("prlimit").args(["--pid", &ours, &format!("--nofile={USUAL_FILES}:")]).status();
        assert!(limited.expect("prlimit starts").success());
        let mut scene = Scene::new(place, &format!("\n[limits]\nmessage_time_s = {MESSAGE_TIME}\n"));
        let mut wires: Vec<Wire> = (0..HALVES).map(|_| tcp(&scene.switchboard)).collect();
        for (number, wire) in wires.iter_mut().enumerate() {
            let text = half(wire, number);
            // On a slow machine the first ones may be closed by now.
            let _ = wire.send(text.as_bytes());
        }
        wait_for("all connections", STEP, || {
            (figure("cordboard_connections") >= HALVES as u64).then_some(())
        });
        scene.goes_on();
        let carol = &mut Bare::new(tcp(&scene.switchboard), "carol", &scene.switchboard);
        let answer = carol.registers(600);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        scene.took_at_most(HALVES as u64 * KEPT);

        let until = Instant::now() + Duration::from_secs(MESSAGE_TIME) + STEP;
        for wire in &mut wires {
            let left = until.saturating_duration_since(Instant::now());
            // Nothing can be answered to half a message.
            assert_eq!(wire.receive(left), Heard::Closed(None), "{wire:?} is still open");
        }
        Call::set_up(&mut scene.alice, carol, STEP).hangs_up(Side::Callee, &mut scene.alice, carol);
        scene.ends();
    });
}
