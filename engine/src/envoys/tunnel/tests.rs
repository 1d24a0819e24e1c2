//! What apps say, and who hears it.

use super::*;

/// The app says something of this size to whoever has the tunnel.
fn message(tunnel: &Tunnel, size: usize) -> protocol::ToRivetTunnelMessage {
    let message = protocol::ToRivetWebSocketMessage { data: vec![7; size], binary: true };
    let message_id = protocol::MessageId {
        gateway_id: tunnel.tunnels.0.gateway_id,
        request_id: tunnel.request_id,
        message_index: 0,
    };
    let message_kind = protocol::ToRivetTunnelMessageKind::ToRivetWebSocketMessage(message);
    protocol::ToRivetTunnelMessage { message_id, message_kind }
}

/// A tunnel to some actor, and the namespace that the actor lives in.
fn opened(tunnels: &Tunnels) -> (Id, Tunnel) {
    let home = Id::random(1);
    (home, tunnels.open(Id::random(1), home))
}

fn size_of(read: Result<protocol::ToRivetTunnelMessageKind, TunnelOverflow>) -> usize {
    size_of_message(&read.unwrap()) - MESSAGE_BYTES
}

#[tokio::test]
async fn whoever_waits_reads_what_the_app_says_in_its_order() {
    let tunnels = Tunnels::default();
    let (home, mut tunnel) = opened(&tunnels);
    let said = [1, 2, 3].map(|size| message(&tunnel, size));
    let reading = tokio::spawn(async move {
        [tunnel.recv().await, tunnel.recv().await, tunnel.recv().await].map(size_of)
    });
    tokio::task::yield_now().await;

    for message in said {
        tunnels.deliver(home, message);
        tokio::task::yield_now().await;
    }

    assert_eq!(reading.await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_loses_the_tunnel_and_what_waits_in_it() {
    let tunnels = Tunnels::default();
    let (home, mut tunnel) = opened(&tunnels);

    for _ in 0..2 {
        tunnels.deliver(home, message(&tunnel, QUEUE_BYTES / 2 + 1));
    }

    assert!(tunnel.inbox.lock().messages.is_empty());
    assert_eq!(tunnel.recv().await.unwrap_err(), TunnelOverflow);
    tunnels.deliver(home, message(&tunnel, 1));
    assert_eq!(tunnel.try_recv().unwrap().unwrap_err(), TunnelOverflow);
}

#[tokio::test]
async fn one_message_is_taken_however_large_it_is() {
    let tunnels = Tunnels::default();
    let (home, mut tunnel) = opened(&tunnels);

    tunnels.deliver(home, message(&tunnel, QUEUE_BYTES + 1));

    assert_eq!(size_of(tunnel.recv().await), QUEUE_BYTES + 1);
}

#[tokio::test]
async fn an_envoy_of_another_namespace_has_nothing_to_say_in_a_tunnel_whose_id_it_guessed() {
    let tunnels = Tunnels::default();
    let (home, mut tunnel) = opened(&tunnels);

    tunnels.deliver(Id::random(1), message(&tunnel, 1));
    tunnels.deliver(home, message(&tunnel, 2));

    assert_eq!(size_of(tunnel.recv().await), 2);
    assert!(tunnel.try_recv().is_none());
}

#[tokio::test]
async fn a_tunnel_that_begins_again_still_hears_its_own_namespace_alone() {
    let tunnels = Tunnels::default();
    let (home, mut tunnel) = opened(&tunnels);

    tunnel.restart();
    tunnels.deliver(Id::random(1), message(&tunnel, 1));
    tunnels.deliver(home, message(&tunnel, 2));

    assert_eq!(size_of(tunnel.recv().await), 2);
}
