//! The dashboard in a browser. Skipped, and it says so, where there is no Chromium.

mod chromium;

use p2pfaas_learner::AgentConfig;
use p2pfaas_node::{AgentSettings, LearnerPlace, SecuritySettings, Settings};

use crate::support::*;
use chromium::{Chromium, Page};

const TOKEN: &str = "0123456789abcdef";

async fn browser() -> Option<Chromium> {
    let found = Chromium::start().await;
    if found.is_none() {
        eprintln!("SKIPPED: there is no Chromium in PATH");
    }
    found
}

async fn live(browser: &Chromium, to: std::net::SocketAddr, width: u32) -> Page {
    let mut page = browser.open(&format!("http://{to}/"), width).await;
    page.until("document.getElementById('connection').dataset.state === 'live'").await;
    page
}

#[tokio::test]
async fn the_policy_is_changed_through_the_form_with_the_token_and_takes_effect() {
    let Some(browser) = browser().await else { return };
    let tokens = format!("configure {TOKEN}").parse().expect("tokens");
    let security = SecuritySettings { tokens, ..SecuritySettings::default() };
    let node = start(Settings { security, ..settings("NoScheduler", &["true"]) }).await;
    let to = node.address();
    let mut page = live(&browser, to, 1280).await;
    page.until("document.getElementById('policy-name').value === 'NoScheduler'").await;
    page.evaluate(
        "(() => { const list = document.getElementById('policy-name'); list.value = 'RejectScheduler'; \
         for (const kind of ['input', 'change']) list.dispatchEvent(new Event(kind, { bubbles: true })); })()",
    )
    .await;
    page.type_into("policy-token", "").await;
    page.press("Enter").await;
    page.until("document.getElementById('policy-result').dataset.state === 'error'").await;
    let said = page.text("policy-result").await;
    assert!(said.contains("401") && said.contains("token with the role configure"), "{said}");
    assert_eq!(post(to, "/function/echo", b"x").await.status, 200, "the policy is as it was");

    page.type_into("policy-token", TOKEN).await;
    page.press("Enter").await;
    page.until("document.getElementById('policy-result').dataset.state === 'done'").await;
    page.until("document.getElementById('policy-now').textContent === 'RejectScheduler'").await;
    assert_eq!(get(to, "/configuration/scheduler").await.json()["name"], "RejectScheduler");
    let answer = post(to, "/function/echo", b"x").await;
    assert_eq!((answer.status, answer.header("X-P2pfaas-Scheduler")), (503, Some("RejectScheduler")));
    // What was refused for want of a token is all that the browser complains of.
    let complaints = page.complaints();
    assert!(complaints.iter().all(|complaint| complaint.contains("401")), "{complaints:?}");
    let kept =
        page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])").await;
    assert_eq!(kept, "[{},{},\"\"]", "the token stays in its field");
    node.shutdown().await;
}

#[tokio::test]
async fn the_page_shows_what_goes_on_on_a_phone_too_and_by_the_keyboard() {
    let Some(browser) = browser().await else { return };
    let agent = AgentSettings { config: Some(AgentConfig::default()), ..AgentSettings::default() };
    let learner = LearnerPlace::Here(Box::new(agent));
    let node = start(Settings { learner, ..settings("LearningScheduler", &["1"]) }).await;
    let to = node.address();
    let peers: Vec<String> = (0..100).map(|number| format!("10.255.0.{number}:18080")).collect();
    node.set_peers(peers);
    let mut page = live(&browser, to, 390).await;
    let bypass = [("X-P2pfaas-Scheduler-Bypass", "1")];
    for _ in 0..7 {
        assert_eq!(call(to, "POST", "/function/echo", &bypass, b"x").await.status, 200);
    }
    page.until("document.querySelector('#totals td').textContent === '7'").await;
    page.until("document.querySelectorAll('#peer-rows tr').length === 100").await;
    page.until("document.querySelector('#jobs-chart path.fate-in-time').getAttribute('d').length > 0").await;
    page.until("!document.getElementById('learner').hidden").await;
    for _ in 0..5 {
        post(to, "/function/echo", b"x").await;
    }
    page.until("document.querySelector('#map rect[class^=action]') !== null").await;
    page.type_into("peer-filter", "10.255.0.42").await;
    page.until("document.querySelectorAll('#peer-rows tr').length === 1").await;
    for width in [390, 1280] {
        page.resize(width).await;
        page.until(&format!("innerWidth === {width}")).await;
        let wide = page.evaluate("document.documentElement.scrollWidth").await;
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{wide} in {width}");
    }
    page.evaluate("document.activeElement.blur()").await;
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..40 {
        page.press("Tab").await;
        let focus = page
            .evaluate(
                "(() => { const at = document.activeElement; \
                 return at === document.body ? '' : `${at.id || at.tagName} ${getComputedStyle(at).outlineStyle}`; })()",
            )
            .await;
        let focus = focus.as_str().expect("a text").to_string();
        assert!(focus.is_empty() || focus.ends_with(" solid"), "the focus cannot be seen: {focus}");
        reached.extend(focus.split(' ').next().map(str::to_string));
    }
    for id in ["peer-filter", "peer-state", "policy-name", "policy-submit", "map-x", "SUMMARY"] {
        assert!(reached.contains(id), "{id} in {reached:?}");
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
    node.shutdown().await;
    page.until("document.getElementById('connection').dataset.state !== 'live'").await;
}
