//! Rooms, with who is in them, in an axum application: `cargo run -p parlour-examples --bin embed_axum`,
//! and open the printed address in two windows.

use axum::{Router, response::Html, routing::get};
use parlour::{Doors, Hub, HubConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let listener =
        tokio::net::TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    let hub = Hub::start(HubConfig::default())?;
    let doors = Doors::new(&hub, listener.local_addr()?);
    let page = get(async || Html(include_str!("embed_axum.html")));
    let app = Router::new().route("/", page).merge(doors.routes());
    println!("http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    parlour::serve(listener, app, stop).await;
    hub.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
