//! What people set up for their calls: each verb changes its part, and leaves the others as they are.

use serde_json::Value;
use std::io::Write;

use super::client::{self, Client, CtlError};
use super::print;
use crate::cli::{FindMeWish, ForwardWish, ScreenWish};
use crate::rules::{By, Forward, Screen, Written};

pub(super) fn forward(
    client: &Client,
    wish: &ForwardWish,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    let by = if wish.redirect { By::Redirect } else { By::Proxy };
    let new = Forward {
        always: wish.always.clone(),
        busy: wish.busy.clone(),
        no_answer: wish.no_answer.clone(),
        after_s: wish.after,
        by,
    };
    let changes = wish.off || new != Forward::default();
    change(client, &wish.name, as_json, out, changes, |rules| rules.forward = new)
}

pub(super) fn find_me(
    client: &Client,
    wish: &FindMeWish,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    let changes = wish.off || !wish.steps.is_empty();
    change(client, &wish.name, as_json, out, changes, |rules| rules.find_me.clone_from(&wish.steps))
}

pub(super) fn screen(
    client: &Client,
    wish: &ScreenWish,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    let new = Screen {
        deny_from: wish.deny_from.clone(),
        allow_from: wish.allow_from.clone(),
        deny_to: wish.deny_to.clone(),
    };
    let changes = wish.off || new != Screen::default();
    change(client, &wish.name, as_json, out, changes, |rules| rules.screen = new)
}

/// Changes a part of what somebody has set up, if it is to be changed, and shows all of it.
fn change(
    client: &Client,
    name: &str,
    as_json: bool,
    out: &mut dyn Write,
    changes: bool,
    how: impl FnOnce(&mut Written),
) -> Result<(), CtlError> {
    let path = format!("/v1/users/{}/rules", client::escaped(name));
    let mut answer = client.get(&path)?;
    if changes {
        let mut rules = read(&answer)?;
        how(&mut rules);
        let body = serde_json::to_value(&rules).map_err(|error| CtlError::Local(error.into()))?;
        client.put(&path, &body)?;
        answer = client.get(&path)?;
    }
    let rules = read(&answer)?;
    print(out, as_json, &answer, |_| show(name, &rules))
}

fn read(answer: &Value) -> Result<Written, CtlError> {
    serde_json::from_value(answer["rules"].clone()).map_err(|error| CtlError::Local(error.into()))
}

/// A line for each thing that is set up.
fn show(name: &str, rules: &Written) -> String {
    let Written { forward, find_me, screen } = rules;
    let how = if forward.by == By::Redirect { ", by telling the caller" } else { "" };
    let mut lines = Vec::new();
    lines.extend(forward.always.as_ref().map(|to| format!("all calls go to {to}{how}")));
    lines.extend(forward.busy.as_ref().map(|to| format!("when busy, calls go to {to}{how}")));
    lines.extend(forward.no_answer.as_ref().map(|to| {
        format!("when nobody answers for {} s, calls go to {to}{how}", forward.after_s.unwrap_or_default())
    }));
    lines.extend(
        find_me.iter().map(|step| format!("looked for at {} for {} s", step.ring.join(" and "), step.for_s)),
    );
    let lists = [
        ("takes no calls from", &screen.deny_from),
        ("takes calls only from", &screen.allow_from),
        ("may not call", &screen.deny_to),
    ];
    lines.extend(
        lists
            .iter()
            .filter(|(_, who)| !who.is_empty())
            .map(|(says, who)| format!("{says} {}", who.join(", "))),
    );
    if lines.is_empty() {
        lines.push("nothing is set up".to_owned());
    }
    lines.iter().flat_map(|line| [name, ": ", line, "\n"]).collect()
}
