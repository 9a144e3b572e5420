//! A page in the manner of the seeds' pages, and one that shows text as text.

use super::Fault;
use super::http::Reply;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";

pub(super) fn answer(fault: Option<Fault>, path: &str) -> Reply {
    let is = |it: Fault| fault == Some(it);
    let (kind, body) = match path {
        "/" => ("text/html; charset=utf-8", page(is(Fault::ForeignScript))),
        "/app.js" => (
            "text/javascript; charset=utf-8",
            script(is(Fault::InnerHtml), is(Fault::FixedSocketAddress)),
        ),
        "/assets/" | "/tests/" if is(Fault::ListsDirectories) => {
            let listing = r#"<pre><a href="app.js">app.js</a></pre>"#;
            ("text/html", listing.to_owned())
        }
        _ => return Reply::new(404, "Not found\n"),
    };
    let mut reply = Reply::new(200, body).with("Content-Type", kind);
    if !is(Fault::NoContentPolicy) {
        reply = reply.with("Content-Security-Policy", POLICY);
    }
    if !is(Fault::NoNosniff) {
        reply = reply.with("X-Content-Type-Options", "nosniff");
    }
    reply
}

fn page(has_foreign_script: bool) -> String {
    let script = if has_foreign_script {
        r#"<script src="http://scripts.example/jquery.js"></script>"#
    } else {
        ""
    };
    format!(
        r#"<!doctype html><ul id="messages"></ul>{script}<script type="module" src="/app.js"></script>"#
    )
}

fn script(has_markup: bool, has_fixed_address: bool) -> String {
    let show = if has_markup {
        "item.innerHTML = text"
    } else {
        "item.textContent = text"
    };
    let address = if has_fixed_address {
        r#""wss://chat.example/ws""#
    } else {
        r#"location.origin.replace(/^http/, "ws") + "/ws""#
    };
    format!("const socket = new WebSocket({address});\nfunction show(item, text) {{ {show}; }}\n")
}
