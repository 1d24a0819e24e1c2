//! The system's own ssh-agent, and one that lies.

use std::{
    os::unix::net::UnixListener,
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use bundle_spec::{
    SecretKey,
    sshsig::{Purpose, SshSig},
};
use camino::Utf8PathBuf;
use camino_tempfile::Utf8TempDir;

use super::*;
use crate::{error::Explain as _, signing::key_file};

/// A running ssh-agent. Ended when dropped.
struct Agent {
    process: Child,
    socket: Utf8PathBuf,
    directory: Utf8TempDir,
}

impl Agent {
    fn start() -> Self {
        let directory = camino_tempfile::tempdir().unwrap();
        let socket = directory.path().join("agent");
        let process = Command::new("ssh-agent")
            .args(["-D", "-a", socket.as_str()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { process, socket, directory };
        let listens = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            UnixStream::connect(&agent.socket).is_ok()
        });
        assert!(listens, "ssh-agent does not listen");
        agent
    }

    fn add_new_key(&self) -> PublicKey {
        let path = self.directory.path().join("key");
        let made = key_file::create(&path, "", None).unwrap();
        let added = Command::new("ssh-add")
            .args(["-q", path.as_str()])
            .env("SSH_AUTH_SOCK", self.socket.as_str())
            .output()
            .unwrap();
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        made.public
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_key_in_the_agent_signs() {
    let agent = Agent::start();
    let public = agent.add_new_key();

    let key = AgentKey::from_socket(agent.socket.as_str(), public.id()).unwrap();
    let signature = SshSig::sign(&key, Purpose::BundleManifest, b"manifest").unwrap();

    assert_eq!(*signature.key(), public);
    signature.verify(Purpose::BundleManifest, b"manifest").unwrap();
}

#[test]
fn an_agent_without_the_key_says_how_many_it_has() {
    let agent = Agent::start();
    agent.add_new_key();
    let other = SecretKey::from_seed([1; 32]).public().id();
    let error = AgentKey::from_socket(agent.socket.as_str(), other).unwrap_err();
    assert_eq!(error.code(), "RCTL-AGENT-KEY");
    assert!(error.to_string().contains("1 keys"), "{error}");
}

#[test]
fn no_agent_at_all_is_said_so() {
    let id = SecretKey::from_seed([1; 32]).public().id();
    for socket in ["", "/nonexistent/agent"] {
        let error = AgentKey::from_socket(socket, id).unwrap_err();
        assert_eq!(error.code(), "RCTL-AGENT-ABSENT");
    }
}

/// Answers every connection with `answer`, whatever is asked.
fn liar(socket: &camino::Utf8Path, answer: Vec<u8>) -> JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&answer).unwrap();
    })
}

#[test]
fn an_agent_that_answers_nonsense_is_refused() {
    let id = SecretKey::from_seed([1; 32]).public().id();
    for answer in [
        vec![],
        vec![0, 0, 0, 0],
        vec![0xff, 0xff, 0xff, 0xff],
        vec![0, 0, 0, 1, 5],
        vec![0, 0, 0, 5, IDENTITIES_ANSWER, 0, 0, 0, 9],
        vec![0, 0, 0, 9, IDENTITIES_ANSWER, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
    ] {
        let directory = camino_tempfile::tempdir().unwrap();
        let socket = directory.path().join("agent");
        let liar = liar(&socket, answer);
        let error = AgentKey::from_socket(socket.as_str(), id).unwrap_err();
        assert_eq!(error.code(), "RCTL-AGENT-ANSWER");
        liar.join().unwrap();
    }
}

#[test]
fn an_answer_of_any_length_is_not_waited_for() {
    let id = SecretKey::from_seed([1; 32]).public().id();
    let directory = camino_tempfile::tempdir().unwrap();
    let socket = directory.path().join("agent");
    let liar = liar(&socket, vec![0xff, 0xff, 0xff, 0xff]);
    let error = AgentKey::from_socket(socket.as_str(), id).unwrap_err();
    assert!(error.to_string().contains("an answer of 4294967295 bytes"), "{error}");
    liar.join().unwrap();
}
