//! Calls forwarded: always, when busy, and when nobody answers (RFC 5359 §2.7 to §2.9); by the switchboard, which sends them on,
//! and by the caller, who is told where to call.

use std::collections::BTreeMap;

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::{OneLine, Rings};
use cordboard_rig::Sipp;
use cordboard_rig::house::{House, with_house};

use super::{ALICE, BOB, CAROL, NAMES, REGISTERED, answers, answers_sipp, is_heard};

/// Why calls are forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Always,
    Busy,
    NoAnswer,
}

/// How a forwarded call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The switchboard sends it there.
    Proxy,
    /// The caller is told, by a 302.
    Redirect,
}

/// Who calls whom, and where that is forwarded: each make of phone in each part.
const CASES: [[usize; 3]; 3] = [[ALICE, BOB, CAROL], [CAROL, ALICE, BOB], [BOB, CAROL, ALICE]];

fn forwards(cause: Cause, by: By) {
    with_house("", &[(Linphone, OneLine), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        let mut passed = Passed::default();
        for [caller, called, to] in CASES {
            let occupies = (cause == Cause::Busy && called == ALICE).then(|| is_occupied(&mut house, called));
            if occupies.is_some() {
                passed.add("dave", NAMES[called], "INVITE 180 200");
                passed.add(NAMES[called], "dave", "BYE 200");
            }
            forward(&house, cause, by, called, to);
            let dialled = house.uri(NAMES[called]);
            house.phone(caller).dial(&dialled);
            is_met(&mut house, cause, called);
            answers(&mut house, caller, to);
            let sipp = house.sipp("sipp", NAMES[called], &script(cause, by, called, to));
            is_met(&mut house, cause, called);
            answers_sipp(&mut house, to);
            sipp.expect_success();
            house.ctl(&format!("forward {} --off", NAMES[called]));
            if let Some(other) = occupies {
                house.phone(called).hang_up();
                other.expect_success();
            }
            passed.forwarded(cause, by, [caller, called, to]);
        }
        house.verdict().expect(&passed.lines());
    });
}

/// What passes on the wire, in each direction.
#[derive(Default)]
struct Passed(BTreeMap<String, Vec<String>>);

impl Passed {
    fn add(&mut self, from: &str, to: &str, what: &str) {
        self.0.entry(format!("{from} > {to}")).or_default().push(what.to_owned());
    }

    /// A call of somebody and one of `SIPp`, both forwarded.
    fn forwarded(&mut self, cause: Cause, by: By, people: [usize; 3]) {
        let [caller, called, to] = people.map(|number| NAMES[number]);
        // What is heard of the phone that is not the one to answer, and how the call is taken back from there.
        let (met, cancelled) = match cause {
            Cause::Always => ("INVITE", ""),
            Cause::Busy => ("INVITE 180? 486", ""),
            Cause::NoAnswer => ("INVITE 180 487", ", CANCEL 200"),
        };
        match by {
            By::Proxy => {
                self.add(caller, called, &format!("{met} 181 180? 200{cancelled}, BYE 200"));
                self.add("sipp", called, &format!("{met} 181 180? 200{cancelled}"));
                self.add(called, "sipp", "BYE 200");
            }
            By::Redirect => {
                // The redirected call is still for whom it was for (RFC 3261 §8.1.3.4), but not to linphone.
                let still = if people[0] == ALICE { to } else { called };
                self.add(caller, called, &format!("{met} 302{cancelled}"));
                self.add(caller, still, "INVITE 180 200, BYE 200");
                self.add("sipp", called, &format!("{met} 302{cancelled}"));
                self.add("sipp", to, "INVITE 180 200");
                self.add(to, "sipp", "BYE 200");
            }
        }
    }

    fn lines(&self) -> String {
        let lines = self.0.iter().map(|(direction, what)| format!("{direction}: {}\n", what.join(", ")));
        REGISTERED.to_owned() + &lines.collect::<String>()
    }
}

/// Somebody else has a call with a phone of one line.
fn is_occupied(house: &mut House<'_>, number: usize) -> Sipp {
    let script = "
        a > INVITE sdp auth=407
        a < 100? 180? 200
        a > ACK
        a < BYE
        a > 200";
    let other = house.sipp("dave", NAMES[number], script);
    house.phone(number).answer();
    other
}

fn forward(house: &House<'_>, cause: Cause, by: By, from: usize, to: usize) {
    let (from, to) = (NAMES[from], NAMES[to]);
    let how = match cause {
        Cause::Always => format!("--always {to}"),
        Cause::Busy => format!("--busy {to}"),
        Cause::NoAnswer => format!("--no-answer {to} --after 1"),
    };
    let redirect = if by == By::Redirect { " --redirect" } else { "" };
    house.ctl(&format!("forward {from} {how}{redirect}"));
}

/// What becomes of a call at the phone of whoever forwards it. linphone says that it is busy while it has another call, and only then.
fn is_met(house: &mut House<'_>, cause: Cause, number: usize) {
    match cause {
        Cause::Always => {}
        Cause::Busy if number == ALICE => {}
        Cause::Busy => house.phone(number).is_busy(),
        Cause::NoAnswer => {
            house.phone(number).wait_incoming();
            house.phone(number).wait_idle();
        }
    }
}

/// What `SIPp` sees of it.
fn script(cause: Cause, by: By, called: usize, to: usize) -> String {
    let (called, to) = (NAMES[called], NAMES[to]);
    let reason = match cause {
        Cause::Always => "unconditional",
        Cause::Busy => "user-busy",
        Cause::NoAnswer => "no-answer",
    };
    match by {
        By::Proxy => "\na > INVITE sdp auth=407\na < 100? 180? 181? 180? 200".to_owned() + &is_heard("a"),
        By::Redirect => {
            format!(
                "
                a > INVITE sdp auth=407
                a < 100? 180? 302
                    Contact: sip:{to}@example.test
                    Diversion: sip:{called}@example.test.*reason={reason}
                a > ACK
                b > INVITE sdp to=sip:{to}@example.test auth=407
                b < 100? 180? 200"
            ) + &is_heard("b")
        }
    }
}

#[test]
fn always_by_the_switchboard() {
    forwards(Cause::Always, By::Proxy);
}

#[test]
fn always_by_the_caller() {
    forwards(Cause::Always, By::Redirect);
}

#[test]
fn when_busy_by_the_switchboard() {
    forwards(Cause::Busy, By::Proxy);
}

#[test]
fn when_busy_by_the_caller() {
    forwards(Cause::Busy, By::Redirect);
}

#[test]
fn when_nobody_answers_by_the_switchboard() {
    forwards(Cause::NoAnswer, By::Proxy);
}

#[test]
fn when_nobody_answers_by_the_caller() {
    forwards(Cause::NoAnswer, By::Redirect);
}
