//! Having the engine read its token file now, and not at its next look.

use serde_json::json;

use super::{EngineApi, bearer, short};
use crate::site::secret::Secret;

/// What came of the wish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reread {
    /// The engine has read its file.
    Done,
    /// It has looked, and cannot use what it found: in its words.
    Refused(String),
    /// It could not be asked, or does not know the question: it looks by itself, every second.
    Unknown,
}

impl EngineApi {
    /// Asks the engine to read its token file. `token` has to be one that it accepts now.
    pub(crate) fn reread_tokens(&self, token: &Secret) -> Reread {
        let request =
            self.agent.post(self.url("/admin/token/rotate")).header("Authorization", bearer(token));
        let Ok(answer) = self.answer(request.send_json(json!({}))) else { return Reread::Unknown };
        match (answer.status, answer.body["group"].as_str()) {
            (200, _) => Reread::Done,
            (_, Some("token_file")) => {
                Reread::Refused(short(answer.body["message"].as_str().unwrap_or_default()))
            }
            _ => Reread::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread::JoinHandle,
    };

    use super::*;

    const TOKEN: &str = "rvt_0123456789abcdefghijklmnop";

    /// What somebody who answers once with `status` and `body` makes of it, and what was asked.
    fn asked(status: &str, body: &str) -> (Reread, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        let engine: JoinHandle<String> = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            // The body `{}` ends it.
            while !request.ends_with(b"{}") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        let api = EngineApi::at(address.ip(), address.port());
        let reread = api.reread_tokens(&Secret::from_text(TOKEN.to_owned()));
        (reread, engine.join().unwrap())
    }

    #[test]
    fn the_engine_is_asked_with_the_token_that_it_accepts() {
        let (reread, request) = asked("200 OK", r#"{"tokens":[],"read_ts":1}"#);

        assert_eq!(reread, Reread::Done);
        assert!(request.starts_with("POST /admin/token/rotate HTTP/1.1\r\n"), "{request}");
        let request = request.to_lowercase();
        assert!(request.contains(&format!("authorization: bearer {TOKEN}")), "{request}");
    }

    #[test]
    fn what_the_engine_says_of_its_file_is_passed_on() {
        let body =
            r#"{"group":"token_file","code":"malformed","message":"The token file is none."}"#;

        let (reread, _) = asked("422 Unprocessable Entity", body);

        assert_eq!(reread, Reread::Refused("The token file is none.".to_owned()));
    }

    #[test]
    fn an_engine_that_does_not_know_the_question_looks_by_itself() {
        for (status, body) in [
            ("404 Not Found", r#"{"group":"api","code":"not_found","message":"x"}"#),
            ("403 Forbidden", r#"{"group":"api","code":"forbidden","message":"x"}"#),
            ("502 Bad Gateway", "<html>"),
        ] {
            assert_eq!(asked(status, body).0, Reread::Unknown, "{status}");
        }
    }

    #[test]
    fn an_engine_that_does_not_answer_is_no_error_here() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

        let api = EngineApi::at(free.ip(), free.port());

        assert_eq!(api.reread_tokens(&Secret::from_text(TOKEN.to_owned())), Reread::Unknown);
    }
}
