//! `cordboard ctl`: asks a running switchboard, and shows what it says.

pub mod client;
mod conference;
mod control;
mod events;
mod rules;
mod servers;
mod show;

use serde_json::{Value, json};
use std::io::{self, IsTerminal, Read, Write};

use crate::cli::{Ctl, ParkWish, RedialWish, Users, Wish};
use crate::passwords;
use crate::terminal;
use client::Client;
pub use client::CtlError;

/// Fulfils a wish and prints what there is to know.
pub fn run(ctl: &Ctl, out: &mut dyn Write) -> Result<(), CtlError> {
    let client = Client::find(&ctl.which)?;
    match &ctl.wish {
        Wish::Users(users) => self::users(&client, users, ctl.json, out),
        Wish::Registrations { user } => {
            let path = match user {
                Some(user) => format!("/v1/registrations?user={}", client::escaped(user)),
                None => "/v1/registrations".to_owned(),
            };
            let answer = client.get(&path)?;
            print(out, ctl.json, &answer, show::registrations)
        }
        Wish::Calls { ladder: None } => print(out, ctl.json, &client.get("/v1/calls")?, show::calls),
        Wish::Calls { ladder: Some(call) } => {
            let path = format!(
                "/v1/calls/{}?width={}&color={}",
                client::escaped(call),
                terminal::columns(),
                terminal::has_color() && !ctl.json,
            );
            let answer = client.get(&path)?;
            print(out, ctl.json, &answer, |answer| answer["ladder"].as_str().unwrap_or("").to_owned())
        }
        Wish::Forward(wish) => rules::forward(&client, wish, ctl.json, out),
        Wish::FindMe(wish) => rules::find_me(&client, wish, ctl.json, out),
        Wish::Screen(wish) => rules::screen(&client, wish, ctl.json, out),
        Wish::Place { from, to } => {
            control::act(&client, "/v1/calls", &json!({ "from": from, "to": to }), ctl.json, out)
        }
        Wish::Retrieve { slot, by } => {
            let path = format!("/v1/park/{}/retrieve", client::escaped(slot));
            control::act(&client, &path, &json!({ "by": by }), ctl.json, out)
        }
        Wish::PickUp { at, by } => {
            let path = format!("/v1/users/{}/pick-up", client::escaped(at));
            control::act(&client, &path, &json!({ "by": by }), ctl.json, out)
        }
        Wish::Join { call, by } => {
            control::act(&client, &call_to(call, "join"), &json!({ "by": by }), ctl.json, out)
        }
        Wish::End { call } => control::act(&client, &call_to(call, "end"), &json!({}), ctl.json, out),
        Wish::Hold { call } => control::act(&client, &call_to(call, "hold"), &json!({}), ctl.json, out),
        Wish::Resume { call } => control::act(&client, &call_to(call, "resume"), &json!({}), ctl.json, out),
        Wish::Transfer { call, to, to_call, leaves } => {
            let body = json!({ "to": to, "to_call": to_call, "leaves": leaves });
            control::act(&client, &call_to(call, "transfer"), &body, ctl.json, out)
        }
        Wish::Events => events::follow(&client, ctl.json, out),
        Wish::Conference(wish) => conference::run(&client, wish, ctl.json, out),
        Wish::Servers(wish) => servers::run(&client, wish, ctl.json, out),
        Wish::Park(ParkWish::List) => print(out, ctl.json, &client.get("/v1/park")?, show::park),
        Wish::Park(ParkWish::Call { call, slot, leaves }) => {
            let body = json!({ "slot": slot, "leaves": leaves });
            control::act(&client, &call_to(call, "park"), &body, ctl.json, out)
        }
        Wish::Redial(wish) => redial(&client, wish, ctl.json, out),
        Wish::Reload => print(out, ctl.json, &client.post("/v1/reload", &json!({}))?, show::reload),
    }
}

/// Where something is done with a call.
fn call_to(call: &str, verb: &str) -> String {
    format!("/v1/calls/{}/{verb}", client::escaped(call))
}

fn users(client: &Client, users: &Users, as_json: bool, out: &mut dyn Write) -> Result<(), CtlError> {
    match users {
        Users::List => print(out, as_json, &client.get("/v1/users")?, show::users),
        Users::Remove { name } => {
            client.delete(&format!("/v1/users/{}", client::escaped(name)))?;
            done(out, as_json, name, None, "is removed")
        }
        Users::Add { name, password, display_name, groups } => {
            let (password, made) = password_for(password.as_deref())?;
            let wish =
                json!({ "name": name, "password": password, "display_name": display_name, "groups": groups });
            client.post("/v1/users", &wish)?;
            done(out, as_json, name, made.then_some(&password), "is added")
        }
        Users::Groups { name, reset: true, .. } => {
            client.delete(&format!("/v1/users/{}/groups", client::escaped(name)))?;
            done(out, as_json, name, None, "is in the groups of the configuration file")
        }
        Users::Groups { name, groups, reset: false } => {
            let path = format!("/v1/users/{}/groups", client::escaped(name));
            client.put(&path, &json!({ "groups": groups }))?;
            done(out, as_json, name, None, "is in these groups now")
        }
        Users::Passwd { name, password } => {
            let (password, made) = password_for(password.as_deref())?;
            client.put(
                &format!("/v1/users/{}/password", client::escaped(name)),
                &json!({ "password": password }),
            )?;
            done(out, as_json, name, made.then_some(&password), "has a new password")
        }
    }
}

fn redial(client: &Client, wish: &RedialWish, as_json: bool, out: &mut dyn Write) -> Result<(), CtlError> {
    match wish {
        RedialWish::List => print(out, as_json, &client.get("/v1/redials")?, show::redials),
        RedialWish::Ask { asker, wanted } => {
            let answer = client.post("/v1/redials", &json!({ "asker": asker, "wanted": wanted }))?;
            let says = format!("{asker} is called back when {wanted} is free: redial {}\n", answer["id"]);
            print(out, as_json, &answer, |_| says)
        }
        RedialWish::Cancel { number } => {
            client.delete(&format!("/v1/redials/{number}"))?;
            print(out, as_json, &json!({ "id": number }), |_| format!("redial {number} is given up\n"))
        }
    }
}

/// The password to use, and whether it was made here.
fn password_for(given: Option<&str>) -> Result<(String, bool), CtlError> {
    if let Some(given) = given {
        return Ok((given.to_owned(), false));
    }
    let mut input = io::stdin();
    if input.is_terminal() {
        return Ok((passwords::random().map_err(CtlError::Local)?, true));
    }
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(CtlError::Local)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok((line.to_owned(), false)),
        _ => Ok((passwords::random().map_err(CtlError::Local)?, true)),
    }
}

fn done(
    out: &mut dyn Write,
    as_json: bool,
    name: &str,
    made: Option<&String>,
    what: &str,
) -> Result<(), CtlError> {
    let answer = match made {
        Some(password) => json!({ "name": name, "password": password }),
        None => json!({ "name": name }),
    };
    print(out, as_json, &answer, |_| match made {
        Some(password) => format!("{name} {what}; the password is {password}\n"),
        None => format!("{name} {what}\n"),
    })
}

fn print(
    out: &mut dyn Write,
    as_json: bool,
    answer: &Value,
    show: impl FnOnce(&Value) -> String,
) -> Result<(), CtlError> {
    let text = if as_json { format!("{answer}\n") } else { show(answer) };
    out.write_all(text.as_bytes()).map_err(CtlError::Local)
}
