//! A Chromium without a window, driven over its DevTools protocol.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::until;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Dropped, it is gone.
pub struct Chromium {
    process: Child,
    /// Its profile: nothing is left of it.
    folder: tempfile::TempDir,
}

/// A page in it.
pub struct Page {
    socket: WebSocketStream<TcpStream>,
    session: String,
    number: u64,
    /// What it told that nobody had asked for.
    events: Vec<Value>,
}

impl Chromium {
    /// `None` where there is none on this machine.
    pub async fn start() -> Option<Chromium> {
        let path = std::env::var_os("PATH")?;
        let places = std::env::split_paths(&path);
        let program =
            places.flat_map(|place| NAMES.map(|name| place.join(name))).find(|file| file.is_file())?;
        let folder = tempfile::tempdir().expect("a folder");
        let process = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--remote-debugging-port=0", "--window-size=1280,900"])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        Some(Chromium { process, folder })
    }

    /// Where it listens: a port, and a path.
    fn address(&self) -> Option<(u16, String)> {
        let file: PathBuf = self.folder.path().join("DevToolsActivePort");
        let text = std::fs::read_to_string(file).ok()?;
        let (port, path) = text.split_once('\n')?;
        Some((port.parse().ok()?, path.trim().to_string())).filter(|(_, path)| !path.is_empty())
    }

    /// A page that has been loaded, of this width.
    pub async fn open(&self, url: &str, width: u32) -> Page {
        until("Chromium listens", || self.address().is_some()).await;
        let (port, path) = self.address().expect("listens");
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
        let address = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tokio_tungstenite::client_async(address, stream).await.expect("shakes hands");
        let mut page = Page { socket, session: String::new(), number: 0, events: Vec::new() };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = page.call("Target.attachToTarget", target).await;
        page.session = attached["sessionId"].as_str().expect("a session").to_string();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({})).await;
        }
        page.resize(width).await;
        page.call("Page.navigate", json!({ "url": url })).await;
        page.until("document.readyState === 'complete'").await;
        page
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Page {
    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let number = self.number;
        let mut message = json!({ "id": number, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(message.to_string())).await.expect("sends");
        loop {
            let answer = self.socket.next().await.expect("Chromium is there").expect("reads");
            let Message::Text(text) = answer else { continue };
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == number {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// What an expression is, in the page.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", parameters).await;
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        for _ in 0..1_000 {
            if self.evaluate(expression).await == true {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let text = self.evaluate("document.body.innerText").await;
        panic!("never: {expression}\n{}", text.as_str().unwrap_or_default());
    }

    /// The text of an element.
    pub async fn text(&mut self, id: &str) -> String {
        let text = self.evaluate(&format!("document.getElementById('{id}').textContent")).await;
        text.as_str().expect("a text").to_string()
    }

    /// Moves the focus to an element, and types.
    pub async fn type_into(&mut self, id: &str, text: &str) {
        self.evaluate(&format!("document.getElementById('{id}').focus()")).await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses a key that has no letter.
    pub async fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            _ => panic!("which number has {key}?"),
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let mut parameters =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                parameters["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", parameters).await;
        }
    }

    /// Makes the window so wide, as a phone's where it is narrow.
    pub async fn resize(&mut self, width: u32) {
        let parameters =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", parameters).await;
    }

    /// What has gone wrong in the page: what it threw, and what the browser refused it.
    pub fn complaints(&self) -> Vec<String> {
        let bad = self.events.iter().filter(|event| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        });
        bad.map(Value::to_string).collect()
    }
}
