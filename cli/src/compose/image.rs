//! `image:` has to name an image that is in the bundle.

use serde_yaml_ng::Value;

use super::{Scan, variables};

/// Checks the image of the service at `at`.
pub(super) fn check(at: &str, image: Option<&Value>, scan: &mut Scan<'_>) {
    let at = format!("{at}.image");
    let Some(image) = image.and_then(Value::as_str) else {
        scan.problem(
            "RCTL-COMPOSE-IMAGE",
            at,
            "no image",
            "Name an image of the bundle: every service runs one.",
        );
        return;
    };
    if scan.surroundings.images.contains(image) {
        return;
    }
    let shown = image.escape_default().to_string();
    if is_upstream_engine(image) {
        scan.problem(
            "RCTL-COMPOSE-ENGINE",
            at,
            format!("the engine's image {shown}"),
            "Remove this service and its volumes: the engine comes from the bundle's [engine] and runs as the service rivet-engine. Point `depends_on` at rivet-engine and set RIVET_ENDPOINT to ${RIVET_ENDPOINT}.",
        );
    } else if variables::is_interpolated(image) {
        scan.problem(
            "RCTL-COMPOSE-IMAGE",
            at,
            format!("the variable image {shown}"),
            "Write the reference in full: the bundle has to hold it.",
        );
    } else {
        let known: Vec<&str> = scan.surroundings.images.iter().map(String::as_str).collect();
        let advice = format!("Add it under [[images]], or use one of: {}.", known.join(", "));
        scan.problem(
            "RCTL-COMPOSE-IMAGE",
            at,
            format!("{shown}, which is not in the bundle"),
            advice,
        );
    }
}

/// The upstream project's engine image, under any registry and tag.
fn is_upstream_engine(image: &str) -> bool {
    let repository = image.split(['@']).next().unwrap_or(image);
    ["rivetdev/engine", "rivetkit/engine", "rivetgg/engine"].iter().any(|engine| {
        repository == *engine
            || repository.starts_with(&format!("{engine}:"))
            || repository.starts_with(&format!("{engine}-"))
            || repository.contains(&format!("/{engine}"))
    })
}
