//! Reading a recipe file: every error names its line, what is there and what was expected.

use std::borrow::Cow;

use camino::{Utf8Path, Utf8PathBuf};

use super::Recipe;
use crate::error::{Class, Explain, FileError};

/// A recipe that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecipeError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),

    /// It is not a recipe.
    #[error("{path}, line {line}: {message}; the line reads {text:?}")]
    Syntax { path: Utf8PathBuf, line: usize, message: String, text: String },

    /// A field that a bundle cannot do without, neither in the file nor as a flag.
    #[error("{field} is missing: expected {expected}")]
    Missing { field: &'static str, expected: &'static str },

    /// A value that does not fit.
    #[error("{field} is {found:?}: expected {expected}")]
    Value { field: String, found: String, expected: String },
}

impl Explain for RecipeError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => return error.code(),
            Self::Syntax { .. } => "RCTL-RECIPE-SYNTAX",
            Self::Missing { .. } => "RCTL-RECIPE-MISSING",
            Self::Value { .. } => "RCTL-RECIPE-VALUE",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::File(_) => "Name the recipe with -f FILE, or give every field as a flag.".into(),
            Self::Syntax { .. } => {
                "Mend the line; `rivetctl bundle --print-schema` lists every field.".into()
            }
            Self::Missing { field, .. } => format!("Set {field} in the recipe, or use its flag."),
            Self::Value { field, .. } => format!("Correct {field}."),
        }
    }
}

/// Reads the recipe at `path`. Paths in it are meant relative to its directory.
pub(crate) fn load(path: &Utf8Path) -> Result<Recipe, RecipeError> {
    let text = std::fs::read_to_string(path).map_err(FileError::on("read the recipe", path))?;
    let mut recipe = parse(path, &text)?;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_str().is_empty()) {
        recipe.resolve_paths(directory);
    }
    Ok(recipe)
}

pub(super) fn parse(path: &Utf8Path, text: &str) -> Result<Recipe, RecipeError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text[..at].matches('\n').count() + 1;
        RecipeError::Syntax {
            path: path.to_owned(),
            line,
            message: error.message().trim().replace('\n', ", "),
            text: text.lines().nth(line - 1).unwrap_or_default().trim().to_owned(),
        }
    })
}

impl Recipe {
    fn resolve_paths(&mut self, directory: &Utf8Path) {
        let mut optional: Vec<&mut Option<Utf8PathBuf>> = vec![
            &mut self.engine.path,
            &mut self.rivetctl.path,
            &mut self.config.schema,
            &mut self.roots,
        ];
        optional.extend(self.images.iter_mut().map(|image| &mut image.path));
        for path in optional.into_iter().flatten() {
            *path = directory.join(&*path);
        }
        for template in &mut self.templates {
            template.file = directory.join(&template.file);
        }
    }
}
