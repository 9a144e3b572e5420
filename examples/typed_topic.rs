//! Code and clients talk in one room, the code in its own types:
//! `cargo run -p parlour-examples --bin typed_topic`.
//!
//! Thermometers publish readings through `/ws`. The program gets each as a [`Reading`] and publishes an
//! alarm of its own when one is too high; whoever is in the room sees both. As a thermometer:
//!
//! ```sh
//! curl -sX POST -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:8080/ticket
//! websocat --protocol parlour.v1 'ws://127.0.0.1:8080/ws?otp=SECRET&room=lab'
//! {"t":"publish","room":"lab","type":"reading","payload":{"celsius":31.5}}
//! ```

use axum::Router;
use parlour::{Doors, EntryKind, Hub, HubConfig, RoomName, Topic, TopicConfig};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Reading {
    celsius: f64,
}

#[derive(Deserialize, Serialize)]
struct Alarm {
    of: String,
    celsius: f64,
}

/// A view of the room that has the entries of one kind. Clients may publish such kinds, too.
async fn topic<T>(hub: &Hub, kind: &str) -> Result<Topic<T>, Box<dyn std::error::Error>>
where
    T: Serialize + for<'a> Deserialize<'a> + Send + Sync + 'static,
{
    let kind = EntryKind::new(kind)?;
    let config = TopicConfig {
        kind,
        ..TopicConfig::default()
    };
    Ok(hub.topic_with(RoomName::new("lab")?, config).await?)
}

/// Until the topic is closed, or the hub has ended.
async fn watch(readings: Topic<Reading>, alarms: Topic<Alarm>) {
    let Ok(mut stream) = readings.subscribe() else {
        return;
    };
    while let Some(delivery) = stream.next().await {
        match delivery {
            Ok(item) if item.value.celsius > 30.0 => {
                let (of, celsius) = (item.from.to_string(), item.value.celsius);
                if let Err(error) = alarms.publish(&Alarm { of, celsius }).await {
                    eprintln!("no alarm: {error}");
                }
            }
            Ok(_) => {}
            Err(lost) => eprintln!("{lost}"), // too slow, or no reading at all
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(address).await?;
    let hub = Hub::start(HubConfig::default())?;
    let doors = Doors::new(&hub, listener.local_addr()?);
    tokio::spawn(watch(
        topic(&hub, "reading").await?,
        topic(&hub, "alarm").await?,
    ));

    println!("http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    parlour::serve(listener, Router::new().merge(doors.routes()), stop).await;
    hub.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
