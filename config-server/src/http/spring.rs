//! Spring Cloud Config's read API, as its server documents it: the environment with its property
//! sources, and the merged configuration as a JSON, YAML or properties document.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chassis::config::keys;
use chassis::config::protocol::Layer;
use chassis::http::Refusal;
use contracts::Problem;
use serde::Serialize;
use serde_json::{Map, Value};

use super::render;
use crate::core::Core;
use crate::sources::Target;

/// What Spring's clients know as `org.springframework.cloud.config.environment.Environment`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    name: String,
    profiles: Vec<String>,
    label: Option<String>,
    version: String,
    state: Option<String>,
    /// The most specific first.
    property_sources: Vec<PropertySource>,
}

#[derive(Serialize)]
struct PropertySource {
    name: String,
    source: Map<String, Value>,
}

/// `/{application}-{profile}.yml`
pub(super) async fn document(
    State(core): State<Arc<Core>>,
    Path(document): Path<String>,
) -> Result<Response, Refusal> {
    let (name, form) = split_form(&document).ok_or_else(|| nothing_at(&document))?;
    render_document(&core, name, form)
}

/// `/{application}/{profile}`, or `/{label}/{application}-{profile}.yml`
pub(super) async fn environment(
    State(core): State<Arc<Core>>,
    Path((first, second)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    if let Some((name, form)) = split_form(&second) {
        check_label(&core, &first)?;
        return render_document(&core, name, form);
    }
    render_environment(&core, &first, &second, None)
}

/// `/{application}/{profile}/{label}`
pub(super) async fn labelled(
    State(core): State<Arc<Core>>,
    Path((application, profile, label)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    check_label(&core, &label)?;
    render_environment(&core, &application, &profile, Some(label))
}

fn render_environment(
    core: &Core,
    application: &str,
    profile: &str,
    label: Option<String>,
) -> Result<Response, Refusal> {
    // a mistyped path of the typed API must not look like an empty configuration
    if application == "api" {
        return Err(nothing_at("this path of the typed API").into());
    }
    let target = Target::parse(application, profile)?;
    let sources = core.sources(&target).into_iter().rev();
    let property_sources = sources
        .map(|source| PropertySource {
            name: source.origin.to_string(),
            source: render::spring_keys(&source.leaves),
        })
        .collect();
    let version = core.version(application).to_string();
    let environment = Environment {
        name: target.application,
        profiles: target.profiles,
        label,
        version,
        state: None,
        property_sources,
    };
    Ok(Json(environment).into_response())
}

#[derive(Clone, Copy)]
enum Form {
    Json,
    Yaml,
    Properties,
}

fn split_form(document: &str) -> Option<(&str, Form)> {
    let (name, extension) = document.rsplit_once('.')?;
    let form = match extension {
        "json" => Form::Json,
        "yml" | "yaml" => Form::Yaml,
        "properties" => Form::Properties,
        _ => return None,
    };
    Some((name, form))
}

fn render_document(core: &Core, name: &str, form: Form) -> Result<Response, Refusal> {
    let (application, profile) = core.split_name(name).ok_or_else(|| nothing_at(name))?;
    let effective = core.effective(&Target::parse(application, profile)?);
    // defaults are the services' own: Spring's clients get what was configured
    let set = effective.values.into_iter().filter(|(_, sourced)| sourced.origin.layer != Layer::Default);
    let leaves: BTreeMap<String, Value> = set.map(|(key, sourced)| (key, sourced.value)).collect();
    const TEXT: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok(match form {
        Form::Json => Json(keys::unflatten(&leaves)).into_response(),
        Form::Yaml => {
            let yaml = serde_yaml_ng::to_string(&keys::unflatten(&leaves)).map_err(|error| {
                tracing::error!(%error, "{application} cannot be written as YAML: {error}");
                Problem::internal()
            })?;
            (TEXT, yaml).into_response()
        }
        Form::Properties => (TEXT, render::properties(&leaves)).into_response(),
    })
}

fn check_label(core: &Core, label: &str) -> Result<(), Problem> {
    if label == core.label {
        Ok(())
    } else {
        Err(Problem::not_found(format!("label {label}; the only one is {}", core.label)))
    }
}

fn nothing_at(what: &str) -> Problem {
    Problem::not_found(format!(
        "{what}: there are /application/profile[/label] and /application-profile.json, .yml, .properties"
    ))
}
