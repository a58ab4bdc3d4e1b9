//! Answers as tables for people.

use serde_json::Value;

pub(super) fn users(answer: &Value) -> String {
    let rows = each(answer).map(|user| {
        let note = if user["usable"] == false { "password of another domain: set a new one" } else { "" };
        let groups: Vec<String> = each(&user["groups"]).map(text).collect();
        vec![
            text(&user["name"]),
            text(&user["display_name"]),
            groups.join(","),
            text(&user["from"]),
            note.to_owned(),
        ]
    });
    table(
        &["USER", "SHOWN AS", "GROUPS", "FROM", ""],
        rows.collect(),
        "nobody: `cordboard ctl users add NAME` adds somebody",
    )
}

pub(super) fn registrations(answer: &Value) -> String {
    let rows = each(&answer["registrations"]).map(|each| {
        let over = format!("{} {}", text(&each["transport"]), text(&each["peer"]));
        let state = if each["reachable"] == true { "" } else { "connection lost" };
        vec![
            text(&each["user"]),
            text(&each["contact"]),
            over,
            format!("{}s", each["expires_s"]),
            state.to_owned(),
        ]
    });
    let mut shown =
        table(&["USER", "CONTACT", "OVER", "ENDS IN", ""], rows.collect(), "nobody is registered");
    if let Some(more) = answer["more"].as_u64().filter(|more| *more > 0) {
        shown = format!("{shown}… and {more} more; name a user to see theirs\n");
    }
    shown
}

pub(super) fn calls(answer: &Value) -> String {
    let rows = each(answer).map(|call| {
        vec![
            text(&call["call_id"]),
            text(&call["from"]),
            text(&call["to"]),
            text(&call["state"]),
            format!("{}s", call["age_s"]),
            call["messages"].to_string(),
        ]
    });
    table(&["CALL", "FROM", "TO", "STATE", "AGE", "MESSAGES"], rows.collect(), "no calls are remembered")
}

pub(super) fn park(answer: &Value) -> String {
    let lot = |lot: &Value| -> Vec<Vec<String>> {
        let slot = |slot: &Value| {
            let parked = &slot["parked"];
            let since = parked["for_s"].as_u64().map_or_else(String::new, |seconds| format!("{seconds}s"));
            let state = if parked.is_null() { "free".to_owned() } else { text(&parked["state"]) };
            vec![
                text(&lot["name"]),
                text(&slot["slot"]),
                state,
                text(&parked["who"]),
                text(&parked["parked_by"]),
                since,
            ]
        };
        each(&lot["slots"]).map(slot).collect()
    };
    table(
        &["LOT", "SLOT", "STATE", "WHO", "PARKED BY", "FOR"],
        each(answer).flat_map(lot).collect(),
        "there is no park server: `[[park]]` in the configuration file declares one",
    )
}

pub(super) fn servers(answer: &Value) -> String {
    let rows = each(answer).map(|server| {
        let setup = server["setup"].as_object().into_iter().flatten();
        let setup: Vec<String> = setup
            .map(|(key, value)| match value {
                Value::Array(list) if list.is_empty() => format!("{key} none"),
                Value::Array(list) => format!("{key} {}", ranges(&list.iter().map(text).collect::<Vec<_>>())),
                Value::Number(number) => format!("{key} {number}"),
                value => format!("{key} {}", text(value)),
            })
            .collect();
        vec![text(&server["name"]), text(&server["kind"]), text(&server["from"]), setup.join("; ")]
    });
    table(
        &["SERVER", "KIND", "FROM", "SET UP"],
        rows.collect(),
        "there are no servers: `cordboard.example.toml` tells how to declare some",
    )
}

/// A list, in which numbers that follow each other are written as the configuration file does.
fn ranges(list: &[String]) -> String {
    let follows = |one: &str, other: &str| {
        let numbers = one.parse::<u64>().ok().zip(other.parse::<u64>().ok());
        one.len() == other.len() && numbers.is_some_and(|(one, other)| one.checked_add(1) == Some(other))
    };
    let runs = list.chunk_by(|one, other| follows(one, other));
    let run = |run: &[String]| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.concat(),
    };
    runs.map(run).collect::<Vec<_>>().join(",")
}

pub(super) fn redials(answer: &Value) -> String {
    let rows = each(answer).map(|redial| {
        vec![
            redial["id"].to_string(),
            text(&redial["state"]),
            text(&redial["asker"]),
            text(&redial["wanted"]),
            format!("{}s", redial["left_s"]),
            redial["tries"].to_string(),
        ]
    });
    table(
        &["REDIAL", "STATE", "ASKER", "WANTED", "LEFT", "TRIES"],
        rows.collect(),
        "nobody waits to be called back",
    )
}

pub(super) fn conferences(answer: &Value) -> String {
    let room = |room: &Value| -> Vec<Vec<String>> {
        let taken = each(&room["parties"]).count();
        let of = |who: String, state: String, since: String| {
            let places = format!("{taken} of {}", room["limit"]);
            vec![text(&room["room"]), places, who, state, since]
        };
        if taken == 0 {
            return vec![of(String::new(), "empty".to_owned(), String::new())];
        }
        let party = |party: &Value| {
            let since = party["for_s"].as_u64().map_or_else(String::new, |seconds| format!("{seconds}s"));
            of(text(&party["who"]), text(&party["state"]), since)
        };
        each(&room["parties"]).map(party).collect()
    };
    table(
        &["ROOM", "PARTIES", "WHO", "STATE", "FOR"],
        each(answer).flat_map(room).collect(),
        "there are no conference rooms: `[[conference]]` in the configuration file declares some",
    )
}

pub(super) fn reload(answer: &Value) -> String {
    let waits: Vec<String> = each(&answer["needs_restart"]).map(text).collect();
    if waits.is_empty() {
        "the configuration was read again and is in use\n".to_owned()
    } else {
        format!("the configuration was read again; a restart is needed for: {}\n", waits.join(", "))
    }
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What came from the network must not move the cursor.
pub(super) fn text(value: &Value) -> String {
    let text = value.as_str().unwrap_or("");
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn table(head: &[&str], rows: Vec<Vec<String>>, empty: &str) -> String {
    if rows.is_empty() {
        return format!("{empty}\n");
    }
    let head: Vec<String> = head.iter().map(|&word| word.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_stand_below_each_other() {
        let shown = users(&json!([
            { "name": "alice", "display_name": "Alice", "groups": ["sales", "floor1"], "from": "file", "usable": true },
            { "name": "bob", "display_name": null, "groups": [], "from": "database", "usable": false },
        ]));
        assert_eq!(
            shown,
            "USER   SHOWN AS  GROUPS        FROM\n\
             alice  Alice     sales,floor1  file\n\
             bob                            database  password of another domain: set a new one\n"
        );
    }

    #[test]
    fn nothing_is_said_in_words_and_the_terminal_is_safe() {
        assert_eq!(registrations(&json!({ "registrations": [], "more": 0 })), "nobody is registered\n");
        let shown = calls(
            &json!([{ "call_id": "a\u{1b}[2J", "from": "f", "to": "t", "state": "s", "age_s": 1, "messages": 2 }]),
        );
        assert!(!shown.contains('\u{1b}'));
    }
}
