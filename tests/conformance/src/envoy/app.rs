//! What an app would answer, unless the test does it.

use std::collections::HashMap;

use super::{Line, Options};
use crate::protocol::{
    Command, StopCode, ToEnvoy, ToEnvoyTunnelMessage, ToEnvoyTunnelMessageKind as FromClient,
    ToRivet, ToRivetAckCommands, ToRivetPong, ToRivetResponseStart,
    ToRivetTunnelMessageKind as ToClient, ToRivetWebSocketClose, ToRivetWebSocketMessage,
    ToRivetWebSocketMessageAck, ToRivetWebSocketOpen,
};

pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) line: Line,
}

impl App {
    pub(crate) fn handle(&self, message: &ToEnvoy) {
        match message {
            ToEnvoy::ToEnvoyPing(ping) if self.options.pong => {
                self.line.send(ToRivet::ToRivetPong(ToRivetPong { ts: ping.ts }));
            }
            ToEnvoy::ToEnvoyCommands(commands) => {
                if self.options.acknowledge {
                    let last_command_checkpoints =
                        commands.iter().map(|command| command.checkpoint.clone()).collect();
                    let acknowledgement = ToRivetAckCommands { last_command_checkpoints };
                    self.line.send(ToRivet::ToRivetAckCommands(acknowledgement));
                }
                for command in commands.iter().filter(|_| self.options.obey) {
                    let (actor, generation) =
                        (&command.checkpoint.actor_id, command.checkpoint.generation);
                    match &command.inner {
                        Command::CommandStartActor(start) => {
                            for socket in &start.hibernating_requests {
                                let open = ToRivetWebSocketOpen { can_hibernate: true };
                                let kind = ToClient::ToRivetWebSocketOpen(open);
                                self.line.restart(socket.gateway_id, socket.request_id, kind);
                            }
                            self.line.running(actor, generation);
                        }
                        Command::CommandStopActor(_) => {
                            self.line.stopped(actor, generation, StopCode::Ok, None);
                        }
                    }
                }
            }
            ToEnvoy::ToEnvoyTunnelMessage(message) if self.options.serve => self.serve(message),
            _ => {}
        }
    }

    fn serve(&self, message: &ToEnvoyTunnelMessage) {
        let id = &message.message_id;
        match &message.message_kind {
            FromClient::ToEnvoyRequestStart(request) => {
                let body = format!("{} {}", request.method, request.path).into_bytes();
                let headers = HashMap::from([("content-type".to_owned(), "text/plain".to_owned())]);
                let start =
                    ToRivetResponseStart { status: 200, headers, body: Some(body), stream: false };
                self.line.tunnel(id, ToClient::ToRivetResponseStart(start));
            }
            FromClient::ToEnvoyWebSocketOpen(_) => {
                let open = ToRivetWebSocketOpen { can_hibernate: self.options.hibernate };
                self.line.tunnel(id, ToClient::ToRivetWebSocketOpen(open));
            }
            FromClient::ToEnvoyWebSocketMessage(said) => {
                if self.options.hibernate {
                    let acknowledgement = ToRivetWebSocketMessageAck { index: id.message_index };
                    self.line.tunnel(id, ToClient::ToRivetWebSocketMessageAck(acknowledgement));
                }
                let echo = ToRivetWebSocketMessage { data: said.data.clone(), binary: said.binary };
                self.line.tunnel(id, ToClient::ToRivetWebSocketMessage(echo));
            }
            FromClient::ToEnvoyWebSocketClose(close) => {
                let close = ToRivetWebSocketClose {
                    code: close.code,
                    reason: close.reason.clone(),
                    hibernate: false,
                };
                self.line.tunnel(id, ToClient::ToRivetWebSocketClose(close));
            }
            _ => {}
        }
    }
}
