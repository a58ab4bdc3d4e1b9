//! The 18 flows of RFC 5359 in the house style: read, and printed to the letter.

use cordboard_ladder::{Ladder, check};

const FLOWS: &str = include_str!("data/rfc5359.md");

fn drawings() -> Vec<(&'static str, &'static str)> {
    FLOWS
        .split("### ")
        .skip(1)
        .map(|flow| {
            let (title, rest) = flow.split_once('\n').expect("a title");
            let drawing =
                rest.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a drawing");
            (title, drawing)
        })
        .collect()
}

#[test]
fn every_flow_prints_as_it_was_drawn() {
    assert_eq!(drawings().len(), 18);
    for (title, drawing) in drawings() {
        let ladder = Ladder::parse(drawing).unwrap_or_else(|why| panic!("{title}: {why}"));
        assert_eq!(ladder.to_string(), drawing, "{title}\n{ladder}\n{drawing}");
    }
}

#[test]
fn every_flow_matches_itself_and_no_other() {
    let ladders: Vec<(&str, Ladder)> = drawings()
        .into_iter()
        .map(|(title, drawing)| (title, Ladder::parse(drawing).expect(title)))
        .collect();
    for (title, ladder) in &ladders {
        for (other_title, other) in &ladders {
            assert_eq!(check(ladder, other).is_ok(), title == other_title, "{title} against {other_title}");
        }
    }
}
