// A server in this process, for the examples in the documentation.

async fn server() -> Result<String, Box<dyn std::error::Error>> {
    let hub = parlour::Hub::start(parlour::HubConfig::default())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = parlour::Doors::new(&hub, address).routes();
    tokio::spawn(async move {
        let _hub = hub;
        let _ = parlour::serve(listener, routes, std::future::pending()).await;
    });
    Ok(format!("http://{address}"))
}
