//! What the store answers, now and later.

use crate::stage::{SOON, Setup};
use cordboard_net::Reply;
use cordboard_service::door::Answer;
use cordboard_service::location::Located;

#[test]
fn an_answer_may_come_at_once_or_later() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    stage.order("locate at-once");
    assert!(stage.noted("answer 1:").0.contains("known: true"));
    stage.order("locate later");
    let reply = stage.replies.recv_timeout(SOON).unwrap();
    assert_eq!(format!("{reply:?}"), "Reply(0, 2)");
    std::thread::spawn(move || reply.send(Answer::Located(Located::default()))).join().unwrap();
    assert!(stage.noted("answer 2:").0.contains("known: false"));
}

#[test]
fn the_answers_of_one_commit_come_together() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    for _ in 0..5 {
        stage.order_all("locate later");
    }
    let replies = (0..10).map(|_| stage.replies.recv_timeout(SOON).unwrap());
    Reply::send_all(replies.map(|reply| (reply, Answer::Located(Located::default()))).collect());
    for _ in 0..10 {
        stage.noted("answer");
    }
    Reply::send_all(Vec::new());
}
