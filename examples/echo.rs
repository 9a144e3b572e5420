//! A protocol of one's own on raw connections, here none at all: `cargo run -p parlour-examples --bin echo`,
//! and `websocat ws://127.0.0.1:8080/`. Text comes back as text, binary as binary.

use axum::Router;
use parlour::connections::{Client, Connections};
use parlour::{Doors, Hub, HubConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clients = Connections::builder("echo")
        .on_open(async |client: Client| println!("{} has come", client.id()))
        .on_message(|client: Client, message| async move { client.send(message).await })
        .on_close(async |client: Client, reason| println!("{} has gone: {reason:?}", client.id()))
        .build();

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    let hub = Hub::start(HubConfig::default().connections(&clients))?;
    let doors = Doors::new(&hub, listener.local_addr()?);
    let app = Router::new().route("/", doors.free_door("echo", None));

    println!("ws://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    parlour::serve(listener, app, stop).await;
    hub.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
