//! What a peer that is played by hand does again and again.

use crate::pair::{World, sdp};
use crate::peers::{OURS, THEIRS, dial, next, request};
use bytes::Bytes;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::{Method, Name, Status, View};

/// The next response with this status to this method, others skipped.
#[track_caller]
pub(crate) fn response(world: &mut World, peer: usize, status: u16, method: Method) -> Bytes {
    loop {
        let bytes = world.receive(peer);
        let view = View::parse(&bytes).unwrap();
        if view.status().is_some_and(|other| other.code() == status) && view.method() == method {
            return bytes;
        }
    }
}

/// The puppet calls the telephone with these lines, is answered, and acknowledges; the 200 and the telephone's tag.
#[track_caller]
pub(crate) fn calls(world: &mut World, peer: usize, phone: usize, lines: &[(Name, &str)]) -> (Bytes, String) {
    let mut invite = request(world, "INVITE", phone, None, "invite", 1);
    for (name, value) in lines {
        invite = invite.line(*name, *value);
    }
    world.say(peer, phone, invite.body("application/sdp", sdp("sendrecv").as_bytes()));
    world.wait(phone, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(phone, CallAction::Answer(THEIRS));
    let ok = response(world, peer, 200, Method::Invite);
    let tag = View::parse(&ok).unwrap().to_tag().unwrap().to_owned();
    let ack = request(world, "ACK", phone, Some(&tag), "ack", 1).finish();
    world.say(peer, phone, ack);
    world.wait(phone, |event| *event == CallEvent::Established(THEIRS));
    (ok, tag)
}

/// The telephone calls the puppet, which answers with these lines; the INVITE.
#[track_caller]
pub(crate) fn answers(world: &mut World, phone: usize, peer: usize, lines: &[(Name, &str)]) -> Bytes {
    let to = world.uri(peer);
    dial(world, phone, &to);
    let invite = next(world, peer, Method::Invite);
    let contact = format!("<{to}>");
    let mut all = vec![(Name::CONTACT, &*contact)];
    all.extend_from_slice(lines);
    world.reply(peer, phone, &invite, Status::OK, "t", &all, Some(&sdp("sendrecv")));
    world.wait(phone, |event| *event == CallEvent::Established(OURS));
    next(world, peer, Method::Ack);
    invite
}

/// A request of the puppet in the dialog that it began by [`calls`].
pub(crate) fn inside(
    world: &World,
    phone: usize,
    tag: &str,
    method: &str,
    cseq: u32,
    body: Option<&str>,
) -> Bytes {
    let branch = format!("{method}{cseq}");
    let builder = request(world, method, phone, Some(tag), &branch, cseq);
    match body {
        Some(body) => builder.body("application/sdp", body.as_bytes()),
        None => builder.finish(),
    }
}
