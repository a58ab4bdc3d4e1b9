//! Whatever can be drawn can be read back, and reads as what was drawn.

use std::collections::BTreeSet;
use std::time::Duration;

use cordboard_ladder::{Ladder, Media, Message, Row, compare, display_width};
use proptest::prelude::*;

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        4 => "[a-z]{1,10}[0-9]?",
        1 => any::<String>().prop_filter("a name is not empty", |name| !name.is_empty()),
        1 => "[日本語é|#<>=x -]{1,6}",
    ];
    prop::collection::vec(name, 1..8).prop_map(|names| {
        let mut seen = BTreeSet::new();
        names.into_iter().filter(|name| seen.insert(name.clone())).collect()
    })
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["INVITE", "180", "NOTIFY 200", "REFER carol/bob", "INVITE Replaces:bob hold", "100"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[-|=<>()xo~#X+日\u{200b}\u{1b} ]{0,12}",
        1 => "[A-Z ]{40,80}",
    ]
}

fn passed() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![
        2 => Just(None),
        1 => (0_u64..100_000).prop_map(|time| Some(Duration::from_millis(time))),
        1 => any::<u64>().prop_map(|time| Some(Duration::from_nanos(time))),
    ]
}

fn message(actors: Vec<String>) -> impl Strategy<Value = Row> {
    let actor = prop::sample::select(actors);
    (actor.clone(), actor, label(), any::<[bool; 5]>(), passed()).prop_map(
        |(from, to, label, [optional, lost, crossed, swaps, retransmission], passed)| {
            // What is sent to oneself cannot be drawn as lost.
            let lost = lost && from != to;
            let marks =
                Message { optional, lost, crossed, swaps, retransmission, passed, ..Message::default() };
            Row::Message(Message { from, to, label, ..marks })
        },
    )
}

fn media(actors: &[String]) -> impl Strategy<Value = Row> + use<> {
    let pairs: Vec<(String, String)> =
        actors.windows(2).map(|pair| (pair[1].clone(), pair[0].clone())).collect();
    (prop::sample::select(pairs), label())
        .prop_map(|((one, other), label)| Row::Media(Media::new(one, other, label)))
}

fn ladder() -> impl Strategy<Value = Ladder> {
    names().prop_flat_map(|actors| {
        let (messages, notes) = (message(actors.clone()), any::<String>().prop_map(Row::Note));
        let row = if actors.len() == 1 {
            prop_oneof![8 => messages, 1 => notes].boxed()
        } else {
            prop_oneof![8 => messages, 1 => notes, 1 => media(&actors)].boxed()
        };
        (Just(actors), prop::collection::vec(row, 0..20)).prop_map(|(actors, rows)| Ladder { actors, rows })
    })
}

/// Media have no direction, so that the drawing cannot tell who was named first.
fn leftmost_first(mut ladder: Ladder) -> Ladder {
    let place = |name: &str| ladder.actors.iter().position(|actor| actor == name);
    for row in &mut ladder.rows {
        if let Row::Media(media) = row
            && place(&media.between[0]) > place(&media.between[1])
        {
            media.between.swap(0, 1);
        }
    }
    ladder
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn what_is_printed_parses_to_the_same(ladder in ladder()) {
        let ladder = leftmost_first(ladder);
        let drawn = ladder.to_string();
        let read = Ladder::parse(&drawn);
        prop_assert_eq!(read.as_ref(), Ok(&ladder), "\n{}", drawn);
        prop_assert_eq!(read.unwrap().to_string(), drawn);
    }

    #[test]
    fn a_drawing_may_be_indented(ladder in ladder(), indent in 0_usize..20) {
        let ladder = leftmost_first(ladder);
        let drawn = format!("\n{ladder}").replace('\n', &format!("\n{:indent$}", ""));
        prop_assert_eq!(Ladder::parse(&drawn), Ok(ladder), "\n{}", drawn);
    }

    #[test]
    fn a_ladder_matches_itself(ladder in ladder()) {
        // Times are held against times; these ladders have them in the margin only.
        prop_assert_eq!(compare(&ladder, &ladder), []);
    }

    #[test]
    fn a_lost_row_is_noticed(mut ladder in ladder(), which in any::<prop::sample::Index>()) {
        for row in &mut ladder.rows {
            if let Row::Message(message) = row {
                message.optional = false;
            }
        }
        prop_assume!(!ladder.rows.is_empty());
        let index = which.index(ladder.rows.len());
        prop_assume!(!matches!(ladder.rows[index], Row::Note(_)));
        let mut observed = ladder.clone();
        observed.rows.remove(index);
        prop_assert_ne!(compare(&ladder, &observed), []);
        prop_assert_ne!(compare(&observed, &ladder), []);
    }

    #[test]
    fn parsing_any_text_ends(text in any::<String>(), drawing in "[ab|<>=x# ~X+0-9s()\\\\\n-]{0,200}") {
        let _ = Ladder::parse(&text);
        if let Ok(ladder) = Ladder::parse(&drawing) {
            let again = Ladder::parse(&ladder.to_string());
            prop_assert_eq!(again, Ok(ladder));
        }
    }

    #[test]
    fn all_rows_of_a_drawing_end_at_the_last_lifeline(ladder in ladder()) {
        let to_itself = |row: &Row| row.ends().is_none_or(|[from, to]| from == to);
        let drawn = ladder.to_string();
        let rows = drawn.lines().skip(1).zip(&ladder.rows).filter(|(_, row)| !to_itself(row));
        let widths: BTreeSet<usize> = rows.map(|(line, _)| display_width(line)).collect();
        prop_assert!(widths.len() <= 1, "{:?}\n{}", widths, drawn);
    }
}
