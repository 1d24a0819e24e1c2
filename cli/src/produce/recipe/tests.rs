//! Recipes, their errors and their flags.

use super::{text::parse, *};
use crate::error::Explain as _;

fn read(text: &str) -> Result<Recipe, RecipeError> {
    parse("rivet-bundle.toml".into(), text)
}

#[test]
fn a_whole_recipe_is_read() {
    let recipe = read(
        r#"
platforms = ["linux/amd64"]
allow = ["host-mount:/srv:notes"]
revoked_releases = [3]
roots = "root"

[product]
name = "notes"
version = "1.0.0"
sequence = 7
not_after = "2027-01-01T00:00:00Z"

[engine]
source = "npm"
version = "2.3.19"

[[images]]
name = "notes"
source = "oci-layout"
reference = "notes:1"
path = "build/{arch}"

[[templates]]
path = "compose/notes.yaml"
file = "compose.yaml"

[config]
schema = "schema.json"

[[pools]]
name = "default"
"#,
    )
    .unwrap();
    assert_eq!(recipe.product.sequence, Some(7));
    assert_eq!(recipe.engine.source, EngineSource::Npm);
    assert_eq!(recipe.images[0].source, ImageSource::OciLayout);
    assert!(recipe.pools[0].drain_on_version_upgrade);
}

#[test]
fn an_error_names_the_line_the_key_and_what_was_expected() {
    for (text, line, words) in [
        ("[product]\nnme = 'x'\n", 2, ["nme", "name"]),
        ("[product]\nname = 'x'\nsequence = 'seven'\n", 3, ["seven", "u64"]),
        ("\n\n[product]\nname = 'Not A Name'\n", 4, ["Not A Name", "a-z"]),
        ("[engine]\nsource = 'theirs'\n", 2, ["theirs", "npm"]),
        ("[product\n", 1, ["product", ""]),
        ("[product]\nname = 'a'\nname = 'b'\n", 3, ["name", "duplicate"]),
        ("platforms = ['windows/amd64']\n", 1, ["windows/amd64", "linux/amd64"]),
    ] {
        let error = read(text).unwrap_err();
        let RecipeError::Syntax { line: found, .. } = &error else { panic!("{error}") };
        assert_eq!(*found, line, "{text}");
        for word in words {
            assert!(error.to_string().contains(word), "{error}: {word}");
        }
        assert_eq!(error.code(), "RCTL-RECIPE-SYNTAX");
    }
}

#[test]
fn a_flag_wins_over_the_file() {
    #[derive(Debug, clap::Parser)]
    struct Flags {
        #[command(flatten)]
        flags: RecipeFlags,
    }
    let mut recipe = read(
        "allow = ['a']\nrevoked_releases = [1]\n[product]\nname = 'file'\nversion = '1'\n[[pools]]\nname = 'old'\n",
    )
    .unwrap();
    let flags = <Flags as clap::Parser>::try_parse_from([
        "x",
        "--product=flag",
        "--sequence=9",
        "--allow=b",
        "--revoke-release=2",
        "--pool=new,drain_on_version_upgrade=false",
        "--image=name=app,source=archive,reference=app:1,path=a.tar",
        "--template=path=compose/a.yaml,file=a.yaml",
        "--platform=linux/arm64",
        "--engine=file",
        "--engine-flavor=upstream",
    ])
    .unwrap();
    flags.flags.apply(&mut recipe);

    assert_eq!(recipe.product.name.unwrap().as_str(), "flag");
    assert_eq!(recipe.product.version.unwrap().as_str(), "1");
    assert_eq!(recipe.allow, ["a", "b"]);
    assert_eq!(recipe.revoked_releases, [2]);
    assert_eq!((recipe.pools.len(), recipe.pools[0].drain_on_version_upgrade), (1, false));
    assert_eq!(recipe.images[0].path.as_deref(), Some("a.tar".into()));
    assert_eq!(recipe.platforms, [Platform::LinuxArm64]);
    assert_eq!(recipe.engine.flavor, Some(EngineFlavor::Upstream));

    for bad in [
        "--image=name=app",
        "--image=nme=app",
        "--platform=linux/386",
        "--pool=A",
        "--template=path=../x,file=y",
        "--engine-flavor=x",
    ] {
        assert!(<Flags as clap::Parser>::try_parse_from(["x", bad]).is_err(), "{bad}");
    }
}

#[test]
fn the_schema_in_the_documentation_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rivet-bundle.schema.json");
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == schema(),
        "write it again: rivetctl bundle --print-schema > docs/rivet-bundle.schema.json"
    );
}
