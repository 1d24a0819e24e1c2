//! Server-sent events, as far as apps send them: a name, and data that nobody reads.

/// The longest line that is read.
const LINE_MAX: usize = 64 << 10;

/// An event of a start request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartEvent {
    /// The request lives.
    Ping,
    /// The app ends it.
    Stopping,
    /// Something of a newer app.
    Other,
}

/// A line is longer than any that an app sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineTooLong {
    /// Its beginning.
    pub(super) beginning: String,
}

/// Events out of bytes that arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    after_return: bool,
    name: Option<String>,
    has_data: bool,
}

impl Events {
    /// The events that are complete with `bytes`.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<StartEvent>, LineTooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                // The second half of a line's end.
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ if self.line.len() == LINE_MAX => {
                    let beginning = self.line[..512.min(self.line.len())].to_vec();
                    let beginning = String::from_utf8_lossy(&beginning).into_owned();
                    return Err(LineTooLong { beginning });
                }
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Option<StartEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let complete = self.name.is_some() || self.has_data;
            self.has_data = false;
            let name = self.name.take();
            return complete.then_some(match name.as_deref() {
                Some("ping") => StartEvent::Ping,
                Some("stopping") => StartEvent::Stopping,
                _ => StartEvent::Other,
            });
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        match field {
            "event" => self.name = Some(value.strip_prefix(' ').unwrap_or(value).to_owned()),
            "data" => self.has_data = true,
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &[u8] =
        b": hello\n\nevent: ping\ndata:\n\nevent:ping\r\n\r\ndata: x\r\revent: stopping\ndata\n\n";

    const EVENTS: [StartEvent; 4] =
        [StartEvent::Ping, StartEvent::Ping, StartEvent::Other, StartEvent::Stopping];

    #[test]
    fn events_are_read_with_every_end_of_line_and_comments_are_not() {
        assert_eq!(Events::default().feed(STREAM).unwrap(), EVENTS);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(cuts in prop::collection::vec(0..STREAM.len(), 0..8)) {
            let (mut events, mut found, mut from) = (Events::default(), Vec::new(), 0);
            let mut cuts = cuts;
            cuts.sort_unstable();
            cuts.push(STREAM.len());
            for cut in cuts {
                found.extend(events.feed(&STREAM[from..cut]).unwrap());
                from = cut;
            }
            prop_assert_eq!(found, EVENTS);
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_collected_for_ever() {
        let mut events = Events::default();
        events.feed(&vec![b'x'; LINE_MAX]).unwrap();

        let too_long = events.feed(b"x").unwrap_err();

        assert_eq!(too_long.beginning, "x".repeat(512));
    }
}
