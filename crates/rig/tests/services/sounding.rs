//! What the servers of the switchboard let people hear: the announcement of a refused call (RFC 5359 §2.13), and music on hold (§2.3).

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Answers;
use cordboard_rig::house::{House, with_house};
use cordboard_rig::stage::call;
use cordboard_rig::tone::TONES;
use cordboard_rig::wav::write_tone;

use super::operating::{call_to, completes};
use super::{ALICE, BOB, CAROL};

/// Tones that no phone here has: that of the announcement, and the music.
const ANNOUNCED: u16 = TONES[3];
const MUSIC: u16 = TONES[4];

/// The servers, whose files are tones of some seconds.
fn at_home(play: impl FnOnce(&mut House<'_>)) {
    let folder = std::env::temp_dir().join(format!("cordboard-rig-sounds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the directory can be made");
    let file = |name: &str, tone, seconds| {
        let path = folder.join(name);
        write_tone(&path, tone, seconds).expect("a tone can be written");
        path.display().to_string()
    };
    let tables = format!(
        "
[[music]]
name = \"music\"
files = [\"{}\"]

[[park]]
name = \"park\"
slots = [\"701\"]

[announcements]
screened_in = \"closed\"

[[announcement]]
name = \"closed\"
file = \"{}\"
",
        file("music.wav", MUSIC, 20),
        file("closed.wav", ANNOUNCED, 2)
    );
    with_house(&tables, &[(Linphone, Answers), (Baresip, Answers), (Cordboard, Answers)], |mut house| {
        play(&mut house);
        // Servers of the switchboard's own need none.
        let verdict = house.verdict().without_credentials();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
    // What stays behind is only a temporary directory.
    let _ = std::fs::remove_dir_all(&folder);
}

/// Whoever is refused is told where to hear why, calls there, hears it, and is hung up on.
#[test]
fn who_is_refused_hears_why() {
    at_home(|house| {
        house.ctl("screen carol --deny-from bob --deny-from sipp --deny-from alice");
        let sipp = house.sipp(
            "sipp",
            "carol",
            "
            a > INVITE sdp auth=407
            a < 100? 403
                Error-Info: <sip:closed@example.test>
            a > ACK
            b > INVITE sdp to=sip:closed@example.test auth=407
            b < 100? 180? 200
            b > ACK
            b < BYE
            b > 200",
        );
        sipp.expect_success();
        let (refused, announcement) = (house.uri("carol"), house.uri("closed"));
        house.phone(BOB).dial(&refused);
        house.phone(BOB).wait_refused(403);
        // linphone is not refused here: after that it would answer no challenge.
        for caller in [BOB, ALICE] {
            let caller = house.phone(caller);
            caller.dial(&announcement);
            caller.wait_established();
            caller.recording().expect_tone(ANNOUNCED);
            caller.wait_idle();
        }
    });
}

/// Ours has the music server play to linphone, which is taken over by it.
#[test]
fn who_is_held_hears_music() {
    at_home(|house| {
        let alice = house.uri("alice");
        house.phone(CAROL).dial(&alice);
        house.phone(ALICE).wait_established();
        house.phone(CAROL).wait_established();
        house.ours(CAROL).does("music music");
        house.phone(ALICE).wait_established();
        house.phone(ALICE).recording().expect_tone(MUSIC);
        house.phone(CAROL).wait_idle();
        house.phone(ALICE).hang_up();
    });
}

/// Ours has it play to `SIPp`: one process has the call that is held, and another, where its user is registered, is called by the
/// server. Both want sound in the same place, for it is one telephone.
#[test]
fn sipp_is_held_with_music() {
    at_home(|house| {
        let ear = house.earpiece("sipp");
        let at = ear.at();
        house.registers_for_sipp("sipp");
        let taken = format!(
            "
            m < INVITE
                Replaces: ^ *a-?///.*;.*to-tag=a-sipp
            m > 200 sdp at={at}
            m < ACK
            m < BYE
            m > 200"
        );
        let taken = house.sipp("sipp", "music", &taken);
        taken.wait_listening();
        let held = format!(
            "
            a > INVITE sdp at={at} auth=407
            a < 100? 180? 200
            a > ACK
            a < INVITE
                body: a=sendonly
            a > 200 sdp=recvonly at={at}
            a < ACK
            a < INFO
            a > 200
            a > BYE
            a < 200"
        );
        let held = house.sipp("sipp", "carol", &held);
        house.phone(CAROL).wait_established();
        ear.recording().expect_tone(TONES[CAROL]);
        house.ours(CAROL).does("music music");
        ear.recording().expect_tone(MUSIC);
        // What its other process has done the first one learns from its owner.
        held.prompt("a");
        house.phone(CAROL).wait_idle();
        held.expect_success();
        let id = call_to(house, "sipp");
        completes(house, &format!("end {id}"));
        taken.expect_success();
    });
}

/// baresip, which cannot be taken over, is parked by transfer; both makes hear the music there.
#[test]
fn who_is_parked_hears_music() {
    at_home(|house| {
        let slot = house.uri("701");
        for parked in [BOB, ALICE] {
            let [parked, parker] = house.phones([parked, CAROL]);
            call(parked, parker);
            parker.transfer_unattended(&slot);
            parked.recording().expect_tone(MUSIC);
            parked.hang_up();
        }
    });
}
