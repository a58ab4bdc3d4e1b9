//! Nonces that are played again, and passwords that are wrong.

use super::*;

/// Calls of somebody else in which recorded credentials are tried: enough to meet every shard.
const ELSEWHERE: usize = 16;

/// Wrong passwords in a row.
const GUESSES: usize = 50;

fn is_stale(challenge: &Message) -> bool {
    challenge.value("WWW-Authenticate").contains("stale=true")
}

fn carol(scene: &Scene) -> Bare {
    Bare::new(udp(&scene.switchboard), "carol", &scene.switchboard)
}

/// Where carol is registered.
fn contacts(scene: &Scene) -> Vec<String> {
    let answer = scene.switchboard.ctl(&["registrations", "carol"]);
    let list = answer["registrations"].as_array().expect("a list");
    list.iter().map(|binding| binding["contact"].as_str().expect("a contact").to_owned()).collect()
}

#[test]
fn a_nonce_count_is_good_once() {
    isolated(&[], |place| {
        let scene = Scene::new(place, "");
        let mut phone = carol(&scene);
        let contact = format!("Contact: <{}>;expires=600\r\n", phone.contact());
        let plain = phone.register(&contact);
        let challenge = phone.exchange(&plain);
        let proof = |phone: &Bare, count| phone.credentials(&plain, &challenge, count);
        let [first, second, third] = [1, 2, 3].map(|count| proof(&phone, count));
        let tries = |phone: &mut Bare, proof: &str, contact: &str| {
            let request = phone.register(&format!("{proof}{contact}"));
            phone.exchange(&request)
        };
        assert_eq!(tries(&mut phone, &first, &contact).status(), Some(200));

        // Played again in a request of its own: the password was right, so the phone is told to use another nonce.
        let again = tries(&mut phone, &first, "Contact: *\r\nExpires: 0\r\n");
        assert!(again.status() == Some(401) && is_stale(&again), "{again:?}");
        // The next count is good, and so is one that was overtaken.
        assert_eq!(tries(&mut phone, &third, &contact).status(), Some(200));
        assert_eq!(tries(&mut phone, &second, &contact).status(), Some(200));
        for used in [&first, &second, &third] {
            let again = tries(&mut phone, used, &contact);
            assert!(again.status() == Some(401) && is_stale(&again), "{again:?}");
        }

        // Recorded and played by somebody else, in calls of their own.
        let mut eve = carol(&scene);
        let theirs = format!("Contact: <{}>;expires=600\r\n", eve.contact());
        for number in 0..ELSEWHERE {
            let (uri, to) = (format!("sip:{}", scene.switchboard.domain()), eve.address());
            let request =
                eve.request("REGISTER", &uri, &to, &format!("eve-{number}"), &format!("{third}{theirs}"));
            let answer = eve.exchange(&request);
            assert!(answer.status() == Some(401) && is_stale(&answer), "{answer:?}");
        }
        assert_eq!(contacts(&scene), [phone.contact()]);
        scene.ends();
    });
}

/// Whose password is right but whose nonce is not known is told `stale=true` (RFC 7616 §3.3): it tries again by
/// itself, and nobody is asked for a password.
#[test]
fn a_nonce_ends_with_the_process() {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        let mut phone = carol(&scene);
        let contact = format!("Contact: <{}>;expires=600\r\n", phone.contact());
        let plain = phone.register(&contact);
        let challenge = phone.exchange(&plain);
        let first = format!("{}{contact}", phone.credentials(&plain, &challenge, 1));
        let request = phone.register(&first);
        assert_eq!(phone.exchange(&request).status(), Some(200));
        scene.switchboard.kill_and_restart();
        for count in [1, 2] {
            let removal = "Contact: *\r\nExpires: 0\r\n";
            let proof = phone.credentials(&plain, &challenge, count);
            let request = phone.register(&format!("{proof}{removal}"));
            let answer = phone.exchange(&request);
            assert!(answer.status() == Some(401) && is_stale(&answer), "{answer:?}");
        }
        assert_eq!(contacts(&scene), [phone.contact()]);
        let wrong = carol(&scene).with_password("wrong").credentials(&plain, &challenge, 3);
        let request = phone.register(&format!("{wrong}{contact}"));
        let answer = phone.exchange(&request);
        assert!(answer.status() == Some(401) && !is_stale(&answer), "{answer:?}");
        scene.ends();
    });
}

/// A message without what differs from one to the next.
fn faceless(message: &Message, name: &str) -> String {
    let mut text = message.text().replace(name, "NAME");
    for (before, after) in [
        (";tag=", "\r;>"),
        ("nonce=\"", "\""),
        ("branch=", ";\r"),
        ("Call-ID: ", "\r"),
        ("rport=", ";\r"),
        ("127.0.0.1:", ";\r"),
        ("CSeq: ", " "),
    ] {
        let mut parts = text.split(before);
        let mut rest = parts.next().unwrap_or("").to_owned();
        for part in parts {
            let end = part.find(|c: char| after.contains(c)).unwrap_or(part.len());
            rest = rest + before + "_" + &part[end..];
        }
        text = rest;
    }
    text
}

#[test]
fn a_wrong_password_is_answered_like_an_unknown_user() {
    isolated(&[], |place| {
        let scene = Scene::new(place, "");
        let mut answers: Vec<[String; 4]> = Vec::new();
        for name in ["carol", "nobody"] {
            let mut phone =
                Bare::new(udp(&scene.switchboard), name, &scene.switchboard).with_password("wrong");
            let contact = format!("Contact: <{}>\r\n", phone.contact());
            let plain = phone.register(&contact);
            let asked = phone.exchange(&plain);
            let wrong = format!("{}{contact}", phone.credentials(&plain, &asked, 1));
            let request = phone.register(&wrong);
            let refused = phone.exchange(&request);
            assert!(refused.status() == Some(401) && !is_stale(&refused), "{refused:?}");
            assert_ne!(asked.value("WWW-Authenticate"), refused.value("WWW-Authenticate"), "a new nonce");

            let to = scene.bob.address();
            let plain = phone.request("INVITE", &to, &to, &format!("guess-of-{name}"), &contact);
            let first = phone.exchange(&plain);
            let wrong = format!("{}{contact}", phone.credentials(&plain, &first, 1));
            let invite = phone.request("INVITE", &to, &to, &format!("guess-of-{name}"), &wrong);
            let second = phone.exchange(&invite);
            assert_eq!((first.status(), second.status()), (Some(407), Some(407)), "{second:?}");
            answers.push([asked, refused, first, second].map(|answer| faceless(&answer, name)));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(contacts(&scene), [""; 0]);
        let mut scene = scene;
        assert_eq!(scene.bob.hears("INVITE", Duration::from_millis(100)), None, "nobody has called");

        // Whoever guesses locks nobody out.
        for _ in 0..GUESSES {
            let answer = carol(&scene).with_password("wrong").registers(600);
            assert_eq!(answer.status(), Some(401));
        }
        let answer = carol(&scene).registers(600);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        assert!(figure("cordboard_bad_credentials_total") > GUESSES as u64);
        scene.ends();
    });
}
