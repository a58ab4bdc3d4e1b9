//! The description of the API: what the routes say of themselves, and what is true of all of them.

use serde_json::{Map, Value, json};
use utoipa::openapi::InfoBuilder;
use utoipa::{PartialSchema, ToSchema};

use super::answer::Error;
use super::{everybodys, operators};

/// The API as `OpenAPI` describes one.
pub fn description() -> Value {
    let mut all = everybodys().merge(operators()).into_openapi();
    all.info = InfoBuilder::new()
        .title("Cordboard")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "What an operator can see and do at a running switchboard. It listens on loopback; the token stands in the \
             file `token` of the data folder.",
        ))
        .build();
    let components = all.components.get_or_insert_default();
    components.schemas.insert(Error::name().into_owned(), Error::schema());
    // A description that is made of Rust values is JSON.
    let mut described = serde_json::to_value(all).unwrap_or_default();
    described["components"]["securitySchemes"]["token"] = json!({ "type": "http", "scheme": "bearer" });
    let open: Vec<String> = everybodys().into_openapi().paths.paths.into_keys().collect();
    for (path, methods) in described["paths"].as_object_mut().into_iter().flatten() {
        for operation in methods.as_object_mut().into_iter().flat_map(Map::values_mut) {
            operation["responses"]["default"] = json!({
                "description": "What went wrong, in a sentence",
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            });
            if !open.contains(path) {
                operation["security"] = json!([{ "token": [] }]);
            }
        }
    }
    described
}
