//! People, and what they have set up for their calls.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{Nothing, RulesOf, User};
use super::take::{Body, Named};
use super::{Board, Outcome, blocking};
use crate::private::Private;
use crate::rules::Written;

/// Everybody, by name.
#[utoipa::path(get, path = "/v1/users", tag = "users", operation_id = "list_users",
    responses((status = 200, description = "Everybody", body = [User])))]
pub(super) async fn list(State(board): Board) -> Outcome<Vec<User>> {
    let people = blocking(move || Ok(board.people())).await?;
    Ok(Json(people.into_iter().map(User::from).collect()))
}

/// Somebody who is to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// The user part of the address, such as `alice` or `1001`.
    name: String,
    /// The password.
    password: String,
    /// The name that others see.
    display_name: Option<Box<str>>,
    /// Members of a group may take over each other's calls.
    #[serde(default)]
    groups: Vec<Box<str>>,
}

/// Adds somebody.
#[utoipa::path(post, path = "/v1/users", tag = "users", operation_id = "add_user", request_body = NewUser,
    responses((status = 200, description = "Added", body = Nothing)))]
pub(super) async fn add(State(board): Board, Body(new): Body<NewUser>) -> Outcome<Nothing> {
    let who = Private(&new.name).to_string();
    blocking(move || board.add_person(&new.name, &new.password, new.display_name, new.groups)).await?;
    tracing::info!(who, "a user was added");
    Ok(Json(Nothing {}))
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The password.
    password: String,
}

/// Gives somebody another password.
#[utoipa::path(put, path = "/v1/users/{name}/password", tag = "users", operation_id = "change_password",
    params(("name" = String, Path, description = "Who")), request_body = NewPassword,
    responses((status = 200, description = "Changed", body = Nothing)))]
pub(super) async fn change_password(
    State(board): Board,
    Named(name): Named<String>,
    Body(new): Body<NewPassword>,
) -> Outcome<Nothing> {
    let who = Private(&name).to_string();
    blocking(move || board.change_password(&name, &new.password)).await?;
    tracing::info!(who, "a password was changed");
    Ok(Json(Nothing {}))
}

/// Other groups.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroups {
    /// All of them: those that are not named are left.
    groups: Vec<Box<str>>,
}

/// Puts somebody into groups.
#[utoipa::path(put, path = "/v1/users/{name}/groups", tag = "users", operation_id = "change_groups",
    params(("name" = String, Path, description = "Who")), request_body = NewGroups,
    responses((status = 200, description = "Changed", body = Nothing)))]
pub(super) async fn change_groups(
    State(board): Board,
    Named(name): Named<String>,
    Body(new): Body<NewGroups>,
) -> Outcome<Nothing> {
    let who = Private(&name).to_string();
    blocking(move || board.change_groups(&name, new.groups)).await?;
    tracing::info!(who, "a user was put into other groups");
    Ok(Json(Nothing {}))
}

/// Puts somebody of the configuration file back into the groups that it says.
#[utoipa::path(delete, path = "/v1/users/{name}/groups", tag = "users", operation_id = "reset_groups",
    params(("name" = String, Path, description = "Who")),
    responses((status = 200, description = "The file counts again", body = Nothing)))]
pub(super) async fn reset_groups(State(board): Board, Named(name): Named<String>) -> Outcome<Nothing> {
    let who = Private(&name).to_string();
    blocking(move || board.reset_groups(&name)).await?;
    tracing::info!(who, "a user is in the groups of the file again");
    Ok(Json(Nothing {}))
}

/// Removes somebody.
#[utoipa::path(delete, path = "/v1/users/{name}", tag = "users", operation_id = "remove_user",
    params(("name" = String, Path, description = "Who")),
    responses((status = 200, description = "Removed", body = Nothing)))]
pub(super) async fn remove(State(board): Board, Named(name): Named<String>) -> Outcome<Nothing> {
    let who = Private(&name).to_string();
    blocking(move || board.remove_person(&name)).await?;
    tracing::info!(who, "a user was removed");
    Ok(Json(Nothing {}))
}

/// What somebody has set up for their calls.
#[utoipa::path(get, path = "/v1/users/{name}/rules", tag = "rules", operation_id = "show_rules",
    params(("name" = String, Path, description = "Whose")),
    responses((status = 200, description = "What is set up", body = RulesOf)))]
pub(super) async fn rules(State(board): Board, Named(name): Named<String>) -> Outcome<RulesOf> {
    let (rules, configured) = blocking(move || board.rules(&name)).await?;
    Ok(Json(RulesOf::new(rules, configured)))
}

/// Sets up somebody's calls anew, as a whole.
#[utoipa::path(put, path = "/v1/users/{name}/rules", tag = "rules", operation_id = "set_rules",
    params(("name" = String, Path, description = "Whose")), request_body = Written,
    responses((status = 200, description = "Set up", body = Nothing)))]
pub(super) async fn set_rules(
    State(board): Board,
    Named(name): Named<String>,
    Body(rules): Body<Written>,
) -> Outcome<Nothing> {
    let who = Private(&name).to_string();
    blocking(move || board.change_rules(&name, Some(rules))).await?;
    tracing::info!(who, "the rules of a user were changed");
    Ok(Json(Nothing {}))
}

/// Goes back to what the configuration file says of somebody's calls.
#[utoipa::path(delete, path = "/v1/users/{name}/rules", tag = "rules", operation_id = "reset_rules",
    params(("name" = String, Path, description = "Whose")),
    responses((status = 200, description = "The file counts again", body = Nothing)))]
pub(super) async fn reset_rules(State(board): Board, Named(name): Named<String>) -> Outcome<Nothing> {
    let who = Private(&name).to_string();
    blocking(move || board.change_rules(&name, None)).await?;
    tracing::info!(who, "the rules of a user are those of the file again");
    Ok(Json(Nothing {}))
}
